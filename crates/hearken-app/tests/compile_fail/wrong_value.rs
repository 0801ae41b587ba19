//! A value that cannot be an answer.
use hearken::app::prelude::*;

fn main() {
    let mut app = App::new();
    app.get("/", async |_req, _res| vec![1.5]);
}

//! A handler takes the request and the response.
use hearken::app::prelude::*;

fn main() {
    let mut app = App::new();
    app.get("/", async |_req| "hello");
}

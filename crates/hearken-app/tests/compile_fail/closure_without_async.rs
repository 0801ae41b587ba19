//! A closure without `async` is no handler.
use hearken::app::prelude::*;

fn main() {
    let mut app = App::new();
    app.get("/", |_req, res| res.end("hello"));
}

//! Middleware goes to `with`, not to `get`.
use hearken::app::prelude::*;

fn main() {
    let mut app = App::new();
    app.get("/", middleware(async |req, res, next| next.run(req, res).await));
}

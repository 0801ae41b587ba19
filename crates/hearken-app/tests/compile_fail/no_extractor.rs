//! An argument that is not made of the request.
use hearken::app::prelude::*;

struct Database;

fn main() {
    let mut app = App::new();
    app.get("/", extract(async |_db: Database| "hello"));
}

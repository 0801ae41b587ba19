//! A type that serde cannot read.
use hearken::app::prelude::*;

struct New {
    title: String,
}

fn main() {
    let mut app = App::new();
    app.post("/", extract(async |Json(new): Json<New>| new.title));
}

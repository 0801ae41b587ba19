//! A type without a schema in a described route.
use hearken::app::prelude::*;

#[derive(serde::Deserialize)]
struct New {
    title: String,
}

fn main() {
    let mut app = App::new();
    app.api("/").post(async |Json(new): Json<New>| new.title);
}

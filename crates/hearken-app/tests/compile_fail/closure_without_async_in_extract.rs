//! A closure without `async` is no function of extractors.
use hearken::app::prelude::*;

fn main() {
    let mut app = App::new();
    app.get("/:id", extract(|Path(id): Path<u64>| format!("{id}")));
}

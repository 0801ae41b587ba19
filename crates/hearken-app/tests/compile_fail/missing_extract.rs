//! A function of extractors becomes a handler by `extract`.
use hearken::app::prelude::*;

fn main() {
    let mut app = App::new();
    app.get("/:id", async |Path(id): Path<u64>, _names: State<Vec<String>>| format!("{id}"));
}

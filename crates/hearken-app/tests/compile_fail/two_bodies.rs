//! Two arguments that read the body.
use hearken::app::prelude::*;

fn main() {
    let mut app = App::new();
    app.post("/", extract(async |_json: Json<u64>, _raw: Bytes| "hello"));
}

//! A handler that ends its response and forgets the proof.
use hearken::app::prelude::*;

fn main() {
    let mut app = App::new();
    app.get("/", async |_req, res| {
        res.set_status(204);
    });
}

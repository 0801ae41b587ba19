//! A response that is used after its end.
use hearken::app::prelude::*;

fn main() {
    let mut app = App::new();
    app.get("/", async |_req, res| {
        let sent = res.end("hello");
        res.set_status(500);
        sent
    });
}

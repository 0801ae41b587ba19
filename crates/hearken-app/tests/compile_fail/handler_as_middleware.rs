//! A handler goes to `get`, not to `with`.
use hearken::app::prelude::*;

fn main() {
    let mut app = App::new();
    app.with(async |_req: IncomingMessage, res: ServerResponse| res.end("hello"));
}

//! A shared value that borrows from `main`.
use hearken::app::prelude::*;

fn main() {
    let name = String::from("ada");
    let mut app = App::new();
    app.get("/", async |_req, res| res.end(name.as_str().to_owned()));
    app.listen("127.0.0.1:0").unwrap();
}

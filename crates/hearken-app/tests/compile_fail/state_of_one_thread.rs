//! A shared value that cannot be shared by threads.
use hearken::app::prelude::*;
use std::rc::Rc;

fn main() {
    let mut app = App::new();
    app.get("/", extract(async |_names: State<Rc<String>>| "hello"));
}

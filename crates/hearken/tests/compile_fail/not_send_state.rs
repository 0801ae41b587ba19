use hearken::Server;
use std::cell::Cell;
use std::rc::Rc;

fn main() {
    let hits = Rc::new(Cell::new(0));
    let _ = Server::new(async move |_req, res| {
        hits.set(hits.get() + 1);
        res.end(hits.get().to_string())
    });
}

use hearken::Server;

fn main() {
    let _ = Server::new(async |_req, res| res.status(201).set("Location", "/notes/1"));
}

use hearken::Server;

fn main() {
    let _ = Server::new(|_req, res| res.end("hi"));
}

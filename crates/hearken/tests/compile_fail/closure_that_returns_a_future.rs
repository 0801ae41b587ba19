use hearken::Server;

fn main() {
    let _ = Server::new(|_req, res| async move { res.end("hi") });
}

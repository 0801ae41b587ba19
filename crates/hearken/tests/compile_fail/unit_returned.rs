use hearken::Server;

fn main() {
    let _ = Server::new(async |_req, res| {
        res.end("hi");
    });
}

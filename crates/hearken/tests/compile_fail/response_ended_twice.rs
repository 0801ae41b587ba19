use hearken::Server;

fn main() {
    let _ = Server::new(async |req, res| {
        if req.path() != "/" {
            res.status(404).end("no such page");
        }
        res.end("hi")
    });
}

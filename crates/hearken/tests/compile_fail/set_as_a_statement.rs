use hearken::Server;

fn main() {
    let _ = Server::new(async |_req, res| {
        res.set("Content-Type", "text/html");
        res.end("<p>hi")
    });
}

use hearken::Server;

fn main() {
    let _ = Server::new(async |_req, res| {
        let sent = res.end("hi");
        res.write("more");
        sent
    });
}

use hearken::Server;

fn main() {
    let hello = async |req, res| res.end(req.path().to_owned());
    let _ = Server::new(hello);
}

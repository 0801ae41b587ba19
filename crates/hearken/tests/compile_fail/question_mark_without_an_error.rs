use hearken::Server;

fn main() {
    let _ = Server::new(async |req, res| {
        let host = req.header("host")?;
        Ok(res.end(host.to_owned()))
    });
}

use hearken::Server;

fn main() {
    let _ = Server::new(async |_req, res| {
        let text = std::fs::read_to_string("page.html")?;
        Ok(res.set("Content-Type", "text/html"))
    });
}

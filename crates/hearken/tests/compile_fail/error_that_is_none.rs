use hearken::Server;

struct NotFound;

fn find(name: &str) -> Result<String, NotFound> {
    if name == "/ada" { Ok(name.to_owned()) } else { Err(NotFound) }
}

fn main() {
    let _ = Server::new(async |req, res| {
        let text = find(req.path())?;
        Ok(res.end(text))
    });
}

use hearken::{IncomingMessage, Sent, Server, ServerResponse};

async fn page(_req: IncomingMessage, res: ServerResponse) -> Result<Sent, std::io::Error> {
    let text = std::fs::read_to_string("page.html")?;
    Ok(res.end(text))
}

fn main() {
    let _ = Server::new(page);
}

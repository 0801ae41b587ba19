use hearken::{IncomingMessage, Sent, Server, ServerResponse};

fn quiet(handler: impl AsyncFn(IncomingMessage, ServerResponse) -> Sent + Send + Sync + 'static) -> Server {
    Server::new(handler).workers(1)
}

fn main() {
    let _ = quiet(async |_req, res| res.end("hi"));
}

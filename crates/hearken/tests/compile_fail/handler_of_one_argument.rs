use hearken::{IncomingMessage, Server};

fn main() {
    let _ = Server::new(async |_req: IncomingMessage| "hi");
}

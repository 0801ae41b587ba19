//! Every event of a server, and those of a request, each a line on standard output. The order in which they come is
//! one, told in docs/events.md.
//!
//! ```sh
//! cargo run --example events
//! curl -d 'some text' http://127.0.0.1:3000/      # Connection, Request, DataReady, Ready, Disconnected
//! curl http://127.0.0.1:3000/panic                # Error: a panic in a handler ends one exchange, not the server
//! printf 'GET / HTTP/1.1\n\n' | nc 127.0.0.1 3000 # ClientError: a line that ends without CR
//! ```

use hearken::prelude::*;

fn main() -> Result<(), Error> {
    let mut server = Server::new(answer);

    // Listeners have one argument each, and its type follows from the event. They run on the workers, in the middle of
    // their work: be quick, and do not block.
    server.on(event::Listening, |address| println!("Listening {address}"));
    server.on(event::Connection, |peer| println!("Connection {peer:?}"));
    server.on(event::Request, |head| {
        println!("Request {} {}", head.method(), head.target())
    });
    server.on(event::ClientError, |failure| {
        println!(
            "ClientError {} after {} bytes",
            failure.error(),
            failure.raw().len()
        );
        // The answer is ours to choose; without this line it is 400 with the fault in words.
        failure
            .answer("HTTP/1.1 400 Not Like This\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    });
    server.on(event::Error, |error| println!("Error {error}"));
    server.on(event::Disconnected, |(peer, why)| {
        println!("Disconnected {peer:?}: {why}")
    });
    server.on(event::Close, |()| println!("Close"));

    server.listen(common::address().as_str())?.run()
}

/// Answers from a listener instead of waiting for the body.
async fn answer(req: IncomingMessage, res: ServerResponse) -> Sent {
    assert!(req.path() != "/panic", "as you asked");

    // The duty to answer goes into a value of its own, which the listener takes with it. Should it be dropped unused,
    // the client gets a 500.
    let (sent, later) = res.defer();
    let mut bytes = 0;

    // Whoever listens to DataReady or Ready reads the body, as fast as it comes, also after the handler has returned.
    req.on(event::DataReady, move |piece| {
        bytes += piece.len();
        println!("  DataReady {} bytes, {bytes} so far", piece.len());
    });
    req.on(event::Ready, move |whole| {
        println!("  Ready, {} trailers", whole.trailers.len());
        later.end("thank you\n");
    });
    req.on(event::Failed, |error| println!("  Failed {error}"));
    sent
}

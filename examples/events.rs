//! Every event of a server, and those of a request, each a line on standard output. The order in which they come is
//! one, told in docs/events.md.
//!
//! ```sh
//! cargo run --example events
//! curl -d 'some text' http://127.0.0.1:3000/      # Connection, Request, DataReady, Ready, HeaderDone, …
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

async fn answer(req: IncomingMessage, res: ServerResponse) -> Sent {
    assert!(req.path() != "/panic", "as you asked");

    // Whoever listens to DataReady or Ready reads the body, as fast as it comes, also after the handler has returned.
    let mut bytes = 0;
    req.on(event::DataReady, move |piece| {
        bytes += piece.len();
        println!("  DataReady {} bytes, {bytes} so far", piece.len());
    });
    req.on(event::Ready, |whole| {
        println!("  Ready, {} trailers", whole.trailers.len());
    });
    req.on(event::Failed, |error| println!("  Failed {error}"));

    // Of the response: each when the transport has taken the bytes, not when they are queued.
    res.on(event::HeaderDone, |()| println!("  HeaderDone"));
    res.on(event::DataDone, |bytes| {
        println!("  DataDone {bytes} bytes")
    });
    res.on(event::Done, |()| println!("  Done"));
    res.end("thank you\n")
}

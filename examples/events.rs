//! Prints every event of a server and of its requests, one line each. docs/events.md describes their order.
//!
//! ```sh
//! cargo run --example events
//! curl -d 'some text' http://127.0.0.1:3000/      # Connection, Request, DataReady, Ready, HeaderDone, …
//! curl http://127.0.0.1:3000/panic                # Error: a panic in a handler ends one exchange, not the server
//! printf 'GET / HTTP/1.1\n\n' | nc 127.0.0.1 3000 # ClientError: a line that ends without CR
//! ```

use hearken::prelude::*;

fn main() -> Result<(), Error> {
    let address = std::env::args().nth(1);
    let mut server = Server::new(answer);

    // A listener has one argument, whose type depends on the event. It runs on the worker that serves the connection, so it
    // must not block.
    server.on(event::Listening, |address| println!("Listening {address}"));
    server.on(event::Connection, |peer| println!("Connection {peer:?}"));
    server.on(event::Request, |head| {
        println!("Request {} {}", head.method(), head.url())
    });
    server.on(event::ClientError, |failure| {
        println!(
            "ClientError {} after {} bytes",
            failure.error(),
            failure.raw().len()
        );
        // Replaces the default response, a 400 that describes the fault.
        failure
            .answer("HTTP/1.1 400 Not Like This\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    });
    server.on(event::HandlerFailed, |failure| {
        println!("HandlerFailed {failure:?}")
    });
    server.on(event::Error, |error| println!("Error {error}"));
    server.on(event::Disconnected, |(peer, why)| {
        println!("Disconnected {peer:?}: {why}")
    });
    server.on(event::Close, |()| println!("Close"));

    server
        .listen(address.as_deref().unwrap_or("127.0.0.1:3000"))?
        .run()
}

async fn answer(req: IncomingMessage, res: ServerResponse) -> Sent {
    assert!(req.path() != "/panic", "as you asked");

    // A listener of DataReady or Ready makes the content flow as fast as it arrives, also after the handler has returned.
    let mut bytes = 0;
    req.on(event::DataReady, move |piece| {
        bytes += piece.len();
        println!("  DataReady {} bytes, {bytes} so far", piece.len());
    });
    req.on(event::Ready, |whole| {
        println!("  Ready, {} trailers", whole.trailers.len());
    });
    req.on(event::Failed, |error| println!("  Failed {error}"));

    // These are emitted when the transport has taken the bytes, not when they are queued.
    res.on(event::HeaderDone, |()| println!("  HeaderDone"));
    res.on(event::DataDone, |bytes| {
        println!("  DataDone {bytes} bytes")
    });
    res.on(event::Done, |()| println!("  Done"));
    res.end("thank you\n")
}

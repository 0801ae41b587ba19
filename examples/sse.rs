//! Server-sent events: a stream for each browser that ends when the browser leaves, and when the server stops.
//!
//! ```sh
//! cargo run --example sse
//! curl -N http://127.0.0.1:3000/events      # or open http://127.0.0.1:3000/ and then press Ctrl-C here: it ends at once
//! ```

use hearken::prelude::*;
use std::time::Duration;

const PAGE: &str = r#"<!doctype html><title>Clock</title><h1></h1><script>
new EventSource("/events").onmessage = event => document.querySelector("h1").textContent = event.data;
</script>"#;

async fn handle(req: IncomingMessage, res: ServerResponse) -> Result<Sent, Failure> {
    if req.path() != "/events" {
        return Ok(res.set("Content-Type", "text/html").end(PAGE));
    }
    let res = res
        .set("Content-Type", "text/event-stream")
        .set("Cache-Control", "no-store");
    // A stream has no end of its own. Without this one it would hold up the end of the server for `limits.time.grace`.
    let mut closing = req.closing();
    for second in 0_u64.. {
        res.write(format!("id: {second}\ndata: {second} s\n\n"));
        res.drain().await?; // an error here means that the browser has left
        tokio::select! {
            () = &mut closing => break,
            () = tokio::time::sleep(Duration::from_secs(1)) => {}
        }
    }
    // `EventSource` connects again after this time, to the next server.
    Ok(res.end("retry: 1000\n\n"))
}

fn main() -> Result<(), Error> {
    let address = std::env::args().nth(1);
    let listening = Server::new(handle).listen(address.as_deref().unwrap_or("127.0.0.1:3000"))?;
    println!("{}", listening.address());
    listening.run()
}

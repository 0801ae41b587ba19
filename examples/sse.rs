//! Server-sent events: a stream for each browser that ends when the browser leaves, and when the server stops.
//!
//! ```sh
//! cargo run --example sse
//! curl -N http://127.0.0.1:3000/events      # or open http://127.0.0.1:3000/ and then press Ctrl-C here: it ends at once
//! ```

use hearken::message::ServerEvent;
use hearken::prelude::*;
use std::time::Duration;

const PAGE: &str = r#"<!doctype html><title>Clock</title><h1></h1><script>
new EventSource("/events").onmessage = event => document.querySelector("h1").textContent = event.data;
</script>"#;

async fn handle(req: IncomingMessage, res: ServerResponse) -> Result<Sent, Failure> {
    if req.path() != "/events" {
        return Ok(res.set("Content-Type", "text/html").end(PAGE));
    }
    // `EventSource` connects again after a second, with the id of the last event.
    let last = req.last_event_id().and_then(|id| id.parse().ok());
    let mut second = last.map_or(0, |last: u64| last + 1);
    let mut events = res.events();
    events
        .send(ServerEvent::retry_after(Duration::from_secs(1)))
        .await?;
    let mut tick = tokio::time::interval(Duration::from_secs(1));
    // It ends when the server stops; otherwise it would hold up that end for `limits.time.grace`.
    while events.wait_for(tick.tick()).await.is_some() {
        let event = ServerEvent::new(format!("{second} s")).id(second.to_string());
        events.send(event).await?; // an error here means that the browser has left
        second += 1;
    }
    Ok(events.end())
}

fn main() -> Result<(), Error> {
    let address = std::env::args().nth(1);
    let listening = Server::new(handle).listen(address.as_deref().unwrap_or("127.0.0.1:3000"))?;
    println!("{}", listening.address());
    listening.run()
}

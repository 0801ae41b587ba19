//! Server-sent events, as a browser's EventSource reads them (HTML standard, "Server-sent events").

use super::coding::ContentCoding;
use super::response::ResponseBuilder;
use super::route::Events;
use hearken::{Failure, IncomingMessage, Sent};
use tokio::time::sleep;

pub(crate) const EVENT_STREAM: &str = "text/event-stream";

/// Sends events with the numbers 1 to `count`. A client that reconnects gets those behind its `Last-Event-ID`; with nothing left
/// it gets a 204, which ends its attempts.
pub(crate) async fn respond(
    events: Events,
    req: IncomingMessage,
    response: ResponseBuilder,
) -> Result<Sent, Failure> {
    let last = req.header("last-event-id").and_then(|id| id.parse().ok());
    let last: u64 = last.unwrap_or_default();
    if last >= events.count {
        return Ok(response.status(204).send_empty());
    }
    let mut stream = response.stream(EVENT_STREAM, None, ContentCoding::Identity);
    if stream.is_head_only() {
        return stream.end();
    }
    let mut closing = req.closing();
    for number in last + 1..=events.count {
        if number > last + 1 {
            tokio::select! {
                () = sleep(events.interval) => {}
                // The server stops: the client reconnects to its successor.
                () = &mut closing => break,
            }
        }
        let data = serde_json::json!({ "id": number, "of": events.count });
        stream
            .write(format!("id: {number}\ndata: {data}\n\n"))
            .await?;
    }
    stream.end()
}

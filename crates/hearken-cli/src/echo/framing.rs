//! Responses that show how HTTP/1.1 frames messages: trailers, a truncated response, interim responses.

use super::coding::ContentCoding;
use super::response::{ResponseBuilder, TEXT};
use super::route::Cut;
use hearken::{Failure, IncomingMessage, Sent};
use serde_json::json;

/// Sends the trailers of the request as content, with the digest of that content as a trailer (RFC 9530 §2).
pub(crate) async fn trailers(
    mut req: IncomingMessage,
    response: ResponseBuilder,
) -> Result<Sent, Failure> {
    let mut bytes = 0;
    while let Some(piece) = req.data().await? {
        bytes += piece.len();
    }
    let trailers = req.trailers();
    let content = super::json::pretty(&json!({
        "trailers": super::json::FieldObject(trailers.view()),
        "bytes": bytes,
    }));
    Ok(response.send_with_digest(super::json::JSON, content))
}

/// Sends the first bytes of a longer response, then closes the connection.
pub(crate) async fn cut(cut: Cut, response: ResponseBuilder) -> Result<Sent, Failure> {
    let mut stream = response.stream(TEXT, cut.length, ContentCoding::Identity);
    if stream.is_head_only() {
        return stream.end();
    }
    stream.write(vec![b'*'; cut.bytes]).await?;
    Err(Failure::new(500, "broken off, as it was asked for"))
}

/// Sends two interim responses and a final one (RFC 9110 §15.2); to HTTP/1.0 the final one only.
pub(crate) fn information(response: ResponseBuilder) -> Result<Sent, Failure> {
    let response = response.send_interim("</plaintext>; rel=preload; as=fetch")?;
    Ok(response.send(TEXT, "this is what 102 and 103 came before\n"))
}

//! Answers that show how HTTP frames them: with trailers, broken off, and behind interim responses.

use super::call::Cut;
use super::coding::Coding;
use super::reply::{Reply, TEXT};
use hearken::{Error, IncomingMessage, Sent};
use serde_json::json;

/// The trailers that came, in an answer that has one of its own: the digest of its content (RFC 9530 §2).
pub(crate) async fn trailers(mut req: IncomingMessage, reply: Reply) -> Result<Sent, Error> {
    let mut bytes = 0;
    while let Some(piece) = req.data().await? {
        bytes += piece.len();
    }
    let trailers = req.trailers();
    let content = super::pretty(&json!({
        "trailers": super::AsSent(trailers.view()),
        "bytes": bytes,
    }));
    Ok(reply.with_digest(super::JSON, content))
}

/// The first bytes of an answer that has more, and then the connection breaks off.
pub(crate) async fn cut(cut: Cut, reply: Reply) -> Result<Sent, Error> {
    let mut stream = reply.stream(TEXT, cut.length, Coding::Identity);
    if stream.is_head_only() {
        return stream.end();
    }
    stream.write(vec![b'*'; cut.bytes]).await?;
    Err(Error::new(500, "broken off, as it was asked for"))
}

/// Two interim responses and then the answer (RFC 9110 §15.2). HTTP/1.0 gets the answer alone.
pub(crate) fn information(reply: Reply) -> Result<Sent, Error> {
    let reply = reply.interim("</plaintext>; rel=preload; as=fetch")?;
    Ok(reply.whole(TEXT, "this is what 102 and 103 came before\n"))
}

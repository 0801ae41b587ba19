//! Request bodies with a content coding (RFC 9110 §8.4), decoded for handlers that ask for it. Feature `decompress`.
//!
//! Here: [`IncomingMessage::decoded_bytes`]. Not here: the codings (`message/decode.rs`), the bodies of responses, which a client
//! decodes by itself (`fetch/fetched.rs`).

use super::collect::Collector;
use super::decode::{ACCEPTED, DecodeError, Decoding, only_coding};
use super::incoming::IncomingMessage;
use crate::error::Error;
use bytes::Bytes;

/// Input that may come beyond the limit on the output: heads of codings, and content that does not shrink.
const OVERHEAD: u64 = 64 * 1024;

impl IncomingMessage {
    /// Collects the whole body and undoes its Content-Encoding: gzip, deflate, br, and zstd with the feature `decompress-zstd`. Without
    /// one it is [`bytes_up_to`](Self::bytes_up_to). The field stays as it was sent.
    ///
    /// **Bombs.** `max` bounds what comes out; beyond 1 MiB the content may be at most 100 times as large as what was received. At most
    /// one coding is undone. Windows are bounded: 32 KiB for gzip and deflate, 16 MiB for br, 8 MiB for zstd.
    ///
    /// ```
    /// use hearken::Server;
    /// let server = Server::new(async |mut req, res| {
    ///     let body = req.decoded_bytes(1 << 20).await?;
    ///     Ok(res.end(format!("{} bytes\n", body.len())))
    /// });
    /// ```
    ///
    /// # Errors
    /// As [`bytes`](Self::bytes). With status 415 and the code `encoding.unsupported` for a coding that is not known here, or for
    /// more than one: respond with the field [`ACCEPT_ENCODING`](Self::ACCEPT_ENCODING). With 400 and `encoding.invalid` for a body
    /// that is not what its coding says, with 413 above a limit.
    #[doc(alias = "inflate")]
    pub async fn decoded_bytes(&mut self, max: u64) -> Result<Bytes, Error> {
        let lines = self.raw_headers();
        let Ok(coding) = only_coding(lines.get_all("content-encoding")) else {
            let text = format!("expected at most one Content-Encoding, one of {ACCEPTED}");
            return Err(Error::coded(415, "encoding.unsupported", text));
        };
        let Some(mut decoding) = coding.and_then(|coding| Decoding::new(&[coding])) else {
            return self.bytes_up_to(max).await;
        };
        let mut all = Collector::new(None);
        let mut received = 0;
        loop {
            while let Some(piece) = decoding.next().map_err(|error| refused(&error))? {
                if (all.len() + piece.len()) as u64 > max {
                    return Err(Error::too_large(max));
                }
                all.push(piece);
            }
            let Some(piece) = self.data().await? else {
                decoding.finish().map_err(|error| refused(&error))?;
                return Ok(all.finish());
            };
            received += piece.len() as u64;
            if received > max.saturating_add(OVERHEAD) {
                return Err(Error::too_large(max));
            }
            decoding.feed(piece);
        }
    }

    /// The codings that [`decoded_bytes`](Self::decoded_bytes) undoes, as the value of an Accept-Encoding field: a response with
    /// status 415 names them by it (RFC 9110 §12.5.3).
    pub const ACCEPT_ENCODING: &'static str = ACCEPTED;
}

fn refused(error: &DecodeError) -> Error {
    let text = error.to_string();
    match error {
        DecodeError::Bomb { .. } => Error::coded(413, "entity.too.large", text),
        DecodeError::Broken(_) | DecodeError::Truncated(_) | DecodeError::Trailing(_) => {
            Error::coded(400, "encoding.invalid", text)
        }
    }
}

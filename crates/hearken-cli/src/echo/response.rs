//! The response of one exchange: fields that all responses have, and compression.
//!
//! Here: [`ResponseBuilder`] until the head is sent, [`ResponseStream`] for content that is sent in pieces. Not here: the
//! choice of a content coding (`coding.rs`), what the endpoints send (`mod.rs`, `streams.rs`).

use super::coding::{AcceptEncoding, ContentCoding};
use super::route::Rejection;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use hearken::message::Upgrading;
use hearken::{
    Bytes, Error, Failure, Fields, IncomingMessage, Method, OutgoingMessage, Sent, ServerResponse,
};
use sha2::{Digest, Sha256};
use std::io::Write;
use std::sync::LazyLock;

/// A response whose head is not sent yet.
#[derive(Debug)]
pub(crate) struct ResponseBuilder {
    res: ServerResponse,
    status: u16,
    accept: AcceptEncoding,
    /// The connection uses TLS.
    secure: bool,
    /// The request is a HEAD: the content is not sent.
    head_only: bool,
    /// The response depends on the Origin field.
    varies_by_origin: bool,
}

/// Fields of all responses: they depend on the moment, echoed content must not be taken for a page, and pages of any origin may
/// read them (`cors.rs`).
static ALWAYS: LazyLock<Fields> = LazyLock::new(|| {
    let mut fields = Fields::new();
    let legal = fields
        .append("Cache-Control", "no-store")
        .and_then(|()| fields.append("X-Content-Type-Options", "nosniff"))
        .and_then(|()| fields.append(ALLOW_ORIGIN, "*"));
    legal.expect("legal by construction");
    fields
});

const ALLOW_ORIGIN: &str = "Access-Control-Allow-Origin";
const DIGEST: &str = "Content-Digest";
/// Content that is compressed at once: it takes some tenths of a millisecond.
const GZIP_STEP: usize = 8 * 1024;
/// Below this size gzip makes most content larger.
const GZIP_BYTES_MIN: usize = 256;

impl ResponseBuilder {
    pub(crate) fn new(req: &IncomingMessage, res: ServerResponse) -> Self {
        Self {
            res: res.append_all(&ALWAYS),
            status: 200,
            accept: AcceptEncoding::of(req),
            secure: req.peer().tls().is_some(),
            head_only: req.method() == Method::HEAD,
            varies_by_origin: false,
        }
    }

    /// Allows this origin, with its cookies and credentials, to read the response.
    pub(crate) fn allow_origin(mut self, origin: &[u8]) -> Self {
        self.varies_by_origin = true;
        let response = self.set(ALLOW_ORIGIN, origin);
        response.append("Access-Control-Allow-Credentials", "true")
    }

    /// Allows no other origin to read the response.
    pub(crate) fn same_origin_only(mut self) -> Self {
        self.varies_by_origin = false;
        for name in [ALLOW_ORIGIN, "Access-Control-Allow-Credentials"] {
            self.res.remove_header(name);
        }
        self.append("Cross-Origin-Resource-Policy", "same-origin")
    }

    /// Whether the client accepts gzip or identity.
    pub(crate) fn is_acceptable(&self) -> bool {
        self.accept.choose(ContentCoding::Identity).is_ok()
    }

    pub(crate) fn status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// Adds a field. No endpoint adds one twice.
    pub(crate) fn append(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.res = self.res.append(name, value);
        self
    }

    /// Replaces a field.
    pub(crate) fn set(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.res = self.res.set(name, value);
        self
    }

    /// Sends a response without content.
    pub(crate) fn send_empty(self) -> Sent {
        let response = if self.varies_by_origin {
            self.append("Vary", "Origin")
        } else {
            self
        };
        response.res.status(response.status).end("")
    }

    /// Sends all content at once, compressed if the client accepts that and the content is large enough.
    pub(crate) fn send(self, content_type: &str, content: impl Into<Bytes>) -> Sent {
        let content = content.into();
        let preferred = if content.len() >= GZIP_BYTES_MIN {
            ContentCoding::Gzip
        } else {
            ContentCoding::Identity
        };
        self.finish(content_type, content, preferred)
    }

    /// As [`send`](Self::send), compressed whatever the size: for the endpoint that demonstrates it.
    pub(crate) fn send_compressed(self, content_type: &str, content: impl Into<Bytes>) -> Sent {
        self.finish(content_type, content.into(), ContentCoding::Gzip)
    }

    fn finish(self, content_type: &str, content: Bytes, preferred: ContentCoding) -> Sent {
        let (response, coding) = self.negotiate(preferred);
        let content = encode(content, coding);
        let res = response.res.status(response.status);
        res.append("Content-Type", content_type).end(content)
    }

    /// Sends content in chunks, with its digest in a trailer (RFC 9530 §2). HTTP/1.0 clients get neither.
    pub(crate) fn send_with_digest(self, content_type: &str, content: impl Into<Bytes>) -> Sent {
        let (response, coding) = self.negotiate(ContentCoding::Identity);
        let content = encode(content.into(), coding);
        let mut trailers = Fields::new();
        let digest = STANDARD.encode(Sha256::digest(&content));
        // Base64 between colons is a valid field value, so this cannot fail.
        trailers
            .append(DIGEST, format!("sha-256=:{digest}:"))
            .unwrap_or_default();
        let res = response.res.status(response.status);
        let res = res.append("Trailer", DIGEST);
        let res = res.append("Content-Type", content_type);
        res.write(content);
        res.end_with_trailers(&trailers)
    }

    /// Switches to a protocol that the request offers.
    pub(crate) fn upgrade(self, protocol: &str) -> Result<(Sent, Upgrading), Error> {
        self.res.upgrade(protocol)
    }

    /// Sends `102 Processing`, and `103 Early Hints` with this link.
    pub(crate) fn send_interim(self, link: &str) -> Result<Self, Error> {
        self.res.write_processing()?;
        self.res.write_early_hints([link])?;
        Ok(self)
    }

    /// Sends an error status with the reason as text.
    pub(crate) fn reject(self, rejection: &Rejection) -> Sent {
        let response = match rejection.allow {
            Some(allow) => self.append("Allow", allow),
            None => self,
        };
        let text = format!("{}\n", rejection.text);
        response.status(rejection.status).send(TEXT, text)
    }

    /// Starts a response whose content is sent in pieces. A known length is sent unless the content is compressed.
    /// `preferred` is identity for content that gzip does not make smaller.
    pub(crate) fn stream(
        self,
        content_type: impl AsRef<[u8]>,
        length: Option<u64>,
        preferred: ContentCoding,
    ) -> ResponseStream {
        let (response, coding) = self.negotiate(preferred);
        response.start(content_type.as_ref(), length, coding)
    }

    /// As [`stream`](Self::stream), for content that is encoded already.
    pub(crate) fn stream_encoded(
        self,
        content_type: &[u8],
        coding: &[u8],
        length: Option<u64>,
    ) -> ResponseStream {
        let response = if self.varies_by_origin {
            self.append("Vary", "Origin")
        } else {
            self
        };
        let response = response.append("Content-Encoding", coding);
        response.start(content_type, length, ContentCoding::Identity)
    }

    fn start(
        self,
        content_type: &[u8],
        length: Option<u64>,
        coding: ContentCoding,
    ) -> ResponseStream {
        let response = match (coding, length) {
            (ContentCoding::Identity, Some(length)) => {
                self.append("Content-Length", length.to_string())
            }
            _ => self,
        };
        let response = response.append("Content-Type", content_type);
        response.res.set_status(response.status);
        ResponseStream {
            response,
            gzip: (coding == ContentCoding::Gzip).then(encoder),
        }
    }

    /// Chooses the content coding and adds the fields for it. Over TLS, gzip is sent only to a client that accepts nothing
    /// else, which a page cannot make a browser do: where a response echoes an attacker's text beside a secret, the
    /// compressed length reveals the secret (BREACH).
    fn negotiate(self, preferred: ContentCoding) -> (Self, ContentCoding) {
        let preferred = if self.secure {
            ContentCoding::Identity
        } else {
            preferred
        };
        // Only error responses are sent to a client that accepts neither.
        let coding = self
            .accept
            .choose(preferred)
            .unwrap_or(ContentCoding::Identity);
        let vary = if self.varies_by_origin {
            "Accept-Encoding, Origin"
        } else {
            "Accept-Encoding"
        };
        let response = self.append("Vary", vary);
        match coding {
            ContentCoding::Identity => (response, coding),
            ContentCoding::Gzip => (response.append("Content-Encoding", "gzip"), coding),
        }
    }
}

pub(crate) const TEXT: &str = "text/plain; charset=utf-8";

/// A response whose content is sent in pieces.
#[derive(Debug)]
pub(crate) struct ResponseStream {
    response: ResponseBuilder,
    gzip: Option<GzEncoder<Vec<u8>>>,
}

impl ResponseStream {
    /// Whether the request is a HEAD: the response can end without content.
    pub(crate) fn is_head_only(&self) -> bool {
        self.response.head_only
    }

    /// Sends a piece and flushes the compression, so that the client can decode the piece before the next one is sent. Waits
    /// while the client does not read. Compresses in small steps, and lets other connections go on between two of them.
    pub(crate) async fn write(&mut self, piece: impl Into<Bytes>) -> Result<(), Error> {
        let mut piece = piece.into();
        let Some(gzip) = &mut self.gzip else {
            self.response.res.write(piece);
            return self.response.res.drain().await;
        };
        while !piece.is_empty() {
            let step = piece.split_to(piece.len().min(GZIP_STEP));
            gzip.write_all(&step)?;
            if piece.is_empty() {
                gzip.flush()?;
            }
            let compressed = std::mem::take(gzip.get_mut());
            if !compressed.is_empty() {
                self.response.res.write(compressed);
            }
            self.response.res.drain().await?;
        }
        Ok(())
    }

    pub(crate) fn end(self) -> Result<Sent, Failure> {
        let Self { response, gzip } = self;
        // Without this, `end` alone would send a Content-Length of the last piece.
        response.res.flush_headers();
        let last: Bytes = match gzip {
            Some(gzip) if !response.head_only => gzip.finish()?.into(),
            _ => Bytes::new(),
        };
        Ok(response.res.end(last))
    }
}

/// 204 and 304 cannot have content; 205 must not (RFC 9110 §15.3.6).
pub(crate) const fn has_no_content(status: u16) -> bool {
    matches!(status, 204 | 205 | 304)
}

fn encoder() -> GzEncoder<Vec<u8>> {
    GzEncoder::new(Vec::new(), Compression::default())
}

fn encode(content: Bytes, coding: ContentCoding) -> Bytes {
    if coding == ContentCoding::Identity {
        return content;
    }
    let mut gzip = encoder();
    // Writing to a `Vec` cannot fail.
    let written = gzip.write_all(&content).and_then(|()| gzip.finish());
    written.unwrap_or_default().into()
}

//! One answer as it is made: what all answers have in common, and its compression.
//!
//! Here: [`Reply`] before the head, [`Stream`] for content that comes piece by piece. Not here: which coding the client
//! wants (`coding.rs`), what is answered (`mod.rs`, `streams.rs`).

use super::call::Problem;
use super::coding::{Accepts, Coding};
use crate::access::Record;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use hearken::message::Upgrading;
use hearken::{Bytes, Error, Fields, IncomingMessage, Sent, ServerResponse};
use sha2::{Digest, Sha256};
use std::io::Write;
use std::rc::Rc;

/// An answer of which nothing is out.
#[derive(Debug)]
pub(crate) struct Reply {
    res: ServerResponse,
    status: u16,
    accepts: Accepts,
    /// The connection has TLS.
    secure: bool,
    /// To HEAD there is no content, and no need to make it.
    head_only: bool,
    record: Option<Rc<Record>>,
}

const DIGEST: &str = "Content-Digest";
/// Below this many bytes gzip makes most content larger.
const GZIP_BYTES_MIN: usize = 256;

impl Reply {
    pub(crate) fn new(
        req: &IncomingMessage,
        res: ServerResponse,
        record: Option<Rc<Record>>,
    ) -> Self {
        let fields = req.raw_headers();
        let lines = fields
            .iter()
            .filter(|(name, _)| name.eq_ignore_ascii_case(b"accept-encoding"));
        Self {
            // What is answered depends on the moment, and what is reflected must never be taken for a page.
            res: res
                .set("Cache-Control", "no-store")
                .set("X-Content-Type-Options", "nosniff"),
            status: 200,
            accepts: Accepts::read(lines.map(|(_, value)| value)),
            secure: req.peer().tls().is_some(),
            head_only: req.head().method() == "HEAD",
            record,
        }
    }

    /// Whether the client takes any coding that we speak.
    pub(crate) fn can_be_coded(&self) -> bool {
        self.accepts.choose(Coding::Identity).is_ok()
    }

    pub(crate) fn status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    pub(crate) fn set(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.res = self.res.set(name, value);
        self
    }

    /// Without content.
    pub(crate) fn empty(self) -> Sent {
        self.record_status();
        self.res.status(self.status).end("")
    }

    /// With content that is there as a whole. Little of it is not worth compressing.
    pub(crate) fn whole(self, content_type: &str, content: impl Into<Bytes>) -> Sent {
        let content = content.into();
        let worth = content.len() >= GZIP_BYTES_MIN;
        self.finish(content_type, content, worth)
    }

    /// As [`whole`](Self::whole), compressed however little it is: for what is there to show it.
    pub(crate) fn whole_always(self, content_type: &str, content: impl Into<Bytes>) -> Sent {
        self.finish(content_type, content.into(), true)
    }

    fn finish(self, content_type: &str, content: Bytes, worth: bool) -> Sent {
        let better = if worth {
            Coding::Gzip
        } else {
            Coding::Identity
        };
        let (reply, coding) = self.coded(better);
        let content = match coding {
            Coding::Identity => content,
            Coding::Gzip => gzipped(&content),
        };
        reply.record_status();
        reply.record_bytes(content.len());
        let res = reply.res.status(reply.status);
        res.set("Content-Type", content_type).end(content)
    }

    /// In chunks, with the digest of the content in a trailer (RFC 9530 §2). Old clients get neither.
    pub(crate) fn with_digest(self, content_type: &str, content: impl Into<Bytes>) -> Sent {
        let (reply, coding) = self.coded(Coding::Identity);
        let content = match coding {
            Coding::Identity => content.into(),
            Coding::Gzip => gzipped(&content.into()),
        };
        reply.record_status();
        reply.record_bytes(content.len());
        let mut trailers = Fields::new();
        let digest = STANDARD.encode(Sha256::digest(&content));
        // Base64 between colons: there is nothing that a field could not say.
        trailers
            .append(DIGEST, format!("sha-256=:{digest}:"))
            .unwrap_or_default();
        let res = reply.res.status(reply.status).set("Trailer", DIGEST);
        let res = res.set("Content-Type", content_type);
        res.write(content);
        res.end_with_trailers(&trailers)
    }

    /// Switches to another protocol, which the request has offered.
    pub(crate) fn switch(self, protocol: &str) -> Result<(Sent, Upgrading), Error> {
        let reply = self.status(101);
        reply.record_status();
        reply.res.upgrade(protocol)
    }

    /// Says `102 Processing`, and `103 Early Hints` with this link, before anything else.
    pub(crate) fn interim(self, link: &str) -> Result<Self, Error> {
        self.res.write_processing()?;
        self.res.write_early_hints([link])?;
        Ok(self)
    }

    /// Says why there is no answer.
    pub(crate) fn problem(self, problem: &Problem) -> Sent {
        let reply = match problem.allow {
            Some(allow) => self.set("Allow", allow),
            None => self,
        };
        let text = format!("{}\n", problem.text);
        reply.status(problem.status).whole(TEXT, text)
    }

    /// With content that comes piece by piece. Its length is told when it is known and stays what it is. `better` is
    /// identity for what gzip does not make smaller.
    pub(crate) fn stream(
        self,
        content_type: impl AsRef<[u8]>,
        length: Option<u64>,
        better: Coding,
    ) -> Stream {
        let (reply, coding) = self.coded(better);
        reply.start(content_type.as_ref(), length, coding)
    }

    fn start(self, content_type: &[u8], length: Option<u64>, coding: Coding) -> Stream {
        let reply = match (coding, length) {
            (Coding::Identity, Some(length)) => self.set("Content-Length", length.to_string()),
            _ => self,
        };
        let reply = reply.set("Content-Type", content_type);
        reply.record_status();
        reply.res.set_status(reply.status);
        Stream {
            reply,
            gzip: (coding == Coding::Gzip).then(encoder),
        }
    }

    /// As [`stream`](Self::stream), for content that has a coding already.
    pub(crate) fn pass(self, content_type: &[u8], coding: &[u8], length: Option<u64>) -> Stream {
        let reply = self.set("Content-Encoding", coding);
        reply.start(content_type, length, Coding::Identity)
    }

    /// Chooses the coding and says so. Over https only whoever refuses everything else gets gzip, which no page in a
    /// browser can make it do: an answer that reflects what a stranger chose, beside what is secret, gives the secret away
    /// by its compressed length (BREACH).
    fn coded(self, better: Coding) -> (Self, Coding) {
        let better = if self.secure {
            Coding::Identity
        } else {
            better
        };
        // Whoever refuses all codings was answered 406 before.
        let coding = self.accepts.choose(better).unwrap_or(Coding::Identity);
        let reply = self.set("Vary", "Accept-Encoding");
        match coding {
            Coding::Identity => (reply, coding),
            Coding::Gzip => (reply.set("Content-Encoding", "gzip"), coding),
        }
    }

    fn record_status(&self) {
        if let Some(record) = &self.record {
            record.set_status(self.status);
        }
    }

    fn record_bytes(&self, bytes: usize) {
        if let Some(record) = self.record.as_ref().filter(|_| !self.head_only) {
            record.add_bytes(bytes);
        }
    }
}

pub(crate) const TEXT: &str = "text/plain; charset=utf-8";

/// Content on its way.
#[derive(Debug)]
pub(crate) struct Stream {
    reply: Reply,
    gzip: Option<GzEncoder<Vec<u8>>>,
}

impl Stream {
    /// Whether nobody wants the content: it can end at once.
    pub(crate) fn is_head_only(&self) -> bool {
        self.reply.head_only
    }

    /// Sends a piece so that it arrives, compressed or not, before the next one is made; waits while the client does not
    /// take it.
    pub(crate) async fn write(&mut self, piece: impl Into<Bytes>) -> Result<(), Error> {
        let piece = piece.into();
        let piece = match &mut self.gzip {
            None => piece,
            Some(gzip) => {
                gzip.write_all(&piece)?;
                gzip.flush()?;
                std::mem::take(gzip.get_mut()).into()
            }
        };
        self.reply.record_bytes(piece.len());
        if !self.reply.res.write(piece) {
            self.reply.res.drain().await?;
        }
        Ok(())
    }

    pub(crate) fn end(self) -> Result<Sent, Error> {
        let Self { reply, gzip } = self;
        // One `end` alone would send a length, and that of nothing.
        reply.res.flush_headers();
        let last: Bytes = match gzip {
            Some(gzip) if !reply.head_only => gzip.finish()?.into(),
            _ => Bytes::new(),
        };
        reply.record_bytes(last.len());
        Ok(reply.res.end(last))
    }
}

fn encoder() -> GzEncoder<Vec<u8>> {
    GzEncoder::new(Vec::new(), Compression::default())
}

fn gzipped(content: &[u8]) -> Bytes {
    let mut gzip = encoder();
    // Writing to a `Vec` cannot fail.
    let written = gzip.write_all(content).and_then(|()| gzip.finish());
    written.unwrap_or_default().into()
}

//! Negotiation of the content coding: the echo server supports gzip and identity.
//!
//! Here: [`AcceptEncoding`] and [`AcceptEncoding::choose`]. Not here: reading the field, which is the library's
//! (`IncomingMessage::accepts_encodings`); the compression itself (`response.rs`).

use hearken::IncomingMessage;

/// What the client accepts of gzip and identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AcceptEncoding {
    /// Its preference; gzip if it has none.
    best: Option<ContentCoding>,
    identity: bool,
}

/// The content coding of one response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ContentCoding {
    Identity,
    Gzip,
}

/// The client accepts neither coding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NotAcceptable;

impl AcceptEncoding {
    pub(crate) fn of(req: &IncomingMessage) -> Self {
        let best = req.accepts_encodings(&["gzip", "identity"]);
        Self {
            best: best.map(|coding| match coding {
                "gzip" => ContentCoding::Gzip,
                _ => ContentCoding::Identity,
            }),
            identity: req.accepts_encodings(&["identity"]).is_some(),
        }
    }

    /// Chooses what the client prefers; `preferred` if it has no preference. If identity is preferred, for content that
    /// gzip does not make smaller, it is chosen whenever it is acceptable.
    pub(crate) fn choose(self, preferred: ContentCoding) -> Result<ContentCoding, NotAcceptable> {
        match preferred {
            ContentCoding::Identity if self.identity => Ok(ContentCoding::Identity),
            _ => self.best.ok_or(NotAcceptable),
        }
    }
}

#[cfg(test)]
mod tests;

//! How values become content: the form of JSON, and entity tags.
//!
//! Here: [`AnswerStyle`], [`ETag`], [`ServerResponse::end_as_value`]. Not here: which values there are (`message/answer.rs`), JSON
//! itself (`message/json_style.rs`).

use crate::message::conditional::{EntityTag, Precondition, Validators};
use crate::message::json_style::JsonStyle;
use crate::message::outgoing::OutgoingMessage;
use crate::message::response::{Sent, ServerResponse};
use bytes::Bytes;

/// How the values of an exchange become content: those that a handler returns, and those of
/// [`ServerResponse::json`](crate::ServerResponse::json). Attached to an exchange ([`ServerResponse::extend`]) by code around handlers, as
/// an application does for its settings. [`ServerResponse::end`] sends what it is given.
///
/// ```
/// use hearken::message::{AnswerStyle, ETag, JsonStyle};
/// use hearken::test::Request;
/// use hearken::{Json, Server, ServerResponse};
///
/// let server = Server::new(async |_req, res: ServerResponse| {
///     res.extend(AnswerStyle::new().json(JsonStyle::new().spaces(1)).etag(ETag::Weak));
///     Json([1, 2])
/// });
/// let response = server.inject(Request::get("/"))?;
/// assert_eq!(response.text(), "[\n 1,\n 2\n]");
/// let tag = response.header("etag").unwrap_or_default();
/// assert_eq!(server.inject(Request::get("/").header("If-None-Match", tag))?.status(), 304);
/// # Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AnswerStyle {
    pub(crate) json: JsonStyle,
    etag: ETag,
}

/// The entity tag of content that is sent in one piece and has none.
///
/// ```
/// use hearken::message::{AnswerStyle, ETag};
/// let style = AnswerStyle::new().etag(ETag::Strong);
/// # let _ = style;
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ETag {
    /// None.
    #[default]
    Off,
    /// A weak one: [`EntityTag::of_content`].
    Weak,
    /// A strong one: [`EntityTag::strong_of_content`].
    Strong,
}

impl AnswerStyle {
    /// JSON in one line, and no entity tags: as without a style.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            json: JsonStyle::new(),
            etag: ETag::Off,
        }
    }

    /// Sets the form of JSON.
    #[must_use]
    pub const fn json(mut self, style: JsonStyle) -> Self {
        self.json = style;
        self
    }

    /// Gives successful responses to GET and HEAD an entity tag, and answers 304 if the client has the content (If-None-Match,
    /// If-Modified-Since). An ETag that the handler has set stays. The content is made before that: a handler for which this takes long
    /// asks [`IncomingMessage::preconditions`](crate::IncomingMessage::preconditions) first.
    #[must_use]
    pub const fn etag(mut self, etag: ETag) -> Self {
        self.etag = etag;
        self
    }
}

impl ETag {
    fn of(self, content: &[u8]) -> Option<EntityTag> {
        match self {
            Self::Off => None,
            Self::Weak => Some(EntityTag::of_content(content)),
            Self::Strong => Some(EntityTag::strong_of_content(content)),
        }
    }
}

impl ServerResponse {
    /// As [`end`](Self::end), for content that is a value: with the entity tag of the [`AnswerStyle`] of this exchange, and 304 if the
    /// client has it. Without a style it is `end`.
    ///
    /// For implementations of [`Answer`](crate::Answer).
    ///
    /// ```
    /// use hearken::{Answer, Sent, ServerResponse};
    /// struct Csv(String);
    /// impl Answer for Csv {
    ///     fn answer(self, res: ServerResponse) -> Sent {
    ///         res.set("Content-Type", "text/csv").end_as_value(self.0)
    ///     }
    /// }
    /// ```
    pub fn end_as_value(self, content: impl Into<Bytes>) -> Sent {
        let content = content.into();
        let etag = self
            .extension::<AnswerStyle>()
            .map_or(ETag::Off, |style| style.etag);
        let reads = matches!(self.request_head().method_bytes(), b"GET" | b"HEAD");
        if etag == ETag::Off || !reads || !self.status_code().is_success() {
            return self.end(content);
        }
        let now = self.exchange.env.clock.wall();
        let own = Validators::of_fields(self.raw_headers().view(), now);
        let validators = match (self.has_header("etag"), etag.of(&content)) {
            (false, Some(tag)) => own.etag(tag),
            _ => own,
        };
        // If-Match and If-Unmodified-Since do not count: the content is made, and nothing was changed.
        if let unmet @ Precondition::NotModified(_) = self.preconditions(&validators) {
            return self.end_unmet(unmet);
        }
        self.validators(&validators).end(content)
    }
}

//! Conditional requests (RFC 9110 §13): validators of a representation, and the preconditions that a client states about it.
//!
//! Here: [`Validators`], [`EntityTag`] (`conditional/entity_tag.rs`), [`Conditions`] and their order, [`Precondition`]. Not here:
//! tags that responses get by themselves (`conditional/automatic.rs`), which ranges are sent (`message/ranges.rs`), files (`message/send_file.rs`).

mod automatic;
mod entity_tag;

pub use automatic::ContentTag;
pub use entity_tag::EntityTag;

use crate::conn::layers::ResponseHead;
use crate::date::HttpDate;
use crate::message::answer::Answer;
use crate::message::incoming::IncomingMessage;
use crate::message::ranges::{Ranges, single};
use crate::message::response::{Sent, ServerResponse};
use hearken_proto::{Fields, FieldsRef, Head, Misuse};
use http::StatusCode;

/// What identifies the version of a representation: an entity tag, the time of its last change, or both (RFC 9110 §8.8).
///
/// ```
/// use hearken::message::{EntityTag, Precondition, Validators};
/// use hearken::Server;
///
/// let page = "<h1>Hello</h1>";
/// let server = Server::new(async move |req, res| {
///     let validators = Validators::new().etag(EntityTag::of_content(page));
///     let res = res.validators(&validators);
///     match req.preconditions(&validators) {
///         Precondition::Met { .. } => res.end(page),
///         unmet => res.end_unmet(unmet), // 304 or 412
///     }
/// });
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Validators {
    etag: Option<EntityTag>,
    modified: Option<HttpDate>,
    exists: bool,
}

impl Default for Validators {
    fn default() -> Self {
        Self::new()
    }
}

impl Validators {
    /// Those of a representation that has none. `If-Match: *` holds for it, any other tag does not.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            etag: None,
            modified: None,
            exists: true,
        }
    }

    /// For a resource without a current representation, before a PUT creates it for example: `If-None-Match: *` holds and
    /// `If-Match: *` does not.
    #[must_use]
    pub const fn missing() -> Self {
        Self {
            etag: None,
            modified: None,
            exists: false,
        }
    }

    /// Adds the entity tag.
    #[must_use]
    pub fn etag(mut self, etag: EntityTag) -> Self {
        self.etag = Some(etag);
        self
    }

    /// Adds the time of the last change: a [`SystemTime`](std::time::SystemTime) or an [`HttpDate`]. Any time is accepted; one
    /// in the future is sent as the time of the response (RFC 9110 §8.8.2.1).
    #[must_use]
    pub fn modified(mut self, modified: impl Into<HttpDate>) -> Self {
        self.modified = Some(modified.into());
        self
    }

    /// The entity tag.
    #[must_use]
    pub const fn entity_tag(&self) -> Option<&EntityTag> {
        self.etag.as_ref()
    }

    /// The time of the last change.
    #[must_use]
    pub const fn last_modified(&self) -> Option<HttpDate> {
        self.modified
    }

    /// The validators that a response has been given as fields. A tag that is none is left out.
    pub(crate) fn of_fields(fields: FieldsRef<'_>, now: HttpDate) -> Self {
        Self {
            etag: fields.get("etag").and_then(EntityTag::parse),
            modified: fields
                .get("last-modified")
                .and_then(|date| HttpDate::parse(date, now)),
            exists: true,
        }
    }

    /// The time of the last change as it is sent: not after the time of the response.
    pub(crate) fn modified_by(&self, now: HttpDate) -> Option<HttpDate> {
        self.modified.map(|modified| modified.min(now))
    }
}

/// The preconditions of a request, kept apart from it: for code that outlives it. A hook on the head of the response needs none, see
/// [`ResponseHead::preconditions`](crate::message::ResponseHead::preconditions). A request without any costs a lookup and no
/// allocation.
///
/// ```
/// use hearken::message::{Conditions, EntityTag, Validators};
/// use hearken::Server;
/// let server = Server::new(async |req, res| {
///     let conditions = Conditions::of(&req);
///     let page = String::from("made from the request");
///     drop(req);
///     let validators = Validators::new().etag(EntityTag::of_content(&page));
///     match conditions.check(&validators) {
///         met if met.is_met() => res.validators(&validators).end(page),
///         unmet => res.end_unmet(unmet),
///     }
/// });
/// ```
#[derive(Clone, Debug, Default)]
pub struct Conditions {
    stated: Option<Box<Stated>>,
    now: Option<HttpDate>,
}

#[derive(Clone, Debug)]
struct Stated {
    is_get: bool,
    is_head: bool,
    /// The values of all lines, joined: these fields are lists.
    if_match: Option<Vec<u8>>,
    if_none_match: Option<Vec<u8>>,
    /// `None` also when the field is repeated or is no date: then it is ignored.
    if_modified_since: Option<HttpDate>,
    if_unmodified_since: Option<HttpDate>,
    if_range: Option<Vec<u8>>,
}

/// What the preconditions of a request demand: [`IncomingMessage::preconditions`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Precondition {
    /// They hold, or there are none: the request is carried out.
    Met {
        /// Whether a Range field counts. False when If-Range asks for the whole: the representation has changed.
        range: bool,
    },
    /// The client has this representation: 304.
    NotModified(Validators),
    /// The client expected another one: 412, and nothing is changed.
    Failed(Validators),
}

impl Precondition {
    /// Whether the request is carried out.
    #[must_use]
    pub const fn is_met(&self) -> bool {
        matches!(self, Self::Met { .. })
    }

    /// The part of a representation of `len` bytes that is asked for, If-Range included.
    #[must_use]
    pub fn ranges(&self, req: &IncomingMessage, len: u64) -> Ranges {
        match self {
            Self::Met { range: true } => req.ranges(len),
            _ => Ranges::Whole,
        }
    }
}

/// 304 or 412 with the validators and without content. [`Met`](Precondition::Met) ends the response as it is, without content.
impl Answer for Precondition {
    fn answer(self, res: ServerResponse) -> Sent {
        res.end_unmet(self)
    }
}

impl IncomingMessage {
    /// Evaluates If-Match, If-Unmodified-Since, If-None-Match, If-Modified-Since and If-Range in the order of RFC 9110
    /// §13.2.2. For content and state of your own; [`send_file`](ServerResponse::send_file) does it for files. Call it when
    /// the request would be answered with 2xx, and before anything is changed. Always met for CONNECT, OPTIONS and TRACE.
    ///
    /// - If-Match compares strongly, If-None-Match weakly.
    /// - A date that is none, or a repeated one, is ignored. If-Modified-Since counts for GET and HEAD only.
    /// - A tag that is malformed matches nothing.
    ///
    /// ```
    /// use hearken::message::{EntityTag, Precondition, Validators};
    /// use hearken::Server;
    /// // Lost updates: the client changes only what it has seen.
    /// let server = Server::new(async |mut req, res| {
    ///     let current = Validators::new().etag(EntityTag::strong("v7")?);
    ///     if let unmet @ Precondition::Failed(_) = req.preconditions(&current) {
    ///         return Ok(res.end_unmet(unmet)); // 412
    ///     }
    ///     let _new = req.bytes().await?;
    ///     Ok(res.status(204).end(""))
    /// });
    /// ```
    #[doc(alias = "fresh")]
    #[must_use]
    pub fn preconditions(&self, current: &Validators) -> Precondition {
        Conditions::of(self).check(current)
    }
}

impl Conditions {
    /// Those of this request.
    #[must_use]
    pub fn of(req: &IncomingMessage) -> Self {
        let now = req.source().exchange.env.clock.wall();
        Self::of_head(req.head(), now)
    }

    pub(crate) fn of_head(head: &Head, now: HttpDate) -> Self {
        let method = head.method_bytes();
        // RFC 9110 §13.2.1: methods that neither select nor change a representation.
        let applies = !matches!(method, b"CONNECT" | b"OPTIONS" | b"TRACE");
        let fields = head.fields();
        let any =
            |(name, _): (&[u8], &[u8])| name.len() > 7 && name[..3].eq_ignore_ascii_case(b"if-");
        if !applies || !fields.iter().any(any) {
            return Self {
                stated: None,
                now: Some(now),
            };
        }
        let date = |name| single(head, name).and_then(|value| HttpDate::parse(value, now));
        let stated = Stated {
            is_get: method == b"GET",
            is_head: method == b"HEAD",
            if_match: joined(fields, "if-match"),
            if_none_match: joined(fields, "if-none-match"),
            if_modified_since: date("if-modified-since"),
            if_unmodified_since: date("if-unmodified-since"),
            if_range: joined(fields, "if-range"),
        };
        Self {
            stated: Some(Box::new(stated)),
            now: Some(now),
        }
    }

    /// Compares them with the current representation.
    #[must_use]
    pub fn check(&self, current: &Validators) -> Precondition {
        let Some(stated) = &self.stated else {
            return Precondition::Met { range: true };
        };
        let now = self.now.unwrap_or(HttpDate::MAX);
        stated.check(current, now)
    }
}

impl Stated {
    /// The steps of RFC 9110 §13.2.2.
    fn check(&self, current: &Validators, now: HttpDate) -> Precondition {
        let modified = current.modified_by(now);
        // 1 and 2
        let state_holds = match (&self.if_match, self.if_unmodified_since, modified) {
            (Some(list), ..) => current.matches(list, EntityTag::strong_eq),
            (None, Some(since), Some(modified)) => modified <= since,
            _ => true,
        };
        if !state_holds {
            return Precondition::Failed(current.clone());
        }
        // 3 and 4
        let reads = self.is_get || self.is_head;
        let is_new = match (&self.if_none_match, self.if_modified_since, modified) {
            (Some(list), ..) => !current.matches(list, EntityTag::weak_eq),
            (None, Some(since), Some(modified)) if reads => modified > since,
            _ => true,
        };
        if !is_new {
            let current = current.clone();
            return if reads {
                Precondition::NotModified(current)
            } else {
                Precondition::Failed(current)
            };
        }
        // 5
        let range = match &self.if_range {
            Some(condition) if self.is_get => current.holds_if_range(condition, now),
            _ => true,
        };
        Precondition::Met { range }
    }
}

impl Validators {
    /// Whether a list of If-Match or If-None-Match names this representation. `*` names any that exists.
    fn matches(&self, list: &[u8], equal: fn(&EntityTag, &EntityTag) -> bool) -> bool {
        if !self.exists {
            return false;
        }
        if list.trim_ascii() == b"*" {
            return true;
        }
        let etag = self.etag.as_ref();
        etag.is_some_and(|etag| entity_tag::list(list).any(|other| equal(etag, &other)))
    }

    /// Whether the condition of If-Range holds (RFC 9110 §13.1.5): the same strong entity tag, or exactly the date of the
    /// last change, if that is at least a second ago, so that a second change would show.
    fn holds_if_range(&self, condition: &[u8], now: HttpDate) -> bool {
        if let Some(other) = EntityTag::parse(condition) {
            let etag = self.etag.as_ref();
            return etag.is_some_and(|etag| etag.strong_eq(&other));
        }
        let (date, modified) = (HttpDate::parse(condition, now), self.modified);
        date.is_some() && date == modified && modified < Some(now)
    }
}

/// The values of all lines of a list field.
fn joined(fields: FieldsRef<'_>, name: &str) -> Option<Vec<u8>> {
    let mut lines = fields.get_all(name);
    let mut all = lines.next()?.to_vec();
    for line in lines {
        all.extend_from_slice(b", ");
        all.extend_from_slice(line);
    }
    Some(all)
}

impl ServerResponse {
    /// As [`IncomingMessage::preconditions`], for the request that this responds to.
    ///
    /// ```
    /// use hearken::message::{EntityTag, Validators};
    /// use hearken::{Sent, Server, ServerResponse};
    /// /// A page, or 304 if the client has it.
    /// fn page(res: ServerResponse, text: &'static str) -> Sent {
    ///     let validators = Validators::new().etag(EntityTag::of_content(text));
    ///     match res.preconditions(&validators) {
    ///         met if met.is_met() => res.validators(&validators).end(text),
    ///         unmet => res.end_unmet(unmet),
    ///     }
    /// }
    /// let server = Server::new(async |_req, res| page(res, "hello"));
    /// ```
    #[must_use]
    pub fn preconditions(&self, current: &Validators) -> Precondition {
        let now = self.exchange.env.clock.wall();
        Conditions::of_head(self.request_head(), now).check(current)
    }

    /// Sets ETag and Last-Modified, as far as there are such validators and the response does not have the field already. A time
    /// of last change that lies in the future is sent as the time of this response.
    #[must_use]
    pub fn validators(self, validators: &Validators) -> Self {
        let now = self.exchange.env.clock.wall();
        let set = {
            let mut state = self.exchange.state();
            set_validators(&mut state.outgoing.fields, validators, now)
        };
        debug_assert!(set.is_ok(), "tags and dates are legal values");
        self
    }

    /// Ends the response to a request whose preconditions are not met: 304 or 412, with the validators and without content
    /// and the fields that describe it. [`Precondition::Met`] ends it as it is, without content.
    pub fn end_unmet(self, unmet: Precondition) -> Sent {
        let (status, validators) = match unmet {
            Precondition::Met { .. } => return self.end(""),
            Precondition::NotModified(validators) => (304, validators),
            Precondition::Failed(validators) => (412, validators),
        };
        if !self.headers_sent() {
            let mut state = self.exchange.state();
            state.outgoing.status = status;
            remove_description(&mut state.outgoing.fields);
        }
        self.validators(&validators).end("")
    }
}

impl ResponseHead<'_> {
    /// As [`IncomingMessage::preconditions`], for the request of this response.
    ///
    /// ```
    /// use hearken::message::{EntityTag, Precondition, Validators};
    /// use hearken::{Server, StatusCode};
    /// let server = Server::new(async |_req, res| {
    ///     res.on_head(|head| {
    ///         let Some(content) = head.content().filter(|_| head.status() == StatusCode::OK) else { return };
    ///         let validators = Validators::new().etag(EntityTag::of_content(content));
    ///         head.validators(&validators);
    ///         if let Precondition::NotModified(_) = head.preconditions(&validators) {
    ///             head.set_not_modified();
    ///         }
    ///     });
    ///     res.end("hello")
    /// });
    /// ```
    #[must_use]
    pub fn preconditions(&self, current: &Validators) -> Precondition {
        Conditions::of_head(self.request_head(), self.now).check(current)
    }

    /// As [`ServerResponse::validators`].
    pub fn validators(&mut self, validators: &Validators) {
        let now = self.now;
        // Tags and dates are legal values.
        let _ = set_validators(self.fields_mut(), validators, now);
    }

    /// Makes this a 304: sets the status, and removes the fields that describe content, which is not sent then. Set ETag, Vary and the like
    /// as for a 200 (RFC 9110 §15.4.5).
    pub fn set_not_modified(&mut self) {
        self.set_status(StatusCode::NOT_MODIFIED);
        remove_description(self.fields_mut());
    }
}

pub(crate) fn set_validators(
    fields: &mut Fields,
    validators: &Validators,
    now: HttpDate,
) -> Result<(), Misuse> {
    if let Some(modified) = validators.modified_by(now)
        && fields.view().get("last-modified").is_none()
    {
        fields.set("Last-Modified", modified.to_bytes())?;
    }
    if let Some(etag) = &validators.etag
        && fields.view().get("etag").is_none()
    {
        fields.set("ETag", etag.as_bytes())?;
    }
    Ok(())
}

/// Removes what describes content that is not sent (RFC 9110 §15.4.5).
pub(crate) fn remove_description(fields: &mut Fields) {
    for name in [
        "content-encoding",
        "content-language",
        "content-length",
        "content-range",
        "content-type",
    ] {
        fields.remove(name);
    }
}

#[cfg(test)]
mod tests;

//! Layers around a response: hooks on its head, which run before the head leaves, and filters on its content.
//!
//! Here: [`ResponseHead`], [`ContentFilter`], [`Layers`]. Not here: when an exchange runs them (`layering.rs`); layers themselves:
//! compression, ETag, cookies belong above this crate.

use crate::date::HttpDate;
use bytes::Bytes;
use hearken_proto::{Fields, FieldsRef, Head, Misuse};
use http::StatusCode;

/// Runs once, before the head leaves.
pub(crate) type HeadHook = Box<dyn FnOnce(&mut ResponseHead<'_>)>;

/// Runs once, before all others, for a response that ends in one piece. Without captured values it needs no memory of its own,
/// unlike the hooks of [`Layers`].
#[derive(Default)]
pub(crate) struct WholeHook(pub(crate) Option<HeadHook>);

impl std::fmt::Debug for WholeHook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.0.is_some() { "a hook" } else { "none" })
    }
}

/// Changes the content of a response on its way out, piece by piece: a compressor, for example.
///
/// A response with a filter loses a Content-Length that was set: content that ends in one piece gets the length of what
/// the filter returns, other content goes in chunks.
///
/// ```
/// use hearken::Bytes;
/// use hearken::message::ContentFilter;
/// /// Replaces every byte by its upper case.
/// struct Shout;
/// impl ContentFilter for Shout {
///     fn write(&mut self, piece: Bytes, out: &mut Vec<Bytes>) {
///         out.push(piece.to_ascii_uppercase().into());
///     }
/// }
/// let server = hearken::Server::new(async |_req, res| {
///     res.on_head(|head| head.filter(Shout));
///     res.end("hello")
/// });
/// ```
pub trait ContentFilter: 'static {
    /// Takes a piece and appends to `out` what can go out now. It may keep bytes back.
    fn write(&mut self, piece: Bytes, out: &mut Vec<Bytes>);

    /// Appends what was kept back, so that the client gets all that was written. Called by
    /// [`flush`](crate::ServerResponse::flush), and when a handler that has written waits. Default: nothing.
    fn flush(&mut self, out: &mut Vec<Bytes>) {
        let _ = out;
    }

    /// Appends the rest. The last call. Default: nothing.
    fn end(&mut self, out: &mut Vec<Bytes>) {
        let _ = out;
    }
}

/// The head of a response just before it leaves, as a hook sees it: [`on_head`](crate::ServerResponse::on_head).
///
/// ```
/// let started = std::time::Instant::now();
/// let server = hearken::Server::new(async move |_req, res| {
///     res.on_head(move |head| {
///         let millis = started.elapsed().as_millis().to_string();
///         head.set("X-Response-Time", millis).expect("a number is a legal field value");
///     });
///     res.end("hello")
/// });
/// ```
#[derive(Debug)]
pub struct ResponseHead<'a> {
    pub(super) request: &'a Head,
    pub(super) status: &'a mut u16,
    pub(super) fields: &'a mut Fields,
    pub(super) content: Option<&'a Bytes>,
    pub(super) filters: &'a mut Filters,
    /// The time of the response.
    pub(crate) now: HttpDate,
}

impl ResponseHead<'_> {
    /// The head of the request.
    #[must_use]
    pub const fn request_head(&self) -> &Head {
        self.request
    }

    /// The status that will be sent. A number that no response can have, which the handler set, counts as 500.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        StatusCode::from_u16(*self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// Replaces the status. With 204 or 304 the content is not sent.
    pub const fn set_status(&mut self, status: StatusCode) {
        *self.status = status.as_u16();
    }

    /// The time of the server, as Date has it.
    #[must_use]
    pub const fn now(&self) -> HttpDate {
        self.now
    }

    /// The fields that will be sent, in order. Default fields (Date, Content-Length, …) are not among them.
    #[must_use]
    pub fn fields(&self) -> FieldsRef<'_> {
        self.fields.view()
    }

    pub(crate) const fn fields_mut(&mut self) -> &mut Fields {
        self.fields
    }

    /// The first value of a field, compared without case.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        self.fields.view().get(name)
    }

    /// Sets a field in place of all with this name.
    ///
    /// # Errors
    /// When name or value cannot be sent; nothing has changed then.
    pub fn set(&mut self, name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Result<(), Misuse> {
        self.fields.set(name, value)
    }

    /// Adds a field line after the others.
    ///
    /// # Errors
    /// As [`set`](Self::set).
    pub fn append(
        &mut self,
        name: impl AsRef<[u8]>,
        value: impl AsRef<[u8]>,
    ) -> Result<(), Misuse> {
        self.fields.append(name, value)
    }

    /// Removes all fields with this name. Returns whether there was one.
    pub fn remove(&mut self, name: &str) -> bool {
        self.fields.remove(name)
    }

    /// The whole content, before any filter, if the handler ends the response with it in one piece; `None` for a stream and
    /// for files.
    #[must_use]
    pub const fn content(&self) -> Option<&Bytes> {
        self.content
    }

    /// Whether hooks have added filters, so that other content leaves than the handler has ended the response with.
    #[must_use]
    pub const fn has_filters(&self) -> bool {
        !self.filters.0.is_empty()
    }

    /// Adds a filter behind those that other hooks have added.
    pub fn filter(&mut self, filter: impl ContentFilter) {
        self.filters.0.push(Box::new(filter));
    }
}

/// Filters in the order in which content passes them.
#[derive(Default)]
pub(crate) struct Filters(pub(super) Vec<Box<dyn ContentFilter>>);

impl std::fmt::Debug for Filters {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} filters", self.0.len())
    }
}

/// The layers of one response.
#[derive(Default)]
pub(crate) struct Layers {
    /// In order of adding; they run from the last to the first.
    pub(super) hooks: Vec<HeadHook>,
    pub(super) filters: Filters,
    /// A filter may keep back bytes of what was written.
    pub(super) unflushed: bool,
    /// Content that ends the response and has not passed the filters.
    pub(super) rest: Option<Box<Rest>>,
}

/// The last content of a response, which filters get in steps, so that other connections have their turn in between.
#[derive(Default)]
pub(super) struct Rest {
    pub(super) content: Bytes,
    /// What the filters have returned, while it may still be the whole content.
    pub(super) out: Vec<Bytes>,
}

/// The most content that filters get in one turn of a connection.
pub(super) const STEP_BYTES: usize = 32 * 1024;

/// What filters are called for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Pass {
    Write,
    Flush,
    End,
}

impl Filters {
    /// Sends `pieces` through all filters.
    pub(super) fn run(&mut self, mut pieces: Vec<Bytes>, pass: Pass) -> Vec<Bytes> {
        for filter in &mut self.0 {
            let mut out = Vec::new();
            for piece in pieces {
                if !piece.is_empty() {
                    filter.write(piece, &mut out);
                }
            }
            match pass {
                Pass::Write => {}
                Pass::Flush => filter.flush(&mut out),
                Pass::End => filter.end(&mut out),
            }
            pieces = out;
        }
        pieces
    }
}

//! Layers around a response: hooks on its head, which run before the head leaves, and filters on its content.
//!
//! Here: [`ResponseHead`], [`ContentFilter`], and how an exchange runs them. They are code of the user, so they run while the
//! exchange is not borrowed, and a panic in one ends this exchange alone. Not here: layers themselves (compression,
//! ETag, cookies belong above this crate), the orders that they wrap (`orders.rs`).

use super::context::ExchangeContext;
use super::exchange::{Exchange, State};
use super::observed::log_failure;
use super::output::Piece;
use crate::error::Closed;
use crate::event::callbacks::catch_panic;
use bytes::Bytes;
use hearken_proto::{Fields, FieldsRef, Misuse};
use http::StatusCode;

/// Runs once, before the head leaves.
pub(crate) type HeadHook = Box<dyn FnOnce(&mut ResponseHead<'_>)>;

/// Changes the content of a response on its way out, piece by piece: a compressor, for example.
///
/// A response with a filter loses a Content-Length that was set: content that ends in one piece gets the length of what
/// the filter returns, other content goes in chunks.
///
/// ```
/// use hearken_http::Bytes;
/// use hearken_http::message::ContentFilter;
/// /// Replaces every byte by its upper case.
/// struct Shout;
/// impl ContentFilter for Shout {
///     fn write(&mut self, piece: Bytes, out: &mut Vec<Bytes>) {
///         out.push(piece.to_ascii_uppercase().into());
///     }
/// }
/// let server = hearken_http::Server::new(async |_req, res| {
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
/// let server = hearken_http::Server::new(async move |_req, res| {
///     res.on_head(move |head| {
///         let millis = started.elapsed().as_millis().to_string();
///         head.set("X-Response-Time", millis).expect("a number is a legal field value");
///     });
///     res.end("hello")
/// });
/// ```
#[derive(Debug)]
pub struct ResponseHead<'a> {
    status: &'a mut u16,
    fields: &'a mut Fields,
    content: Option<&'a Bytes>,
    filters: &'a mut Filters,
}

impl ResponseHead<'_> {
    /// The status that will be sent. A number that no response can have, which the handler set, counts as 500.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        StatusCode::from_u16(*self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// Replaces the status. With 204 or 304 the content is not sent.
    pub const fn set_status(&mut self, status: StatusCode) {
        *self.status = status.as_u16();
    }

    /// The fields that will be sent, in order. Default fields (Date, Content-Length, …) are not among them.
    #[must_use]
    pub fn fields(&self) -> FieldsRef<'_> {
        self.fields.view()
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

    /// Adds a filter behind those that other hooks have added.
    pub fn filter(&mut self, filter: impl ContentFilter) {
        self.filters.0.push(Box::new(filter));
    }
}

/// Filters in the order in which content passes them.
#[derive(Default)]
pub(crate) struct Filters(Vec<Box<dyn ContentFilter>>);

impl std::fmt::Debug for Filters {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} filters", self.0.len())
    }
}

/// The layers of one response.
#[derive(Default)]
pub(crate) struct Layers {
    /// In order of adding; they run from the last to the first.
    hooks: Vec<HeadHook>,
    filters: Filters,
    /// A filter may keep back bytes of what was written.
    unflushed: bool,
}

/// What filters are called for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pass {
    Write,
    Flush,
    End,
}

impl Filters {
    /// Sends `pieces` through all filters.
    fn run(&mut self, mut pieces: Vec<Bytes>, pass: Pass) -> Vec<Bytes> {
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

impl State {
    #[inline]
    fn layers(&mut self) -> Option<&mut Layers> {
        let layers = &mut self.overrides.as_mut()?.layers;
        (!layers.hooks.is_empty() || !layers.filters.0.is_empty()).then_some(layers)
    }
}

impl Exchange {
    /// Adds a hook on the head. Nothing happens when the head has left.
    pub(crate) fn add_hook(&self, hook: HeadHook) {
        let mut state = self.state();
        if state.can_respond() {
            state.overrides().layers.hooks.push(hook);
        }
    }

    /// Runs the hooks, the last one first. `content` is the whole content, if it is known.
    pub(crate) fn run_hooks(&self, content: Option<&Bytes>) {
        let (mut hooks, mut filters, mut status, mut fields) = {
            let mut state = self.state();
            if !state.can_respond() {
                return;
            }
            let Some(layers) = state.layers() else { return };
            let taken = std::mem::take(&mut layers.hooks);
            let filters = std::mem::take(&mut layers.filters);
            let outgoing = &mut state.outgoing;
            (
                taken,
                filters,
                outgoing.status,
                std::mem::take(&mut outgoing.fields),
            )
        };
        let mut called = Ok(());
        while let Some(hook) = hooks.pop()
            && called.is_ok()
        {
            let mut head = ResponseHead {
                status: &mut status,
                fields: &mut fields,
                content,
                filters: &mut filters,
            };
            called = catch_panic(|| hook(&mut head));
        }
        if !filters.0.is_empty() {
            fields.remove("content-length"); // it was said of the content before the filters
        }
        {
            let mut state = self.state();
            state.outgoing.status = status;
            state.outgoing.fields = fields;
            state.overrides().layers.filters = filters;
        }
        if let Err(panic) = called {
            self.layer_panicked(&panic);
        }
    }

    /// Runs the filters while the exchange is not borrowed. `None` when there are none.
    fn filter(&self, pieces: Vec<Bytes>, pass: Pass) -> Option<Vec<Bytes>> {
        let mut filters = {
            let mut state = self.state();
            let layers = state.layers()?;
            if layers.filters.0.is_empty() {
                return None;
            }
            layers.unflushed = pass == Pass::Write;
            std::mem::take(&mut layers.filters)
        };
        match catch_panic(|| filters.run(pieces, pass)) {
            Ok(pieces) => {
                self.state().overrides().layers.filters = filters;
                Some(pieces)
            }
            Err(panic) => {
                self.layer_panicked(&panic);
                Some(Vec::new())
            }
        }
    }

    #[cold]
    fn layer_panicked(&self, panic: &str) {
        let request = self.state().failed_request();
        log_failure!(request, panic, "a hook or filter of a response panicked");
        self.order(|state, env| {
            state.overrides().layers = Layers::default();
            if state.can_respond() {
                state.respond(env, 500, "Internal Server Error\n");
            } else if !state.is_over() {
                state.close(Closed::Aborted);
            }
        });
    }

    /// Ends the message with this content, or with this as its last piece.
    #[inline]
    pub(crate) fn end(&self, content: Bytes) {
        if self.has_layers() {
            return self.end_through_layers(content);
        }
        self.order(|state, env| state.end(env, content));
    }

    #[inline]
    fn has_layers(&self) -> bool {
        let mut state = self.state();
        state.overrides.is_some() && state.layers().is_some()
    }

    #[cold]
    fn end_through_layers(&self, content: Bytes) {
        self.run_hooks(Some(&content));
        match self.filter(vec![content.clone()], Pass::End) {
            None => self.order(|state, env| state.end(env, content)),
            Some(pieces) => {
                let pieces = pieces.into_iter().map(Piece::Bytes).collect();
                self.order(|state, env| state.end_with_pieces(env, pieces));
            }
        }
    }

    /// Sends a piece and returns whether there is room for more.
    pub(crate) fn write(&self, piece: Bytes) -> bool {
        if !self.has_layers() {
            return self.order(|state, env| state.write(env, piece));
        }
        self.run_hooks(None);
        match self.filter(vec![piece.clone()], Pass::Write) {
            None => self.order(|state, env| state.write(env, piece)),
            Some(pieces) => self.order(|state, env| state.write_all(env, pieces)),
        }
    }

    /// Sends the head.
    pub(crate) fn flush_head(&self) {
        if self.has_layers() {
            self.run_hooks(None);
        }
        self.order(|state, env| state.flush_head(env));
    }

    /// Sends what filters keep back.
    pub(crate) fn flush_filters(&self) {
        let unflushed = {
            let mut state = self.state();
            !state.is_over() && state.layers().is_some_and(|layers| layers.unflushed)
        };
        if unflushed && let Some(pieces) = self.filter(Vec::new(), Pass::Flush) {
            self.order(|state, env| state.write_all(env, pieces));
        }
    }

    /// Whether content passes filters, so that its bytes are needed. To be asked after [`run_hooks`](Self::run_hooks).
    pub(crate) fn has_filters(&self) -> bool {
        let mut state = self.state();
        state
            .layers()
            .is_some_and(|layers| !layers.filters.0.is_empty())
    }

    /// Responds with a plain text in place of what was set. Hooks on the head run. Nothing happens when a head is out.
    #[cold]
    pub(crate) fn respond(&self, status: u16, text: &str) {
        if !self.has_layers() {
            return self.order(|state, env| {
                if state.can_respond() {
                    state.respond(env, status, text);
                }
            });
        }
        {
            let mut state = self.state();
            if !state.can_respond() {
                return;
            }
            state.outgoing.reset_to_text(status);
        }
        self.end(Bytes::copy_from_slice(text.as_bytes()));
    }
}

impl State {
    /// Sends pieces that filters have returned.
    fn write_all(&mut self, env: &ExchangeContext, pieces: Vec<Bytes>) -> bool {
        let mut room = self.write(env, Bytes::new()); // sends the head
        for piece in pieces {
            room = self.write(env, piece);
        }
        room
    }
}

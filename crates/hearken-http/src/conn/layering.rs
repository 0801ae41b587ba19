//! How an exchange runs the layers of its response.
//!
//! Layers are code of the user, so they run while the exchange is not borrowed, and a panic in one ends this exchange alone.
//! Here: the orders that pass through layers. Not here: the layers (`layers.rs`), the orders without them (`orders.rs`).

use super::context::Surroundings;
use super::end_hold::End;
use super::exchange::{Exchange, State};
use super::layers::{Filters, HeadHook, Layers, Pass, ResponseHead, Rest, STEP_BYTES};
use super::output::Piece;
use crate::error::{Closed, Failure};
use crate::event::callbacks::catch_panic;
use bytes::Bytes;

/// What [`Exchange::filter_next`] has done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Filtering {
    /// No content waits for filters, or there is no room for what they return.
    Nothing,
    /// There is more to filter, after the turns of other connections.
    More,
    /// The response has ended.
    Ended,
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
                request: self.head(),
                status: &mut status,
                fields: &mut fields,
                content,
                filters: &mut filters,
                now: self.env.clock.wall(),
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
        let text = format!("a hook or filter of the response panicked: {panic}");
        self.order(|state, env| {
            state.report(env, Failure::new(500, text));
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
        let Some(End::Content(content)) = self.unless_held(End::Content(content)) else {
            return;
        };
        let whole = self.state().outgoing.whole.0.take();
        let content = match whole {
            Some(hook) => self.run_whole_hook(hook, content),
            None => content,
        };
        if self.has_layers() {
            return self.end_through_layers(content);
        }
        self.order(|state, env| state.end(env, content));
    }

    /// The hook is code of this crate: it does not panic, and may run while the exchange is borrowed.
    /// Returns the content that is sent: none if the response has become a 304.
    fn run_whole_hook(&self, hook: HeadHook, content: Bytes) -> Bytes {
        let mut state = self.state();
        if !state.can_respond() {
            return content;
        }
        let outgoing = &mut state.outgoing;
        hook(&mut ResponseHead {
            request: self.head(),
            status: &mut outgoing.status,
            fields: &mut outgoing.fields,
            content: Some(&content),
            filters: &mut Filters::default(),
            now: self.env.clock.wall(),
        });
        if outgoing.status == 304 {
            return Bytes::new();
        }
        content
    }

    #[inline]
    pub(super) fn has_layers(&self) -> bool {
        let mut state = self.state();
        state.overrides.is_some() && state.layers().is_some()
    }

    #[cold]
    fn end_through_layers(&self, content: Bytes) {
        self.run_hooks(Some(&content));
        if content.len() > STEP_BYTES && self.has_filters() {
            return self.order(|state, _| {
                if !state.is_over() {
                    let out = Vec::new();
                    state.overrides().layers.rest = Some(Box::new(Rest { content, out }));
                }
            });
        }
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
        if !self.has_layers() && !self.has_kept_end() {
            return self.order(|state, env| state.write(env, piece));
        }
        if self.has_kept_end() {
            return false; // a write after the end
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

    /// What filters keep back need not go out when the handler waits: more content comes at once.
    pub(crate) fn hold_filters(&self) {
        if let Some(layers) = self.state().layers() {
            layers.unflushed = false;
        }
    }

    /// Whether the response was ended and its last content still passes the filters, or is kept back.
    pub(crate) fn is_filtering(&self) -> bool {
        if self.has_kept_end() {
            return true;
        }
        let state = self.state();
        let own = state.overrides.as_ref();
        own.is_some_and(|own| own.layers.rest.is_some())
    }

    /// Filters the next piece of the last content. What comes out is sent with its length if all of it fits into the queue
    /// of the connection, and otherwise in chunks, no faster than the peer takes it.
    #[cold]
    pub(crate) fn filter_next(&self) -> Filtering {
        let mut rest = {
            let mut state = self.state();
            let Some(rest) = state.overrides().layers.rest.take() else {
                return Filtering::Nothing;
            };
            if state.is_over() {
                return Filtering::Nothing;
            }
            let max = state.limits(&self.env).body.queue_bytes;
            if state.queued_bytes() as u64 >= max {
                state.overrides().layers.rest = Some(rest);
                return Filtering::Nothing; // the pump comes back when the peer has taken some
            }
            rest
        };
        let step = rest.content.split_to(rest.content.len().min(STEP_BYTES));
        let is_last = rest.content.is_empty();
        let pass = if is_last { Pass::End } else { Pass::Write };
        let Some(pieces) = self.filter(vec![step], pass) else {
            return Filtering::Nothing;
        };
        self.hold_filters();
        rest.out.extend(pieces);
        self.order(|state, env| {
            if state.is_over() {
                return Filtering::Nothing; // a filter panicked
            }
            if is_last {
                let pieces = rest.out.into_iter().map(Piece::Bytes).collect();
                state.end_with_pieces(env, pieces);
                return Filtering::Ended;
            }
            let bytes: usize = rest.out.iter().map(Bytes::len).sum();
            if !state.can_respond() || bytes as u64 >= state.limits(env).body.queue_bytes {
                state.write_all(env, std::mem::take(&mut rest.out));
            }
            state.overrides().layers.rest = Some(rest);
            Filtering::More
        })
    }

    /// Whether content passes filters, so that its bytes are needed. To be asked after [`run_hooks`](Self::run_hooks).
    pub(crate) fn has_filters(&self) -> bool {
        let mut state = self.state();
        state
            .layers()
            .is_some_and(|layers| !layers.filters.0.is_empty())
    }
}

impl State {
    /// Sends pieces that filters have returned.
    fn write_all(&mut self, env: &Surroundings, pieces: Vec<Bytes>) -> bool {
        let mut room = self.write(env, Bytes::new()); // sends the head
        for piece in pieces {
            room = self.write(env, piece);
        }
        room
    }
}

//! How an exchange runs the layers of its response.
//!
//! Layers are code of the user, so they run while the exchange is not borrowed, and a panic in one ends this exchange alone.
//! Here: the orders that pass through layers. Not here: the layers (`layers.rs`), the orders without them (`orders.rs`).

use super::context::ExchangeContext;
use super::exchange::{Exchange, State};
use super::layers::{HeadHook, Layers, Pass, ResponseHead};
use super::output::Piece;
use crate::error::{Closed, Failure};
use crate::event::callbacks::catch_panic;
use bytes::Bytes;

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
        if self.has_layers() {
            return self.end_through_layers(content);
        }
        self.order(|state, env| state.end(env, content));
    }

    #[inline]
    pub(super) fn has_layers(&self) -> bool {
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

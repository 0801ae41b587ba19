//! The two messages of a session, as its user and its listeners hold them.
//!
//! Here: [`SessionOutgoing`], [`SessionIncoming`]. Not here: the session (`session/mod.rs`).

use crate::conn::context::ExchangeContext;
use crate::conn::exchange::{Early, Exchange, State};
use crate::conn::outgoing::Stage;
use crate::error::{Closed, Error};
use crate::event::{MessageEvent, MessageListeners, sealed};
use crate::message::incoming::add_listeners;
use crate::message::outgoing::{self, OutgoingMessage};
use crate::message::response::Status;
use crate::message::source::{ServerSource, next_piece};
use bytes::Bytes;
use hearken_proto::{Fields, Head, Misuse};
use std::fmt;
use std::future::poll_fn;
use std::rc::{Rc, Weak};
use std::task::Poll;

/// A message that goes out in a session: Node's `SessionOutgoing`. A handle: clones stand for the same message, and it
/// may be held by listeners. When its session is gone, nothing it is told has an effect.
///
/// ```
/// use hearken_http::Session;
/// let session = Session::server();
/// let resp = session.resp();
/// resp.set("Content-Type", "text/plain");
/// resp.set_status(404);
/// resp.send("no such thing"); // goes out when the session is attached and the request is there
/// ```
#[derive(Clone)]
pub struct SessionOutgoing {
    pub(crate) exchange: Weak<Exchange>,
}

impl SessionOutgoing {
    fn edit(&self, edit: impl FnOnce(&mut State)) {
        if let Some(exchange) = self.exchange.upgrade() {
            edit(&mut exchange.state());
        }
    }

    /// Sets the method of a request.
    pub fn set_method(&self, method: &str) {
        self.edit(|state| {
            if let Some(line) = request_line(state) {
                method.clone_into(&mut line.0);
            }
        });
    }

    /// Sets the target of a request.
    pub fn set_target(&self, target: &str) {
        self.edit(|state| {
            if let Some(line) = request_line(state) {
                target.clone_into(&mut line.1);
            }
        });
    }

    /// Sets the status of a response.
    pub fn set_status(&self, status: impl Into<Status>) {
        self.edit(|state| state.outgoing.status = status.into().0);
    }

    /// Sets the reason phrase of a response.
    pub fn set_reason(&self, reason: &str) {
        self.edit(|state| state.outgoing.extras().reason = Some(reason.into()));
    }

    /// Adds a field after the others. One that cannot be sent fails the message.
    pub fn append(&self, name: &str, value: &str) {
        self.edit(|state| {
            if let Err(misuse) = state.outgoing.fields.append(name, value) {
                state.outgoing.reject(misuse);
            }
        });
    }

    /// Adds trailers, to be sent with the end; they make a message chunked.
    pub fn add_trailers(&self, trailers: &Fields) {
        self.edit(|state| state.add_trailers(trailers));
    }

    /// Sets a field in the place of all with this name. One that cannot be sent fails the message.
    pub fn set(&self, name: &str, value: &str) {
        self.edit(|state| {
            if let Err(misuse) = state.outgoing.fields.set(name, value) {
                state.outgoing.reject(misuse);
            }
        });
    }

    fn order(&self, order: impl FnOnce(&mut State, &ExchangeContext)) {
        let Some(exchange) = self.exchange.upgrade() else {
            return;
        };
        exchange.order(|state, env| {
            let fresh = state.outgoing.stage == Stage::Head;
            if fresh
                && request_line(state).is_some()
                && state.outgoing.fields.view().get("host").is_none()
            {
                // HTTP/1.1 wants one; a transport without a name has this one.
                let _: Result<(), Misuse> = state.outgoing.fields.set("Host", "localhost");
            }
            order(state, env);
        });
    }

    /// The method that was not set.
    fn settle_method(state: &mut State, with_content: bool) {
        if let Some(line) = request_line(state)
            && line.0.is_empty()
        {
            line.0 = if with_content { "POST" } else { "GET" }.to_owned();
        }
    }

    /// Sends the whole message, or ends what was written piece by piece with this as its last piece. A response that is
    /// ready before its request waits for it. The second call does nothing.
    pub fn send(&self, content: impl Into<Bytes>) {
        let content = content.into();
        self.order(|state, env| {
            if let Some(early) = early(state) {
                if !early.ended {
                    early.pieces.push(content);
                    early.ended = true;
                }
                return;
            }
            Self::settle_method(state, !content.is_empty());
            state.end(env, content);
        });
    }

    /// Sends a piece of content and tells whether there is room for more; on `false` wait for [`drain`](Self::drain). Pieces
    /// of a response wait for its request.
    pub fn write(&self, piece: impl Into<Bytes>) -> bool {
        let (piece, mut room) = (piece.into(), false);
        self.order(|state, env| {
            let body = &env.limits.body;
            let Some(early) = early(state) else {
                Self::settle_method(state, true);
                room = state.write(env, piece);
                return;
            };
            if early.ended {
                return;
            }
            early.pieces.push(piece);
            let bytes = early.bytes();
            room = bytes < body.queue_bytes;
            if bytes > body.write_queue_bytes_max {
                tracing::error!(
                    bytes,
                    "a response was written on and on before its request was there"
                );
                state.close(Closed::Aborted);
            }
        });
        room
    }

    /// Waits until there is room to write. Await the session beside it, or nothing moves.
    ///
    /// # Errors
    /// When the exchange is over.
    pub async fn drain(&self) -> Result<(), Error> {
        poll_fn(|cx| match self.exchange.upgrade() {
            Some(exchange) => exchange.order(|state, env| state.poll_drain(env, cx)),
            None => Poll::Ready(Err(Error::closed(Closed::Done))),
        })
        .await
    }

    /// Ends a message that was written piece by piece, with trailers if there are any.
    pub fn end(&self, trailers: &Fields) {
        self.order(|state, env| {
            state.add_trailers(trailers);
            match early(state) {
                Some(early) => early.ended = true,
                None => state.end(env, Bytes::new()),
            }
        });
    }

    /// Listens to [`HeaderDone`](crate::event::HeaderDone), [`DataDone`](crate::event::DataDone),
    /// [`Done`](crate::event::Done) or [`Failed`](crate::event::Failed). To be called before anything is sent.
    pub fn on<E: MessageEvent>(
        &self,
        event: E,
        listener: impl for<'a> FnMut(<E as sealed::Message>::Args<'a>) + 'static,
    ) {
        self.edit(|state| event.add(listener, &mut state.listeners.get_or_insert().of));
    }
}

/// What is kept of a response whose request is not there yet.
fn early(state: &mut State) -> Option<&mut Early> {
    if state.closed.is_some() {
        return None;
    }
    let session = state.session()?;
    let waits = session.request_line.is_none() && session.head.is_none();
    waits.then(|| session.early.get_or_insert_default())
}

/// Method and target of a request.
fn request_line(state: &mut State) -> Option<&mut (String, String)> {
    state.session()?.request_line.as_mut()
}

impl OutgoingMessage for SessionOutgoing {}

impl outgoing::sealed::Outgoing for SessionOutgoing {
    fn edit_fields(&self, edit: &mut dyn FnMut(&mut Fields)) {
        self.edit(|state| edit(&mut state.outgoing.fields));
    }

    fn remove_default(&self, name: &str) {
        self.edit(|state| state.outgoing.remove_default(name));
    }
}

impl fmt::Debug for SessionOutgoing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionOutgoing")
    }
}

/// A message that comes in within a session. A handle: clones stand for the same message, and listeners may hold it.
///
/// ```
/// use hearken_http::{Session, event};
/// let session = Session::server();
/// session.req().on(event::LineReady, |head| println!("{} {}", head.method(), head.target()));
/// assert!(session.req().head().is_none());
/// ```
#[derive(Clone)]
pub struct SessionIncoming {
    pub(crate) exchange: Rc<Exchange>,
}

impl SessionIncoming {
    /// Listens to [`LineReady`](crate::event::LineReady), [`HeaderReady`](crate::event::HeaderReady),
    /// [`DataReady`](crate::event::DataReady), [`Ready`](crate::event::Ready) or [`Failed`](crate::event::Failed).
    pub fn on<E: MessageEvent>(
        &self,
        event: E,
        listener: impl for<'a> FnMut(<E as sealed::Message>::Args<'a>) + 'static,
    ) {
        let mut listeners = MessageListeners::default();
        event.add(listener, &mut listeners);
        add_listeners(&self.exchange, listeners);
    }

    /// The head, once it is there.
    #[must_use]
    pub fn head(&self) -> Option<Rc<Head>> {
        self.exchange.state().session()?.head.clone()
    }

    /// The next piece of the body; `None` at its end. Await the session beside it, or nothing moves. What has come can
    /// still be read after the session has ended; a body that was cut never looks complete.
    ///
    /// # Errors
    /// When the body will never be complete.
    pub async fn data(&self) -> Result<Option<Bytes>, Error> {
        next_piece(&mut ServerSource {
            exchange: Rc::clone(&self.exchange),
        })
        .await
    }
}

impl fmt::Debug for SessionIncoming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionIncoming")
    }
}

//! The two messages of a session, as users and listeners hold them.
//!
//! Here: [`SessionOutgoing`], [`SessionIncoming`]. Not here: the session (`session/mod.rs`).

use crate::conn::context::Surroundings;
use crate::conn::exchange::{Early, Exchange, State};
use crate::conn::outgoing::Stage;
use crate::error::Status;
use crate::error::{Closed, Error};
use crate::event::{MessageEvent, MessageListeners, sealed};
use crate::message::incoming::add_listeners;
use crate::message::outgoing::{self, OutgoingMessage};
use crate::message::source::{ServerSource, next_piece};
use bytes::Bytes;
use hearken_proto::{Fields, Head, Length, Misuse};
use std::fmt;
use std::future::poll_fn;
use std::rc::{Rc, Weak};
use std::task::Poll;

/// The outgoing message of a session: the request of a client session, the response of a server session. A handle: clones
/// refer to the same message, and listeners can own one. Once the session is dropped, its methods have no effect.
///
/// ```
/// use hearken::Session;
/// let session = Session::server();
/// let resp = session.resp();
/// resp.set("Content-Type", "text/plain");
/// resp.set_status(404);
/// resp.send("no such thing"); // sent when the session is attached and has received the request
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
    #[doc(alias = "set_target")]
    pub fn set_url(&self, target: &str) {
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

    /// Adds a field line after the others. A field that cannot be sent fails the message.
    pub fn append(&self, name: &str, value: &str) {
        self.edit(|state| {
            if let Err(misuse) = state.outgoing.fields.append(name, value) {
                state.outgoing.reject(misuse);
            }
        });
    }

    /// Adds trailers, to be sent after the content. They make the message chunked.
    pub fn add_trailers(&self, trailers: &Fields) {
        self.edit(|state| state.add_trailers(trailers));
    }

    /// Sets a field and removes all others with its name. A field that cannot be sent fails the message.
    pub fn set(&self, name: &str, value: &str) {
        self.edit(|state| {
            if let Err(misuse) = state.outgoing.fields.set(name, value) {
                state.outgoing.reject(misuse);
            }
        });
    }

    fn order(&self, order: impl FnOnce(&mut State, &Surroundings)) {
        let Some(exchange) = self.exchange.upgrade() else {
            return;
        };
        exchange.order(|state, env| {
            let fresh = state.outgoing.stage == Stage::Head;
            if fresh
                && request_line(state).is_some()
                && state.outgoing.fields.view().get("host").is_none()
            {
                // RFC 9112 §3.2 requires a Host field; the transport has no name.
                let _: Result<(), Misuse> = state.outgoing.fields.set("Host", "localhost");
            }
            order(state, env);
        });
    }

    /// The first order of a request: sets the default method, unless one was set, and sends the head if the content waits
    /// for `100 Continue`.
    fn begin_request(state: &mut State, env: &Surroundings, length: Length, with_content: bool) {
        let Some(line) = request_line(state) else {
            return;
        };
        if line.0.is_empty() {
            line.0 = if with_content { "POST" } else { "GET" }.to_owned();
        }
        let length = if state.has_trailers() {
            Length::Unknown
        } else {
            length
        };
        state.hold_for_continue(env, length);
    }

    /// Sends the message with this content, or ends a message written piece by piece with this last piece. A response is held
    /// until its request has been received. The content of a request with `Expect: 100-continue` is held until the server asks
    /// for it, for one second at most; a final response that comes first replaces it. The second call has no effect.
    pub fn send(&self, content: impl Into<Bytes>) {
        let content = content.into();
        self.order(|state, env| {
            let length = Length::Known(content.len() as u64);
            Self::begin_request(state, env, length, !content.is_empty());
            if let Some(early) = early(state) {
                if !early.ended {
                    early.pieces.push(content);
                    early.ended = true;
                }
                return;
            }
            state.end(env, content);
        });
    }

    /// Queues a piece of content and returns whether there is room for more; after `false` wait for [`drain`](Self::drain).
    /// Pieces of a response are held until its request has been received. An empty piece sends the head of a response, and
    /// has no effect on a request: its head is sent with the first content, in chunks, or with the end.
    pub fn write(&self, piece: impl Into<Bytes>) -> bool {
        let (piece, mut room) = (piece.into(), false);
        self.order(|state, env| {
            let body = &env.limits.body;
            if piece.is_empty() && request_line(state).is_some() {
                room = (state.queued_bytes() as u64) < body.queue_bytes;
                return;
            }
            Self::begin_request(state, env, Length::Unknown, true);
            let Some(early) = early(state) else {
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
                    "the content that waits for the peer exceeds the write queue; the session ends"
                );
                state.close(Closed::Aborted);
            }
        });
        room
    }

    /// Waits until there is room to write. Poll the session at the same time: it moves the bytes.
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

    /// Ends a message written piece by piece, with these trailers, which may be empty.
    pub fn end(&self, trailers: &Fields) {
        self.order(|state, env| {
            state.add_trailers(trailers);
            let empty = trailers.view().is_empty();
            Self::begin_request(state, env, Length::Known(0), !empty);
            match early(state) {
                Some(early) => early.ended = true,
                None => state.end(env, Bytes::new()),
            }
        });
    }

    /// Adds a listener for [`HeaderDone`](crate::event::HeaderDone), [`DataDone`](crate::event::DataDone),
    /// [`Done`](crate::event::Done) or [`Failed`](crate::event::Failed). Call it before sending.
    pub fn on<E: MessageEvent>(
        &self,
        event: E,
        listener: impl for<'a> FnMut(<E as sealed::Message>::Args<'a>) + 'static,
    ) {
        self.edit(|state| event.add(listener, &mut state.listeners.get_or_insert().of));
    }
}

/// Where to hold a response whose request has not been received, and content that waits for `100 Continue`; `None` once
/// nothing is to be waited for.
fn early(state: &mut State) -> Option<&mut Early> {
    if state.closed.is_some() {
        return None;
    }
    let session = state.session()?;
    let waits = match session.request_line {
        Some(_) => session.hold.is_some(),
        None => session.head.is_none(),
    };
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

/// The incoming message of a session: the response of a client session, the request of a server session. A handle: clones
/// refer to the same message, and listeners can own one.
///
/// ```
/// use hearken::{Session, event};
/// let session = Session::server();
/// session.req().on(event::LineReady, |head| println!("{} {}", head.method(), head.url()));
/// assert!(session.req().head().is_none());
/// ```
#[derive(Clone)]
pub struct SessionIncoming {
    pub(crate) exchange: Rc<Exchange>,
}

impl SessionIncoming {
    /// Adds a listener for [`LineReady`](crate::event::LineReady), [`HeaderReady`](crate::event::HeaderReady),
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

    /// The head; `None` until it has been received.
    #[must_use]
    pub fn head(&self) -> Option<Rc<Head>> {
        self.exchange.state().session()?.head.clone()
    }

    /// Waits for the next piece of the body; returns `None` at its end. Poll the session at the same time: it moves the
    /// bytes. Pieces received before the session ended can be read afterwards.
    ///
    /// # Errors
    /// When the body cannot become complete.
    pub async fn data(&self) -> Result<Option<Bytes>, Error> {
        next_piece(&mut ServerSource {
            exchange: Rc::clone(&self.exchange),
            method: None,
        })
        .await
    }
}

impl fmt::Debug for SessionIncoming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionIncoming")
    }
}

//! A session: one exchange on any byte transport, of either side, as events.

// Here: [`Session`], the handles of its two messages, and [`Attached`], the future that runs it. It uses the connection of
// `conn/` and the pump, as the server does.
//
// May know: `message`, `conn`, `event`, `pump`.
//
// Must not know: `server`, `client`.

pub(crate) mod message;

pub use message::{SessionIncoming, SessionOutgoing};

use crate::conn::clock::Clock;
use crate::conn::context::{ExchangeContext, Hooks};
use crate::conn::exchange::Exchange;
use crate::conn::notify;
use crate::conn::session::SessionConnection;
use crate::error::{Closed, Error};
use crate::event::observe::{Observer, Side};
use crate::event::peer::Peer;
use crate::pump::Pump;
use bytes::Bytes;
use hearken_proto::{Limits, Role};
use std::fmt;
use std::marker::PhantomData;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Instant, SystemTime};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Sleep;

const SCRATCH: usize = 16 * 1024;

/// The side that sends the request.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_enums, reason = "a name for a side, never a value")]
pub enum ClientSide {}

/// The side that sends the response.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_enums, reason = "a name for a side, never a value")]
pub enum ServerSide {}

/// One exchange, not yet bound to a transport. First add listeners, then [`attach`](Session::attach).
///
/// Events of the incoming message: [`LineReady`](crate::event::LineReady), [`HeaderReady`](crate::event::HeaderReady),
/// [`DataReady`](crate::event::DataReady), [`Ready`](crate::event::Ready). Events of the outgoing message, each emitted when
/// the transport has taken the bytes: [`HeaderDone`](crate::event::HeaderDone), [`DataDone`](crate::event::DataDone),
/// [`Done`](crate::event::Done). Both emit [`Failed`](crate::event::Failed). A session is not `Send`; timers are those of a
/// server, and so are the limits of the server side.
///
/// ```
/// use hearken::{Session, event};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), hearken::Error> {
/// let (here, there) = tokio::io::duplex(1024);
///
/// let server = Session::server();
/// let resp = server.resp();
/// server.req().on(event::Ready, move |whole| {
///     resp.send(format!("{} bytes", whole.body.len()));
/// });
///
/// let client = Session::client();
/// client.resp().on(event::HeaderReady, |head| assert_eq!(head.status(), 200));
/// client.resp().on(event::Ready, |whole| assert_eq!(&whole.body[..], b"5 bytes"));
///
/// let (served, asked) = tokio::join!(server.attach(there), client.attach(here).req().method("POST").send("hello"));
/// served?;
/// asked?;
/// # Ok(()) }
/// ```
pub struct Session<S> {
    exchange: Rc<Exchange>,
    attached: bool,
    side: PhantomData<fn() -> S>,
}

impl Session<ClientSide> {
    /// A session that sends a request, with the limits [`Limits::client`].
    #[must_use]
    pub fn client() -> Self {
        Self::new(Role::Client, Limits::client())
    }

    /// As [`client`](Self::client), with other limits.
    #[must_use]
    pub fn client_with(limits: Limits) -> Self {
        Self::new(Role::Client, limits)
    }

    /// The outgoing request.
    #[must_use]
    pub fn req(&self) -> SessionOutgoing {
        self.outgoing()
    }

    /// The incoming response.
    #[must_use]
    pub fn resp(&self) -> SessionIncoming {
        self.incoming()
    }
}

impl Session<ServerSide> {
    /// A session that receives a request and sends a response.
    #[must_use]
    pub fn server() -> Self {
        Self::new(Role::Server, Limits::default())
    }

    /// As [`server`](Self::server), with other limits.
    #[must_use]
    pub fn server_with(limits: Limits) -> Self {
        Self::new(Role::Server, limits)
    }

    /// The incoming request.
    #[must_use]
    pub fn req(&self) -> SessionIncoming {
        self.incoming()
    }

    /// The outgoing response.
    #[must_use]
    pub fn resp(&self) -> SessionOutgoing {
        self.outgoing()
    }
}

impl<S> Session<S> {
    fn new(role: Role, limits: Limits) -> Self {
        let clock = Clock::new(Instant::now(), SystemTime::now()).read_by(Instant::now);
        let env = ExchangeContext::new(limits, Arc::new(Hooks::default()), clock);
        let exchange = Exchange::of_session(&env, role);
        Self {
            exchange,
            attached: false,
            side: PhantomData,
        }
    }

    /// Shows every step to `observer`: call this before [`attach`](Self::attach) and before a message is sent. The second call
    /// replaces the first.
    ///
    /// ```
    /// use hearken::Session;
    /// use hearken::observe::{Observation, Observer};
    /// struct Print;
    /// impl Observer for Print {
    ///     fn observe(&self, seen: &Observation<'_>) {
    ///         eprintln!("{:?}", seen.step);
    ///     }
    /// }
    /// let session = Session::client();
    /// session.observer(Print);
    /// ```
    pub fn observer(&self, observer: impl Observer) -> &Self {
        let env = &self.exchange.env;
        env.observed.set(true);
        let observer: Arc<dyn Observer> = Arc::new(observer);
        let mut state = self.exchange.state();
        state.peer = Some(Rc::new(Peer::new(0, None, None)));
        state.begin_watch(env, (&observer, Side::Session), Instant::now());
        drop(state);
        self
    }

    fn outgoing(&self) -> SessionOutgoing {
        SessionOutgoing {
            exchange: Rc::downgrade(&self.exchange),
        }
    }

    fn incoming(&self) -> SessionIncoming {
        SessionIncoming {
            exchange: Rc::clone(&self.exchange),
        }
    }

    /// Binds the session to a transport: TCP, TLS, a Unix socket, memory. The result is a future that has to be awaited.
    pub fn attach<T: AsyncRead + AsyncWrite + Unpin>(self, transport: T) -> Attached<T, S> {
        let mut session = self;
        session.attached = true;
        let connection = SessionConnection::new(Rc::clone(&session.exchange), Instant::now());
        let pump = Pump::new(transport, connection);
        Attached {
            pump: Some(pump),
            sleep: None,
            scratch: vec![0; SCRATCH].into_boxed_slice(),
            side: PhantomData,
        }
    }
}

impl<S> Drop for Session<S> {
    fn drop(&mut self) {
        if !self.attached {
            let listeners = self.exchange.state().listeners.take();
            self.exchange
                .state()
                .end_watch(Closed::Aborted, Instant::now());
            notify::notify_closed(listeners, Closed::Aborted);
            self.exchange.state().close(Closed::Aborted);
        }
    }
}

impl<S> fmt::Debug for Session<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Session")
    }
}

/// A session on its transport: a future that runs the exchange to the last byte of both messages. Dropping it aborts the
/// exchange.
#[must_use = "a session runs only while it is awaited"]
pub struct Attached<T, S> {
    pump: Option<Pump<T, SessionConnection>>,
    sleep: Option<Pin<Box<Sleep>>>,
    scratch: Box<[u8]>,
    side: PhantomData<fn() -> S>,
}

/// The result of a session: its transport, to be reused or closed, and the bytes received after its end, which belong to
/// the next request, or to another protocol after an upgrade.
#[derive(Debug)]
#[non_exhaustive]
pub struct Finished<T> {
    /// The transport.
    pub transport: T,
    /// Bytes received after the message.
    pub rest: Bytes,
}

impl<T> Attached<T, ClientSide> {
    /// The request of this session: `session.attach(stream).req().send("…").await`.
    pub const fn req(self) -> AttachedRequest<T> {
        AttachedRequest { attached: self }
    }
}

impl<T, S> Attached<T, S> {
    fn handle(&mut self) -> Option<SessionOutgoing> {
        let pump = self.pump.as_mut()?;
        Some(SessionOutgoing {
            exchange: Rc::downgrade(pump.drive().exchange()),
        })
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin, S> Future for Attached<T, S> {
    type Output = Result<Finished<T>, Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let Some(pump) = &mut this.pump else {
            return Poll::Pending; // polled after completion
        };
        loop {
            let now = Instant::now();
            pump.drive().exchange().env.clock.set(now, SystemTime::now);
            let due = pump.deadline().is_some_and(|at| at <= now);
            if pump.poll(cx, now, due, &mut this.scratch).is_ready() {
                break;
            }
            let Some(at) = pump.deadline() else {
                return Poll::Pending;
            };
            let sleep = this
                .sleep
                .get_or_insert_with(|| Box::pin(tokio::time::sleep_until(at.into())));
            if sleep.deadline() != at.into() {
                sleep.as_mut().reset(at.into());
            }
            ready!(sleep.as_mut().poll(cx));
        }
        let Some(pump) = this.pump.take() else {
            return Poll::Pending;
        };
        let (transport, connection) = pump.into_parts();
        Poll::Ready(match connection.failure {
            Some(error) => Err(error),
            None => Ok(Finished {
                transport,
                rest: Bytes::from(connection.rest),
            }),
        })
    }
}

impl<T, S> Drop for Attached<T, S> {
    fn drop(&mut self) {
        if let Some(pump) = &mut self.pump {
            let exchange = pump.drive().exchange();
            let listeners = exchange.state().listeners.take();
            exchange
                .state()
                .end_session_watch(Closed::Aborted, Instant::now());
            notify::notify_closed(listeners, Closed::Aborted);
            exchange.state().close(Closed::Aborted); // wakes pending calls
        }
    }
}

impl<T, S> fmt::Debug for Attached<T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Attached")
    }
}

/// The request of a session that is attached to its transport.
///
/// ```
/// use hearken::Session;
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let (here, there) = tokio::io::duplex(1024);
/// drop(there);
/// let error = Session::client().attach(here).req().url("/a").send("").await.unwrap_err();
/// assert!(error.is_closed());
/// # }
/// ```
#[derive(Debug)]
pub struct AttachedRequest<T> {
    attached: Attached<T, ClientSide>,
}

impl<T> AttachedRequest<T> {
    fn with(mut self, order: impl FnOnce(&SessionOutgoing)) -> Self {
        if let Some(handle) = self.attached.handle() {
            order(&handle);
        }
        self
    }

    /// Sets the method. Default GET without content, POST with it.
    #[must_use]
    pub fn method(self, method: &str) -> Self {
        self.with(|request| request.set_method(method))
    }

    /// Sets the request target. Default `/`.
    #[doc(alias = "target")]
    #[must_use]
    pub fn url(self, target: &str) -> Self {
        self.with(|request| request.set_url(target))
    }

    /// Sets a field. A field that cannot be sent fails the session.
    #[must_use]
    pub fn set(self, name: &str, value: &str) -> Self {
        self.with(|request| request.set(name, value))
    }

    /// Sends the request with this content. Await the result to run the exchange.
    pub fn send(self, content: impl Into<Bytes>) -> Attached<T, ClientSide> {
        self.with(|request| request.send(content)).attached
    }
}

#[cfg(test)]
mod tests;

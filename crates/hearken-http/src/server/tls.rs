//! The handshake in a worker: it has the connection's seat, its deadline, and its events.
//!
//! Here: [`Worker::secure`], and [`TlsClientError`], which a listener is given when it fails. Not here: the handshake itself
//! (`server/accept.rs`), the connection that follows (`server/worker.rs`).

use crate::conn::Ending;
use crate::conn::server::{Runner, ServedConnection};
use crate::error::Closed;
use crate::event::callbacks::notify_all;
use crate::event::peer::Peer;
use crate::net::transport::Transport;
use crate::server::worker::{ConnectionSlot, Worker};
use crate::tls::error::{TlsError, TlsErrorKind};
use crate::tls::handshake::{self, Failed, Parting, Sniffed};
use crate::tls::server::ServerTls;
use std::future::poll_fn;
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::server::TlsStream;

/// What is left of the time for a handshake once the server is to stop.
const WHEN_STOPPING: Duration = Duration::from_secs(1);

/// A handshake has failed; the connection closes. What [`event::TlsClientError`](crate::event::TlsClientError) tells.
///
/// ```
/// use hearken_http::{Server, event};
/// let mut server = Server::new(async |_req, res| res.end("hi"));
/// server.on(event::TlsClientError, |failure| eprintln!("{:?}: {}", failure.peer(), failure.error()));
/// ```
#[derive(Debug)]
pub struct TlsClientError<'a> {
    peer: &'a Peer,
    error: &'a TlsError,
}

impl<'a> TlsClientError<'a> {
    /// Who it was.
    #[must_use]
    pub const fn peer(&self) -> &'a Peer {
        self.peer
    }

    /// What was wrong.
    #[must_use]
    pub const fn error(&self) -> &'a TlsError {
        self.error
    }
}

impl<T: Transport> Transport for TlsStream<Sniffed<T>> {
    fn cut(&self) {
        self.get_ref().0.get_ref().cut();
    }
}

/// A connection that is not there yet. Dropped in this order: it is told to be closed, then its seat is free.
struct Arriving<R: Runner> {
    drive: ServedConnection<R>,
    seat: ConnectionSlot,
}

impl Worker {
    /// The handshake, in a task of its own; then the connection is served on what came out of it.
    pub(crate) fn secure<T, R>(
        self: &Rc<Self>,
        tls: &ServerTls,
        transport: T,
        parts: (ServedConnection<R>, ConnectionSlot),
    ) where
        T: Transport + 'static,
        R: Runner + Unpin + 'static,
    {
        let (drive, seat) = parts;
        let arriving = Arriving { drive, seat };
        tokio::task::spawn_local(arrive(arriving, tls.clone(), transport));
    }
}

async fn arrive<T, R>(mut arriving: Arriving<R>, tls: ServerTls, transport: T)
where
    T: Transport + 'static,
    R: Runner + Unpin + 'static,
{
    let worker = Rc::clone(arriving.seat.worker());
    let limits = &worker.env.limits;
    let until = worker.now() + limits.time.tls_handshake;
    let handshake = handshake::accept(&tls, &worker.turns, transport);
    let failed = match arriving.seat.within(until, handshake).await {
        Ok(Ok((stream, info))) => {
            let Arriving { mut drive, seat } = arriving;
            drive.served.secured(info, worker.now());
            return seat.start(stream, drive);
        }
        Ok(Err(failed)) => failed,
        Err(Late::Deadline) => Failed {
            error: Some(TlsError::timeout()),
            transport: None,
            parting: Parting::Silent,
        },
        Err(Late::Stopped) => return,
    };
    let served = &mut arriving.drive.served;
    served.ending = Some(Ending::Now);
    served.why = why(failed.error.as_ref());
    if let Some(error) = &failed.error {
        let failure = TlsClientError {
            peer: &served.peer,
            error,
        };
        let listeners = &worker.env.hooks.listeners.tls_client_error;
        notify_all(listeners, |listener| listener(&failure));
    }
    if let Some(transport) = failed.transport {
        bid_farewell(&arriving.seat, transport, failed.parting).await;
    }
}

/// As long and for as many bytes as after an answer that closes.
async fn bid_farewell<T>(seat: &ConnectionSlot, transport: Sniffed<T>, parting: Parting)
where
    T: AsyncRead + AsyncWrite + Unpin,
{
    let worker = seat.worker();
    let limits = &worker.env.limits;
    let until = worker.now() + limits.time.linger;
    let farewell = handshake::farewell(transport, parting, limits.body.drain_bytes_max);
    // Whoever takes longer has had enough time.
    let _ = seat.within(until, farewell).await;
}

fn why(error: Option<&TlsError>) -> Closed {
    match error.map(TlsError::kind) {
        None | Some(TlsErrorKind::Closed | TlsErrorKind::Io | TlsErrorKind::Alert) => {
            Closed::PeerGone
        }
        Some(TlsErrorKind::Timeout) => Closed::ReadTimeout,
        Some(_) => Closed::BadMessage,
    }
}

/// Why something was not waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Late {
    Deadline,
    Stopped,
}

impl ConnectionSlot {
    /// Polls `work` until it is done, until the deadline, or until the server has no time left.
    async fn within<F: Future>(&self, mut until: Instant, work: F) -> Result<F::Output, Late> {
        let mut work = pin!(work);
        let mut armed = None;
        let worker = self.worker();
        poll_fn(|cx| {
            if let Poll::Ready(done) = work.as_mut().poll(cx) {
                return Poll::Ready(Ok(done));
            }
            let now = worker.now();
            if self.is_cut() {
                return Poll::Ready(Err(Late::Stopped));
            }
            if worker.env.draining.get() {
                until = until.min(now + WHEN_STOPPING);
            }
            if now >= until {
                return Poll::Ready(Err(Late::Deadline));
            }
            if armed != Some(until) {
                armed = Some(until);
                self.wake_at(until, cx.waker());
            }
            Poll::Pending
        })
        .await
    }
}

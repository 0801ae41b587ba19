//! The TLS handshake of a connection in a worker: its connection slot, its deadline, its events.
//!
//! Here: [`Worker::secure`]. Not here: the handshake itself (`tls/handshake.rs`), the connection that follows
//! (`server/worker.rs`).

use crate::conn::Ending;
use crate::conn::server::{Runner, ServedConnection};
use crate::error::Closed;
use crate::event::callbacks::notify_all;
use crate::event::tls_client_error::TlsClientError;
use crate::net::rewind::Rewind;
use crate::net::transport::{BoxIo, Transport};
use crate::server::worker::{ConnectionSlot, Worker};
use crate::tls::error::{TlsError, TlsErrorKind};
use crate::tls::handshake::{self, Failed, Rejection};
use crate::tls::server::ServerTls;
use std::future::poll_fn;
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;
use std::time::{Duration, Instant};

/// The most time that a handshake has left once the server stops.
const WHEN_STOPPING: Duration = Duration::from_secs(1);

/// A connection during its TLS handshake. Field order matters: emit `Disconnected` before the slot is released.
struct Handshaking<R: Runner> {
    drive: ServedConnection<R>,
    slot: ConnectionSlot,
}

impl Worker {
    /// Runs the handshake in a task of its own, then serves the connection on the secured transport.
    pub(crate) fn secure<T, R>(
        self: &Rc<Self>,
        tls: &ServerTls,
        transport: T,
        parts: (ServedConnection<R>, ConnectionSlot),
    ) where
        T: Transport + 'static,
        R: Runner + Unpin + 'static,
    {
        let (drive, slot) = parts;
        let handshaking = Handshaking { drive, slot };
        tokio::task::spawn_local(run(handshaking, tls.clone(), transport));
    }
}

async fn run<T, R>(mut handshaking: Handshaking<R>, tls: ServerTls, transport: T)
where
    T: Transport + 'static,
    R: Runner + Unpin + 'static,
{
    let worker = Rc::clone(handshaking.slot.worker());
    let limits = &worker.env.exchange.limits;
    let until = worker.now() + limits.time.tls_handshake;
    let handshake = handshake::accept(&tls, &worker.permits, transport);
    let failed = match handshaking.slot.within(until, handshake).await {
        Ok(Ok((stream, info))) => {
            let Handshaking { mut drive, slot } = handshaking;
            drive.served.secured(info, worker.now());
            return slot.start(stream, drive);
        }
        Ok(Err(failed)) => failed,
        Err(Interrupted::Deadline) => Failed {
            error: Some(TlsError::timeout()),
            transport: None,
            rejection: Rejection::Silent,
        },
        Err(Interrupted::Stopped) => return,
    };
    let served = &mut handshaking.drive.served;
    served.ending = Some(Ending::Now);
    served.why = why(failed.error.as_ref());
    if let Some(error) = &failed.error {
        let failure = TlsClientError::new(&served.peer, error);
        let listeners = &worker.env.exchange.hooks.listeners.tls_client_error;
        notify_all(listeners, |listener| listener(&failure));
    }
    if let Some(transport) = failed.transport {
        reject(handshaking, transport, failed.rejection).await;
    }
}

/// Sends the rejection. What follows is what follows every last response: the end of our direction, and reading on.
async fn reject<T, R>(handshaking: Handshaking<R>, transport: Rewind<T>, rejection: Rejection)
where
    T: Transport + 'static,
    R: Runner + Unpin + 'static,
{
    let worker = handshaking.slot.worker();
    let until = worker.now() + worker.env.exchange.limits.time.write_idle;
    let rejected = handshake::reject(transport, rejection);
    if let Ok(Ok(transport)) = handshaking.slot.within(until, rejected).await {
        let Handshaking { mut drive, slot } = handshaking;
        drive.served.ending = Some(Ending::Linger);
        let transport: BoxIo = Box::new(transport);
        slot.start(transport, drive);
    }
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

/// Why a step has not run to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Interrupted {
    Deadline,
    Stopped,
}

impl ConnectionSlot {
    /// Polls `work` until it is done, until the deadline, or until the server closes all connections.
    async fn within<F: Future>(
        &self,
        mut until: Instant,
        work: F,
    ) -> Result<F::Output, Interrupted> {
        let mut work = pin!(work);
        let mut armed = None;
        let worker = self.worker();
        poll_fn(|cx| {
            if let Poll::Ready(done) = work.as_mut().poll(cx) {
                return Poll::Ready(Ok(done));
            }
            let now = worker.now();
            if self.is_cut() {
                return Poll::Ready(Err(Interrupted::Stopped));
            }
            if worker.env.exchange.draining.get() {
                until = until.min(now + WHEN_STOPPING);
            }
            if now >= until {
                return Poll::Ready(Err(Interrupted::Deadline));
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

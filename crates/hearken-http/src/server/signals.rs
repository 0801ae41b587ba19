//! The signals that stop a server.
//!
//! Here: [`Signals`]. Not here: what follows from them (`listening.rs`).

use crate::error::Error;
#[cfg(unix)]
use crate::race::{First, race};

/// SIGINT and SIGTERM. Where there are no signals, Ctrl-C.
pub(super) struct Signals {
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
}

/// The number of SIGINT.
const INTERRUPT: u8 = 2;
/// The number of SIGTERM.
#[cfg(unix)]
const TERMINATE: u8 = 15;

impl Signals {
    #[cfg(unix)]
    pub(super) fn new() -> Result<Self, Error> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    /// Waits for the next one and returns its number.
    #[cfg(unix)]
    pub(super) async fn next(&mut self) -> u8 {
        match race(self.interrupt.recv(), self.terminate.recv()).await {
            First::Left(_) => INTERRUPT,
            First::Right(_) => TERMINATE,
        }
    }

    #[cfg(not(unix))]
    #[expect(clippy::unnecessary_wraps, reason = "as on Unix")]
    pub(super) fn new() -> Result<Self, Error> {
        Ok(Self {})
    }

    #[cfg(not(unix))]
    pub(super) async fn next(&mut self) -> u8 {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
        INTERRUPT
    }
}

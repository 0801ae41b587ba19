//! What an error of the transport means for an exchange.
//!
//! Here: [`closed_by`] for servers and sessions, [`cause_of`] for clients, which keep more of it. Not here: what follows
//! (`server/failure.rs`, `session.rs`, `client/mod.rs`).

use crate::error::Closed;
#[cfg(feature = "client")]
use crate::error::client::Cause;
use crate::net::file::is_file_error;
use std::io;

/// Why an exchange is over whose transport has failed.
pub(crate) fn closed_by(error: &io::Error) -> Closed {
    if is_file_error(error) {
        Closed::Aborted
    } else if error.kind() == io::ErrorKind::ConnectionReset {
        Closed::Reset
    } else {
        Closed::PeerGone
    }
}

/// Why a request has failed whose transport has failed.
#[cfg(feature = "client")]
pub(crate) fn cause_of(error: &io::Error) -> Cause {
    use io::ErrorKind as K;
    match error.kind() {
        K::ConnectionReset | K::ConnectionAborted => Cause::Reset,
        K::BrokenPipe | K::WriteZero | K::UnexpectedEof => Cause::Gone,
        kind => Cause::Io(match error.raw_os_error() {
            Some(code) => io::Error::from_raw_os_error(code),
            None => io::Error::new(kind, error.to_string()),
        }),
    }
}

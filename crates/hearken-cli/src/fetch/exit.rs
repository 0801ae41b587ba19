//! Exit codes, which are curl's where curl has one, and short names of failures for scripts.
//!
//! Here: [`Failure`]. The table of codes is in `help.rs` and docs/fetch.md. Not here: the texts, which come from the library.

use super::sink::SinkError;
use crate::advice;
use hearken::Error;
use hearken::client::Phase;
use hearken::tls::TlsError;
use std::borrow::Cow;
use std::error::Error as _;
use std::time::Duration;

/// Why a URL could not be fetched.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) exit: u8,
    /// For faults and limits of the protocol, the code in docs/errors.md.
    pub(crate) code: Cow<'static, str>,
    pub(crate) phase: Option<Phase>,
    pub(crate) message: String,
}

/// Why a fetch ended early.
#[derive(Debug)]
pub(crate) enum FetchError {
    Failed(Failure),
    /// The status of an answer that another attempt may improve, and when that begins.
    Again {
        status: u16,
        wait: Duration,
    },
    /// The reader of stdout has closed it: the program ends without an error.
    StdoutClosed,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let (exit, code) = classify(&error);
        Self {
            exit,
            code,
            phase: error.phase(),
            message: advice::tls::text(&error),
        }
    }
}

impl From<Error> for FetchError {
    fn from(error: Error) -> Self {
        Self::Failed(error.into())
    }
}

impl From<Failure> for FetchError {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl From<SinkError> for FetchError {
    fn from(error: SinkError) -> Self {
        let message = match error {
            SinkError::Closed => return Self::StdoutClosed,
            SinkError::Binary => {
                "the body looks binary and was not written to the terminal; -o FILE saves it, -o - writes it even so"
                    .to_owned()
            }
            SinkError::Failed { what, error } => format!("cannot write to {what}: {error}"),
        };
        Self::Failed(Failure {
            exit: WRITE,
            code: "OUTPUT".into(),
            phase: None,
            message,
        })
    }
}

impl Failure {
    /// The failure of `-C`.
    pub(crate) fn range(message: String) -> Self {
        Self {
            exit: RANGE,
            code: "RANGE".into(),
            phase: None,
            message,
        }
    }

    /// The failure of a status under `-f`.
    pub(crate) fn status(url: &str, status: u16, reason: &str) -> Self {
        Self {
            exit: STATUS,
            code: "STATUS".into(),
            phase: None,
            message: format!("{url} answered {status} {reason}"),
        }
    }
}

/// Exit code and name of an error. The first cause that applies decides.
fn classify(error: &Error) -> (u8, Cow<'static, str>) {
    if error.is_timeout() {
        return (28, "TIMEOUT".into());
    }
    if error.is_url() {
        return (2, "URL".into());
    }
    if error.is_redirect() {
        return (47, "REDIRECT".into());
    }
    if error.is_decode() {
        return (61, "DECODE".into());
    }
    let fault = error.protocol().map(hearken::proto::Error::code);
    match (error.phase(), fault) {
        (Some(Phase::Resolve), _) => (6, "RESOLVE".into()),
        (Some(Phase::Queue | Phase::Connect), _) => (7, "CONNECT".into()),
        (Some(Phase::Proxy), _) => (97, "PROXY".into()),
        (Some(Phase::Tls), _) => {
            let untrusted = error
                .source()
                .and_then(|error| error.downcast_ref::<TlsError>())
                .is_some_and(TlsError::is_certificate);
            if untrusted {
                (60, "CERTIFICATE".into())
            } else {
                (35, "TLS".into())
            }
        }
        (_, Some(code)) if TRUNCATED.contains(&code) => (56, code.into()),
        (_, Some(code)) => (8, code.into()),
        (Some(Phase::Wait), None) => (52, "NO_ANSWER".into()),
        (Some(Phase::Read), None) => (56, "BODY_LOST".into()),
        (Some(Phase::Write), None) => (55, "SEND".into()),
        _ => (1, "OTHER".into()),
    }
}

const STATUS: u8 = 22;
pub(crate) const WRITE: u8 = 23;
const RANGE: u8 = 33;
/// The connection ended in the middle of a message.
const TRUNCATED: [&str; 2] = ["H1_TRUNCATED_HEAD", "H1_TRUNCATED_BODY"];

//! A certificate that this side rejects: which one, why, and the remedy.
//!
//! All connections share a verifier, and its error names no certificate. So the verifier records the rejection for the task
//! whose handshake is being polled, and [`capture`] returns it. Here: [`CertificateRejection`], [`capture`], [`record`]. Not
//! here: the decision (`verify.rs`).

use super::certificate::{CertificateInfo, clean, list};
use crate::date::HttpDate;
use rustls::CertificateError;
use rustls::pki_types::{CertificateDer, UnixTime};
use std::cell::RefCell;
use std::fmt;

/// Why a certificate was rejected.
#[derive(Debug)]
pub(super) struct CertificateRejection {
    /// `None` if it cannot be read.
    pub(super) certificate: Option<CertificateInfo>,
    reason: String,
    remedy: &'static str,
}

tokio::task_local! {
    static RECORDED: RefCell<Option<CertificateRejection>>;
}

/// Runs a handshake and returns the rejection that its verifier has recorded.
pub(super) async fn capture<F: Future>(handshake: F) -> (F::Output, Option<CertificateRejection>) {
    let captured = async {
        let output = handshake.await;
        (output, RECORDED.with(RefCell::take))
    };
    RECORDED.scope(RefCell::default(), captured).await
}

/// The owner of the certificate: the remedy differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    Server,
    Client,
}

/// Records the rejection of a certificate for the error of this connection.
pub(super) fn record(der: &CertificateDer<'_>, error: &rustls::Error, owner: Owner) {
    let rustls::Error::InvalidCertificate(why) = error else {
        return;
    };
    let certificate = CertificateInfo::from_der(der);
    let self_issued = certificate
        .as_ref()
        .is_some_and(CertificateInfo::is_self_issued);
    let names = certificate.as_ref().map_or(&[][..], CertificateInfo::names);
    let (reason, remedy) = reason(why, self_issued, names, owner);
    let rejection = CertificateRejection {
        certificate,
        reason,
        remedy,
    };
    // Fails outside of `capture`, where no error needs it.
    let _ = RECORDED.try_with(|recorded| *recorded.borrow_mut() = Some(rejection));
}

impl fmt::Display for CertificateRejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the certificate of the peer is refused: {}", self.reason)?;
        if let Some(certificate) = &self.certificate {
            write!(f, "; it is {certificate}")?;
        }
        write!(f, "; {}", self.remedy)
    }
}

const TRUST: &str = "if it is the right one, add it or its issuer to the roots";
const RENEW: &str = "check the clock of this machine; the server needs a new certificate";
const NAME: &str = "ask for one of these names, or check that this is the right server";
const ROOT: &str = "add its issuer to the roots for clients, if it is to be let in";
const OTHER: &str = "the peer needs another certificate";

fn reason(
    why: &CertificateError,
    self_issued: bool,
    names: &[String],
    owner: Owner,
) -> (String, &'static str) {
    use CertificateError as C;
    let (trust, renew) = match owner {
        Owner::Server => (TRUST, RENEW),
        Owner::Client => (
            ROOT,
            "check the clock of this machine; the client needs a new certificate",
        ),
    };
    match why {
        C::ExpiredContext { not_after, .. } => {
            (format!("it expired on {}", date(*not_after)), renew)
        }
        C::Expired => ("it has expired".to_owned(), renew),
        C::NotValidYetContext { not_before, .. } => {
            (format!("it is valid from {} on", date(*not_before)), renew)
        }
        C::NotValidYet => ("it is not valid yet".to_owned(), renew),
        C::NotValidForNameContext { expected, .. } => {
            let expected = clean(&expected.to_str());
            (
                format!("it is not valid for {expected}, but for {}", list(names)),
                NAME,
            )
        }
        C::NotValidForName => ("it is not valid for this host".to_owned(), NAME),
        C::UnknownIssuer if self_issued => (
            "it is self-signed and not among the trusted roots".to_owned(),
            trust,
        ),
        C::UnknownIssuer => ("its issuer is not known".to_owned(), trust),
        // As `openssl req -x509` makes them: a server that uses the certificate of an authority as its own.
        C::Other(_) if self_issued => (
            "it is self-signed and not among the trusted roots".to_owned(),
            trust,
        ),
        C::Revoked => ("it was revoked".to_owned(), OTHER),
        C::BadEncoding => ("it cannot be read".to_owned(), OTHER),
        C::BadSignature => (
            "its signature, or one made by its key, is wrong".to_owned(),
            OTHER,
        ),
        C::InvalidPurpose | C::InvalidPurposeContext { .. } => (
            match owner {
                Owner::Server => "it is not meant for servers".to_owned(),
                Owner::Client => "it is not meant for clients".to_owned(),
            },
            OTHER,
        ),
        other => (clean(&other.to_string()), OTHER),
    }
}

fn date(time: UnixTime) -> String {
    let seconds = i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
    HttpDate::from_unix_seconds(seconds).to_string()
}

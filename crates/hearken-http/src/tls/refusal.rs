//! A certificate that we refuse: which one, why, and what helps.
//!
//! A verifier is shared by all connections and gives back an error that names no certificate; what it saw is kept
//! here for the connection whose handshake is being polled. Here: [`Refusal`] and [`watch`]. Not here: the judgement
//! (`verify.rs`).

use super::certificate::{CertificateInfo, clean, list};
use rustls::CertificateError;
use rustls::pki_types::{CertificateDer, UnixTime};
use std::cell::RefCell;
use std::fmt;
use std::time::{Duration, UNIX_EPOCH};

/// Why a certificate was refused.
#[derive(Debug)]
pub(super) struct Refusal {
    /// What it says, if it can be read.
    pub(super) certificate: Option<CertificateInfo>,
    reason: String,
    help: &'static str,
}

tokio::task_local! {
    static SEEN: RefCell<Option<Refusal>>;
}

/// Polls a handshake and hears what the verifier says meanwhile.
pub(super) async fn watch<F: Future>(handshake: F) -> (F::Output, Option<Refusal>) {
    let watched = async {
        let output = handshake.await;
        (output, SEEN.with(RefCell::take))
    };
    SEEN.scope(RefCell::default(), watched).await
}

/// Which side's certificate it is: the help differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Of {
    Server,
    Client,
}

/// Keeps what a verifier refuses, for the error of this connection.
pub(super) fn keep(der: &CertificateDer<'_>, error: &rustls::Error, of: Of) {
    let rustls::Error::InvalidCertificate(why) = error else {
        return;
    };
    let certificate = CertificateInfo::from_der(der);
    let self_issued = certificate
        .as_ref()
        .is_some_and(CertificateInfo::is_self_issued);
    let names = certificate.as_ref().map_or(&[][..], CertificateInfo::names);
    let (reason, help) = reason(why, self_issued, names, of);
    let refusal = Refusal {
        certificate,
        reason,
        help,
    };
    // Not in a handshake of ours: nobody asks then.
    let _ = SEEN.try_with(|seen| *seen.borrow_mut() = Some(refusal));
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the certificate of the peer is refused: {}", self.reason)?;
        if let Some(certificate) = &self.certificate {
            write!(f, "; it is {certificate}")?;
        }
        write!(f, "; {}", self.help)
    }
}

const TRUST: &str = "if it is the right one, add it or its issuer as an extra root (--cacert), or accept any certificate (-k)";
const RENEW: &str =
    "mind the clock of this machine; the server needs a new certificate, or accept any (-k)";
const NAME: &str = "ask for one of these names, or check that this is the right server";
const ROOT: &str = "add its issuer to the roots for clients, if it is to be let in";
const OTHER: &str = "the peer needs another certificate";

fn reason(
    why: &CertificateError,
    self_issued: bool,
    names: &[String],
    of: Of,
) -> (String, &'static str) {
    use CertificateError as C;
    let (trust, renew) = match of {
        Of::Server => (TRUST, RENEW),
        Of::Client => (
            ROOT,
            "mind the clock of this machine; the client needs a new one",
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
        // What `openssl req -x509` makes: an authority's certificate that a server uses as its own.
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
            match of {
                Of::Server => "it is not meant for servers".to_owned(),
                Of::Client => "it is not meant for clients".to_owned(),
            },
            OTHER,
        ),
        other => (clean(&other.to_string()), OTHER),
    }
}

fn date(time: UnixTime) -> String {
    // As in `CertificateInfo`: years that can be printed.
    let seconds = time.as_secs().min(253_402_300_799);
    httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(seconds))
}

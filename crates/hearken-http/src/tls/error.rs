//! Why TLS could not be set up or spoken: what stands in the way, and what to do.
//!
//! Here: [`TlsError`], its kinds, and the texts of what is not about a certificate. Not here: those that are
//! (`refusal.rs`).

use super::certificate::{CertificateInfo, clean};
use super::refusal::Refusal;
use rustls::{AlertDescription, InvalidMessage, PeerIncompatible};
use std::sync::Arc;
use std::{fmt, io};

/// Why a handshake failed, or why certificates and keys could not be used. Cheap to clone.
///
/// Its text is for the person at the keyboard. [`source`](std::error::Error::source) holds the error below where there
/// is one.
///
/// ```
/// use hearken_http::tls::{ClientTls, TlsErrorKind};
/// let error = ClientTls::new().root_pem(b"hello").unwrap_err();
/// assert_eq!(error.kind(), TlsErrorKind::Settings);
/// assert!(error.to_string().contains("-----BEGIN CERTIFICATE-----"));
/// ```
#[derive(Clone)]
pub struct TlsError {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    kind: TlsErrorKind,
    text: String,
    alert: Option<AlertDescription>,
    certificate: Option<CertificateInfo>,
    source: Option<io::Error>,
}

/// The kinds of [`TlsError`], sorted by who must act.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TlsErrorKind {
    /// We: a certificate, a key, a root or a name cannot be used. Nothing was sent.
    Settings,
    /// We refuse the certificate of the peer, or miss one.
    Certificate,
    /// The peer ended the handshake by an alert.
    Alert,
    /// Both sides have no version, cipher suite or protocol in common.
    Incompatible,
    /// The peer does not speak TLS, or broke its rules.
    Protocol,
    /// The peer closed the connection in the middle of the handshake.
    Closed,
    /// The handshake took longer than it may.
    Timeout,
    /// The transport failed.
    Io,
}

impl TlsError {
    fn new(kind: TlsErrorKind, text: String) -> Self {
        Self::from_inner(Inner {
            kind,
            text,
            alert: None,
            certificate: None,
            source: None,
        })
    }

    fn from_inner(inner: Inner) -> Self {
        Self {
            inner: Arc::new(inner),
        }
    }

    pub(super) fn settings(text: String) -> Self {
        Self::new(TlsErrorKind::Settings, text)
    }

    pub(super) fn plain_http() -> Self {
        let text = "expected TLS, the peer speaks plain http; its address must begin with https://";
        Self::new(TlsErrorKind::Protocol, text.to_owned())
    }

    pub(super) fn old_version() -> Self {
        Self::new(TlsErrorKind::Incompatible, OLD.to_owned())
    }

    pub(crate) fn timeout() -> Self {
        let text = "expected the handshake to be complete in time";
        Self::new(TlsErrorKind::Timeout, text.to_owned())
    }

    /// What a handshake failed with; `refusal` is what our verifier said in it.
    pub(super) fn handshake(error: io::Error, refusal: Option<Refusal>) -> Self {
        if let Some(refusal) = refusal {
            return Self::from_inner(Inner {
                kind: TlsErrorKind::Certificate,
                text: refusal.to_string(),
                alert: None,
                certificate: refusal.certificate,
                source: Some(error),
            });
        }
        let tls = error.get_ref().and_then(|inner| inner.downcast_ref());
        let (kind, text, alert) = match tls {
            Some(tls) => of_rustls(tls),
            None if error.kind() == io::ErrorKind::UnexpectedEof => (
                TlsErrorKind::Closed,
                "the peer closed the connection in the middle of the handshake".to_owned(),
                None,
            ),
            None => (
                TlsErrorKind::Io,
                format!("the connection broke in the handshake: {error}"),
                None,
            ),
        };
        Self::from_inner(Inner {
            kind,
            text,
            alert,
            certificate: None,
            source: Some(error),
        })
    }

    /// What ended a connection on which TLS is spoken, if it was TLS, and whether it belongs to the handshake.
    /// `fresh` says that no answer has come on it yet: the peer may still refuse our side of the handshake then, for
    /// in TLS 1.3 we are done before it has seen our certificate (RFC 8446 §4.4.2.4).
    #[cfg(feature = "client")]
    pub(crate) fn of_connection(error: &io::Error, fresh: bool) -> Option<(Self, bool)> {
        let tls: &rustls::Error = error.get_ref()?.downcast_ref()?;
        let copy = io::Error::new(error.kind(), tls.clone());
        if fresh && matches!(tls, rustls::Error::AlertReceived(_)) {
            return Some((Self::handshake(copy, None), true));
        }
        let (kind, text, alert) = match tls {
            rustls::Error::AlertReceived(alert) => (
                TlsErrorKind::Alert,
                format!("the peer ended the connection by the alert {alert:?}"),
                Some(*alert),
            ),
            other => (TlsErrorKind::Protocol, clean(&other.to_string()), None),
        };
        let inner = Inner {
            kind,
            text,
            alert,
            certificate: None,
            source: Some(copy),
        };
        Some((Self::from_inner(inner), false))
    }

    /// Who must act.
    #[must_use]
    pub fn kind(&self) -> TlsErrorKind {
        self.inner.kind
    }

    /// Whether the certificate of the peer was refused by us, or is missing.
    #[must_use]
    pub fn is_certificate(&self) -> bool {
        self.inner.kind == TlsErrorKind::Certificate
    }

    /// Whether the handshake took too long.
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        self.inner.kind == TlsErrorKind::Timeout
    }

    /// The certificate that was refused, if it could be read.
    #[must_use]
    pub fn certificate(&self) -> Option<&CertificateInfo> {
        self.inner.certificate.as_ref()
    }

    /// The number of the alert that the peer sent (RFC 8446 §6).
    #[must_use]
    pub fn alert(&self) -> Option<u8> {
        self.inner.alert.map(u8::from)
    }
}

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.inner.text)
    }
}

impl fmt::Debug for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.inner, f)
    }
}

impl std::error::Error for TlsError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.inner.source.as_ref().map(|source| source as _)
    }
}

fn of_rustls(error: &rustls::Error) -> (TlsErrorKind, String, Option<AlertDescription>) {
    use TlsErrorKind as K;
    match error {
        rustls::Error::AlertReceived(alert) => (K::Alert, alert_text(*alert), Some(*alert)),
        rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType) => (
            K::Protocol,
            "expected TLS, the peer sent something else; does it speak plain http?".to_owned(),
            None,
        ),
        rustls::Error::NoCertificatesPresented => (
            K::Certificate,
            "expected a certificate of the peer, it gave none".to_owned(),
            None,
        ),
        rustls::Error::NoApplicationProtocol => (
            K::Incompatible,
            "the peer speaks none of the protocols that are spoken here (ALPN)".to_owned(),
            None,
        ),
        rustls::Error::PeerIncompatible(why) => (K::Incompatible, incompatible_text(why), None),
        rustls::Error::PeerMisbehaved(why) => (
            K::Protocol,
            format!("the peer broke the rules of TLS: {why:?}"),
            None,
        ),
        other => {
            let text = format!("the handshake failed: {}", clean(&other.to_string()));
            (K::Protocol, text, None)
        }
    }
}

fn incompatible_text(why: &PeerIncompatible) -> String {
    use PeerIncompatible as P;
    match why {
        P::ServerDoesNotSupportTls12Or13
        | P::ServerTlsVersionIsDisabledByOurConfig
        | P::Tls12NotOffered
        | P::Tls12NotOfferedOrEnabled
        | P::Tls13RequiredForQuic
        | P::SupportedVersionsExtensionRequired => OLD.to_owned(),
        P::NoCipherSuitesInCommon => "no cipher suite is known to both sides".to_owned(),
        P::NoKxGroupsInCommon | P::NamedGroupsExtensionRequired => {
            "no group for the key exchange is known to both sides".to_owned()
        }
        P::NoSignatureSchemesInCommon | P::NoCertificateRequestSignatureSchemesInCommon => {
            "no signature scheme is known to both sides that the certificate allows".to_owned()
        }
        why => format!("both sides cannot agree: {why:?}"),
    }
}

const OLD: &str = "the peer speaks neither TLS 1.2 nor 1.3, and nothing older is spoken here";

/// The peer's reason, and what it mostly means.
fn alert_text(alert: AlertDescription) -> String {
    use AlertDescription as A;
    let hint = match alert {
        A::UnknownCA => "it does not trust the issuer of our certificate",
        A::BadCertificate | A::CertificateUnknown | A::UnsupportedCertificate => {
            "it does not accept our certificate"
        }
        A::CertificateExpired => "our certificate is not valid now; mind the clocks of both sides",
        A::CertificateRevoked => "our certificate was revoked",
        A::CertificateRequired => {
            "it wants a certificate of us; give one by `ClientTls::certificate_files`"
        }
        A::AccessDenied => "it knows our certificate and does not let us in",
        A::NoApplicationProtocol => "it speaks none of the protocols that we offered (ALPN)",
        A::ProtocolVersion => "it speaks neither TLS 1.2 nor 1.3",
        // What many a server says in TLS 1.2 when it gets no certificate.
        A::HandshakeFailure => {
            "we have no cipher suite in common, or it wants a certificate of us; \
             give one by `ClientTls::certificate_files`"
        }
        A::InsufficientSecurity => "we have no cipher suite in common that is strong enough for it",
        A::UnrecognisedName => "it does not know the host name that it was asked for",
        _ => "it gave no other reason",
    };
    format!("the peer ended the handshake by the alert {alert:?}: {hint}")
}

/// The name of a protocol as text; they are ASCII but for those that are made up.
pub(super) fn alpn_text(protocol: &[u8]) -> String {
    protocol.escape_ascii().to_string()
}

//! Why TLS could not be set up or spoken: what stands in the way, and what to do.
//!
//! Here: [`TlsError`] and its kinds, as plain data. Not here: its texts for what rustls reports (`from_rustls.rs`) and for
//! rejected certificates (`rejection.rs`).

use super::certificate::CertificateInfo;
use std::sync::Arc;
use std::{fmt, io};

/// Why a handshake failed, or why certificates and keys could not be used. Cheap to clone.
///
/// Its text says what happened and, where there is one, the remedy. [`source`](std::error::Error::source) returns the error
/// of rustls or of the system.
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
pub(super) struct Inner {
    pub(super) kind: TlsErrorKind,
    pub(super) text: String,
    /// The number of the alert that the peer sent.
    pub(super) alert: Option<u8>,
    pub(super) certificate: Option<CertificateInfo>,
    pub(super) source: Option<io::Error>,
}

/// The kinds of [`TlsError`], sorted by who must act.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TlsErrorKind {
    /// A certificate, key, root or name on this side cannot be used. No byte was sent.
    Settings,
    /// This side rejects the certificate of the peer, or the peer has sent none.
    Certificate,
    /// The peer has sent a fatal alert.
    Alert,
    /// Both sides have no version, cipher suite or protocol in common.
    Incompatible,
    /// The peer does not speak TLS, or has violated it.
    Protocol,
    /// The peer has closed the connection during the handshake.
    Closed,
    /// The handshake has passed its deadline.
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

    pub(super) fn from_inner(inner: Inner) -> Self {
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
        Self::new(TlsErrorKind::Incompatible, OLD_VERSION.to_owned())
    }

    pub(crate) fn timeout() -> Self {
        let text = "expected the handshake to be complete in time";
        Self::new(TlsErrorKind::Timeout, text.to_owned())
    }

    /// The kind of error, which says who must act.
    #[must_use]
    pub fn kind(&self) -> TlsErrorKind {
        self.inner.kind
    }

    /// Whether this side has rejected the certificate of the peer, or the peer has sent none.
    #[must_use]
    pub fn is_certificate(&self) -> bool {
        self.inner.kind == TlsErrorKind::Certificate
    }

    /// Whether the handshake has passed its deadline.
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        self.inner.kind == TlsErrorKind::Timeout
    }

    /// The certificate that was rejected, if it could be parsed.
    #[must_use]
    pub fn certificate(&self) -> Option<&CertificateInfo> {
        self.inner.certificate.as_ref()
    }

    /// The number of the alert that the peer has sent (RFC 8446 §6).
    #[must_use]
    pub fn alert(&self) -> Option<u8> {
        self.inner.alert
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

/// The text for a peer that offers only versions before TLS 1.2.
pub(super) const OLD_VERSION: &str =
    "the peer speaks neither TLS 1.2 nor 1.3, and nothing older is spoken here";

crate::error::from_others!(TlsError);

//! What both sides of a TLS connection have agreed on.
//!
//! Here: [`TlsInfo`], as plain data. Not here: reading it from a rustls connection (`from_rustls.rs`).

use super::certificate::CertificateInfo;
use std::fmt;

/// What both sides of a TLS connection have agreed on: [`Peer::tls`](crate::Peer::tls) on a server,
/// `ConnectionInfo::tls` on a client. It stays the same as long as the connection is open.
///
/// ```
/// use hearken::{Server, event};
/// let mut server = Server::new(async |_req, res| res.end("hi"));
/// server.on(event::SecureConnection, |peer| {
///     if let Some(tls) = peer.tls() {
///         println!("{} with {}", tls.version(), tls.cipher_suite());
///     }
/// });
/// ```
#[derive(Clone)]
pub struct TlsInfo {
    pub(super) version: &'static str,
    pub(super) cipher_suite: &'static str,
    pub(super) key_exchange: Option<&'static str>,
    pub(super) alpn: Option<Box<[u8]>>,
    pub(super) server_name: Option<Box<str>>,
    pub(super) resumed: bool,
    pub(super) peer_certificates: Box<[Box<[u8]>]>,
}

impl TlsInfo {
    /// `TLSv1.2` or `TLSv1.3`.
    #[doc(alias = "getProtocol")]
    #[must_use]
    pub const fn version(&self) -> &'static str {
        self.version
    }

    /// The IANA name of the cipher suite, as in `TLS_AES_256_GCM_SHA384`.
    #[doc(alias = "getCipher")]
    #[must_use]
    pub const fn cipher_suite(&self) -> &'static str {
        self.cipher_suite
    }

    /// The group of the key exchange, as in `X25519`. `None` without a key exchange, as in a resumed TLS 1.2 handshake.
    #[must_use]
    pub const fn key_exchange(&self) -> Option<&'static str> {
        self.key_exchange
    }

    /// The protocol that ALPN has selected, as in `http/1.1`. `None` without ALPN.
    #[doc(alias = "alpnProtocol")]
    #[must_use]
    pub fn alpn(&self) -> Option<String> {
        self.alpn.as_deref().map(alpn_text)
    }

    /// The name that the client has asked for (SNI, RFC 6066 §3). `None` if it sent none, as for an IP address.
    #[doc(alias = "servername")]
    #[must_use]
    pub fn server_name(&self) -> Option<&str> {
        self.server_name.as_deref()
    }

    /// Whether the handshake has resumed an earlier session, which is cheaper for both sides.
    #[doc(alias = "isSessionReused")]
    #[must_use]
    pub const fn is_resumed(&self) -> bool {
        self.resumed
    }

    /// The certificate chain of the peer in DER, beginning with its own. Empty for a client that sent none.
    pub fn peer_certificates(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        self.peer_certificates.iter().map(AsRef::as_ref)
    }

    /// The contents of the peer's own certificate. `None` if it sent none. Each call parses it again.
    #[doc(alias = "getPeerCertificate")]
    #[must_use]
    pub fn peer_certificate(&self) -> Option<CertificateInfo> {
        self.peer_certificates
            .first()
            .and_then(|der| CertificateInfo::from_der(der))
    }
}

/// Shows the contents of certificates, not their bytes; `None` stands for one that cannot be parsed.
impl fmt::Debug for TlsInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let certificates: Vec<Option<CertificateInfo>> = self
            .peer_certificates()
            .map(CertificateInfo::from_der)
            .collect();
        f.debug_struct("TlsInfo")
            .field("version", &self.version)
            .field("cipher_suite", &self.cipher_suite)
            .field("key_exchange", &self.key_exchange)
            .field("alpn", &self.alpn())
            .field("server_name", &self.server_name)
            .field("resumed", &self.resumed)
            .field("peer_certificates", &certificates)
            .finish()
    }
}

/// A protocol name of ALPN (RFC 7301) as text; bytes outside ASCII are escaped.
fn alpn_text(protocol: &[u8]) -> String {
    protocol.escape_ascii().to_string()
}

//! What a handshake agreed on.
//!
//! Here: [`TlsInfo`], as plain data. Not here: reading it from a rustls connection (`from_rustls.rs`).

use super::certificate::CertificateInfo;
use std::fmt;

/// What both sides of a TLS connection agreed on: of a server's peer, of a client's
/// connection. It does not change while the connection lives.
///
/// Node: `socket.getProtocol()`, `getCipher()`, `alpnProtocol`, `servername`, `isSessionReused()`,
/// `getPeerCertificate()`.
///
/// ```no_run
/// # fn show(tls: &hearken_http::tls::TlsInfo) {
/// println!("{} with {}", tls.version(), tls.cipher_suite());
/// # }
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
    #[must_use]
    pub const fn version(&self) -> &'static str {
        self.version
    }

    /// The cipher suite by its registered name, as in `TLS_AES_256_GCM_SHA384`.
    #[must_use]
    pub const fn cipher_suite(&self) -> &'static str {
        self.cipher_suite
    }

    /// The group of the key exchange, as in `X25519`. `None` where none took place, as in a resumed TLS 1.2 handshake.
    #[must_use]
    pub const fn key_exchange(&self) -> Option<&'static str> {
        self.key_exchange
    }

    /// The protocol that was chosen by ALPN, as in `http/1.1`; `None` if none was.
    #[must_use]
    pub fn alpn(&self) -> Option<String> {
        self.alpn.as_deref().map(alpn_text)
    }

    /// The name that the client asked for (SNI, RFC 6066 §3). `None` if it gave none, as for an IP address.
    #[must_use]
    pub fn server_name(&self) -> Option<&str> {
        self.server_name.as_deref()
    }

    /// Whether an earlier session went on, which spares both sides the expensive half of a handshake.
    #[must_use]
    pub const fn is_resumed(&self) -> bool {
        self.resumed
    }

    /// The certificates of the peer in DER, its own first. None of a client that was not asked for one.
    pub fn peer_certificates(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        self.peer_certificates.iter().map(AsRef::as_ref)
    }

    /// What the peer's own certificate says. Read anew at each call.
    #[must_use]
    pub fn peer_certificate(&self) -> Option<CertificateInfo> {
        self.peer_certificates
            .first()
            .and_then(|der| CertificateInfo::from_der(der))
    }
}

/// Certificates by what they say, not by their bytes; `None` stands for one that cannot be read.
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

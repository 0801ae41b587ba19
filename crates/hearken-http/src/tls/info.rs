//! What a handshake agreed on.

use super::certificate::CertificateInfo;
use super::error::alpn_text;
use rustls::{CommonState, HandshakeKind, ProtocolVersion};
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
    version: &'static str,
    cipher_suite: &'static str,
    key_exchange: Option<&'static str>,
    alpn: Option<Box<[u8]>>,
    server_name: Option<Box<str>>,
    resumed: bool,
    peer_certificates: Box<[Box<[u8]>]>,
}

impl TlsInfo {
    /// Of a connection whose handshake is complete.
    pub(super) fn new(state: &CommonState, server_name: Option<&str>) -> Self {
        let suite = state.negotiated_cipher_suite().map(|suite| suite.suite());
        let group = state.negotiated_key_exchange_group();
        let certificates = state.peer_certificates().unwrap_or_default();
        Self {
            version: match state.protocol_version() {
                Some(ProtocolVersion::TLSv1_2) => "TLSv1.2",
                Some(ProtocolVersion::TLSv1_3) => "TLSv1.3",
                _ => "unknown",
            },
            cipher_suite: suite
                .and_then(|suite| suite.as_str())
                .map_or("unknown", iana_name),
            key_exchange: group.and_then(|group| group.name().as_str()),
            alpn: state.alpn_protocol().map(Box::from),
            server_name: server_name.map(Box::from),
            resumed: state.handshake_kind() == Some(HandshakeKind::Resumed),
            peer_certificates: certificates
                .iter()
                .map(|der| Box::from(der.as_ref()))
                .collect(),
        }
    }

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

/// rustls has names of its own for the suites of TLS 1.3 (RFC 8446 §B.4); the others are those of the registry.
fn iana_name(name: &'static str) -> &'static str {
    match name {
        "TLS13_AES_128_GCM_SHA256" => "TLS_AES_128_GCM_SHA256",
        "TLS13_AES_256_GCM_SHA384" => "TLS_AES_256_GCM_SHA384",
        "TLS13_CHACHA20_POLY1305_SHA256" => "TLS_CHACHA20_POLY1305_SHA256",
        other => other,
    }
}

//! The cryptography and the protocol versions that clients and servers of this crate share.
//!
//! The process default of rustls is neither read nor set, so another user of rustls in the same program, with any
//! provider, has no effect here.

use rustls::SupportedProtocolVersion;
use rustls::crypto::CryptoProvider;
use std::sync::{Arc, OnceLock};

/// The supported versions, in order of preference.
pub(super) const VERSIONS: &[&SupportedProtocolVersion] =
    &[&rustls::version::TLS13, &rustls::version::TLS12];

/// The default ALPN protocol (RFC 7301).
pub(super) const ALPN_HTTP_1_1: &[u8] = b"http/1.1";

/// The ring provider (docs/decisions/0013), named explicitly.
pub(super) fn provider() -> Arc<CryptoProvider> {
    static PROVIDER: OnceLock<Arc<CryptoProvider>> = OnceLock::new();
    Arc::clone(PROVIDER.get_or_init(|| Arc::new(rustls::crypto::ring::default_provider())))
}

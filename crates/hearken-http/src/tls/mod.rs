//! https, both ways, on rustls: TLS 1.2 (RFC 5246) and 1.3 (RFC 8446), and nothing older.
//!
//! Here: what both sides share, above all [`provider`]. The client's side is in `client.rs`. The server's is in `server/mod.rs`,
//! with `names.rs`, `server/accept.rs` for the handshake and `serving.rs` for its place in a worker. Trust is judged in `verify.rs`,
//! [`TlsInfo`] is in `info.rs`, [`CertificateInfo`] in `certificate.rs`, reading of PEM in `pem.rs`, the roots of the
//! system in `roots.rs`, errors and their texts in `error/mod.rs` and `refusal.rs`. Not here: TCP, HTTP.
//!
//! No process default of rustls is read or set: whatever else in the program uses rustls, and with whichever provider,
//! does not meet ours.

mod certificate;
#[cfg(feature = "client")]
mod client;
pub(crate) mod error;
pub(crate) mod handshake;
mod info;
mod names;
mod pem;
mod refusal;
#[cfg(feature = "client")]
mod roots;
#[cfg(feature = "self-signed")]
mod self_signed;
pub(crate) mod server;
#[cfg_attr(
    not(feature = "client"),
    expect(dead_code, reason = "only a client verifies servers")
)]
mod verify;

pub use certificate::CertificateInfo;
#[cfg(feature = "client")]
pub use client::ClientTls;
pub use error::{TlsError, TlsErrorKind};
pub(crate) use handshake::Turns;
pub use info::TlsInfo;
pub use server::{ClientCertificates, ServerTls};

use rustls::SupportedProtocolVersion;
use rustls::crypto::CryptoProvider;
use std::sync::{Arc, OnceLock};

/// The versions that are spoken, the better one first.
const VERSIONS: &[&SupportedProtocolVersion] = &[&rustls::version::TLS13, &rustls::version::TLS12];

/// What is offered by ALPN (RFC 7301) unless told otherwise.
const ALPN_HTTP_1_1: &[u8] = b"http/1.1";

/// The cryptography: ring, always named, never the default of the process (docs/decisions/0013).
fn provider() -> Arc<CryptoProvider> {
    static PROVIDER: OnceLock<Arc<CryptoProvider>> = OnceLock::new();
    Arc::clone(PROVIDER.get_or_init(|| Arc::new(rustls::crypto::ring::default_provider())))
}

#[cfg(all(test, feature = "client"))]
mod tests;

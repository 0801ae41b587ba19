//! https, both ways, on rustls: TLS 1.2 (RFC 5246) and 1.3 (RFC 8446), and nothing older.

// Here: [`ClientTls`] and [`ServerTls`], the handshakes, trust, PEM, [`TlsInfo`] and [`TlsError`]. The last two and
// [`CertificateInfo`] are plain data; their files do not import rustls, so that events and connections can carry them.
//
// May know: `error`, `net`, rustls, tokio.
//
// Must not know: HTTP messages, connections (`conn`), workers, the client that connects and the server that accepts.

mod certificate;
#[cfg(feature = "client")]
mod client;
pub(crate) mod error;
mod from_rustls;
pub(crate) mod handshake;
pub(crate) mod info;
mod pem;
mod provider;
mod rejection;
mod resolver;
#[cfg(feature = "client")]
mod roots;
#[cfg(feature = "self-signed")]
mod self_signed;
pub(crate) mod server;
mod stream;
#[cfg_attr(
    not(feature = "client"),
    expect(dead_code, reason = "only a client verifies servers")
)]
mod verify;

pub use certificate::CertificateInfo;
#[cfg(feature = "client")]
pub use client::ClientTls;
pub use error::{TlsError, TlsErrorKind};
#[cfg(feature = "client")]
pub(crate) use from_rustls::classify;
pub(crate) use handshake::HandshakePermits;
pub use info::TlsInfo;
pub use server::ServerTls;
pub use verify::ClientCertificates;

#[cfg(all(test, feature = "client"))]
mod tests;

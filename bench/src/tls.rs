//! TLS of the benchmark's own side: the certificate that all servers share, and the clients' settings.
//!
//! The offer is one version, one suite and one group (TLS 1.3, AES-128-GCM, X25519), so that all servers do the same
//! cryptography whatever they would prefer.
//! Not here: the servers' settings, which are theirs (`peers/`).

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{Resumption, WebPkiServerVerifier};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};

use crate::rows::Row;

/// The name that the certificate is for.
pub const HOST: &str = "localhost";

/// A certificate and its key, in PEM files.
#[derive(Clone, Debug)]
pub struct Identity {
    /// The certificate's file.
    pub certificate: PathBuf,
    /// The private key's file.
    pub key: PathBuf,
}

impl Identity {
    /// Makes a self-signed one (ECDSA on P-256) and writes it into the directory.
    ///
    /// # Errors
    /// If the files cannot be written.
    pub fn make(dir: &Path) -> io::Result<Self> {
        let made =
            rcgen::generate_simple_self_signed([HOST.to_owned()]).map_err(io::Error::other)?;
        let identity = Self {
            certificate: dir.join("certificate.pem"),
            key: dir.join("key.pem"),
        };
        fs::write(&identity.certificate, made.cert.pem())?;
        fs::write(&identity.key, made.signing_key.serialize_pem())?;
        Ok(identity)
    }
}

/// Whether a client keeps tickets. All servers issue them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sessions {
    /// None is kept: each handshake is a full one.
    Forgotten,
    /// Kept, in memory of this setting's own.
    Kept,
}

impl Sessions {
    /// What the clients of a row do.
    #[must_use]
    pub fn of(row: Row) -> Self {
        if row == Row::TlsResumed {
            Self::Kept
        } else {
            Self::Forgotten
        }
    }
}

/// A client that verifies the certificate in full, for checks.
///
/// # Errors
/// If the certificate cannot be read.
pub fn careful(certificate: &Path, sessions: Sessions) -> io::Result<Arc<ClientConfig>> {
    let mut roots = RootCertStore::empty();
    roots.add(read(certificate)?).map_err(io::Error::other)?;
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider())
        .build()
        .map_err(io::Error::other)?;
    settings(verifier, sessions)
}

/// A client that wants exactly this certificate and spares itself the work on the signature, for load: verifying costs more
/// than signing, and the generator must not be slower than the server.
///
/// # Errors
/// If the certificate cannot be read.
pub fn hasty(certificate: &Path, sessions: Sessions) -> io::Result<Arc<ClientConfig>> {
    settings(Arc::new(Known(read(certificate)?)), sessions)
}

fn read(certificate: &Path) -> io::Result<CertificateDer<'static>> {
    CertificateDer::from_pem_file(certificate).map_err(io::Error::other)
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(CryptoProvider {
        cipher_suites: vec![ring::cipher_suite::TLS13_AES_128_GCM_SHA256],
        kx_groups: vec![ring::kx_group::X25519],
        ..ring::default_provider()
    })
}

fn settings(
    verifier: Arc<dyn ServerCertVerifier>,
    sessions: Sessions,
) -> io::Result<Arc<ClientConfig>> {
    let mut settings = ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(io::Error::other)?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    settings.alpn_protocols = vec![b"http/1.1".to_vec()];
    settings.resumption = match sessions {
        Sessions::Forgotten => Resumption::disabled(),
        Sessions::Kept => Resumption::in_memory_sessions(8),
    };
    Ok(Arc::new(settings))
}

/// Knows one certificate by its bytes.
#[derive(Debug)]
struct Known(CertificateDer<'static>);

impl ServerCertVerifier for Known {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if *end_entity == self.0 {
            Ok(ServerCertVerified::assertion())
        } else {
            Err(rustls::Error::General("another certificate".to_owned()))
        }
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Err(rustls::Error::General("only TLS 1.3 is offered".to_owned()))
    }

    /// Not verified: see [`hasty`].
    fn verify_tls13_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ECDSA_NISTP256_SHA256]
    }
}

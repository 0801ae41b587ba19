//! TLS on the benchmark's side: the certificate that all servers share, and the settings of clients.
//!
//! Clients offer one version, one suite and one group (TLS 1.3, AES-128-GCM, X25519), so that all servers do the same
//! cryptography. Not here: the settings of the servers, which are in `peers/`.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::Result;
use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error, HandshakeKind, SignatureScheme};
use tokio_rustls::TlsConnector;

/// The configuration that makes OpenSSL, and so wrk, offer the same.
const OPENSSL: &str = "openssl_conf = main\n[main]\nssl_conf = ssl\n[ssl]\nsystem_default = offer\n\
    [offer]\nMinProtocol = TLSv1.3\nCiphersuites = TLS_AES_128_GCM_SHA256\nGroups = X25519\n";

/// Files of a run.
#[derive(Debug)]
pub(crate) struct Identity {
    /// PEM.
    pub(crate) certificate: PathBuf,
    /// PEM.
    pub(crate) key: PathBuf,
    /// For the environment variable `OPENSSL_CONF`.
    pub(crate) openssl: PathBuf,
}

impl Identity {
    /// Makes a self-signed certificate (ECDSA on P-256) and writes the files into the directory.
    pub(crate) fn make(dir: &Path) -> Result<Self> {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
        let [certificate, key, openssl] =
            ["certificate.pem", "key.pem", "openssl.cnf"].map(|name| dir.join(name));
        fs::write(&certificate, made.cert.pem())?;
        fs::write(&key, made.signing_key.serialize_pem())?;
        fs::write(&openssl, OPENSSL)?;
        Ok(Self {
            certificate,
            key,
            openssl,
        })
    }

    /// Settings of a client that accepts this certificate only. It keeps tickets if it is to resume sessions. Without `careful` it
    /// does not verify the signature of the handshake: that costs more than signing, and the generator must not be slower
    /// than the server.
    pub(crate) fn connector(&self, kind: HandshakeKind, careful: bool) -> Result<TlsConnector> {
        let provider = Arc::new(CryptoProvider {
            cipher_suites: vec![ring::cipher_suite::TLS13_AES_128_GCM_SHA256],
            kx_groups: vec![ring::kx_group::X25519],
            ..ring::default_provider()
        });
        let verifier = Known {
            certificate: CertificateDer::from_pem_file(&self.certificate)?,
            careful: careful.then(|| Arc::clone(&provider)),
        };
        let mut settings = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_no_client_auth();
        settings.alpn_protocols = vec![b"http/1.1".to_vec()];
        settings.resumption = match kind {
            HandshakeKind::Resumed => Resumption::in_memory_sessions(8),
            _ => Resumption::disabled(),
        };
        Ok(Arc::new(settings).into())
    }
}

/// Accepts one certificate, by its bytes.
#[derive(Debug)]
struct Known {
    certificate: CertificateDer<'static>,
    /// Verifies signatures, if any.
    careful: Option<Arc<CryptoProvider>>,
}

impl ServerCertVerifier for Known {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if *end_entity == self.certificate {
            Ok(ServerCertVerified::assertion())
        } else {
            Err(Error::General("another certificate".to_owned()))
        }
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(Error::General("only TLS 1.3 is offered".to_owned()))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        match &self.careful {
            Some(provider) => {
                let algorithms = &provider.signature_verification_algorithms;
                verify_tls13_signature(message, cert, dss, algorithms)
            }
            None => Ok(HandshakeSignatureValid::assertion()),
        }
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ECDSA_NISTP256_SHA256]
    }
}

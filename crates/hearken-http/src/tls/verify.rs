//! Whether a client trusts the certificate of a server, and a server that of a client.
//!
//! Here: [`ServerVerifier`] and [`ClientVerifier`], which ask webpki and record what it rejects, and [`AcceptAny`]. Not here:
//! the text of a rejection (`rejection.rs`).

use super::certificate::CertificateInfo;
use super::error::TlsError;
use super::provider::provider;
use super::rejection::{Owner, record};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::verify_server_name;
use rustls::crypto::{verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{ParsedCertificate, WebPkiClientVerifier};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, RootCertStore,
    SignatureScheme,
};
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

/// Trusts certificates whose chain leads to a root, and a certificate that was added as a root itself.
#[derive(Debug)]
pub(super) struct ServerVerifier {
    webpki: Arc<WebPkiServerVerifier>,
    /// Roots that the user has added. One of them may be the server's own certificate although it is marked as the
    /// certificate of an authority, as those of `openssl req -x509` are.
    added: Vec<CertificateDer<'static>>,
}

impl ServerVerifier {
    pub(super) fn new(
        roots: RootCertStore,
        added: Vec<CertificateDer<'static>>,
    ) -> Result<Self, rustls::client::VerifierBuilderError> {
        let webpki =
            WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider()).build()?;
        Ok(Self { webpki, added })
    }

    /// Checks dates and names of a certificate that the user has added; its issuer does not matter.
    fn verify_added(
        der: &CertificateDer<'_>,
        name: &ServerName<'_>,
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let info = CertificateInfo::from_der(der).ok_or(CertificateError::BadEncoding)?;
        let at = UNIX_EPOCH + Duration::from_secs(now.as_secs());
        let seconds = |time: std::time::SystemTime| {
            UnixTime::since_unix_epoch(time.duration_since(UNIX_EPOCH).unwrap_or_default())
        };
        if at > info.not_after() {
            let not_after = seconds(info.not_after());
            return Err(CertificateError::ExpiredContext {
                time: now,
                not_after,
            }
            .into());
        }
        if at < info.not_before() {
            let not_before = seconds(info.not_before());
            return Err(CertificateError::NotValidYetContext {
                time: now,
                not_before,
            }
            .into());
        }
        verify_server_name(&ParsedCertificate::try_from(der)?, name)?;
        Ok(ServerCertVerified::assertion())
    }
}

impl ServerCertVerifier for ServerVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verified = if self.added.iter().any(|added| added == end_entity) {
            Self::verify_added(end_entity, server_name, now)
        } else {
            let webpki = &self.webpki;
            webpki.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
        };
        verified.inspect_err(|error| record(end_entity, error, Owner::Server))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let verified = self.webpki.verify_tls12_signature(message, cert, dss);
        verified.inspect_err(|error| record(cert, error, Owner::Server))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let verified = self.webpki.verify_tls13_signature(message, cert, dss);
        verified.inspect_err(|error| record(cert, error, Owner::Server))
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.webpki.supported_verify_schemes()
    }
}

/// Trusts every certificate. Signatures are still checked, so the peer has the key of the certificate that it sends.
#[derive(Debug)]
pub(super) struct AcceptAny;

impl ServerCertVerifier for AcceptAny {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &provider().signature_verification_algorithms;
        let verified = verify_tls12_signature(message, cert, dss, algorithms);
        verified.inspect_err(|error| record(cert, error, Owner::Server))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &provider().signature_verification_algorithms;
        let verified = verify_tls13_signature(message, cert, dss, algorithms);
        verified.inspect_err(|error| record(cert, error, Owner::Server))
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        provider()
            .signature_verification_algorithms
            .supported_schemes()
    }
}

/// Whether clients must send a certificate. In either case one that is not trusted is rejected.
///
/// Node: `requestCert` is `Optional`, with `rejectUnauthorized` it is `Required`; there, `Optional` lets in clients whose
/// certificate is not trusted.
#[doc(alias = "requestCert")]
#[doc(alias = "rejectUnauthorized")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_enums,
    reason = "a client sends a certificate or it does not"
)]
pub enum ClientCertificates {
    /// The handshake fails without a client certificate.
    Required,
    /// A client may send none: [`TlsInfo::peer_certificate`](super::TlsInfo::peer_certificate) is `None` then.
    Optional,
}

/// Trusts client certificates whose chain leads to one of the roots for clients.
#[derive(Debug)]
pub(super) struct ClientVerifier(Arc<dyn ClientCertVerifier>);

impl ClientVerifier {
    pub(super) fn new(roots: RootCertStore, wanted: ClientCertificates) -> Result<Self, TlsError> {
        let builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider());
        let builder = match wanted {
            ClientCertificates::Required => builder,
            ClientCertificates::Optional => builder.allow_unauthenticated(),
        };
        let built = builder.build();
        built
            .map(Self)
            .map_err(|error| TlsError::settings(format!("roots for clients: {error}")))
    }
}

impl ClientCertVerifier for ClientVerifier {
    fn offer_client_auth(&self) -> bool {
        self.0.offer_client_auth()
    }

    fn client_auth_mandatory(&self) -> bool {
        self.0.client_auth_mandatory()
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.0.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let verified = self.0.verify_client_cert(end_entity, intermediates, now);
        verified.inspect_err(|error| record(end_entity, error, Owner::Client))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let verified = self.0.verify_tls12_signature(message, cert, dss);
        verified.inspect_err(|error| record(cert, error, Owner::Client))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let verified = self.0.verify_tls13_signature(message, cert, dss);
        verified.inspect_err(|error| record(cert, error, Owner::Client))
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}

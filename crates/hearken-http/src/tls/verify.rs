//! Whether a client trusts the certificate of a server, and a server that of a client.
//!
//! Here: [`Judge`] and [`Doorman`], which ask webpki and remember what it refuses, and [`AcceptAny`]. Not here: what a
//! refusal says (`refusal.rs`).

use super::certificate::CertificateInfo;
use super::error::TlsError;
use super::provider::provider;
use super::refusal::{Of, keep};
use super::server::ClientCertificates;
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

/// Trusts what leads to a root, and a certificate that was itself given as a root.
#[derive(Debug)]
pub(super) struct Judge {
    webpki: Arc<WebPkiServerVerifier>,
    /// Certificates that the user named. One of them may be the server's own although it says that it is an
    /// authority's, as what `openssl req -x509` makes does.
    named: Vec<CertificateDer<'static>>,
}

impl Judge {
    pub(super) fn new(
        roots: RootCertStore,
        named: Vec<CertificateDer<'static>>,
    ) -> Result<Self, rustls::client::VerifierBuilderError> {
        let webpki =
            WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider()).build()?;
        Ok(Self { webpki, named })
    }

    /// The certificate itself was named: then its dates and its names count, not who issued it.
    fn judge_named(
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

impl ServerCertVerifier for Judge {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verdict = if self.named.iter().any(|named| named == end_entity) {
            Self::judge_named(end_entity, server_name, now)
        } else {
            let webpki = &self.webpki;
            webpki.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
        };
        verdict.inspect_err(|error| keep(end_entity, error, Of::Server))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let verdict = self.webpki.verify_tls12_signature(message, cert, dss);
        verdict.inspect_err(|error| keep(cert, error, Of::Server))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let verdict = self.webpki.verify_tls13_signature(message, cert, dss);
        verdict.inspect_err(|error| keep(cert, error, Of::Server))
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.webpki.supported_verify_schemes()
    }
}

/// Trusts whoever answers. Signatures are still checked: the peer has the key of the certificate that it shows.
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
        let verdict = verify_tls12_signature(message, cert, dss, algorithms);
        verdict.inspect_err(|error| keep(cert, error, Of::Server))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &provider().signature_verification_algorithms;
        let verdict = verify_tls13_signature(message, cert, dss, algorithms);
        verdict.inspect_err(|error| keep(cert, error, Of::Server))
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        provider()
            .signature_verification_algorithms
            .supported_schemes()
    }
}

/// Lets clients in whose certificate leads to one of the roots for clients.
#[derive(Debug)]
pub(super) struct Doorman(Arc<dyn ClientCertVerifier>);

impl Doorman {
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

impl ClientCertVerifier for Doorman {
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
        let verdict = self.0.verify_client_cert(end_entity, intermediates, now);
        verdict.inspect_err(|error| keep(end_entity, error, Of::Client))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let verdict = self.0.verify_tls12_signature(message, cert, dss);
        verdict.inspect_err(|error| keep(cert, error, Of::Client))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let verdict = self.0.verify_tls13_signature(message, cert, dss);
        verdict.inspect_err(|error| keep(cert, error, Of::Client))
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}

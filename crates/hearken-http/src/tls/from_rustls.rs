//! What rustls reports, in the types of this crate: errors with their texts, and the facts of a handshake.
//!
//! Here: [`TlsError::handshake`], [`TlsInfo::new`] and [`classify`]. Not here: the texts of rejected certificates
//! (`rejection.rs`).

use super::certificate::clean;
use super::error::{Inner, OLD_VERSION, TlsError, TlsErrorKind};
use super::info::TlsInfo;
use super::rejection::CertificateRejection;
#[cfg(feature = "client")]
use crate::error::client::{Cause, TlsStage};
use rustls::{
    AlertDescription, CommonState, HandshakeKind, InvalidMessage, PeerIncompatible, ProtocolVersion,
};
use std::io;

impl TlsError {
    /// The error of a failed handshake; `rejection` is what our verifier recorded during it.
    pub(super) fn handshake(error: io::Error, rejection: Option<CertificateRejection>) -> Self {
        if let Some(rejection) = rejection {
            return Self::from_inner(Inner {
                kind: TlsErrorKind::Certificate,
                text: rejection.to_string(),
                alert: None,
                certificate: rejection.certificate,
                source: Some(error),
            });
        }
        let tls = error.get_ref().and_then(|inner| inner.downcast_ref());
        let (kind, text, alert) = match tls {
            Some(tls) => of_rustls(tls),
            None if error.kind() == io::ErrorKind::UnexpectedEof => (
                TlsErrorKind::Closed,
                "the peer closed the connection in the middle of the handshake".to_owned(),
                None,
            ),
            None => (
                TlsErrorKind::Io,
                format!("the connection broke in the handshake: {error}"),
                None,
            ),
        };
        Self::from_inner(Inner {
            kind,
            text,
            alert: alert.map(u8::from),
            certificate: None,
            source: Some(error),
        })
    }
}

impl TlsInfo {
    /// Reads a connection whose handshake is complete.
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
}

/// The cause of a lost client connection, if TLS is the cause. `fresh` is true until the first byte of a response: the
/// peer may still reject our side of the handshake then, for in TLS 1.3 the client is done before the server has seen
/// its certificate (RFC 8446 §4.4.2.4).
#[cfg(feature = "client")]
pub(crate) fn classify(error: &io::Error, fresh: bool) -> Option<Cause> {
    let tls: &rustls::Error = error.get_ref()?.downcast_ref()?;
    let copy = io::Error::new(error.kind(), tls.clone());
    let handshake = fresh && matches!(tls, rustls::Error::AlertReceived(_));
    let error = if handshake {
        TlsError::handshake(copy, None)
    } else {
        after_handshake(tls, copy)
    };
    Some(Cause::Tls {
        error: Box::new(error),
        stage: if handshake {
            TlsStage::Handshake
        } else {
            TlsStage::Later
        },
    })
}

#[cfg(feature = "client")]
fn after_handshake(tls: &rustls::Error, source: io::Error) -> TlsError {
    let (kind, text, alert) = match tls {
        rustls::Error::AlertReceived(alert) => (
            TlsErrorKind::Alert,
            format!("the peer ended the connection by the alert {alert:?}"),
            Some(u8::from(*alert)),
        ),
        other => (TlsErrorKind::Protocol, clean(&other.to_string()), None),
    };
    TlsError::from_inner(Inner {
        kind,
        text,
        alert,
        certificate: None,
        source: Some(source),
    })
}

fn of_rustls(error: &rustls::Error) -> (TlsErrorKind, String, Option<AlertDescription>) {
    use TlsErrorKind as K;
    match error {
        rustls::Error::AlertReceived(alert) => (K::Alert, alert_text(*alert), Some(*alert)),
        rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType) => (
            K::Protocol,
            "expected TLS, the peer sent something else; does it speak plain http?".to_owned(),
            None,
        ),
        rustls::Error::NoCertificatesPresented => (
            K::Certificate,
            "expected a certificate of the peer, it gave none".to_owned(),
            None,
        ),
        rustls::Error::NoApplicationProtocol => (
            K::Incompatible,
            "the peer speaks none of the protocols that are spoken here (ALPN)".to_owned(),
            None,
        ),
        rustls::Error::PeerIncompatible(why) => (K::Incompatible, incompatible_text(why), None),
        rustls::Error::PeerMisbehaved(why) => (
            K::Protocol,
            format!("the peer broke the rules of TLS: {why:?}"),
            None,
        ),
        other => {
            let text = format!("the handshake failed: {}", clean(&other.to_string()));
            (K::Protocol, text, None)
        }
    }
}

fn incompatible_text(why: &PeerIncompatible) -> String {
    use PeerIncompatible as P;
    match why {
        P::ServerDoesNotSupportTls12Or13
        | P::ServerTlsVersionIsDisabledByOurConfig
        | P::Tls12NotOffered
        | P::Tls12NotOfferedOrEnabled
        | P::Tls13RequiredForQuic
        | P::SupportedVersionsExtensionRequired => OLD_VERSION.to_owned(),
        P::NoCipherSuitesInCommon => "no cipher suite is known to both sides".to_owned(),
        P::NoKxGroupsInCommon | P::NamedGroupsExtensionRequired => {
            "no group for the key exchange is known to both sides".to_owned()
        }
        P::NoSignatureSchemesInCommon | P::NoCertificateRequestSignatureSchemesInCommon => {
            "no signature scheme is known to both sides that the certificate allows".to_owned()
        }
        why => format!("both sides cannot agree: {why:?}"),
    }
}

/// The alert, and what it usually means.
fn alert_text(alert: AlertDescription) -> String {
    use AlertDescription as A;
    let hint = match alert {
        A::UnknownCA => "it does not trust the issuer of our certificate",
        A::BadCertificate | A::CertificateUnknown | A::UnsupportedCertificate => {
            "it does not accept our certificate"
        }
        A::CertificateExpired => "our certificate is not valid now; mind the clocks of both sides",
        A::CertificateRevoked => "our certificate was revoked",
        A::CertificateRequired => {
            "it wants a certificate of us; give one by `ClientTls::certificate_files`"
        }
        A::AccessDenied => "it knows our certificate and does not let us in",
        A::NoApplicationProtocol => "it speaks none of the protocols that we offered (ALPN)",
        A::ProtocolVersion => "it speaks neither TLS 1.2 nor 1.3",
        // Many servers send it in TLS 1.2 when they get no certificate.
        A::HandshakeFailure => {
            "we have no cipher suite in common, or it wants a certificate of us; \
             give one by `ClientTls::certificate_files`"
        }
        A::InsufficientSecurity => "we have no cipher suite in common that is strong enough for it",
        A::UnrecognisedName => "it does not know the host name that it was asked for",
        _ => "it gave no other reason",
    };
    format!("the peer ended the handshake by the alert {alert:?}: {hint}")
}

/// rustls has its own names for the suites of TLS 1.3 (RFC 8446 §B.4), and the registered names for the others.
fn iana_name(name: &'static str) -> &'static str {
    match name {
        "TLS13_AES_128_GCM_SHA256" => "TLS_AES_128_GCM_SHA256",
        "TLS13_AES_256_GCM_SHA384" => "TLS_AES_256_GCM_SHA384",
        "TLS13_CHACHA20_POLY1305_SHA256" => "TLS_CHACHA20_POLY1305_SHA256",
        other => other,
    }
}

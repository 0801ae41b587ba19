//! Certificates and keys from PEM (RFC 7468), with errors that name what the file contains instead.
//!
//! Here: reading, and whether a key belongs to its certificate. Not here: trust (`verify.rs`).

use super::certificate::CertificateInfo;
use super::error::TlsError;
use super::provider::provider;
use rustls::RootCertStore;
use rustls::pki_types::pem::{PemObject, SectionKind};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use std::fs;
use std::path::Path;

/// No chain or key is this large; a device or a wrong file may be.
const FILE_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// The source of PEM, for error texts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Origin<'a>(pub(super) &'a str);

/// Reads a whole file.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    let failed = |reason: String| TlsError::settings(format!("{}: {reason}", path.display()));
    let size = fs::metadata(path)
        .map_err(|error| failed(error.to_string()))?
        .len();
    if size > FILE_BYTES_MAX {
        return Err(failed(format!(
            "expected at most {FILE_BYTES_MAX} bytes of PEM, the file has {size}"
        )));
    }
    fs::read(path).map_err(|error| failed(error.to_string()))
}

/// All certificates in their order; at least one.
pub(super) fn certificates(
    pem: &[u8],
    origin: Origin<'_>,
) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let found = found.map_err(|error| origin.error(&format!("the PEM is broken: {error}")))?;
    if found.is_empty() {
        let instead = describe(pem);
        return Err(origin.error(&format!(
            "expected a certificate (-----BEGIN CERTIFICATE-----), found {instead}"
        )));
    }
    Ok(found)
}

/// All certificates as roots to trust.
pub(super) fn roots(pem: &[u8], origin: Origin<'_>) -> Result<RootCertStore, TlsError> {
    let mut store = RootCertStore::empty();
    for certificate in certificates(pem, origin)? {
        let added = store.add(certificate);
        added.map_err(|error| origin.error(&format!("a certificate is broken: {error}")))?;
    }
    Ok(store)
}

/// The one private key: PKCS#8, PKCS#1 (RSA) or SEC1 (elliptic curves).
pub(super) fn private_key(
    pem: &[u8],
    origin: Origin<'_>,
) -> Result<PrivateKeyDer<'static>, TlsError> {
    // Checked first: a PEM reader may take the ciphertext of the old form for a key.
    if is_encrypted(pem) {
        return Err(origin.error(
            "the private key is encrypted; decrypt it first, as by: openssl pkey -in KEY -out PLAIN-KEY",
        ));
    }
    let mut keys = PrivateKeyDer::pem_slice_iter(pem);
    match (keys.next(), keys.next()) {
        (Some(Ok(key)), None) => Ok(key),
        (Some(Ok(_)), Some(Ok(_))) => Err(origin
            .error("expected one private key, found more; put the right one in a file of its own")),
        (Some(Err(error)), _) | (_, Some(Err(error))) => {
            Err(origin.error(&format!("the PEM is broken: {error}")))
        }
        (None, _) => {
            let instead = describe(pem);
            Err(origin.error(&format!(
                "expected a private key (-----BEGIN PRIVATE KEY-----), found {instead}"
            )))
        }
    }
}

/// Chain and key, if they belong together and the type of the key is supported.
pub(super) fn certified_key(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<CertifiedKey, TlsError> {
    let whose = chain.first().and_then(|der| CertificateInfo::from_der(der));
    let whose = whose.map_or_else(String::new, |info| format!(" ({info})"));
    CertifiedKey::from_der(chain, key, &provider()).map_err(|error| {
        TlsError::settings(match error {
            rustls::Error::InconsistentKeys(_) => format!(
                "the private key does not belong to the first certificate{whose}; the server's own \
                 certificate comes first in its file, then its issuers"
            ),
            rustls::Error::InvalidCertificate(_) => {
                format!("the first certificate{whose} cannot be used: {error}")
            }
            other => format!("the private key cannot be used: {other}"),
        })
    })
}

impl Origin<'_> {
    pub(super) fn error(self, reason: &str) -> TlsError {
        TlsError::settings(format!("{}: {reason}", self.0))
    }
}

/// PKCS#8 marks it in its label, the older forms in a header line.
fn is_encrypted(pem: &[u8]) -> bool {
    let has = |text: &[u8]| pem.windows(text.len()).any(|window| window == text);
    has(b"-----BEGIN ENCRYPTED PRIVATE KEY-----") || has(b"Proc-Type: 4,ENCRYPTED")
}

/// The kind of what was found. Never its content, which may be a key.
fn describe(pem: &[u8]) -> &'static str {
    let first = <(SectionKind, Vec<u8>)>::pem_slice_iter(pem).next();
    match first {
        Some(Ok((SectionKind::Certificate, _))) => "a certificate",
        Some(Ok((SectionKind::PublicKey, _))) => "a public key",
        Some(Ok((SectionKind::Csr, _))) => "a request for a certificate",
        Some(Ok((SectionKind::Crl, _))) => "a list of revoked certificates",
        Some(Ok(_)) => "a private key",
        _ if is_encrypted(pem) => "an encrypted private key",
        _ if pem.is_empty() => "nothing: it is empty",
        _ if pem.starts_with(&[0x30]) => {
            "binary data, DER perhaps; convert it by: openssl x509 -inform der -in FILE -out FILE.pem"
        }
        _ => "no PEM",
    }
}

//! A self-signed certificate for development.
//!
//! Here: [`ServerTls::self_signed`].

use super::error::TlsError;
use super::server::ServerTls;
use rcgen::{CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, KeyPair};
use rcgen::{KeyUsagePurpose, date_time_ymd};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A clock set later than the year 9900 counts as that: the end of the validity must have four digits.
const NOW_MAX: Duration = Duration::from_secs(250_200_000_000);

const DAY: Duration = Duration::from_secs(86_400);

/// Its validity. Each start makes a new one, so it is short.
const VALID: Duration = Duration::from_secs(90 * 86_400);

impl ServerTls {
    /// Makes a self-signed certificate for these names and IP addresses, valid for 90 days, and returns it as PEM too: a
    /// client that adds it as a root trusts this server. For development. Each call makes another key.
    ///
    /// # Errors
    /// When a name cannot be in a certificate.
    ///
    /// ```
    /// use hearken_http::tls::{ClientTls, ServerTls};
    /// let (tls, pem) = ServerTls::self_signed(&["localhost", "127.0.0.1", "::1"])?;
    /// assert_eq!(tls.certificates()[0].names(), ["localhost", "127.0.0.1", "::1"]);
    /// let client = ClientTls::new().root_pem(pem.as_bytes())?;
    /// # Ok::<(), hearken_http::tls::TlsError>(())
    /// ```
    pub fn self_signed(names: &[&str]) -> Result<(Self, String), TlsError> {
        let (certificate, key) = make(names).map_err(|error| {
            TlsError::settings(format!("a self-signed certificate cannot be made: {error}"))
        })?;
        let tls = Self::from_pem(certificate.as_bytes(), key.as_bytes())?;
        Ok((tls, certificate))
    }
}

/// Certificate and key as PEM.
fn make(names: &[&str]) -> Result<(String, String), rcgen::Error> {
    let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::new(names)?;
    params.distinguished_name = DistinguishedName::new();
    params
        .distinguished_name
        .push(DnType::CommonName, "hearken, for development");
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .min(NOW_MAX);
    let epoch = date_time_ymd(1970, 1, 1);
    // Valid from yesterday on: the clocks of machines differ.
    params.not_before = epoch + now.saturating_sub(DAY);
    params.not_after = epoch + now + VALID;
    let certificate = params.self_signed(&key)?;
    Ok((certificate.pem(), key.serialize_pem()))
}

//! The contents of a certificate for people: subject, issuer, validity, names.
//!
//! Here: [`CertificateInfo`], as plain data. Not here: whether to trust it (`verify.rs`).

use crate::date::HttpDate;
use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::time::SystemTime;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::parse_x509_certificate;

/// The contents of a certificate. Reading it verifies nothing.
///
/// Displayed as one line. Control characters are escaped, so that they reach no terminal and no log.
///
/// ```no_run
/// # fn show(tls: &hearken_http::tls::TlsInfo) {
/// if let Some(certificate) = tls.peer_certificate() {
///     println!("{} until {:?}", certificate.subject(), certificate.not_after());
/// }
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateInfo {
    subject: String,
    issuer: String,
    names: Vec<String>,
    not_before: SystemTime,
    not_after: SystemTime,
    self_issued: bool,
}

impl CertificateInfo {
    /// Reads a certificate in DER. `None` if the bytes are not a certificate.
    #[must_use]
    pub fn from_der(der: &[u8]) -> Option<Self> {
        let (_, certificate) = parse_x509_certificate(der).ok()?;
        let validity = certificate.validity();
        Some(Self {
            subject: clean(&certificate.subject().to_string()),
            issuer: clean(&certificate.issuer().to_string()),
            names: names(&certificate),
            not_before: moment(validity.not_before.timestamp()),
            not_after: moment(validity.not_after.timestamp()),
            self_issued: certificate.subject().as_raw() == certificate.issuer().as_raw(),
        })
    }

    /// Its subject, as in `CN=example.org`. Often empty in new certificates, where only [`names`](Self::names) count.
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// Its issuer, as in `CN=Example CA`.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The host names and IP addresses that it is valid for: its subject alternative names (RFC 5280 §4.2.1.6). A common name
    /// in the subject does not count.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Start of its validity.
    #[must_use]
    pub const fn not_before(&self) -> SystemTime {
        self.not_before
    }

    /// End of its validity.
    #[must_use]
    pub const fn not_after(&self) -> SystemTime {
        self.not_after
    }

    /// Whether subject and issuer are the same, as in a self-signed certificate and in a root.
    #[must_use]
    pub const fn is_self_issued(&self) -> bool {
        self.self_issued
    }
}

impl fmt::Display for CertificateInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}, issued by {}, valid from {} to {}, for {}",
            or(&self.subject, "one without a subject"),
            or(&self.issuer, "an issuer without a name"),
            HttpDate::from(self.not_before),
            HttpDate::from(self.not_after),
            list(&self.names),
        )
    }
}

fn or<'a>(text: &'a str, none: &'a str) -> &'a str {
    if text.is_empty() { none } else { text }
}

/// The first few names: some certificates have hundreds.
pub(super) fn list(names: &[String]) -> String {
    const SHOWN: usize = 5;
    if names.is_empty() {
        return "no name".to_owned();
    }
    let mut text = names[..names.len().min(SHOWN)].join(", ");
    if names.len() > SHOWN {
        text += &format!(" and {} more", names.len() - SHOWN);
    }
    text
}

fn names(certificate: &X509Certificate<'_>) -> Vec<String> {
    let Ok(Some(extension)) = certificate.subject_alternative_name() else {
        return Vec::new();
    };
    let of = |name: &GeneralName<'_>| match name {
        GeneralName::DNSName(name) => Some(clean(name)),
        GeneralName::IPAddress(bytes) => {
            let v4 = <[u8; 4]>::try_from(*bytes).map(|ip| Ipv4Addr::from(ip).to_string());
            let v6 = <[u8; 16]>::try_from(*bytes).map(|ip| Ipv6Addr::from(ip).to_string());
            v4.or(v6).ok()
        }
        _ => None,
    };
    extension
        .value
        .general_names
        .iter()
        .filter_map(of)
        .collect()
}

/// Escapes control characters in text from outside.
pub(super) fn clean(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() {
            clean.extend(c.escape_default());
        } else {
            clean.push(c);
        }
    }
    clean
}

/// Clamped to the years that a date can be printed for.
fn moment(seconds: i64) -> SystemTime {
    HttpDate::from_unix_seconds(seconds).into()
}

//! The roots that this machine trusts. Read once for the whole process, when they are first needed.

use rustls::pki_types::CertificateDer;
use std::sync::OnceLock;

/// What was found. An error of one file leaves the others.
#[derive(Debug)]
pub(super) struct SystemRoots {
    pub(super) certificates: Vec<CertificateDer<'static>>,
    pub(super) errors: Vec<String>,
}

/// The roots of the system: `SSL_CERT_FILE` and `SSL_CERT_DIR` if they are set, else where the system keeps them. Reads
/// files at the first call; errors are logged then, and told by whoever misses a root.
pub(super) fn system() -> &'static SystemRoots {
    static ROOTS: OnceLock<SystemRoots> = OnceLock::new();
    ROOTS.get_or_init(|| {
        let found = rustls_native_certs::load_native_certs();
        let errors: Vec<String> = found.errors.iter().map(ToString::to_string).collect();
        for error in &errors {
            tracing::warn!(%error, "root certificates of the system could not be read");
        }
        SystemRoots {
            certificates: found.certs,
            errors,
        }
    })
}

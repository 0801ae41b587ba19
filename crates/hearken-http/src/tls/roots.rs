//! The roots that this machine trusts.
//!
//! Here: [`system`], which reads them once for the whole process, when they are first needed.

use rustls::pki_types::CertificateDer;
use std::sync::OnceLock;

/// The roots that could be read, and the errors of files that could not.
#[derive(Debug)]
pub(super) struct SystemRoots {
    pub(super) certificates: Vec<CertificateDer<'static>>,
    pub(super) errors: Vec<String>,
}

/// The roots of the system: from `SSL_CERT_FILE` and `SSL_CERT_DIR` if they are set, else from where the system keeps them.
/// The first call reads the files and logs their errors.
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

//! Which certificate a client gets: by the name that it asks for (SNI, RFC 6066 §3) and its signature schemes.
//!
//! Here: [`CertResolver`]. Not here: reading certificates (`pem.rs`).

use super::certificate::CertificateInfo;
use rustls::SignatureScheme;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use std::collections::HashMap;
use std::sync::Arc;

/// All certificates of a server. The first is the default.
#[derive(Debug, Default)]
pub(super) struct CertResolver {
    all: Vec<Arc<CertifiedKey>>,
    /// By name in lower case, each list in the order in which certificates were added; the name of a wildcard certificate
    /// (RFC 9525 §6.3) keeps its asterisk.
    by_name: HashMap<String, Vec<Arc<CertifiedKey>>>,
}

impl CertResolver {
    /// Adds a certificate under each of its names.
    pub(super) fn add(&mut self, info: &CertificateInfo, key: CertifiedKey) {
        let key = Arc::new(key);
        for name in info.names() {
            let keys = self.by_name.entry(name.to_ascii_lowercase()).or_default();
            keys.push(Arc::clone(&key));
        }
        self.all.push(key);
    }

    /// The first certificate for `name` with a key for one of `schemes`; the default for no name and for an unknown one. A
    /// client that expects another certificate then reports so itself, more clearly than an alert would.
    pub(super) fn choose(
        &self,
        name: Option<&str>,
        schemes: &[SignatureScheme],
    ) -> Option<Arc<CertifiedKey>> {
        let known = name.and_then(|name| self.by_name(name));
        let fits = |key: &&Arc<CertifiedKey>| key.key.choose_scheme(schemes).is_some();
        let chosen = known.and_then(|keys| keys.iter().find(fits));
        chosen.or_else(|| self.all.iter().find(fits)).cloned()
    }

    fn by_name(&self, name: &str) -> Option<&Vec<Arc<CertifiedKey>>> {
        let name = name.to_ascii_lowercase();
        self.by_name.get(&name).or_else(|| {
            let (_, parent) = name.split_once('.')?;
            self.by_name.get(&format!("*.{parent}"))
        })
    }
}

impl ResolvesServerCert for CertResolver {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.choose(hello.server_name(), hello.signature_schemes())
    }
}

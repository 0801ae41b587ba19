//! Which certificate a client gets: by the name that it asks for (SNI, RFC 6066 §3) and the signatures that it knows.

use super::certificate::CertificateInfo;
use rustls::SignatureScheme;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use std::collections::HashMap;
use std::sync::Arc;

/// All certificates of a server. The first is the default.
#[derive(Debug, Default)]
pub(super) struct Names {
    all: Vec<Arc<CertifiedKey>>,
    /// By name in lower case; a wildcard (RFC 9525 §6.3) with its asterisk. In the order in which they were given.
    by_name: HashMap<String, Vec<Arc<CertifiedKey>>>,
}

impl Names {
    /// Adds a certificate for the names that it is for.
    pub(super) fn add(&mut self, info: &CertificateInfo, key: CertifiedKey) {
        let key = Arc::new(key);
        for name in info.names() {
            let keys = self.by_name.entry(name.to_ascii_lowercase()).or_default();
            keys.push(Arc::clone(&key));
        }
        self.all.push(key);
    }

    /// The certificate for a name; the first one for no name, and for one that is not known: a client that expects
    /// another certificate says so itself, and more clearly than an alert would.
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

impl ResolvesServerCert for Names {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.choose(hello.server_name(), hello.signature_schemes())
    }
}

//! TLS of a server: certificates and keys, client certificates, and changing all of that while it runs.
//!
//! Here: [`ServerTls`]. Not here: choosing the certificate for a name (`resolver.rs`), the handshake (`handshake.rs`), its
//! place in a worker (`server/tls.rs`).

use super::certificate::CertificateInfo;
use super::error::TlsError;
use super::pem::{self, Origin};
use super::provider::{ALPN_HTTP_1_1, VERSIONS, provider};
use super::resolver::CertResolver;
use super::verify::{ClientCertificates, ClientVerifier};
use rustls::ServerConfig;
use rustls::server::ServerSessionMemoryCache;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::SystemTime;

/// Cached sessions of TLS 1.2 clients that do not support tickets.
const SESSIONS: usize = 1024;

/// The TLS settings of a server. A handle: all clones share the settings. A change takes effect for new handshakes of every
/// server that uses them; open connections keep theirs. A change that fails has no effect.
///
/// The only protocol offered is `http/1.1` (ALPN, RFC 7301). Sessions are resumed by tickets whose keys rotate every six hours;
/// a ticket is valid only for the server name that it was issued for (RFC 6066 §3). A change invalidates older sessions.
///
/// Node: the options of `https.createServer`, `server.setSecureContext`, `server.addContext`.
///
/// ```no_run
/// use hearken_http::Server;
/// use hearken_http::tls::ServerTls;
/// let tls = ServerTls::from_files("cert.pem", "key.pem")?;
/// let server = Server::new(async |_req, res| res.end("hi"));
/// let handle = server.tls(&tls).listen("127.0.0.1:3443")?.start()?;
/// tls.reload()?; // after the files were renewed
/// # Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
/// ```
#[derive(Clone)]
pub struct ServerTls {
    shared: Arc<Shared>,
}

struct Shared {
    /// Locked during a change, so that changes are made one after the other.
    settings: Mutex<Settings>,
    current: RwLock<Arc<Current>>,
}

/// The settings of new handshakes.
struct Current {
    config: Arc<ServerConfig>,
    certificates: Vec<CertificateInfo>,
}

/// The sources of all settings, to be read again.
#[derive(Clone)]
struct Settings {
    /// Certificate chains with keys; the first is the default when SNI is absent or unknown.
    identities: Vec<(Text, Text)>,
    clients: Option<(Text, ClientCertificates)>,
}

/// PEM, or its path.
#[derive(Clone)]
enum Text {
    File(PathBuf),
    Memory(Arc<[u8]>),
}

impl ServerTls {
    /// Reads PEM files: the certificate chain, beginning with the server's own certificate, and its private key (PKCS#8,
    /// PKCS#1 or SEC1). One file may hold both.
    ///
    /// # Errors
    /// When a file cannot be read or lacks certificate or key, or when the key is encrypted or belongs to another
    /// certificate. The text names the file and what it contains instead.
    #[doc(alias = "cert")]
    #[doc(alias = "key")]
    pub fn from_files(chain: impl AsRef<Path>, key: impl AsRef<Path>) -> Result<Self, TlsError> {
        Self::new((Text::file(chain.as_ref()), Text::file(key.as_ref())))
    }

    /// [`from_files`](Self::from_files) for PEM in memory.
    ///
    /// # Errors
    /// As [`from_files`](Self::from_files).
    pub fn from_pem(chain: &[u8], key: &[u8]) -> Result<Self, TlsError> {
        Self::new((Text::Memory(chain.into()), Text::Memory(key.into())))
    }

    fn new(identity: (Text, Text)) -> Result<Self, TlsError> {
        let settings = Settings {
            identities: vec![identity],
            clients: None,
        };
        let current = RwLock::new(Arc::new(settings.build()?));
        let settings = Mutex::new(settings);
        Ok(Self {
            shared: Arc::new(Shared { settings, current }),
        })
    }

    /// Makes a change completely or, on an error, not at all.
    fn change(&self, change: impl FnOnce(&mut Settings)) -> Result<(), TlsError> {
        // A panic while the lock was held has changed nothing yet.
        let mut settings = self
            .shared
            .settings
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let mut changed = settings.clone();
        change(&mut changed);
        let built = Arc::new(changed.build()?);
        *settings = changed;
        *self
            .shared
            .current
            .write()
            .unwrap_or_else(PoisonError::into_inner) = built;
        Ok(())
    }

    fn current(&self) -> Arc<Current> {
        let current = self.shared.current.read();
        Arc::clone(&current.unwrap_or_else(PoisonError::into_inner))
    }

    /// The configuration of new handshakes.
    pub(super) fn config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.current().config)
    }

    /// Adds a certificate for the names that it contains, wildcards included. Clients that ask for one of them get it, all
    /// others get the first certificate. Of several certificates for one name a client gets the first whose key type it
    /// supports, so add one with an elliptic curve before one with RSA. Each call adds one more.
    ///
    /// # Errors
    /// As [`from_files`](Self::from_files).
    #[doc(alias = "addContext")]
    pub fn add_files(
        &self,
        chain: impl AsRef<Path>,
        key: impl AsRef<Path>,
    ) -> Result<(), TlsError> {
        let identity = (Text::file(chain.as_ref()), Text::file(key.as_ref()));
        self.change(|settings| settings.identities.push(identity))
    }

    /// [`add_files`](Self::add_files) for PEM in memory.
    ///
    /// # Errors
    /// As [`add_files`](Self::add_files).
    pub fn add_pem(&self, chain: &[u8], key: &[u8]) -> Result<(), TlsError> {
        let identity = (Text::Memory(chain.into()), Text::Memory(key.into()));
        self.change(|settings| settings.identities.push(identity))
    }

    /// Replaces all certificates by the one in these files.
    ///
    /// # Errors
    /// As [`from_files`](Self::from_files).
    #[doc(alias = "setSecureContext")]
    pub fn replace_files(
        &self,
        chain: impl AsRef<Path>,
        key: impl AsRef<Path>,
    ) -> Result<(), TlsError> {
        let identity = (Text::file(chain.as_ref()), Text::file(key.as_ref()));
        self.change(|settings| settings.identities = vec![identity])
    }

    /// [`replace_files`](Self::replace_files) for PEM in memory.
    ///
    /// # Errors
    /// As [`replace_files`](Self::replace_files).
    pub fn replace_pem(&self, chain: &[u8], key: &[u8]) -> Result<(), TlsError> {
        let identity = (Text::Memory(chain.into()), Text::Memory(key.into()));
        self.change(|settings| settings.identities = vec![identity])
    }

    /// Reads all files again, as after a certificate was renewed.
    ///
    /// # Errors
    /// As [`from_files`](Self::from_files).
    pub fn reload(&self) -> Result<(), TlsError> {
        self.change(|_| {})
    }

    /// Asks clients for a certificate that one of the roots in this PEM file has issued. Default: clients are not asked. The
    /// second call replaces the first.
    ///
    /// Applies to all names of this server, so that a client cannot avoid it by asking for one name in the handshake and for
    /// another in `Host`.
    ///
    /// # Errors
    /// When the file cannot be read or has no certificate.
    #[doc(alias = "requestCert")]
    #[doc(alias = "ca")]
    pub fn client_certificates(
        &self,
        roots: impl AsRef<Path>,
        wanted: ClientCertificates,
    ) -> Result<(), TlsError> {
        let roots = Text::file(roots.as_ref());
        self.change(|settings| settings.clients = Some((roots, wanted)))
    }

    /// [`client_certificates`](Self::client_certificates) for PEM in memory.
    ///
    /// # Errors
    /// As [`client_certificates`](Self::client_certificates).
    pub fn client_certificates_pem(
        &self,
        roots: &[u8],
        wanted: ClientCertificates,
    ) -> Result<(), TlsError> {
        let roots = Text::Memory(roots.into());
        self.change(|settings| settings.clients = Some((roots, wanted)))
    }

    /// The contents of its certificates, in the order in which they were added.
    #[must_use]
    pub fn certificates(&self) -> Vec<CertificateInfo> {
        self.current().certificates.clone()
    }

    /// The end of validity of the certificate that expires first; monitor it to renew in time.
    #[must_use]
    pub fn not_after(&self) -> SystemTime {
        let current = self.current();
        let ends = current.certificates.iter().map(CertificateInfo::not_after);
        // There is always at least one certificate.
        ends.min().unwrap_or(SystemTime::UNIX_EPOCH)
    }
}

impl fmt::Debug for ServerTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerTls")
            .field("certificates", &self.current().certificates)
            .finish_non_exhaustive()
    }
}

impl Text {
    fn file(path: &Path) -> Self {
        Self::File(path.to_owned())
    }

    /// The PEM, and its name in error texts.
    fn read(&self, name: &str) -> Result<(Vec<u8>, String), TlsError> {
        match self {
            Self::File(path) => Ok((pem::read(path)?, path.display().to_string())),
            Self::Memory(text) => Ok((text.to_vec(), name.to_owned())),
        }
    }
}

impl Settings {
    /// Reads all sources and builds the configuration.
    fn build(&self) -> Result<Current, TlsError> {
        let unusable = |error: rustls::Error| TlsError::settings(error.to_string());
        let (resolver, certificates) = self.resolver()?;
        let builder = ServerConfig::builder_with_provider(provider())
            .with_protocol_versions(VERSIONS)
            .map_err(unusable)?;
        let builder = match &self.clients {
            None => builder.with_no_client_auth(),
            Some((roots, wanted)) => {
                let (pem, name) = roots.read("roots for clients")?;
                let roots = pem::roots(&pem, Origin(&name))?;
                builder.with_client_cert_verifier(Arc::new(ClientVerifier::new(roots, *wanted)?))
            }
        };
        let mut config = builder.with_cert_resolver(Arc::new(resolver));
        config.alpn_protocols = vec![ALPN_HTTP_1_1.to_vec()];
        config.ticketer = rustls::crypto::ring::Ticketer::new().map_err(unusable)?;
        config.session_storage = ServerSessionMemoryCache::new(SESSIONS);
        Ok(Current {
            config: Arc::new(config),
            certificates,
        })
    }

    fn resolver(&self) -> Result<(CertResolver, Vec<CertificateInfo>), TlsError> {
        let mut resolver = CertResolver::default();
        let mut certificates = Vec::new();
        for (chain, key) in &self.identities {
            let (pem, name) = chain.read("certificate")?;
            let chain = pem::certificates(&pem, Origin(&name))?;
            let unreadable = || Origin(&name).error("the first certificate cannot be read");
            let info = CertificateInfo::from_der(&chain[0]).ok_or_else(unreadable)?;
            let (pem, name) = key.read("private key")?;
            let key = pem::private_key(&pem, Origin(&name))?;
            let certified = pem::certified_key(chain, key)?;
            if info.not_after() < SystemTime::now() {
                tracing::warn!(certificate = %info, "a certificate of this server has expired");
            }
            resolver.add(&info, certified);
            certificates.push(info);
        }
        Ok((resolver, certificates))
    }
}

//! The server's side: certificates and keys, whom it lets in, and changing all of that while it runs.
//!
//! Here: [`ServerTls`]. Which certificate is for which name is in `names.rs`, the handshake in `server/accept.rs`, its place in
//! a worker in `serving.rs`.

use super::certificate::CertificateInfo;
use super::error::TlsError;
use super::names::Names;
use super::pem::{self, Origin};
use super::verify::Doorman;
use super::{ALPN_HTTP_1_1, VERSIONS, provider};
use rustls::ServerConfig;
use rustls::server::ServerSessionMemoryCache;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::SystemTime;

/// Sessions of TLS 1.2 clients that know no tickets.
const SESSIONS: usize = 1024;

/// How a server speaks TLS. A handle: clones are the same, and what is changed on one counts for every new handshake of
/// every server that has it; connections that are open stay as they are. A change that cannot be made leaves everything
/// as it was.
///
/// Only `http/1.1` is spoken (ALPN, RFC 7301). Sessions are resumed by tickets whose keys rotate every six hours, and which
/// count only for the server name that they were given for (RFC 6066 §3). After a change no older session is resumed.
///
/// Node: the options of `https.createServer`, `server.setSecureContext`, `server.addContext`.
///
/// ```no_run
/// use hearken_http::Server;
/// use hearken_http::tls::ServerTls;
/// let tls = ServerTls::from_files("cert.pem", "key.pem")?;
/// let mut server = Server::new(async |_req, res| res.end("hi"));
/// let handle = server.tls(&tls).listen("127.0.0.1:3443")?.start()?;
/// tls.reload()?; // the files are new
/// # Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
/// ```
#[derive(Clone)]
pub struct ServerTls {
    shared: Arc<Shared>,
}

struct Shared {
    /// Held while a change is made, so that two of them follow one another.
    settings: Mutex<Settings>,
    current: RwLock<Arc<Current>>,
}

/// What new handshakes use.
struct Current {
    config: Arc<ServerConfig>,
    certificates: Vec<CertificateInfo>,
}

/// Where everything comes from, to be read again.
#[derive(Clone)]
struct Settings {
    /// Chain and key; the first is for whoever asks for no name, or for one that is not known.
    identities: Vec<(Text, Text)>,
    clients: Option<(Text, ClientCertificates)>,
}

/// PEM, or where it is.
#[derive(Clone)]
enum Text {
    File(PathBuf),
    Memory(Arc<[u8]>),
}

/// What a server wants of its clients.
///
/// Node: `requestCert`, which is `Optional`, with `rejectUnauthorized`, which makes it `Required`. Other than there, a
/// certificate that is not trusted is refused in either case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "there is nothing in between")]
pub enum ClientCertificates {
    /// A client without a certificate is turned away.
    Required,
    /// A client may do without; [`TlsInfo::peer_certificate`](super::TlsInfo::peer_certificate) tells.
    Optional,
}

impl ServerTls {
    /// Reads PEM files: the certificate chain, the server's own certificate first, and its private key (PKCS#8, PKCS#1 or
    /// SEC1). One file may hold both.
    ///
    /// # Errors
    /// When a file cannot be read or lacks certificate or key, when the key is encrypted or belongs to another
    /// certificate. The text names the file and says what was found.
    pub fn from_files(chain: impl AsRef<Path>, key: impl AsRef<Path>) -> Result<Self, TlsError> {
        Self::new((Text::file(chain.as_ref()), Text::file(key.as_ref())))
    }

    /// [`from_files`](Self::from_files) for PEM that is in memory.
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

    /// Makes a change, whole or not at all.
    fn change(&self, change: impl FnOnce(&mut Settings)) -> Result<(), TlsError> {
        // Whoever panicked with the lock held had changed nothing yet.
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

    /// What a new handshake uses.
    pub(super) fn config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.current().config)
    }

    /// Adds a certificate for other names: those it says it is for, wildcards too. Clients that ask for one of them get it,
    /// the others the first. Of several for one name the first fits whose key the client knows, so an elliptic curve can
    /// be given before RSA.
    ///
    /// Node: `server.addContext`.
    ///
    /// # Errors
    /// As [`from_files`](Self::from_files); what was there stays.
    pub fn add_files(
        &self,
        chain: impl AsRef<Path>,
        key: impl AsRef<Path>,
    ) -> Result<(), TlsError> {
        let identity = (Text::file(chain.as_ref()), Text::file(key.as_ref()));
        self.change(|settings| settings.identities.push(identity))
    }

    /// [`add_files`](Self::add_files) for PEM that is in memory.
    ///
    /// # Errors
    /// As [`add_files`](Self::add_files).
    pub fn add_pem(&self, chain: &[u8], key: &[u8]) -> Result<(), TlsError> {
        let identity = (Text::Memory(chain.into()), Text::Memory(key.into()));
        self.change(|settings| settings.identities.push(identity))
    }

    /// Takes these files in place of all certificates there were.
    ///
    /// Node: `server.setSecureContext`.
    ///
    /// # Errors
    /// As [`from_files`](Self::from_files); what was there stays.
    pub fn replace_files(
        &self,
        chain: impl AsRef<Path>,
        key: impl AsRef<Path>,
    ) -> Result<(), TlsError> {
        let identity = (Text::file(chain.as_ref()), Text::file(key.as_ref()));
        self.change(|settings| settings.identities = vec![identity])
    }

    /// [`replace_files`](Self::replace_files) for PEM that is in memory.
    ///
    /// # Errors
    /// As [`replace_files`](Self::replace_files).
    pub fn replace_pem(&self, chain: &[u8], key: &[u8]) -> Result<(), TlsError> {
        let identity = (Text::Memory(chain.into()), Text::Memory(key.into()));
        self.change(|settings| settings.identities = vec![identity])
    }

    /// Reads all files again: after a certificate was renewed, say.
    ///
    /// # Errors
    /// As [`from_files`](Self::from_files); what was there stays.
    pub fn reload(&self) -> Result<(), TlsError> {
        self.change(|_| {})
    }

    /// Asks clients for a certificate that one of the roots in this PEM file has issued. The second call replaces the
    /// first.
    ///
    /// It holds for all names of this server alike, so a client cannot get around it by asking for one name in the
    /// handshake and for another in `Host`.
    ///
    /// # Errors
    /// When the file cannot be read or has no certificate; what was there stays.
    pub fn client_certificates(
        &self,
        roots: impl AsRef<Path>,
        wanted: ClientCertificates,
    ) -> Result<(), TlsError> {
        let roots = Text::file(roots.as_ref());
        self.change(|settings| settings.clients = Some((roots, wanted)))
    }

    /// [`client_certificates`](Self::client_certificates) for PEM that is in memory.
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

    /// What its certificates say, in the order in which they were given.
    #[must_use]
    pub fn certificates(&self) -> Vec<CertificateInfo> {
        self.current().certificates.clone()
    }

    /// When the first of its certificates expires: a number to be watched.
    #[must_use]
    pub fn not_after(&self) -> SystemTime {
        let current = self.current();
        let ends = current.certificates.iter().map(CertificateInfo::not_after);
        // There is always one.
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

    /// The text, and its name for errors.
    fn read(&self, name: &str) -> Result<(Vec<u8>, String), TlsError> {
        match self {
            Self::File(path) => Ok((pem::read(path)?, path.display().to_string())),
            Self::Memory(text) => Ok((text.to_vec(), name.to_owned())),
        }
    }
}

impl Settings {
    /// Reads everything and puts it together.
    fn build(&self) -> Result<Current, TlsError> {
        let unusable = |error: rustls::Error| TlsError::settings(error.to_string());
        let (names, certificates) = self.names()?;
        let builder = ServerConfig::builder_with_provider(provider())
            .with_protocol_versions(VERSIONS)
            .map_err(unusable)?;
        let builder = match &self.clients {
            None => builder.with_no_client_auth(),
            Some((roots, wanted)) => {
                let (pem, name) = roots.read("roots for clients")?;
                let roots = pem::roots(&pem, Origin(&name))?;
                builder.with_client_cert_verifier(Arc::new(Doorman::new(roots, *wanted)?))
            }
        };
        let mut config = builder.with_cert_resolver(Arc::new(names));
        config.alpn_protocols = vec![ALPN_HTTP_1_1.to_vec()];
        config.ticketer = rustls::crypto::ring::Ticketer::new().map_err(unusable)?;
        config.session_storage = ServerSessionMemoryCache::new(SESSIONS);
        Ok(Current {
            config: Arc::new(config),
            certificates,
        })
    }

    fn names(&self) -> Result<(Names, Vec<CertificateInfo>), TlsError> {
        let mut names = Names::default();
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
            names.add(&info, certified);
            certificates.push(info);
        }
        Ok((names, certificates))
    }
}

//! The client's side: what it trusts, who it says it is, and the handshake.
//!
//! Here: [`ClientTls`]. Not here: connecting TCP, pooling (the client and its agent).

use super::error::TlsError;
use super::info::TlsInfo;
use super::pem::{self, Origin};
use super::refusal::watch;
use super::verify::{AcceptAny, Judge};
use super::{ALPN_HTTP_1_1, VERSIONS, provider, roots};
use crate::net::host::unbracketed;
use rustls::client::Resumption;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use std::fmt;
use std::path::Path;
use std::sync::{Arc, OnceLock};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Servers whose sessions are kept.
const SESSIONS: usize = 256;

/// How a client speaks TLS: whom it trusts, who it says it is, what it offers.
///
/// Cheap to clone; clones share the cache of sessions, so that connecting again is cheaper for both sides. A method
/// that changes a setting starts a new cache. The default trusts the roots of the system, has no certificate of its own
/// and offers `http/1.1`.
///
/// Node: the TLS options of `https.request` and `https.Agent` (`ca`, `cert`, `key`, `servername`, `ALPNProtocols`,
/// `rejectUnauthorized`, `maxCachedSessions`).
///
/// ```
/// use hearken_http::tls::ClientTls;
/// let tls = ClientTls::new().server_name("example.org");
/// ```
#[derive(Clone)]
pub struct ClientTls {
    settings: Arc<Settings>,
    config: Arc<OnceLock<Result<Arc<ClientConfig>, TlsError>>>,
}

#[derive(Clone, Debug)]
struct Settings {
    system_roots: bool,
    accept_any: bool,
    roots: Vec<CertificateDer<'static>>,
    identity: Option<Identity>,
    alpn: Vec<Vec<u8>>,
    server_name: Option<String>,
    send_server_name: bool,
    sessions: usize,
}

/// A certificate chain and its key.
#[derive(Debug)]
struct Identity {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
}

impl Clone for Identity {
    fn clone(&self) -> Self {
        Self {
            chain: self.chain.clone(),
            key: self.key.clone_key(),
        }
    }
}

impl Default for ClientTls {
    fn default() -> Self {
        Self::new()
    }
}

impl ClientTls {
    /// Trusts the roots of the system. They are read at the first handshake, once for the whole process.
    #[must_use]
    pub fn new() -> Self {
        Self {
            settings: Arc::new(Settings {
                system_roots: true,
                accept_any: false,
                roots: Vec::new(),
                identity: None,
                alpn: vec![ALPN_HTTP_1_1.to_vec()],
                server_name: None,
                send_server_name: true,
                sessions: SESSIONS,
            }),
            config: Arc::default(),
        }
    }

    fn set(mut self, change: impl FnOnce(&mut Settings)) -> Self {
        change(Arc::make_mut(&mut self.settings));
        self.config = Arc::default();
        self
    }

    /// Whether the roots of the system are trusted. Default: yes. Without them only extra roots are.
    #[must_use]
    pub fn system_roots(self, trusted: bool) -> Self {
        self.set(|settings| settings.system_roots = trusted)
    }

    /// Trusts the certificates of this PEM file as well: roots, or the very certificate of a server. May be called
    /// again for more.
    ///
    /// # Errors
    /// When the file cannot be read or has no certificate.
    pub fn root_file(self, path: impl AsRef<Path>) -> Result<Self, TlsError> {
        let path = path.as_ref();
        self.add_roots(&pem::read(path)?, Origin(&path.display().to_string()))
    }

    /// [`root_file`](Self::root_file) for PEM that is in memory.
    ///
    /// # Errors
    /// When there is no certificate in it.
    pub fn root_pem(self, pem: &[u8]) -> Result<Self, TlsError> {
        self.add_roots(pem, Origin("extra root"))
    }

    fn add_roots(self, pem: &[u8], origin: Origin<'_>) -> Result<Self, TlsError> {
        let found = pem::certificates(pem, origin)?;
        pem::roots(pem, origin)?; // each can be one
        Ok(self.set(|settings| settings.roots.extend(found)))
    }

    /// Shows this certificate to servers that ask for one: PEM files of the chain, the client's own first, and of its
    /// key. The second call replaces the first.
    ///
    /// # Errors
    /// When a file cannot be read, or lacks certificate or key, or when the key belongs to another certificate.
    pub fn certificate_files(
        self,
        chain: impl AsRef<Path>,
        key: impl AsRef<Path>,
    ) -> Result<Self, TlsError> {
        let (chain, key) = (chain.as_ref(), key.as_ref());
        let at = |path: &Path| path.display().to_string();
        let chain = pem::certificates(&pem::read(chain)?, Origin(&at(chain)))?;
        let key = pem::private_key(&pem::read(key)?, Origin(&at(key)))?;
        self.identity(Identity { chain, key })
    }

    /// [`certificate_files`](Self::certificate_files) for PEM that is in memory. One text may hold both.
    ///
    /// # Errors
    /// When certificate or key is missing, or when they do not belong together.
    pub fn certificate_pem(self, chain: &[u8], key: &[u8]) -> Result<Self, TlsError> {
        let chain = pem::certificates(chain, Origin("client certificate"))?;
        let key = pem::private_key(key, Origin("key of the client certificate"))?;
        self.identity(Identity { chain, key })
    }

    fn identity(self, identity: Identity) -> Result<Self, TlsError> {
        pem::certified_key(identity.chain.clone(), identity.key.clone_key())?;
        Ok(self.set(|settings| settings.identity = Some(identity)))
    }

    /// The protocols to offer (ALPN, RFC 7301), the best first. Default: `http/1.1`. None: nothing is offered.
    #[must_use]
    pub fn alpn<P: AsRef<[u8]>>(self, protocols: impl IntoIterator<Item = P>) -> Self {
        let protocols = protocols.into_iter().map(|name| name.as_ref().to_vec());
        let protocols = protocols.collect();
        self.set(|settings| settings.alpn = protocols)
    }

    /// Asks for, and expects a certificate for, this name instead of the host that is connected to.
    #[must_use]
    pub fn server_name(self, name: impl Into<String>) -> Self {
        let name = name.into();
        self.set(|settings| settings.server_name = Some(name))
    }

    /// Whether the name is told to the server before anything is encrypted (SNI, RFC 6066 §3). Default: yes; servers of
    /// several names need it. An IP address is never told.
    #[must_use]
    pub fn send_server_name(self, send: bool) -> Self {
        self.set(|settings| settings.send_server_name = send)
    }

    /// Of how many servers sessions are kept, to be resumed. Default 256; 0 keeps none.
    #[must_use]
    pub fn sessions_max(self, servers: usize) -> Self {
        self.set(|settings| settings.sessions = servers)
    }

    /// Trusts whoever answers: anybody on the way can read and change everything. For tests at home alone.
    ///
    /// Node: `rejectUnauthorized: false`.
    #[must_use]
    pub fn dangerously_accept_any_certificate(self) -> Self {
        self.set(|settings| settings.accept_any = true)
    }

    /// The handshake with `host`, a name or an IP address (in brackets or not), on a transport that is connected to it.
    ///
    /// The first handshake of a process may read the system's roots from disk. There is no deadline in here.
    ///
    /// # Errors
    /// See [`TlsErrorKind`](super::TlsErrorKind).
    pub(crate) async fn connect<T>(
        &self,
        host: &str,
        transport: T,
    ) -> Result<(TlsStream<T>, TlsInfo), TlsError>
    where
        T: AsyncRead + AsyncWrite + Unpin,
    {
        let config = self.config()?;
        let name = self.name_for(host)?;
        let told = match &name {
            ServerName::DnsName(name) if self.settings.send_server_name => {
                Some(name.as_ref().to_owned())
            }
            _ => None,
        };
        let (connected, refusal) = watch(TlsConnector::from(config).connect(name, transport)).await;
        let stream = connected.map_err(|error| TlsError::handshake(error, refusal))?;
        let info = TlsInfo::new(stream.get_ref().1, told.as_deref());
        Ok((stream, info))
    }

    fn name_for(&self, host: &str) -> Result<ServerName<'static>, TlsError> {
        let host = self.settings.server_name.as_deref().unwrap_or(host);
        let bare = unbracketed(host).trim_end_matches('.');
        ServerName::try_from(bare.to_owned()).map_err(|_| {
            TlsError::settings(format!(
                "expected a host name or an IP address that a certificate can be for, got {host:?}"
            ))
        })
    }

    fn config(&self) -> Result<Arc<ClientConfig>, TlsError> {
        self.config
            .get_or_init(|| self.settings.build().map(Arc::new))
            .clone()
    }
}

impl fmt::Debug for ClientTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientTls")
            .field("system_roots", &self.settings.system_roots)
            .field("extra_roots", &self.settings.roots.len())
            .field("accept_any_certificate", &self.settings.accept_any)
            .finish_non_exhaustive()
    }
}

impl Settings {
    fn build(&self) -> Result<ClientConfig, TlsError> {
        let unusable = |error: rustls::Error| TlsError::settings(error.to_string());
        let builder = ClientConfig::builder_with_provider(provider())
            .with_protocol_versions(VERSIONS)
            .map_err(unusable)?
            .dangerous();
        let builder = if self.accept_any {
            builder.with_custom_certificate_verifier(Arc::new(AcceptAny))
        } else {
            builder.with_custom_certificate_verifier(Arc::new(self.judge()?))
        };
        let mut config = match &self.identity {
            Some(own) => builder
                .with_client_auth_cert(own.chain.clone(), own.key.clone_key())
                .map_err(unusable)?,
            None => builder.with_no_client_auth(),
        };
        config.alpn_protocols.clone_from(&self.alpn);
        config.enable_sni = self.send_server_name;
        config.resumption = match self.sessions {
            0 => Resumption::disabled(),
            sessions => Resumption::in_memory_sessions(sessions),
        };
        Ok(config)
    }

    fn judge(&self) -> Result<Judge, TlsError> {
        let mut store = RootCertStore::empty();
        let mut errors: &[String] = &[];
        if self.system_roots {
            let system = roots::system();
            // Some systems ship roots that webpki cannot read; those are of no use, the others are.
            store.add_parsable_certificates(system.certificates.iter().cloned());
            errors = &system.errors;
        }
        for root in &self.roots {
            let added = store.add(root.clone());
            added.map_err(|error| TlsError::settings(format!("extra root: {error}")))?;
        }
        if store.is_empty() {
            let mut text =
                "no root certificates are there to trust a server by; install the ca-certificates \
                            of the system, or add a root (--cacert)"
                    .to_owned();
            for error in errors {
                text += &format!("; {error}");
            }
            return Err(TlsError::settings(text));
        }
        Judge::new(store, self.roots.clone()).map_err(|error| TlsError::settings(error.to_string()))
    }
}

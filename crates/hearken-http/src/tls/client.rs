//! TLS of a client: what it trusts, its certificate, and the handshake.
//!
//! Here: [`ClientTls`]. Not here: TCP connections and pooling (`client/`).

use super::error::TlsError;
use super::info::TlsInfo;
use super::pem::{self, Origin};
use super::provider::{ALPN_HTTP_1_1, VERSIONS, provider};
use super::rejection::capture;
use super::roots;
use super::verify::{AcceptAny, ServerVerifier};
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

/// Default of [`ClientTls::sessions_max`].
const SESSIONS: usize = 256;

/// The TLS settings of a client: trusted roots, its own certificate, offered protocols.
///
/// Cheap to clone. Clones share a cache of sessions, which makes later handshakes with the same server cheaper; a method that
/// changes a setting starts a new cache. The default trusts the roots of the system, has no client certificate and offers
/// `http/1.1`.
///
/// Node: the TLS options of `https.request` and `https.Agent`.
///
/// ```no_run
/// use hearken_http::Agent;
/// use hearken_http::client::AgentOptions;
/// use hearken_http::tls::ClientTls;
/// let mut options = AgentOptions::default();
/// options.tls = ClientTls::new().system_roots(false).root_file("root.pem")?;
/// let agent = Agent::new(options);
/// # Ok::<(), hearken_http::tls::TlsError>(())
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
    /// The default settings. The roots of the system are read at the first handshake, once for the whole process.
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

    /// Whether to trust the roots of the system. Default: true. With false only added roots are trusted. The last call counts.
    #[must_use]
    pub fn system_roots(self, trusted: bool) -> Self {
        self.set(|settings| settings.system_roots = trusted)
    }

    /// Also trusts the certificates of this PEM file: roots, or the certificate of a server itself. Each call adds more.
    ///
    /// # Errors
    /// When the file cannot be read or has no certificate.
    #[doc(alias = "ca")]
    pub fn root_file(self, path: impl AsRef<Path>) -> Result<Self, TlsError> {
        let path = path.as_ref();
        self.add_roots(&pem::read(path)?, Origin(&path.display().to_string()))
    }

    /// [`root_file`](Self::root_file) for PEM in memory.
    ///
    /// # Errors
    /// When it has no certificate.
    pub fn root_pem(self, pem: &[u8]) -> Result<Self, TlsError> {
        self.add_roots(pem, Origin("extra root"))
    }

    fn add_roots(self, pem: &[u8], origin: Origin<'_>) -> Result<Self, TlsError> {
        let found = pem::certificates(pem, origin)?;
        pem::roots(pem, origin)?; // checks that each can be a root
        Ok(self.set(|settings| settings.roots.extend(found)))
    }

    /// Sends this certificate to servers that ask for one. The PEM files hold the chain, beginning with the client's own
    /// certificate, and the private key; one file may hold both. The second call replaces the first.
    ///
    /// # Errors
    /// When a file cannot be read or lacks certificate or key, or when the key belongs to another certificate.
    #[doc(alias = "cert")]
    #[doc(alias = "key")]
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

    /// [`certificate_files`](Self::certificate_files) for PEM in memory.
    ///
    /// # Errors
    /// When certificate or key is missing, or when the key belongs to another certificate.
    pub fn certificate_pem(self, chain: &[u8], key: &[u8]) -> Result<Self, TlsError> {
        let chain = pem::certificates(chain, Origin("client certificate"))?;
        let key = pem::private_key(key, Origin("key of the client certificate"))?;
        self.identity(Identity { chain, key })
    }

    fn identity(self, identity: Identity) -> Result<Self, TlsError> {
        pem::certified_key(identity.chain.clone(), identity.key.clone_key())?;
        Ok(self.set(|settings| settings.identity = Some(identity)))
    }

    /// The protocols to offer (ALPN, RFC 7301), in order of preference. Default: `http/1.1`. An empty list sends no ALPN
    /// extension. The second call replaces the first.
    #[doc(alias = "ALPNProtocols")]
    #[must_use]
    pub fn alpn<P: AsRef<[u8]>>(self, protocols: impl IntoIterator<Item = P>) -> Self {
        let protocols = protocols.into_iter().map(|name| name.as_ref().to_vec());
        let protocols = protocols.collect();
        self.set(|settings| settings.alpn = protocols)
    }

    /// Asks for this name, and expects a certificate for it, instead of the host that the client connects to. The second
    /// call replaces the first.
    #[doc(alias = "servername")]
    #[must_use]
    pub fn server_name(self, name: impl Into<String>) -> Self {
        let name = name.into();
        self.set(|settings| settings.server_name = Some(name))
    }

    /// Whether to send the name of the server in the unencrypted ClientHello (SNI, RFC 6066 §3). Default: true, since servers
    /// with several names need it. An IP address is never sent.
    #[must_use]
    pub fn send_server_name(self, send: bool) -> Self {
        self.set(|settings| settings.send_server_name = send)
    }

    /// The most servers whose sessions are cached, to be resumed. Default: 256; 0 disables resumption.
    #[doc(alias = "maxCachedSessions")]
    #[must_use]
    pub fn sessions_max(self, servers: usize) -> Self {
        self.set(|settings| settings.sessions = servers)
    }

    /// Trusts every certificate, so that any host on the path can read and change all bytes. For tests on your own network
    /// only. There is no way back: make new settings instead.
    ///
    /// Node: `rejectUnauthorized: false`.
    #[doc(alias = "rejectUnauthorized")]
    #[must_use]
    pub fn dangerously_accept_any_certificate(self) -> Self {
        self.set(|settings| settings.accept_any = true)
    }

    /// Whether a handshake with `host` can begin.
    ///
    /// # Errors
    /// When the settings cannot be used, or no certificate can be for this host.
    pub(crate) fn check(&self, host: &str) -> Result<(), TlsError> {
        self.config()?;
        self.name_for(host).map(drop)
    }

    /// Runs the handshake with `host`, a name or an IP address (in brackets or not), on a transport connected to it. Has no
    /// deadline. The first handshake of a process may read the system's roots from disk.
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
        let sent_name = match &name {
            ServerName::DnsName(name) if self.settings.send_server_name => {
                Some(name.as_ref().to_owned())
            }
            _ => None,
        };
        let (connected, rejection) =
            capture(TlsConnector::from(config).connect(name, transport)).await;
        let stream = connected.map_err(|error| TlsError::handshake(error, rejection))?;
        let info = TlsInfo::new(stream.get_ref().1, sent_name.as_deref());
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
            builder.with_custom_certificate_verifier(Arc::new(self.verifier()?))
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

    fn verifier(&self) -> Result<ServerVerifier, TlsError> {
        let mut store = RootCertStore::empty();
        let mut errors: &[String] = &[];
        if self.system_roots {
            let system = roots::system();
            // Some systems ship roots that webpki cannot parse: skip those.
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
                            of the system, or add a root"
                    .to_owned();
            for error in errors {
                text += &format!("; {error}");
            }
            return Err(TlsError::settings(text));
        }
        ServerVerifier::new(store, self.roots.clone())
            .map_err(|error| TlsError::settings(error.to_string()))
    }
}

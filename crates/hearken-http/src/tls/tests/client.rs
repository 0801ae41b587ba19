//! A client against a plain rustls server: what it trusts, and its errors when it does not.

use super::authority::{Authority, Pair, self_signed_authority};
use crate::tls::provider::{VERSIONS, provider};
use crate::tls::{ClientTls, TlsError, TlsErrorKind, TlsInfo, pem};
use rustls::ServerConfig;
use rustls::server::ServerSessionMemoryCache;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
use tokio_rustls::TlsAcceptor;

/// A server that sends "hi" after the handshake.
struct Peer(TlsAcceptor);

impl Peer {
    fn new(pair: &Pair) -> Self {
        Self::with(pair, |_| {})
    }

    fn with(pair: &Pair, change: impl FnOnce(&mut ServerConfig)) -> Self {
        let origin = pem::Origin("test");
        let mut config = ServerConfig::builder_with_provider(provider())
            .with_protocol_versions(VERSIONS)
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(
                pem::certificates(pair.chain.as_bytes(), origin).unwrap(),
                pem::private_key(pair.key.as_bytes(), origin).unwrap(),
            )
            .unwrap();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        config.session_storage = ServerSessionMemoryCache::new(8);
        change(&mut config);
        Self(TlsAcceptor::from(Arc::new(config)))
    }

    /// One connection: the result of the client, and that of the server.
    async fn meet(
        &self,
        client: &ClientTls,
        host: &str,
    ) -> (Result<TlsInfo, TlsError>, std::io::Result<()>) {
        let (ours, theirs) = duplex(512);
        let serve = async {
            let mut stream = self.0.accept(theirs).await?;
            stream.write_all(b"hi").await?;
            stream.shutdown().await
        };
        let connect = async {
            let (mut stream, info) = client.connect(host, ours).await?;
            let mut text = String::new();
            stream.read_to_string(&mut text).await.unwrap();
            assert_eq!(text, "hi");
            Ok(info)
        };
        tokio::join!(connect, serve)
    }
}

/// The future can be spawned on any runtime.
fn _connecting_is_send(client: &ClientTls) -> impl Send {
    client.connect("a.test", duplex(1).0)
}

fn trusting(authority: &Authority) -> ClientTls {
    let client = ClientTls::new().system_roots(false);
    client.root_pem(authority.root().as_bytes()).unwrap()
}

#[tokio::test]
async fn a_handshake_reports_what_was_agreed_on() {
    let authority = Authority::new("Test Root");
    let peer = Peer::new(&authority.issue(&["a.test"]));
    let info = peer.meet(&trusting(&authority), "a.test").await.0.unwrap();
    assert_eq!(info.version(), "TLSv1.3");
    assert!(
        info.cipher_suite().starts_with("TLS_AES_"),
        "{}",
        info.cipher_suite()
    );
    assert_eq!(info.key_exchange(), Some("X25519"));
    assert_eq!(info.alpn().as_deref(), Some("http/1.1"));
    assert_eq!(info.server_name(), Some("a.test"));
    assert!(!info.is_resumed());
    assert_eq!(info.peer_certificates().len(), 2);
    let certificate = info.peer_certificate().unwrap();
    assert_eq!(certificate.names(), ["a.test"]);
    assert_eq!(certificate.issuer(), "CN=Test Root");
}

#[tokio::test]
async fn an_ip_address_is_verified_and_not_sent_as_a_name() {
    let authority = Authority::new("Test Root");
    let peer = Peer::new(&authority.issue(&["127.0.0.1", "::1"]));
    for host in ["127.0.0.1", "[::1]", "::1"] {
        let info = peer.meet(&trusting(&authority), host).await.0.unwrap();
        assert_eq!(info.server_name(), None, "{host}");
    }
    let error = peer
        .meet(&trusting(&authority), "127.0.0.2")
        .await
        .0
        .unwrap_err();
    let text = error.to_string();
    assert!(
        text.contains("it is not valid for 127.0.0.2, but for 127.0.0.1, ::1"),
        "{text}"
    );
}

#[tokio::test]
async fn a_session_is_resumed_in_both_versions_and_across_clones() {
    let authority = Authority::new("Test Root");
    let pair = authority.issue(&["a.test"]);
    for versions in [[&rustls::version::TLS12], [&rustls::version::TLS13]] {
        let peer = Peer::with(&pair, |config| {
            let fresh = ServerConfig::builder_with_provider(provider())
                .with_protocol_versions(&versions)
                .unwrap()
                .with_no_client_auth()
                .with_cert_resolver(Arc::clone(&config.cert_resolver));
            *config = fresh;
        });
        let client = trusting(&authority).alpn(["http/1.1"]);
        let first = peer.meet(&client, "a.test").await.0.unwrap();
        let second = peer.meet(&client.clone(), "a.test").await.0.unwrap();
        assert_eq!(
            (first.is_resumed(), second.is_resumed()),
            (false, true),
            "{first:?}"
        );
        assert_eq!(second.peer_certificate().unwrap().names(), ["a.test"]);
        let other = peer
            .meet(&client.sessions_max(0), "a.test")
            .await
            .0
            .unwrap();
        assert!(!other.is_resumed());
    }
}

#[tokio::test]
async fn a_certificate_of_an_unknown_issuer_is_rejected_with_a_remedy() {
    let authority = Authority::new("Other Root");
    let peer = Peer::new(&authority.issue(&["a.test"]));
    let client = trusting(&Authority::new("Test Root"));
    let (error, theirs) = peer.meet(&client, "a.test").await;
    let error = error.unwrap_err();
    assert!(error.is_certificate());
    assert_eq!(error.certificate().unwrap().issuer(), "CN=Other Root");
    let text = error.to_string();
    assert!(
        text.starts_with(
            "the certificate of the peer is refused: its issuer is not known; it is one without a subject, issued by \
             CN=Other Root, valid from "
        ),
        "{text}"
    );
    assert!(text.contains(" GMT, for a.test; "), "{text}");
    assert!(
        text.ends_with("add it or its issuer to the roots"),
        "{text}"
    );
    assert!(
        theirs.unwrap_err().to_string().contains("UnknownCA"),
        "the alert says why"
    );
    let any = client.dangerously_accept_any_certificate();
    assert!(peer.meet(&any, "b.test").await.0.is_ok());
}

#[tokio::test]
async fn a_certificate_that_is_not_valid_now_is_rejected_with_its_date() {
    let authority = Authority::new("Test Root");
    let client = trusting(&authority);
    let old = Peer::new(&authority.issue_with(&["a.test"], |params| {
        params.not_before = rcgen::date_time_ymd(2001, 1, 1);
        params.not_after = rcgen::date_time_ymd(2002, 2, 3);
    }));
    let text = old.meet(&client, "a.test").await.0.unwrap_err().to_string();
    assert!(
        text.contains("it expired on Sun, 03 Feb 2002 00:00:00 GMT"),
        "{text}"
    );
    let new = Peer::new(&authority.issue_with(&["a.test"], |params| {
        params.not_before = rcgen::date_time_ymd(2999, 1, 1);
        params.not_after = rcgen::date_time_ymd(9999, 12, 31);
    }));
    let text = new.meet(&client, "a.test").await.0.unwrap_err().to_string();
    assert!(
        text.contains("it is valid from Tue, 01 Jan 2999 00:00:00 GMT on"),
        "{text}"
    );
}

#[tokio::test]
async fn a_certificate_for_another_name_is_rejected_with_its_names() {
    let authority = Authority::new("Test Root");
    let peer = Peer::new(&authority.issue(&["a.test", "*.b.test"]));
    let client = trusting(&authority);
    let error = peer.meet(&client, "c.test").await.0.unwrap_err();
    let text = error.to_string();
    assert!(
        text.contains("it is not valid for c.test, but for a.test, *.b.test;"),
        "{text}"
    );
    assert!(peer.meet(&client, "x.b.test").await.0.is_ok());
    assert!(
        peer.meet(&client.server_name("a.test"), "c.test")
            .await
            .0
            .is_ok()
    );
}

#[tokio::test]
async fn a_self_signed_certificate_can_itself_be_trusted() {
    let pair = self_signed_authority(&["a.test"]);
    let peer = Peer::new(&pair);
    let without = trusting(&Authority::new("Test Root"));
    let text = peer
        .meet(&without, "a.test")
        .await
        .0
        .unwrap_err()
        .to_string();
    assert!(
        text.contains("it is self-signed and not among the trusted roots"),
        "{text}"
    );
    let with = without.root_pem(pair.chain.as_bytes()).unwrap();
    assert!(peer.meet(&with, "a.test").await.0.is_ok());
    let text = peer.meet(&with, "b.test").await.0.unwrap_err().to_string();
    assert!(
        text.contains("not valid for b.test, but for a.test"),
        "it is trusted for its own names only: {text}"
    );
}

#[tokio::test]
async fn a_server_without_tls_is_recognised() {
    let client = trusting(&Authority::new("Test Root"));
    let (ours, mut theirs) = duplex(4096);
    theirs
        .write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        .await
        .unwrap();
    let error = client.connect("a.test", ours).await.unwrap_err();
    assert_eq!(error.kind(), TlsErrorKind::Protocol);
    assert!(error.to_string().contains("plain http"), "{error}");
    let (ours, theirs) = duplex(4096);
    drop(theirs);
    let error = client.connect("a.test", ours).await.unwrap_err();
    assert!(
        matches!(error.kind(), TlsErrorKind::Closed | TlsErrorKind::Io),
        "{error:?}"
    );
    let (ours, _theirs) = duplex(4096);
    let error = client.connect("a b", ours).await.unwrap_err();
    assert_eq!(error.kind(), TlsErrorKind::Settings);
}

#[tokio::test]
async fn a_server_without_a_common_protocol_sends_an_alert() {
    let authority = Authority::new("Test Root");
    let peer = Peer::with(&authority.issue(&["a.test"]), |config| {
        config.alpn_protocols = vec![b"h2".to_vec()];
    });
    let error = peer
        .meet(&trusting(&authority), "a.test")
        .await
        .0
        .unwrap_err();
    assert_eq!(
        (error.kind(), error.alert()),
        (TlsErrorKind::Alert, Some(120))
    );
    assert!(error.to_string().contains("ALPN"), "{error}");
}

#[test]
fn unusable_pem_is_rejected_when_it_is_added() {
    let authority = Authority::new("Test Root");
    let (pair, other) = (
        authority.issue_to_client("me"),
        authority.issue_to_client("you"),
    );
    let client = ClientTls::new();
    let error_of = |result: Result<ClientTls, TlsError>| result.unwrap_err().to_string();
    let text = error_of(
        client
            .clone()
            .certificate_pem(pair.chain.as_bytes(), other.key.as_bytes()),
    );
    assert!(
        text.contains("does not belong to the first certificate (CN=me, issued by"),
        "{text}"
    );
    let text = error_of(
        client
            .clone()
            .certificate_pem(pair.key.as_bytes(), pair.key.as_bytes()),
    );
    assert!(
        text.contains("expected a certificate (-----BEGIN CERTIFICATE-----), found a private key"),
        "{text}"
    );
    let text = error_of(
        client
            .clone()
            .certificate_pem(pair.chain.as_bytes(), pair.chain.as_bytes()),
    );
    assert!(text.contains("found a certificate"), "{text}");
    let text = error_of(client.clone().root_file("/nowhere/root.pem"));
    assert!(text.starts_with("/nowhere/root.pem: "), "{text}");
    let text = error_of(
        client.root_pem(b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
    );
    assert!(text.contains("broken"), "{text}");
}

#[tokio::test]
async fn without_any_root_the_client_does_not_connect() {
    let client = ClientTls::new().system_roots(false);
    let (ours, _theirs) = duplex(4096);
    let error = client.connect("a.test", ours).await.unwrap_err();
    assert_eq!(error.kind(), TlsErrorKind::Settings);
    assert!(
        error.to_string().contains("no root certificates"),
        "{error}"
    );
}

//! https through the whole client: handshake, pool, resumption, errors.

use super::harness::{Peer, net_with};
use crate::client::Phase;
use crate::error::Error;
use crate::tls::ClientTls;
use crate::tls::TlsError;
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::pki_types::PrivateKeyDer;
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, SupportedProtocolVersion};
use std::error::Error as _;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::TlsAcceptor;

/// A server for this name, and a client that trusts it.
fn pair(name: &str) -> (TlsAcceptor, ClientTls) {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed([name.to_owned()]).expect("a certificate");
    let key = PrivateKeyDer::try_from(signing_key.serialize_der()).expect("a key");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .expect("a server");
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    let tls = ClientTls::new().system_roots(false);
    let tls = tls.root_pem(cert.pem().as_bytes()).expect("a root");
    (TlsAcceptor::from(Arc::new(config)), tls)
}

#[tokio::test(start_paused = true)]
async fn one_handshake_serves_many_requests() -> Result<(), Error> {
    let (acceptor, tls) = pair("test");
    let mut net = net_with(|options| options.tls = tls);
    let agent = net.agent.clone();
    let client = async {
        for n in 0..3 {
            let request = agent.request("POST", "https://test/a")?;
            let mut response = request.end(vec![b'x'; 300_000]).await?;
            let connection = response.connection();
            assert_eq!(connection.reused(), n > 0);
            let info = connection.tls().expect("TLS");
            assert_eq!(
                (info.version(), info.server_name()),
                ("TLSv1.3", Some("test"))
            );
            let shown = format!("{info:?}");
            assert!(shown.contains(r#"alpn: Some("http/1.1")"#), "{shown}");
            let names = r#"names: ["test"]"#;
            assert!(
                shown.contains("[Some(CertificateInfo {") && shown.contains(names),
                "{shown}"
            );
            assert_eq!(response.text().await?, "ok");
        }
        Ok(())
    };
    let server = async {
        let mut peer = Peer::over(acceptor.accept(net.accept().await.into_io()).await.unwrap());
        for _ in 0..3 {
            let head = peer.hear().await;
            assert!(
                head.starts_with("POST /a HTTP/1.1\r\nHost: test\r\n"),
                "{head:.100}"
            );
            peer.say("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
                .await;
        }
    };
    let (done, ()) = tokio::join!(client, server);
    assert_eq!(net.agent.stats().hosts[0].origin, "https://test:443");
    done
}

#[tokio::test(start_paused = true)]
async fn an_unknown_issuer_is_refused_with_a_helpful_text() {
    let (acceptor, _) = pair("test");
    let (_, other) = pair("test");
    let mut net = net_with(|options| options.tls = other);
    let request = net.agent.request("GET", "https://test/").unwrap();
    let server = async {
        acceptor
            .accept(net.accept().await.into_io())
            .await
            .map(|_| ())
    };
    let (asked, served) = tokio::join!(request.end(""), server);
    let error = asked.unwrap_err();
    assert!(error.is_tls() && error.is_connect() && error.is_retry_safe());
    let text = error.to_string();
    assert!(
        text.starts_with("the TLS handshake with test:443 failed: "),
        "{text}"
    );
    assert!(error.source().is_some_and(|source| source.is::<TlsError>()));
    assert!(served.is_err());
    assert_eq!(net.agent.stats().open, 0);
}

#[tokio::test(start_paused = true)]
async fn a_handshake_has_a_time_out() {
    let mut net = net_with(|_| ());
    let began = tokio::time::Instant::now();
    let request = net.agent.request("GET", "https://test/").unwrap();
    let server = async { net.accept().await.hear_end().await };
    let (asked, hello) = tokio::join!(request.end(""), server);
    let error = asked.unwrap_err();
    assert_eq!(error.phase(), Some(Phase::Tls));
    assert!(error.is_timeout() && !hello.is_empty(), "{error}");
    assert_eq!(began.elapsed().as_secs(), Duration::from_secs(10).as_secs());
}

/// An error of the deadline names the phase in which it passed.
#[tokio::test(start_paused = true)]
async fn a_deadline_error_names_its_phase() {
    let second = Duration::from_secs(1);
    let mut net = net_with(|options| options.max_sockets = 1);
    let request = net
        .agent
        .request("GET", "https://test/")
        .unwrap()
        .deadline(second);
    let waits = net
        .agent
        .request("GET", "https://test/")
        .unwrap()
        .deadline(second / 2);
    let server = async { net.accept().await.hear_end().await };
    let (asked, waited, _) = tokio::join!(request.end(""), waits.end(""), server);
    for (asked, phase) in [(asked, Phase::Tls), (waited, Phase::Queue)] {
        let error = asked.unwrap_err();
        assert_eq!(error.phase(), Some(phase), "{error}");
        assert!(
            error.is_timeout() && error.to_string().contains("all of it took"),
            "{error}"
        );
    }
    let mut options = crate::client::AgentOptions {
        proxies: crate::client::Proxies::none(),
        ..crate::client::AgentOptions::default()
    };
    options.resolver(|_: String, _: u16| std::future::pending::<std::io::Result<Vec<_>>>());
    let request = crate::Agent::new(options)
        .request("GET", "http://test/")
        .unwrap();
    let error = request.deadline(second).end("").await.unwrap_err();
    assert_eq!(error.phase(), Some(Phase::Resolve), "{error}");
}

/// A server that requires a client certificate and speaks one version.
fn strict(version: &'static SupportedProtocolVersion) -> (TlsAcceptor, ClientTls) {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(["test".to_owned()]).expect("a certificate");
    let key = PrivateKeyDer::try_from(signing_key.serialize_der()).expect("a key");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut roots = RootCertStore::empty();
    roots.add(cert.der().clone()).expect("a root");
    let verifier =
        WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
            .build()
            .expect("a verifier");
    let config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[version])
        .expect("a version")
        .with_client_cert_verifier(verifier)
        .with_single_cert(vec![cert.der().clone()], key)
        .expect("a server");
    let tls = ClientTls::new().system_roots(false);
    let tls = tls.root_pem(cert.pem().as_bytes()).expect("a root");
    (TlsAcceptor::from(Arc::new(config)), tls)
}

#[tokio::test(start_paused = true)]
async fn the_error_names_a_missing_client_certificate() {
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        for body in [0, 1_000_000] {
            let (acceptor, tls) = strict(version);
            let mut net = net_with(|options| options.tls = tls);
            let request = net.agent.request("PUT", "https://test/").unwrap();
            let server = async {
                let io = net.accept().await.into_io();
                acceptor.accept(io).await.map(|_| ()).unwrap_err()
            };
            let (asked, _) = tokio::join!(request.end(vec![b'x'; body]), server);
            let error = asked.unwrap_err();
            assert_eq!(error.phase(), Some(Phase::Tls), "{version:?}: {error}");
            assert!(error.is_tls() && error.is_connect(), "{error}");
            assert_eq!(
                error.to_string(),
                "the TLS handshake with test:443 failed: the peer ended the handshake by the alert CertificateRequired: \
                 it wants a certificate of us; give one by `ClientTls::certificate_files`"
            );
            let below = error.source().and_then(|error| error.downcast_ref());
            assert_eq!(below.and_then(TlsError::alert), Some(116));
            assert_eq!(net.agent.stats().open, 0);
        }
    }
}

/// TLS fails in the middle of a response.
#[tokio::test(start_paused = true)]
async fn a_late_tls_failure_is_a_tls_error() {
    let (acceptor, tls) = pair("test");
    let mut net = net_with(|options| options.tls = tls);
    let request = net.agent.request("GET", "https://test/").unwrap();
    let read = tokio::sync::Notify::new();
    let client = async {
        let mut response = request.end("").await.unwrap();
        assert_eq!(response.data().await.unwrap().unwrap(), "12345");
        read.notify_one();
        response.data().await.unwrap_err()
    };
    let server = async {
        let io = net.accept().await.into_io();
        let mut stream = acceptor.accept(io).await.unwrap();
        let _ = stream.read(&mut [0; 1024]).await.unwrap();
        let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345";
        stream.write_all(answer).await.unwrap();
        stream.flush().await.unwrap();
        read.notified().await;
        let mut io = stream.into_inner().0;
        io.write_all(&[23, 3, 3, 0, 32]).await.unwrap(); // a record
        io.write_all(&[0; 32]).await.unwrap(); // not a TLS record
        io
    };
    let (error, _io) = tokio::join!(client, server);
    assert!(error.is_tls() && !error.is_connect() && !error.is_retry_safe());
    let text = error.to_string();
    assert!(text.starts_with("TLS with test:443 failed: "), "{text}");
}

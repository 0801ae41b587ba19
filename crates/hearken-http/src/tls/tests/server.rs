//! A server in memory: certificates, names, changes while it runs, client certificates.

use super::authority::{Authority, Pair};
use crate::tls::CertificateInfo;
use crate::tls::handshake::{HandshakePermits, Rejection, accept, is_decided};
use crate::tls::pem::{self, Origin};
use crate::tls::provider::provider;
use crate::tls::resolver::CertResolver;
use crate::tls::{ClientCertificates, ClientTls, ServerTls, TlsError, TlsErrorKind, TlsInfo};
use rustls::ClientConfig;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

type Ends = (Result<TlsInfo, TlsError>, Result<TlsInfo, Option<TlsError>>);

/// One handshake: the result of the client, and that of the server.
async fn meet(server: &ServerTls, client: &ClientTls, host: &str) -> Ends {
    meet_on(700, server, client, host).await
}

/// On a transport that buffers `room` bytes.
async fn meet_on(room: usize, server: &ServerTls, client: &ClientTls, host: &str) -> Ends {
    let (ours, theirs) = duplex(room);
    let connect = async {
        let (mut stream, info) = client.connect(host, ours).await?;
        // In TLS 1.3 the alert that rejects a client certificate arrives after the handshake of the client.
        let mut byte = [0];
        let read = stream.read_exact(&mut byte).await;
        read.map_err(|error| TlsError::handshake(error, None))?;
        Ok(info)
    };
    let permits = HandshakePermits::new();
    let serve = async {
        match accept(server, &permits, theirs).await {
            Ok((mut stream, info)) => {
                stream.write_all(b".").await.unwrap();
                let _ = stream.shutdown().await; // a client that has read enough may be gone
                Ok(info)
            }
            Err(failed) => Err(failed.error),
        }
    };
    tokio::join!(connect, serve)
}

fn server(pair: &Pair) -> ServerTls {
    ServerTls::from_pem(pair.chain.as_bytes(), pair.key.as_bytes()).unwrap()
}

fn trusting(authority: &Authority) -> ClientTls {
    let client = ClientTls::new().system_roots(false);
    client.root_pem(authority.root().as_bytes()).unwrap()
}

fn presented(info: &TlsInfo) -> Vec<String> {
    info.peer_certificate().unwrap().names().to_vec()
}

/// A directory, removed at the end.
struct Directory(PathBuf);

impl Directory {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("hearken-tls-{}-{name}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, text).unwrap();
        path
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[tokio::test]
async fn both_ends_report_the_same_facts() {
    let authority = Authority::new("Test Root");
    let server = server(&authority.issue(&["a.test"]));
    let (ours, theirs) = meet(&server, &trusting(&authority), "a.test").await;
    let (ours, theirs) = (ours.unwrap(), theirs.unwrap());
    assert_eq!(ours.version(), theirs.version());
    assert_eq!(ours.cipher_suite(), theirs.cipher_suite());
    assert_eq!(theirs.alpn().as_deref(), Some("http/1.1"));
    assert_eq!(theirs.server_name(), Some("a.test"));
    assert!(theirs.peer_certificate().is_none() && !theirs.is_resumed());
}

#[tokio::test]
async fn a_certificate_is_chosen_by_name() {
    let authority = Authority::new("Test Root");
    let server = server(&authority.issue(&["a.test"]));
    for names in [["B.test", "c.test"], ["*.d.test", "x.d.test"]] {
        let pair = authority.issue(&names);
        server
            .add_pem(pair.chain.as_bytes(), pair.key.as_bytes())
            .unwrap();
    }
    let exact = authority.issue(&["y.d.test"]);
    server
        .add_pem(exact.chain.as_bytes(), exact.key.as_bytes())
        .unwrap();
    let client = trusting(&authority);
    for (host, first) in [
        ("a.test", "a.test"),
        ("b.test", "B.test"),
        ("C.TEST", "B.test"),
        ("w.d.test", "*.d.test"),
        ("y.d.test", "y.d.test"),
    ] {
        let info = meet(&server, &client, host).await.0.unwrap();
        assert_eq!(presented(&info)[0], first, "{host}");
    }
    for host in ["e.test", "w.w.d.test", "d.test"] {
        let error = meet(&server, &client, host).await.0.unwrap_err();
        assert!(
            error.to_string().contains("but for a.test"),
            "the first one is the default: {error}"
        );
    }
    assert_eq!(server.certificates().len(), 4);
}

#[test]
fn of_two_keys_for_a_name_the_client_gets_the_first_that_it_supports() {
    use rustls::SignatureScheme as Scheme;
    let authority = Authority::new("Test Root");
    let origin = Origin("test");
    let mut resolver = CertResolver::default();
    let mut chains = Vec::new();
    for algorithm in [&rcgen::PKCS_ECDSA_P384_SHA384, &rcgen::PKCS_ED25519] {
        let pair = authority.issue_by(algorithm, &["a.test"], |_| {});
        let chain = pem::certificates(pair.chain.as_bytes(), origin).unwrap();
        let key = pem::private_key(pair.key.as_bytes(), origin).unwrap();
        let info = CertificateInfo::from_der(&chain[0]).unwrap();
        resolver.add(&info, pem::certified_key(chain.clone(), key).unwrap());
        chains.push(chain);
    }
    let choose = |name, schemes: &[Scheme]| {
        let chosen = resolver.choose(name, schemes)?;
        chains.iter().position(|chain| *chain == chosen.cert)
    };
    let (p384, ed25519) = (Scheme::ECDSA_NISTP384_SHA384, Scheme::ED25519);
    for name in [Some("a.test"), Some("other.test"), None] {
        assert_eq!(choose(name, &[p384]), Some(0));
        assert_eq!(choose(name, &[ed25519]), Some(1));
        assert_eq!(
            choose(name, &[ed25519, p384]),
            Some(0),
            "the first that was given"
        );
        assert_eq!(choose(name, &[Scheme::RSA_PSS_SHA256]), None);
    }
}

#[tokio::test]
async fn a_session_is_resumed_for_its_name_only() {
    let authority = Authority::new("Test Root");
    let server = server(&authority.issue(&["a.test", "b.test"]));
    let client = trusting(&authority);
    let first = meet(&server, &client, "a.test").await.1.unwrap();
    let second = meet(&server, &client, "a.test").await.1.unwrap();
    assert_eq!((first.is_resumed(), second.is_resumed()), (false, true));
    let other = meet(&server, &client, "b.test").await.1.unwrap();
    assert!(!other.is_resumed());
    server.reload().unwrap();
    let after = meet(&server, &client, "a.test").await.1.unwrap();
    assert!(!after.is_resumed(), "a change invalidates older sessions");
}

#[tokio::test]
async fn old_sessions_are_resumed_in_tls_1_2_too() {
    let authority = Authority::new("Test Root");
    let server = server(&authority.issue(&["a.test"]));
    let mut roots = rustls::RootCertStore::empty();
    let root = authority.root();
    let origin = Origin("root");
    let root = pem::certificates(root.as_bytes(), origin).unwrap();
    roots.add(root[0].clone()).unwrap();
    let config = ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&rustls::version::TLS12])
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
    for resumed in [false, true] {
        let (ours, theirs) = duplex(4096);
        let permits = HandshakePermits::new();
        let name = "a.test".try_into().unwrap();
        let (ours, theirs) = tokio::join!(
            connector.connect(name, ours),
            accept(&server, &permits, theirs)
        );
        ours.unwrap();
        let Ok((_, info)) = theirs else {
            panic!("no handshake")
        };
        assert_eq!((info.version(), info.is_resumed()), ("TLSv1.2", resumed));
    }
}

#[tokio::test]
async fn new_handshakes_use_the_new_certificate() {
    let authority = Authority::new("Test Root");
    let directory = Directory::new("reload");
    let pair = authority.issue(&["a.test", "old.test"]);
    let chain = directory.write("chain.pem", &pair.chain);
    let key = directory.write("key.pem", &pair.key);
    let server = ServerTls::from_files(&chain, &key).unwrap();
    let held_by_a_server = server.clone();
    let client = trusting(&authority);
    let soon = SystemTime::now() + Duration::from_secs(3600);
    assert!(server.not_after() > soon);

    let new = authority.issue_with(&["a.test", "new.test"], |params| {
        params.not_after = rcgen::date_time_ymd(2001, 2, 3);
    });
    directory.write("key.pem", &new.key);
    let text = server.reload().unwrap_err().to_string();
    assert!(
        text.contains("does not belong to the first certificate"),
        "{text}"
    );
    let info = meet(&held_by_a_server, &client, "a.test").await.0.unwrap();
    assert_eq!(
        presented(&info)[1],
        "old.test",
        "a failed change has no effect"
    );

    directory.write("chain.pem", &new.chain);
    server.reload().unwrap();
    assert!(server.not_after() < SystemTime::now());
    let any = client.clone().dangerously_accept_any_certificate();
    let info = meet(&held_by_a_server, &any, "a.test").await.0.unwrap();
    assert_eq!(presented(&info)[1], "new.test");

    let third = authority.issue(&["a.test", "third.test"]);
    server
        .replace_pem(third.chain.as_bytes(), third.key.as_bytes())
        .unwrap();
    let info = meet(&held_by_a_server, &client, "a.test").await.0.unwrap();
    assert_eq!(presented(&info)[1], "third.test");
}

#[tokio::test]
async fn client_certificates_are_verified() {
    let (authority, other) = (Authority::new("Test Root"), Authority::new("Other"));
    let server = server(&authority.issue(&["a.test"]));
    let roots = authority.root();
    let plain = trusting(&authority);
    let with = |pair: &Pair| {
        let (chain, key) = (pair.chain.as_bytes(), pair.key.as_bytes());
        plain.clone().certificate_pem(chain, key).unwrap()
    };
    let trusted = with(&authority.issue_to_client("me"));
    let untrusted = with(&other.issue_to_client("them"));
    let wrong = with(&authority.issue_with(&["server.test"], |params| {
        params.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ServerAuth];
    }));
    for wanted in [ClientCertificates::Required, ClientCertificates::Optional] {
        server
            .client_certificates_pem(roots.as_bytes(), wanted)
            .unwrap();
        let (ours, theirs) = meet(&server, &trusted, "a.test").await;
        ours.unwrap();
        assert_eq!(
            theirs.unwrap().peer_certificate().unwrap().subject(),
            "CN=me"
        );

        let again = meet(&server, &trusted, "a.test").await.1.unwrap();
        assert!(again.is_resumed());
        assert_eq!(
            again.peer_certificate().unwrap().subject(),
            "CN=me",
            "a session keeps it"
        );

        let (ours, theirs) = meet(&server, &untrusted, "a.test").await;
        let (ours, theirs) = (ours.unwrap_err(), theirs.unwrap_err().unwrap());
        assert_eq!((ours.kind(), ours.alert()), (TlsErrorKind::Alert, Some(48)));
        assert!(
            ours.to_string()
                .contains("does not trust the issuer of our certificate"),
            "{ours}"
        );
        let text = theirs.to_string();
        assert!(
            theirs.is_certificate() && text.contains("CN=them"),
            "{text}"
        );
        assert!(text.contains("roots for clients"), "{text}");

        let theirs = meet(&server, &wrong, "a.test")
            .await
            .1
            .unwrap_err()
            .unwrap();
        assert!(
            theirs.to_string().contains("not meant for clients"),
            "{theirs}"
        );
    }
}

#[tokio::test]
async fn a_client_without_a_certificate_is_accepted_unless_one_is_required() {
    let authority = Authority::new("Test Root");
    let server = server(&authority.issue(&["a.test"]));
    let (plain, roots) = (trusting(&authority), authority.root());
    server
        .client_certificates_pem(roots.as_bytes(), ClientCertificates::Optional)
        .unwrap();
    assert!(
        meet(&server, &plain, "a.test")
            .await
            .1
            .unwrap()
            .peer_certificate()
            .is_none()
    );
    server
        .client_certificates_pem(roots.as_bytes(), ClientCertificates::Required)
        .unwrap();
    let (ours, theirs) = meet(&server, &plain, "a.test").await;
    assert!(
        ours.unwrap_err()
            .to_string()
            .contains("it wants a certificate of us")
    );
    assert!(theirs.unwrap_err().unwrap().is_certificate());
}

#[tokio::test]
async fn a_client_of_another_protocol_gets_the_alert() {
    let authority = Authority::new("Test Root");
    let server = server(&authority.issue(&["a.test"]));
    let (ours, theirs) = meet(&server, &trusting(&authority).alpn(["h2"]), "a.test").await;
    assert_eq!(
        ours.unwrap_err().alert(),
        Some(120),
        "no_application_protocol"
    );
    assert_eq!(
        theirs.unwrap_err().unwrap().kind(),
        TlsErrorKind::Incompatible
    );
    let none: [&str; 0] = [];
    let info = meet(&server, &trusting(&authority).alpn(none), "a.test")
        .await
        .1
        .unwrap();
    assert_eq!(info.alpn(), None, "without ALPN the protocol is HTTP/1.1");
}

#[tokio::test]
async fn a_handshake_in_small_pieces_succeeds() {
    let authority = Authority::new("Test Root");
    let server = server(&authority.issue(&["a.test"]));
    let (ours, theirs) = meet_on(16, &server, &trusting(&authority), "a.test").await;
    assert!(ours.is_ok() && theirs.is_ok());
}

/// A client that sends a part of its hello costs that part; what cannot become a hello is rejected without waiting for the rest.
#[test]
fn a_hello_is_collected_until_it_is_whole_or_cannot_be_one() {
    for part in [
        &b""[..],
        b"\x16",
        b"\x16\x03\x01\x02\x00",
        b"\x16\x03\x01\x00\x08\x01\x00\x00\x04abc",
    ] {
        assert!(!is_decided(part), "{part:x?}");
    }
    assert!(!is_decided(
        b"\x16\x03\x01\x00\x01\x01\x16\x03\x01\x00\x02\x00\x00\x16"
    ));
    for whole in [
        &b"\x16\x03\x01\x00\x08\x01\x00\x00\x04abcd"[..],
        b"\x16\x03\x01\x00\x01\x01\x16\x03\x01\x00\x03\x00\x00\x00",
        b"\x16\x03\x01\xff\xff garbage",
        b"\x16\x03\x01\x00\x00",
        b"\x16\x04\x01\x00\x08",
        b"\x16\x03\x01\x00\x08\x02",
        b"\x16\x03\x01\x00\x08\x01\xff\xff\xff",
        b"GET",
        b"\x80",
    ] {
        assert!(is_decided(whole), "{whole:x?}");
    }
}

#[tokio::test]
async fn invalid_hellos_are_rejected_and_silence_is_not_an_error() {
    let authority = Authority::new("Test Root");
    let server = server(&authority.issue(&["a.test"]));
    let permits = HandshakePermits::new();
    let hello = async |bytes: &[u8]| {
        let (mut ours, theirs) = duplex(4096);
        ours.write_all(bytes).await.unwrap();
        ours.shutdown().await.unwrap();
        let Err(failed) = accept(&server, &permits, theirs).await else {
            panic!("no handshake was made")
        };
        (failed.error.map(|error| error.kind()), failed.rejection)
    };
    assert_eq!(hello(b"").await, (None, Rejection::Silent));
    assert_eq!(
        hello(b"GET / HTTP/1.1\r\n\r\n").await,
        (Some(TlsErrorKind::Protocol), Rejection::PlainHttp)
    );
    assert_eq!(
        hello(b"\x16\x03\x01\x00\x05hello").await,
        (Some(TlsErrorKind::Protocol), Rejection::Silent)
    );
    assert_eq!(
        hello(b"\x80\x2e\x01\x00\x02").await,
        (Some(TlsErrorKind::Protocol), Rejection::Silent),
        "SSL 2"
    );
    for minor in 0..=2 {
        assert_eq!(
            hello(&[0x16, 3, 1, 0, 60, 1, 0, 0, 56, 3, minor, 7, 7, 7]).await,
            (
                Some(TlsErrorKind::Incompatible),
                Rejection::OldVersion(minor)
            )
        );
    }
    assert_eq!(
        hello(b"\x16\x03\x01").await,
        (Some(TlsErrorKind::Closed), Rejection::Silent)
    );
}

/// OpenSSL marks the certificate of a server as that of an authority, and writes keys in two old forms.
#[tokio::test]
async fn keys_of_openssl_are_read() {
    for (host, pem) in [
        ("rsa.test", &include_bytes!("rsa.pem")[..]),
        ("sec1.test", &include_bytes!("sec1.pem")[..]),
    ] {
        let server = ServerTls::from_pem(pem, pem).unwrap();
        let client = ClientTls::new().system_roots(false).root_pem(pem).unwrap();
        let info = meet(&server, &client, host).await.0.unwrap();
        assert_eq!(presented(&info), [host]);
    }
}

#[test]
fn errors_of_files_name_the_file() {
    let authority = Authority::new("Test Root");
    let directory = Directory::new("files");
    let pair = authority.issue(&["a.test"]);
    let chain = directory.write("chain.pem", &pair.chain);
    let both = directory.write("both.pem", &format!("{}{}", pair.key, pair.chain));
    assert!(
        ServerTls::from_files(&both, &both).is_ok(),
        "one file may hold both"
    );
    let error_of = |name: &str, text: &str| {
        let key = directory.write(name, text);
        let text = ServerTls::from_files(&chain, &key).unwrap_err().to_string();
        assert!(text.contains(key.to_str().unwrap()), "{text}");
        text
    };
    assert!(error_of("empty.pem", "").contains("found nothing: it is empty"));
    assert!(error_of("chain2.pem", &pair.chain).contains("found a certificate"));
    assert!(error_of("text.pem", "hello").contains("found no PEM"));
    let encrypted =
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
    assert!(error_of("enc.pem", encrypted).contains("is encrypted; decrypt it first"));
    let old = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\nAAAA\n-----END RSA PRIVATE KEY-----\n";
    assert!(error_of("old.pem", old).contains("is encrypted; decrypt it first"));
    assert!(error_of("two.pem", &format!("{0}{0}", pair.key)).contains("expected one private key"));
    let text = ServerTls::from_files(directory.0.join("none.pem"), &both)
        .unwrap_err()
        .to_string();
    assert!(text.contains("none.pem"), "{text}");
    let text = ServerTls::from_files(&directory.0, &both)
        .unwrap_err()
        .to_string();
    assert!(
        text.contains("hearken-tls"),
        "a directory is no file: {text}"
    );
}

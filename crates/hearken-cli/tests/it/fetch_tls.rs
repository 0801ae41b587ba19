//! `hearken fetch` and certificates: `-k`, `--cacert`, and the error without them.

use super::fetch::{fetch, lines};
use hearken::tls::ServerTls;
use hearken::{Server, ServerHandle};

/// A server with a self-signed certificate, and the certificate as PEM.
fn server() -> (ServerHandle, String) {
    let (tls, pem) = ServerTls::self_signed(&["127.0.0.1"]).expect("a certificate");
    let server = Server::new(async |_req, res| res.end("by TLS"));
    let listening = server.workers(1).tls(&tls).listen("127.0.0.1:0");
    let handle = listening.expect("a free port").start().expect("a thread");
    (handle, pem)
}

#[test]
fn an_untrusted_certificate_names_the_flags_that_help() {
    let (server, _) = server();
    let url = server.address().to_string();
    assert!(url.starts_with("https://"), "{url}");
    let output = fetch(&[&url]);
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(60), "{text}");
    assert!(
        text.contains("TLS handshake") && text.contains("127.0.0.1"),
        "{text}"
    );
    assert!(text.contains("--cacert") && text.contains("-k"), "{text}");
    let line = &lines(&fetch(&["--json", &url]))[0];
    assert_eq!(line["error"]["code"], "CERTIFICATE", "{line}");
    assert_eq!(line["error"]["phase"], "tls", "{line}");
}

#[test]
fn a_certificate_is_accepted_by_file_or_by_flag() {
    let (server, pem) = server();
    let url = server.address().to_string();
    let file = std::env::temp_dir().join(format!("hearken-fetch-{}-ca.pem", std::process::id()));
    std::fs::write(&file, pem).expect("a file");
    let by_file = fetch(&["--cacert", &file.display().to_string(), &url]);
    assert_eq!(
        by_file.stdout,
        b"by TLS\n",
        "{}",
        String::from_utf8_lossy(&by_file.stderr)
    );
    assert_eq!(fetch(&["-k", &url]).stdout, b"by TLS\n");
    std::fs::remove_file(&file).expect("the file");
    let both = fetch(&["-k", "--json", &url, &url]);
    let lines = lines(&both);
    assert!(
        lines[0]["timings"]["tls"].as_f64() > Some(0.0),
        "{}",
        lines[0]
    );
    assert_eq!(lines[1]["reused"], true);
    assert_eq!(lines[1]["timings"]["tls"].as_f64(), Some(0.0));
}

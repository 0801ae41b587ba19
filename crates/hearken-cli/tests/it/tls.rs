//! `hearken echo` as an https server.

use super::program::{PATIENCE, Program, command};
use hearken::Agent;
use hearken::client::AgentOptions;
use hearken::tls::ClientTls;
use rcgen::{CertifiedKey, generate_simple_self_signed};
use std::fs;
use std::path::{Path, PathBuf};

/// A temporary directory, removed on drop.
struct Directory(PathBuf);

impl Directory {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("hearken-cli-{}-{name}", std::process::id()));
        fs::create_dir_all(&path).expect("a directory");
        Self(path)
    }

    fn file(&self, name: &str) -> String {
        let path = self.0.join(name);
        path.to_str().expect("UTF-8").to_owned()
    }

    /// Certificate and key for a name, as `cert.pem` and `key.pem`.
    fn certify(&self, name: &str) {
        let names = vec![name.to_owned(), "127.0.0.1".to_owned()];
        let CertifiedKey { cert, signing_key } =
            generate_simple_self_signed(names).expect("a certificate");
        fs::write(self.file("cert.pem"), cert.pem()).expect("a file");
        fs::write(self.file("key.pem"), signing_key.serialize_pem()).expect("a file");
    }

    fn start(&self) -> Program {
        let (cert, key) = (self.file("cert.pem"), self.file("key.pem"));
        let args = [
            "echo",
            "--port",
            "0",
            "--tls-cert",
            &cert,
            "--tls-key",
            &key,
        ];
        Program::start_with(&mut command(&args))
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        // If it fails, the system removes the directory later.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Sends a request, trusting that certificate only. Returns the content, and the names of the server's certificate.
fn ask(url: &str, trusted: impl AsRef<Path>) -> Result<(String, Vec<String>), String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let mut options = AgentOptions::default();
        options.tls = ClientTls::new()
            .system_roots(false)
            .root_file(trusted)
            .expect("a certificate");
        let request = Agent::new(options).request("GET", &format!("{url}/plaintext"));
        let request = request.map(|request| request.set("Accept-Encoding", "gzip"));
        let response = tokio::time::timeout(PATIENCE, request.expect("a URL").end(""));
        let mut response = response
            .await
            .expect("an answer in time")
            .map_err(|error| error.to_string())?;
        assert_eq!(response.header("content-encoding"), None, "BREACH");
        let text = response.text().await.expect("its body");
        let connection = response.connection();
        let certificate = connection
            .tls()
            .and_then(hearken::tls::TlsInfo::peer_certificate);
        let names = certificate.expect("a certificate").names().to_vec();
        Ok((text, names))
    })
}

#[test]
fn a_client_can_trust_the_self_signed_certificate() {
    let directory = Directory::new("self-signed");
    let file = directory.file("own.pem");
    let flag = format!("--tls-self-signed={file}");
    let mut program = Program::start_with(&mut command(&["echo", "--port", "0", &flag]));
    assert!(
        program.url.starts_with("https://127.0.0.1:"),
        "{}",
        program.url
    );
    let (text, names) = ask(&program.url, &file).expect("an answer");
    assert_eq!(text, "Hello, World!");
    assert_eq!(names, ["localhost", "127.0.0.1", "::1"]);
    let line = program.log_line();
    assert!(line.contains(" GET /plaintext 200 13 B "), "{line}");
    program.signal("TERM");
    assert!(program.wait().success());
}

#[test]
fn plain_http_to_an_https_port_gets_a_400_that_names_https_and_is_logged() {
    let program = Program::start_with(&mut command(&["echo", "--port", "0", "--tls-self-signed"]));
    let answer = program.connect().get("/secret");
    assert_eq!(answer.status, 400);
    assert!(answer.text().contains("https://"), "{}", answer.text());
    let line = program.log_line();
    assert!(
        line.contains(" - - - (expected TLS, the peer speaks plain http"),
        "{line}"
    );
}

#[test]
fn sighup_reloads_the_certificate() {
    let directory = Directory::new("reload");
    directory.certify("old.test");
    let mut program = directory.start();
    let cert = directory.file("cert.pem");
    assert_eq!(
        ask(&program.url, &cert).expect("an answer").1[0],
        "old.test"
    );
    program.log_line();

    directory.certify("new.test");
    program.signal("HUP");
    let line = program.log_line();
    assert!(line.contains("certificate read again: "), "{line}");
    assert!(line.contains("new.test"), "{line}");
    assert_eq!(
        ask(&program.url, &cert).expect("an answer").1[0],
        "new.test"
    );
    program.log_line();

    fs::write(directory.file("key.pem"), "no key").expect("a file");
    program.signal("HUP");
    let line = program.log_line();
    assert!(line.contains("stays as it was: "), "{line}");
    assert!(line.contains("key.pem: expected a private key"), "{line}");
    assert!(ask(&program.url, &cert).is_ok());
    program.signal("TERM");
    assert!(program.wait().success());
}

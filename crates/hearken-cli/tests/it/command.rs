//! Flags, environment, and what stops it from starting.

use super::client::Client;
use super::program::{Program, command, output};
use std::net::TcpListener;

/// Exit code and stderr of a command that does not start.
fn refused(args: &[&str]) -> String {
    let output = output(&mut command(args));
    let text = String::from_utf8(output.stderr).expect("UTF-8");
    assert_eq!(output.status.code(), Some(2), "{args:?}: {text}");
    assert_eq!(output.stdout, b"", "{args:?}");
    text
}

#[test]
fn the_url_is_alone_on_one_line() {
    let mut program = Program::start();
    let port = program.url.strip_prefix("http://127.0.0.1:");
    let port: u16 = port.expect("a URL").parse().expect("a port");
    assert_ne!(port, 0);
    assert_eq!(program.connect().get("/plaintext").text(), "Hello, World!");
    program.signal("TERM");
    assert!(program.wait().success());
    assert_eq!(program.rest().0, "", "more on stdout");
}

#[test]
fn a_port_in_use_is_an_error_that_says_what_to_do() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = taken.local_addr().expect("its address").port().to_string();
    let text = refused(&["echo", "--port", &port]);
    assert!(text.starts_with("error: "), "{text}");
    assert!(text.contains(&format!("127.0.0.1:{port}")), "{text}");
    assert!(text.contains("another port"), "{text}");
    assert_eq!(text.lines().count(), 1, "{text}");
}

#[test]
fn wrong_flags_are_refused() {
    for (args, hint) in [
        (&["echo", "--port", "65536"][..], "0..=65535"),
        (&["echo", "--port", "http"], "invalid"),
        (&["echo", "--workers", "0"], "--workers"),
        (&["echo", "--wrokers", "1"], "--workers"),
        (
            &["echo", "--listen", ":0", "--port", "1"],
            "cannot be used with",
        ),
        (&["echo", "--tls-cert", "a"], "--tls-key <FILE>"),
        (&["echo", "--tls-key", "a"], "--tls-cert <FILE>"),
        (
            &[
                "echo",
                "--tls-self-signed",
                "--tls-cert",
                "a",
                "--tls-key",
                "b",
            ],
            "cannot be used with",
        ),
        (
            &["echo", "--tls-cert", "/nowhere/a.pem", "--tls-key", "b"],
            "/nowhere/a.pem: ",
        ),
        (
            &["echo", "--tls-self-signed=/nowhere/a.pem"],
            "/nowhere/a.pem: ",
        ),
        (&["echo", "--listen", "3000"], "127.0.0.1:3000"),
        (&["echo", "--host", "no.such.host.invalid"], "no address"),
        (&["ecko"], "echo"),
        (&[], "Usage"),
    ] {
        let text = refused(args);
        assert!(text.contains(hint), "{args:?}: {text}");
    }
    let mut with_port = command(&["echo"]);
    let output = output(with_port.env("PORT", "http"));
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{text}");
    assert!(text.contains("PORT"), "{text}");
}

#[test]
fn help_has_examples() {
    for args in [&["echo", "--help"][..], &["help", "echo"]] {
        let output = output(&mut command(args));
        let text = String::from_utf8(output.stdout).expect("UTF-8");
        assert!(output.status.success());
        for part in [
            "Examples:",
            "hearken echo --port 0",
            "--workers",
            "NO_COLOR",
            "Exit codes",
        ] {
            assert!(text.contains(part), "{part} in {text}");
        }
    }
    let version = output(&mut command(&["--version"]));
    let expected = format!("hearken {}\n", env!("CARGO_PKG_VERSION"));
    assert_eq!(String::from_utf8_lossy(&version.stdout), expected);
}

#[test]
fn the_environment_may_give_the_port() {
    let mut echo = command(&["echo"]);
    let program = Program::start_with(echo.env("PORT", "0"));
    assert_eq!(program.connect().get("/plaintext").status, 200);
}

#[test]
fn other_addresses() {
    let program = Program::start_with(&mut command(&["echo", "--listen", "127.0.0.1:0"]));
    assert_eq!(program.connect().get("/plaintext").status, 200);
    if TcpListener::bind("[::1]:0").is_ok() {
        let program = Program::start_with(&mut command(&["echo", "--host", "::1", "--port", "0"]));
        assert!(program.url.starts_with("http://[::1]:"), "{}", program.url);
        assert_eq!(program.connect().get("/ip").json()["origin"], "::1");
    }
}

#[cfg(unix)]
#[test]
fn a_unix_socket() {
    use std::io::{Read, Write};
    use std::os::unix::net::UnixStream;

    let path = std::env::temp_dir().join(format!("hearken-cli-{}.sock", std::process::id()));
    let address = format!("unix:{}", path.display());
    let mut program = Program::start_with(&mut command(&["echo", "--listen", &address]));
    assert_eq!(program.url, address);
    let mut socket = UnixStream::connect(&path).expect("a connection");
    socket
        .set_read_timeout(Some(super::program::PATIENCE))
        .expect("a bounded wait");
    socket
        .write_all(b"GET /ip HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        .expect("the server reads");
    let mut answer = String::new();
    socket.read_to_string(&mut answer).expect("an answer");
    assert!(answer.contains(r#""origin": null"#), "{answer}");
    assert!(program.log_line().contains("Z unix GET /ip 200 "));
    program.signal("TERM");
    assert!(program.wait().success());
    assert!(!path.exists(), "the socket's file is left behind");
}

#[test]
fn quiet_says_nothing() {
    let mut program = Program::start_with(&mut command(&["echo", "--port", "0", "--quiet"]));
    let mut client: Client = program.connect();
    assert_eq!(client.get("/plaintext").status, 200);
    client.send("nonsense\r\n\r\n");
    assert_eq!(client.answer("GET").status, 400);
    program.signal("TERM");
    assert!(program.wait().success());
    assert_eq!(program.rest().1, "");
}

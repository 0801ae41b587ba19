//! Flags, the environment, and errors at the start.

use super::client::Client;
use super::program::{Program, command, output};
use std::net::TcpListener;

/// Stderr of a command that does not start. Checks the exit code.
fn rejected(args: &[&str]) -> String {
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
fn a_port_in_use_names_the_process_and_the_remedy() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = taken.local_addr().expect("its address").port().to_string();
    let text = rejected(&["echo", "--port", &port]);
    assert!(text.starts_with("error: "), "{text}");
    assert!(text.contains(&format!("127.0.0.1:{port}")), "{text}");
    assert!(text.contains("another port"), "{text}");
    if cfg!(target_os = "linux") {
        let pid = format!("(pid {})", std::process::id());
        assert!(text.contains(&pid), "{text}");
    }
    assert_eq!(text.lines().count(), 1, "{text}");
}

#[cfg(unix)]
#[test]
fn a_socket_path_in_use_names_the_process_and_the_remedy() {
    use std::os::unix::net::UnixListener;

    let path = std::env::temp_dir().join(format!("hearken-cli-{}-taken", std::process::id()));
    let _taken = UnixListener::bind(&path).expect("a free path");
    let address = format!("unix:{}", path.display());
    let text = rejected(&["echo", "--listen", &address]);
    std::fs::remove_file(&path).expect("the socket's file");
    assert!(
        text.contains(&format!("cannot listen on {address}: ")),
        "{text}"
    );
    assert!(text.contains("choose another path"), "{text}");
    if cfg!(target_os = "linux") {
        let pid = format!("(pid {})", std::process::id());
        assert!(text.contains(&pid), "{text}");
    }
}

/// Root may listen everywhere, so `setpriv` removes the right where it is installed.
#[cfg(target_os = "linux")]
#[test]
fn a_low_port_names_the_right_that_is_missing() {
    let mut echo = std::process::Command::new("setpriv");
    echo.args(["--bounding-set", "-net_bind_service"])
        .arg(command(&[]).get_program())
        .args(["echo", "--host", "127.0.0.1", "--port", "80", "--quiet"])
        .stdin(std::process::Stdio::null());
    let border = std::fs::read_to_string("/proc/sys/net/ipv4/ip_unprivileged_port_start");
    let privileged = border.is_ok_and(|border| border.trim() == "1024");
    let is_root = std::process::Command::new("id").arg("-u").output();
    let is_root = is_root.is_ok_and(|id| id.stdout == b"0\n");
    let has_setpriv = std::process::Command::new("setpriv")
        .arg("--version")
        .output();
    if !privileged || !is_root || has_setpriv.is_err() {
        return; // every user may listen there, or the right cannot be removed
    }
    let output = output(&mut echo);
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{text}");
    for part in [
        "cannot listen on 127.0.0.1:80: ports below 1024 need a right",
        "8080",
        "setcap cap_net_bind_service",
        "fd:0",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[test]
fn wrong_flags_are_rejected() {
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
        let text = rejected(args);
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
fn the_environment_can_give_the_port() {
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
fn quiet_writes_nothing_to_stderr() {
    let mut program = Program::start_with(&mut command(&["echo", "--port", "0", "--quiet"]));
    let mut client: Client = program.connect();
    assert_eq!(client.get("/plaintext").status, 200);
    client.send("nonsense\r\n\r\n");
    assert_eq!(client.answer("GET").status, 400);
    program.signal("TERM");
    assert!(program.wait().success());
    assert_eq!(program.rest().1, "");
}

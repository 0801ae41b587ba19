//! Failures of `hearken fetch`: exit codes and texts.

use super::fetch::{fetch, lines};
use super::program::{command, output};
use super::scripted::{Act, Scripted, answer, send};
use std::net::TcpListener;

/// Exit code and stderr.
fn failed(args: &[&str]) -> (i32, String) {
    let output = fetch(args);
    let text = String::from_utf8(output.stderr).expect("UTF-8");
    (output.status.code().expect("an exit"), text)
}

/// A URL with a port on which no server listens.
fn closed_port() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    format!("http://{}/", listener.local_addr().expect("its address"))
}

/// The server's act, flags, exit code, beginning of the failure's name, a part of the text.
type Case = (
    Act,
    &'static [&'static str],
    i32,
    &'static str,
    &'static str,
);

fn cases() -> Vec<Case> {
    let gzip = "Content-Encoding: gzip\r\n";
    vec![
        (send(""), &[][..], 52, "NO_ANSWER", "closed the connection"),
        (send("nonsense\r\n\r\n"), &[], 8, "H1_", "expected"),
        (
            send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab"),
            &[],
            56,
            "H1_TRUNCATED_BODY",
            "rest of the body",
        ),
        (
            send("HTTP/1.1 200 OK\r\nConten"),
            &[],
            56,
            "H1_TRUNCATED_HEAD",
            "rest of the head",
        ),
        (
            answer("404 Not Found", "", "nothing"),
            &["-f"],
            22,
            "STATUS",
            "answered 404 Not Found",
        ),
        (
            answer("200 OK", gzip, "no gzip"),
            &["--compressed"],
            61,
            "DECODE",
            "expected gzip",
        ),
        (
            Act::Hang,
            &["-m", "0.2"],
            28,
            "TIMEOUT",
            "all of it took longer than 200ms",
        ),
        (
            answer("302 Found", "Location: ftp://a/\r\n", ""),
            &["-L"],
            47,
            "REDIRECT",
            "ftp://a/",
        ),
        (
            answer("200 OK", "", "x"),
            &["-o", "/no/such/directory/x"],
            23,
            "OUTPUT",
            "/no/such/directory/x",
        ),
    ]
}

#[test]
fn each_failure_has_its_exit_code() {
    for (act, args, exit, code, part) in cases() {
        // As text and as JSON.
        let server = Scripted::start(vec![vec![act.clone()], vec![act]]);
        let url = server.url("/");
        let (ended, text) = failed(&[args, &[&url]].concat());
        assert_eq!(ended, exit, "{args:?}: {text}");
        assert!(
            text.starts_with("error: ") && text.contains(part),
            "{code}: {text}"
        );
        let json = fetch(&[args, &["--json", &url]].concat());
        assert_eq!(json.status.code(), Some(exit));
        let line = &lines(&json)[0];
        assert_eq!(line["error"]["exit"], exit, "{line}");
        assert!(
            line["error"]["code"]
                .as_str()
                .is_some_and(|text| text.starts_with(code)),
            "{line}"
        );
        assert!(
            line["error"]["message"]
                .as_str()
                .is_some_and(|text| text.contains(part)),
            "{line}"
        );
        assert_eq!(
            String::from_utf8_lossy(&json.stderr),
            "",
            "the failure is in the line"
        );
    }
}

#[test]
fn no_server_and_no_host() {
    let url = closed_port();
    let (exit, text) = failed(&[&url]);
    assert_eq!(exit, 7, "{text}");
    assert!(text.contains("connecting to 127.0.0.1:"), "{text}");
    assert!(text.contains("check the port"), "{text}");
    let line = &lines(&fetch(&["--json", &url]))[0];
    assert_eq!(line["error"]["phase"], "connect", "{line}");
    assert!(line.get("status").is_none(), "{line}");

    let (exit, text) = failed(&["http://no.such.host.invalid/"]);
    assert_eq!(exit, 6, "{text}");
    assert!(text.contains("resolving no.such.host.invalid"), "{text}");
}

#[test]
fn a_server_without_tls() {
    let server = Scripted::once(send("HTTP/1.1 400 Bad Request\r\n\r\n"));
    let url = format!("https://{}/", server.address);
    let (exit, text) = failed(&[&url]);
    assert_eq!(exit, 35, "{text}");
}

#[test]
fn a_loop_of_redirects() {
    let to = |path: &str| answer("302 Found", &format!("Location: {path}\r\n"), "");
    let script = (0..20)
        .map(|hop| to(if hop % 2 == 0 { "/b" } else { "/a" }))
        .collect();
    let server = Scripted::start(vec![script]);
    let (exit, text) = failed(&["-L", &server.url("/a")]);
    assert_eq!(exit, 47, "{text}");
    assert!(text.contains("loop") && text.contains("/a -> "), "{text}");

    let server = Scripted::start(vec![vec![to("/b"), to("/c"), to("/d")]]);
    let (exit, text) = failed(&["-L", "--max-redirs", "2", &server.url("/a")]);
    assert_eq!(exit, 47, "{text}");
    assert!(text.contains("within 2 redirects"), "{text}");
}

#[test]
fn the_first_failure_sets_the_exit_code_and_all_urls_are_fetched() {
    let server = Scripted::start(vec![vec![
        answer("200 OK", "", "one"),
        answer("500 Internal Server Error", "", "two"),
        answer("200 OK", "", "three"),
    ]]);
    let gone = closed_port();
    let url = server.url("/");
    let output = fetch(&["-f", &url, &url, &gone, &url]);
    assert_eq!(output.status.code(), Some(22));
    assert_eq!(output.stdout, b"onethree\n");
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(text.lines().count(), 2, "{text}");
}

#[test]
fn an_error_status_is_a_failure_only_with_f() {
    let reply = || answer("404 Not Found", "", "nothing here");
    let server = Scripted::once(reply());
    let output = fetch(&["-f", &server.url("/")]);
    assert_eq!(
        (output.status.code(), &output.stdout[..]),
        (Some(22), &b""[..])
    );
    let server = Scripted::once(reply());
    let output = fetch(&[&server.url("/")]);
    assert_eq!(
        (output.status.code(), &output.stdout[..]),
        (Some(0), &b"nothing here\n"[..])
    );
}

#[test]
fn silent_writes_nothing_to_stderr() {
    let (exit, text) = failed(&["-s", &closed_port()]);
    assert_eq!((exit, text.as_str()), (7, ""));
}

#[test]
fn wrong_flags_are_rejected() {
    for (args, part) in [
        (&["http://a/", "-H", "nonsense"][..], "Name: value"),
        (&["http://a/", "-d", "@/no/such/file"], "/no/such/file"),
        (&["http://a/", "--cacert", "/no/such/file"], "/no/such/file"),
        (&["http://a/", "-m", "soon"], "--max-time"),
        (&["ftp://a/"], "http or https"),
        (&["http://"], "expected a URL"),
        (&[], "URL"),
        (&["http://a/", "--jsno"], "--json"),
    ] {
        let (exit, text) = failed(args);
        assert_eq!(exit, 2, "{args:?}: {text}");
        assert!(text.contains(part), "{args:?}: {text}");
    }
}

#[test]
fn help_lists_every_exit_code() {
    let help = output(&mut command(&["fetch", "--help"]));
    let help = String::from_utf8(help.stdout).expect("UTF-8");
    let page = include_str!("../../../../docs/fetch.md");
    for code in [0, 1, 2, 6, 7, 8, 22, 23, 28, 35, 47, 52, 55, 56, 60, 61, 97] {
        let starts = |line: &str| line.trim_start().starts_with(&format!("{code}  "));
        assert!(help.lines().any(starts), "{code} in {help}");
        assert!(
            page.contains(&format!("| {code} |")),
            "{code} in docs/fetch.md"
        );
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_a_failure() {
    for flags in [&[][..], &["-i"], &["--json"]] {
        let server = Scripted::start(vec![vec![answer("200 OK", "", "text")]]);
        let url = server.url("/");
        let full = std::fs::File::options()
            .write(true)
            .open("/dev/full")
            .expect("a full disk");
        let args = [&["fetch", &url][..], flags].concat();
        let output = command(&args)
            .stdout(full)
            .stderr(std::process::Stdio::piped())
            .output()
            .expect("it runs");
        let text = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(23), "{flags:?}: {text}");
        assert!(text.contains("cannot write to stdout"), "{flags:?}: {text}");
    }
}

//! `hearken fetch` without failures: the requests it sends, and its output.

use super::program::{Program, command, output};
use super::scripted::{Scripted, answer, send};
use serde_json::Value;
use std::process::Output;

/// Runs it to its end.
pub(crate) fn fetch(args: &[&str]) -> Output {
    output(&mut command(&[&["fetch"], args].concat()))
}

/// Stdout of a run, which must succeed.
fn fetched(args: &[&str]) -> String {
    let output = fetch(args);
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{args:?}: {stderr}");
    assert_eq!(stderr, "", "{args:?}");
    String::from_utf8(output.stdout).expect("text")
}

/// The lines of `--json`.
pub(crate) fn lines(output: &Output) -> Vec<Value> {
    let text = String::from_utf8(output.stdout.clone()).expect("UTF-8");
    let line =
        |line: &str| serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}"));
    text.lines().map(line).collect()
}

#[test]
fn the_body_is_on_stdout() {
    let echo = Program::start();
    let plaintext = format!("{}/plaintext", echo.url);
    assert_eq!(fetched(&[&plaintext]).trim_end(), "Hello, World!");
    let without_scheme = plaintext.strip_prefix("http://").expect("a URL");
    assert_eq!(fetched(&[without_scheme]).trim_end(), "Hello, World!");
    let both = fetched(&[&plaintext, &format!("{}/echo/second", echo.url)]);
    assert_eq!(both.trim_end(), "Hello, World!second");
}

#[test]
fn the_request_has_the_fields_of_the_flags() {
    let version = env!("CARGO_PKG_VERSION");
    let server = Scripted::once(answer("200 OK", "", ""));
    fetched(&[&server.url("/a?b#c"), "-H", "X-One: 1", "-u", "a:b"]);
    let host = server.address;
    assert_eq!(
        server.request(),
        format!(
            "GET /a?b HTTP/1.1\r\nHost: {host}\r\nUser-Agent: hearken/{version}\r\nAccept: */*\r\n\
             Authorization: Basic YTpi\r\nX-One: 1\r\n\r\n"
        )
    );
}

#[test]
fn a_body_is_a_form_by_post_unless_flags_change_that() {
    let file = std::env::temp_dir().join(format!("hearken-fetch-{}-body", std::process::id()));
    std::fs::write(&file, "line\r\nline\n").expect("a file");
    let at_file = format!("@{}", file.display());
    for (args, line, field, body) in [
        (
            &["-d", "a=1", "-d", "b=2"][..],
            "POST / ",
            "Content-Type: application/x-www-form-urlencoded",
            "a=1&b=2",
        ),
        (
            &[
                "-X",
                "PUT",
                "--data-binary",
                &at_file,
                "-H",
                "content-type: text/plain",
            ],
            "PUT / ",
            "content-type: text/plain",
            "line\r\nline\n",
        ),
        (
            &["-d", &at_file],
            "POST / ",
            "Content-Length: 8",
            "lineline",
        ),
        (&["-d", ""], "POST / ", "Content-Length: 0", ""),
    ] {
        let server = Scripted::once(answer("200 OK", "", ""));
        fetched(&[&[&server.url("/")[..]], args].concat());
        let request = server.request();
        let (head, sent) = request.split_once("\r\n\r\n").expect("a head");
        assert!(head.starts_with(line), "{args:?}: {head}");
        assert!(head.contains(field), "{args:?}: {head}");
        assert_eq!(sent, body, "{args:?}");
    }
    std::fs::remove_file(&file).expect("the file");
}

#[test]
fn a_body_from_stdin() {
    use std::process::Stdio;
    let server = Scripted::once(answer("200 OK", "", "thanks"));
    let file = std::env::temp_dir().join(format!("hearken-fetch-{}-stdin", std::process::id()));
    std::fs::write(&file, "from stdin").expect("a file");
    let mut command = command(&["fetch", &server.url("/"), "--data-binary", "@-"]);
    command.stdin(Stdio::from(std::fs::File::open(&file).expect("the file")));
    assert_eq!(output(&mut command).stdout, b"thanks\n");
    assert!(server.request().ends_with("\r\n\r\nfrom stdin"));
    std::fs::remove_file(&file).expect("the file");
}

#[test]
fn the_head_is_printed_as_received() {
    let reply = "HTTP/1.1 200 Fine\r\nX-b: 1\r\nx-A: 2\r\nContent-Length: 4\r\n\r\n";
    let server = Scripted::once(send(format!("{reply}body")));
    assert_eq!(fetched(&["-i", &server.url("/")]), format!("{reply}body\n"));
    let server = Scripted::once(send(reply));
    assert_eq!(fetched(&["-I", &server.url("/")]), reply);
    assert!(server.request().starts_with("HEAD / "));
}

#[test]
fn redirects_are_followed_with_the_flag() {
    let script = || {
        Scripted::start(vec![vec![
            answer("302 Found", "Location: /second\r\n", "elsewhere"),
            answer("200 OK", "", "here"),
        ]])
    };
    let server = script();
    assert_eq!(fetched(&[&server.url("/first")]).trim_end(), "elsewhere");
    let server = script();
    assert_eq!(
        fetched(&["-L", "-d", "x", &server.url("/first")]).trim_end(),
        "here"
    );
    assert!(server.request().starts_with("POST /first "));
    let second = server.request();
    assert!(second.starts_with("GET /second "), "{second}");
    assert!(!second.contains("Content-"), "{second}");
}

#[test]
fn credentials_stay_with_their_host() {
    let other = Scripted::once(answer("200 OK", "", "other"));
    let location = format!("Location: {}\r\n", other.url("/"));
    let first = Scripted::once(answer("307 Temporary Redirect", &location, ""));
    fetched(&[
        "-L",
        "-u",
        "a:b",
        "-H",
        "Cookie: c=d",
        "-H",
        "X: y",
        &first.url("/"),
    ]);
    let request = first.request();
    assert!(
        request.contains("Authorization: ") && request.contains("Cookie: "),
        "{request}"
    );
    let request = other.request();
    assert!(
        !request.contains("Authorization: ") && !request.contains("Cookie: "),
        "{request}"
    );
    assert!(request.contains("X: y"), "{request}");
}

#[test]
fn json_describes_the_exchange() {
    let echo = Program::start();
    let (one, two) = (
        format!("{}/plaintext", echo.url),
        format!("{}/bytes/1000?seed=1", echo.url),
    );
    let output = fetch(&["--json", &one, &two]);
    assert!(output.status.success());
    let lines = lines(&output);
    assert_eq!(lines.len(), 2);
    let first = &lines[0];
    assert_eq!(first["url"], one);
    assert_eq!(first["final_url"], one);
    assert_eq!(
        (&first["status"], &first["reason"]),
        (&200.into(), &"OK".into())
    );
    assert_eq!(first["version"], "HTTP/1.1");
    assert_eq!(first["remote_address"], echo.address().to_string());
    assert_eq!(first["redirects"], Value::Array(Vec::new()));
    let headers = first["headers"].as_array().expect("a list");
    assert!(
        headers
            .iter()
            .any(|pair| pair[0] == "Content-Length" && pair[1] == "13"),
        "{headers:?}"
    );
    assert_eq!(first["body_bytes"], 13);
    // sha256sum of `Hello, World!`.
    assert_eq!(
        first["sha256"],
        "dffd6021bb2bd5b0af676290809ec3a53191dd81c7f70a4b28688a362182986f"
    );
    assert_eq!(lines[1]["body_bytes"], 1000);
    assert_eq!(
        (&first["reused"], &lines[1]["reused"]),
        (&false.into(), &true.into())
    );
    for phase in [
        "resolve", "connect", "proxy", "tls", "send", "wait", "receive", "total",
    ] {
        let time = first["timings"][phase].as_f64();
        assert!(
            time.is_some_and(|time| (0.0..60_000.0).contains(&time)),
            "{phase}: {first}"
        );
    }
    assert!(first["timings"]["connect"].as_f64() > Some(0.0), "{first}");
    assert!(first.get("error").is_none(), "{first}");
}

#[test]
fn json_lists_redirects() {
    let server = Scripted::start(vec![vec![
        answer("301 Moved Permanently", "Location: b\r\n", ""),
        answer("200 OK", "", ""),
    ]]);
    let output = fetch(&["--json", "-L", &server.url("/a")]);
    let line = &lines(&output)[0];
    assert_eq!(line["redirects"][0], server.url("/a"));
    assert_eq!(line["final_url"], server.url("/b"));
}

#[test]
fn each_body_is_written_to_its_file() {
    let echo = Program::start();
    let file =
        |name| std::env::temp_dir().join(format!("hearken-fetch-{}-{name}", std::process::id()));
    let (one, two) = (file("one"), file("two"));
    let (plaintext, json) = (
        format!("{}/plaintext", echo.url),
        format!("{}/json", echo.url),
    );
    let (one_arg, two_arg) = (one.display().to_string(), two.display().to_string());
    assert_eq!(
        fetched(&[&plaintext, "-o", &one_arg, &json, "-o", &two_arg]),
        ""
    );
    assert_eq!(std::fs::read(&one).expect("a file"), b"Hello, World!");
    assert_eq!(
        std::fs::read(&two).expect("a file"),
        br#"{"message":"Hello, World!"}"#
    );
    for path in [one, two] {
        std::fs::remove_file(path).expect("the file");
    }
}

#[test]
fn compressed_bodies_are_decompressed_with_the_flag() {
    let echo = Program::start();
    let url = format!("{}/echo/hearken", echo.url);
    assert_eq!(fetched(&["--compressed", &url]).trim_end(), "hearken");
    let line = |args: &[&str]| lines(&fetch(&[args, &["--json", &url]].concat()))[0].clone();
    let coded = line(&["-H", "Accept-Encoding: gzip"]);
    assert!(coded["headers"].to_string().contains("gzip"), "{coded}");
    assert_ne!(coded["body_bytes"], 7);
    assert_eq!(line(&["--compressed"])["body_bytes"], 7);
}

#[test]
fn a_proxy_of_the_environment_is_used() {
    let proxy = Scripted::once(answer("200 OK", "", "by proxy"));
    let mut through = command(&["fetch", "http://example.invalid/a"]);
    through.env("http_proxy", proxy.url(""));
    assert_eq!(output(&mut through).stdout, b"by proxy\n");
    assert!(
        proxy
            .request()
            .starts_with("GET http://example.invalid/a HTTP/1.1\r\nHost: example.invalid\r\n")
    );
}

#[cfg(unix)]
#[test]
fn a_closed_stdout_is_not_a_failure() {
    use std::process::Stdio;
    let echo = Program::start();
    let mut command = command(&["fetch", &format!("{}/bytes/10000000", echo.url)]);
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    drop(child.stdout.take());
    let ended = child.wait_with_output().expect("its end");
    assert_eq!(ended.status.code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&ended.stderr), "");
}

#[cfg(target_os = "linux")]
#[test]
fn a_large_body_takes_little_memory() {
    let echo = Program::start();
    let url = format!("{}/bytes/104857600", echo.url);
    let program = command(&[]).get_program().to_owned();
    let mut limited = std::process::Command::new("sh");
    // 96 MiB of address space hold the program and its stacks, but not 100 MiB of body.
    limited.args([
        "-c",
        "ulimit -v 98304 && exec \"$0\" fetch -o /dev/null \"$1\"",
    ]);
    let output = output(limited.arg(program).arg(&url));
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

//! `hearken fetch`: the flags for content, files, cookies, ways to the server, and trying again.

use super::fetch::fetch;
use super::program::{Program, command, output};
use super::scripted::{Scripted, answer};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::{Output, Stdio};

/// A path in the directory for temporary files, removed at the end of the test.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let name = format!("hearken-flags-{}-{name}", std::process::id());
        Self(std::env::temp_dir().join(name))
    }

    fn with(name: &str, content: impl AsRef<[u8]>) -> Self {
        let scratch = Self::new(name);
        std::fs::write(&scratch.0, content).expect("a file");
        scratch
    }

    fn path(&self) -> &str {
        self.0.to_str().expect("a path in UTF-8")
    }

    fn content(&self) -> String {
        String::from_utf8(std::fs::read(&self.0).expect("a file")).expect("UTF-8")
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Stdout of a run, which must exit with this code.
#[track_caller]
fn exits(code: i32, args: &[&str]) -> String {
    let output = fetch(args);
    text_of(code, args, output)
}

#[track_caller]
fn text_of(code: i32, args: &[&str], output: Output) -> String {
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(code), "{args:?}: {stderr}");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    // `output` ends the last line if the program has not.
    text.strip_suffix('\n').unwrap_or(&text).to_owned()
}

#[track_caller]
fn json_of(args: &[&str]) -> Value {
    let text = exits(0, args);
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{args:?}: {error}: {text}"))
}

#[test]
fn a_file_is_uploaded_by_put() {
    let (echo, file) = (Program::start(), Scratch::with("upload.txt", "content"));
    let name = file
        .0
        .file_name()
        .and_then(|name| name.to_str())
        .expect("a name");
    let answer = json_of(&["-T", file.path(), &format!("{}/anything/", echo.url)]);
    assert_eq!(answer["method"], "PUT");
    assert_eq!(answer["data"], "content");
    assert_eq!(answer["url"], format!("{}/anything/{name}", echo.url));
    assert_eq!(answer["headers"]["Content-Length"], "7");
    let missing = fetch(&["-T", "/nowhere/file", &echo.url]);
    assert_eq!(missing.status.code(), Some(2));
    assert_eq!(
        fetch(&["-T", "/tmp", &echo.url]).status.code(),
        Some(2),
        "a directory"
    );
}

#[test]
fn stdin_is_uploaded_while_it_comes() {
    let (echo, file) = (Program::start(), Scratch::with("stdin", "from stdin"));
    let args = ["fetch", "-T", "-", &format!("{}/anything", echo.url)];
    let mut upload = command(&args);
    upload.stdin(Stdio::from(std::fs::File::open(&file.0).expect("the file")));
    let answer: Value =
        serde_json::from_str(&text_of(0, &args, output(&mut upload))).expect("JSON");
    assert_eq!(answer["data"], "from stdin");
    assert_eq!(answer["headers"]["Transfer-Encoding"], "chunked");
}

#[test]
fn a_form_has_values_and_files() {
    let echo = Program::start();
    let file = Scratch::with("form.png", b"\x89PNG");
    let value = Scratch::with("form.txt", "of a file");
    let answer = json_of(&[
        &format!("{}/anything", echo.url),
        "-F",
        "a=1",
        "-F",
        "a=2;type=text/x",
        "-F",
        &format!("file=@{};filename=\"n \\\"q\\\".png\"", file.path()),
        "-F",
        &format!("value=<{}", value.path()),
        "--form-string",
        "plain=@x;y",
    ]);
    assert_eq!(answer["method"], "POST");
    assert_eq!(
        answer["form"],
        json!({ "a": ["1", "2"], "value": "of a file", "plain": "@x;y" })
    );
    assert_eq!(
        answer["files"],
        json!({ "file": "data:image/png;base64,iVBORw==" })
    );
    let content_type = answer["headers"]["Content-Type"].as_str().expect("a type");
    assert!(
        content_type.starts_with("multipart/form-data; boundary="),
        "{content_type}"
    );
    assert!(answer["headers"]["Content-Length"].is_string(), "{answer}");
    let again = format!("{}/redirect/1?status=307", echo.url);
    let answer = json_of(&["-L", "-F", &format!("v=@{}", value.path()), &again]);
    assert_eq!(
        answer["files"],
        json!({ "v": "of a file" }),
        "it is sent again"
    );
}

#[test]
fn a_form_is_sent_as_it_is_written_in_the_standard() {
    let server = Scripted::once(answer("200 OK", "", ""));
    exits(0, &["-F", "n\"a=b", &server.url("/")]);
    let request = server.request();
    let (head, body) = request.split_once("\r\n\r\n").expect("a head");
    let (_, boundary) = head.split_once("boundary=").expect("a boundary");
    let boundary = boundary.lines().next().expect("a line");
    let expected = format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"n%22a\"\r\n\r\nb\r\n--{boundary}--\r\n"
    );
    assert_eq!(body, expected);
}

#[test]
fn the_remote_name_is_that_of_the_url() {
    let (echo, directory) = (Program::start(), Scratch::new("remote"));
    std::fs::create_dir_all(&directory.0).expect("a directory");
    let (one, two) = (
        format!("{}/echo/one%20two?x", echo.url),
        format!("{}/json", echo.url),
    );
    let args = ["fetch", "-O", &one, "-O", &two];
    let mut fetch = command(&args);
    text_of(0, &args, output(fetch.current_dir(&directory.0)));
    let read = |name| std::fs::read_to_string(directory.0.join(name)).expect("a file");
    assert_eq!(read("one%20two"), "one two");
    assert_eq!(read("json"), r#"{"message":"Hello, World!"}"#);
}

#[test]
fn ranges_and_downloads_that_continue() {
    let echo = Program::start();
    let url = format!("{}/range/26", echo.url);
    assert_eq!(exits(0, &["-r", "2-4", &url]), "cde");
    let file = Scratch::with("resume", "abcde");
    let resume = ["-C", "-", "-o", file.path(), &url];
    exits(0, &resume);
    assert_eq!(file.content(), "abcdefghijklmnopqrstuvwxyz");
    exits(0, &resume); // complete: 416
    assert_eq!(file.content().len(), 26);
    assert_eq!(exits(0, &["-C", "23", &url]), "xyz");

    let new = Scratch::new("resume-new");
    exits(0, &["-C", "-", "-o", new.path(), &url]);
    assert_eq!(new.content().len(), 26);

    let long = Scratch::with("resume-long", [b'x'; 30]);
    exits(33, &["-C", "-", "-o", long.path(), &url]);
    assert_eq!(long.content().len(), 30, "it is left as it was");
    // A server without ranges, and one that answers something else.
    let plain = Scratch::with("resume-plain", "He");
    let plaintext = format!("{}/plaintext", echo.url);
    exits(33, &["-C", "-", "-o", plain.path(), &plaintext]);
    exits(
        33,
        &[
            "-C",
            "-",
            "-o",
            plain.path(),
            &format!("{}/nothing", echo.url),
        ],
    );
    assert_eq!(plain.content(), "He");
    let other = Scripted::once(answer(
        "206 Partial Content",
        "Content-Range: bytes 0-1/5\r\n",
        "xx",
    ));
    exits(33, &["-C", "-", "-o", plain.path(), &other.url("/")]);
    assert_eq!(plain.content(), "He");
}

#[test]
fn cookies_of_the_command_line_are_a_field() {
    let echo = Program::start();
    let cookies = format!("{}/cookies", echo.url);
    let answer = json_of(&["-b", "a=1; b=2", "-b", "c=3", &cookies]);
    assert_eq!(
        answer,
        json!({ "cookies": { "a": "1", "b": "2", "c": "3" } })
    );
    // Without the engine, cookies of answers are not kept.
    let set = format!("{}/cookies/set?d=4", echo.url);
    assert_eq!(
        json_of(&["-L", "-b", "a=1", &set]),
        json!({ "cookies": { "a": "1" } })
    );
}

#[test]
fn the_cookie_engine_keeps_cookies_and_writes_them() {
    let (echo, jar) = (Program::start(), Scratch::new("jar"));
    let set = format!("{}/cookies/set?d=4", echo.url);
    let kept = json_of(&["-L", "-b", "a=1", "-c", jar.path(), &set]);
    assert_eq!(kept, json!({ "cookies": { "a": "1", "d": "4" } }));
    let text = jar.content();
    assert!(text.starts_with("# Netscape HTTP Cookie File\n"), "{text}");
    assert!(
        text.ends_with("127.0.0.1\tFALSE\t/\tFALSE\t0\td\t4\n"),
        "{text}"
    );
    assert!(!text.contains("\ta\t"), "that of the command line: {text}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(&jar.0)
            .expect("a file")
            .permissions()
            .mode();
        assert_eq!(mode & 0o077, 0, "others can read it");
    }
    let cookies = format!("{}/cookies", echo.url);
    let read = |args: &[&str]| json_of(&[args, &["-b", jar.path(), &cookies]].concat());
    assert_eq!(read(&[]), json!({ "cookies": { "d": "4" } }));
    assert_eq!(read(&["-j"]), json!({ "cookies": {} }));
    let missing = json_of(&["-b", "/nowhere/jar", &cookies]);
    assert_eq!(missing, json!({ "cookies": {} }));
    let printed = exits(0, &["-s", "-o", "/dev/null", "-c", "-", "-b", "", &set]);
    assert!(printed.ends_with("\td\t4"), "{printed}");
    exits(23, &["-c", "/nowhere/jar", &cookies]);
}

#[test]
fn write_out_prints_the_variables_of_curl() {
    let echo = Program::start();
    let url = format!("{}/redirect/2", echo.url);
    let format = "%{http_code} %{num_redirects} %{num_connects} %{size_download} %{method} %{scheme} %{remote_port} \
                  %{http_version} %{exitcode} %{content_type} %header{vary} %{url_effective}\\n";
    let printed = exits(0, &["-L", "-o", "/dev/null", "-w", format, &url]);
    let words: Vec<&str> = printed.split_whitespace().collect();
    let port = echo.address().port().to_string();
    assert_eq!(words[..3], ["200", "2", "1"], "{printed}");
    assert!(
        words[3].parse::<u32>().is_ok_and(|size| size > 100),
        "{printed}"
    );
    let effective = format!("{}/anything", echo.url);
    assert_eq!(
        words[4..],
        [
            "GET",
            "http",
            &port,
            "1.1",
            "0",
            "application/json",
            "Accept-Encoding",
            &effective
        ]
    );
    let redirect = exits(0, &["-w", "%{http_code} %{redirect_url}", &url]);
    assert_eq!(redirect, format!("302 {}/redirect/1", echo.url));
    let failed = exits(
        7,
        &[
            "-w",
            "%{http_code}%{onerror} %{exitcode} %{errormsg}",
            "http://127.0.0.1:9/",
        ],
    );
    assert!(
        failed.starts_with("000 7 connecting to 127.0.0.1:9 failed"),
        "{failed}"
    );
    assert_eq!(
        exits(
            0,
            &["-s", "-o", "/dev/null", "-w", "%{onerror}x", &echo.url]
        ),
        ""
    );
}

#[test]
fn the_times_of_write_out_follow_each_other() {
    let echo = Program::start();
    let names = [
        "namelookup",
        "connect",
        "pretransfer",
        "starttransfer",
        "total",
    ];
    let format: Vec<String> = names
        .iter()
        .map(|name| format!("%{{time_{name}}}"))
        .collect();
    let url = format!("{}/delay/0.2", echo.url);
    let printed = exits(0, &["-o", "/dev/null", "-w", &format.join(" "), &url]);
    let times: Vec<f64> = printed
        .split(' ')
        .map(|time| time.parse().expect("seconds"))
        .collect();
    assert!(
        times.is_sorted() && times[3] >= 0.2 && times[1] > 0.0,
        "{printed}"
    );
    let json = exits(0, &["-o", "/dev/null", "-w", "%{json}", &url]);
    let json: Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(json["response_code"], 200);
    assert_eq!(json["time_appconnect"], 0.0);
    assert!(json["time_total"].as_f64() >= Some(0.2), "{json}");
}

#[cfg(unix)]
#[test]
fn a_unix_socket_in_place_of_the_host() {
    let socket = Scratch::new("socket");
    let address = format!("unix:{}", socket.path());
    let _echo = Program::start_with(&mut command(&["echo", "--listen", &address]));
    let answer = json_of(&["--unix-socket", socket.path(), "http://example.com/headers"]);
    assert_eq!(answer["headers"]["Host"], "example.com");
    let missing = fetch(&["--unix-socket", "/nowhere/socket", "http://example.com/"]);
    let text = String::from_utf8_lossy(&missing.stderr);
    assert_eq!(missing.status.code(), Some(7), "{text}");
    assert!(text.contains("/nowhere/socket"), "{text}");
}

#[test]
fn addresses_of_the_command_line_replace_the_resolver() {
    let echo = Program::start();
    let port = echo.address().port();
    for entry in [
        format!("example.invalid:{port}:127.0.0.1"),
        format!("*:{port}:127.0.0.1"),
    ] {
        let url = format!("http://Example.invalid:{port}/headers");
        let answer = json_of(&["--resolve", &entry, &url]);
        assert_eq!(answer["headers"]["Host"], format!("example.invalid:{port}"));
    }
    exits(
        6,
        &[
            "--resolve",
            "example.invalid:1:127.0.0.1",
            &format!("http://example.invalid:{port}/"),
        ],
    );
}

#[test]
fn a_proxy_of_the_command_line_replaces_those_of_the_environment() {
    let proxy = Scripted::once(answer("200 OK", "", "by proxy"));
    let mut through = command(&["fetch", "-x", &proxy.url(""), "http://example.invalid/a"]);
    through.env("http_proxy", "http://127.0.0.1:9");
    assert_eq!(output(&mut through).stdout, b"by proxy\n");
    assert!(proxy.request().starts_with("GET http://example.invalid/a "));
    let echo = Program::start();
    let url = format!("{}/plaintext", echo.url);
    for args in [
        &["-x", ""][..],
        &["--noproxy", "*"],
        &["-x", "http://127.0.0.1:9", "--noproxy", "127.0.0.1"],
    ] {
        let mut direct = command(&[&["fetch"], args, &[&url]].concat());
        direct.env("http_proxy", "http://127.0.0.1:9");
        assert_eq!(output(&mut direct).stdout, b"Hello, World!\n", "{args:?}");
    }
    let wrong = fetch(&["-x", "ftp://user:secret@a", &url]);
    assert_eq!(wrong.status.code(), Some(2));
    assert!(!String::from_utf8_lossy(&wrong.stderr).contains("secret"));
}

#[test]
fn a_status_that_may_pass_is_tried_again() {
    let script = |last: &str| {
        Scripted::start(vec![vec![
            answer("503 Service Unavailable", "", "not now"),
            answer("429 Too Many Requests", "Retry-After: 0\r\n", "not now"),
            answer(last, "", "body"),
        ]])
    };
    let server = script("200 OK");
    let args = [
        "--retry",
        "2",
        "--retry-delay",
        "0.01",
        "-d",
        "x",
        "-w",
        " %{num_retries}",
    ];
    let output = fetch(&[&args[..], &[&server.url("/")]].concat());
    assert_eq!(String::from_utf8_lossy(&output.stdout), "body 2\n");
    let warnings = String::from_utf8_lossy(&output.stderr);
    assert!(
        warnings.contains("warning: the server answered 503; retry 1 of 2 in 0.01 s"),
        "{warnings}"
    );
    for _ in 0..3 {
        assert!(
            server.request().ends_with("\r\n\r\nx"),
            "the content is sent each time"
        );
    }
    // The last answer is printed, whatever it is.
    let server = script("500 Internal Server Error");
    let printed = exits(
        0,
        &[
            "-s",
            "--retry",
            "2",
            "--retry-delay",
            "0.01",
            &server.url("/"),
        ],
    );
    assert_eq!(printed, "body");
    let server = script("500 Internal Server Error");
    exits(
        22,
        &[
            "-f",
            "--retry",
            "2",
            "--retry-delay",
            "0.01",
            &server.url("/"),
        ],
    );
}

#[test]
fn failures_are_tried_again_only_if_flags_say_so() {
    let script = || {
        Scripted::start(vec![
            vec![answer("200 OK", "X: \u{1}\r\n", "")],
            vec![answer("200 OK", "", "well")],
        ])
    };
    let server = script();
    exits(
        8,
        &["--retry", "1", "--retry-delay", "0.01", &server.url("/")],
    );
    let server = script();
    let args = [
        "--retry",
        "1",
        "--retry-delay",
        "0.01",
        "--retry-all-errors",
    ];
    assert_eq!(exits(0, &[&args[..], &[&server.url("/")]].concat()), "well");
    let began = std::time::Instant::now();
    exits(
        7,
        &[
            "--retry",
            "1",
            "--retry-delay",
            "0.3",
            "--retry-connrefused",
            "http://127.0.0.1:9/",
        ],
    );
    assert!(began.elapsed().as_millis() >= 300, "it has waited");
}

#[test]
fn the_least_rate_is_a_flag() {
    let echo = Program::start();
    let slow = format!("{}/drip?duration=3&numbytes=4", echo.url);
    exits(28, &["-Y", "1000", "-y", "1", &slow]);
    assert_eq!(exits(0, &["-Y", "0", "-y", "1", &slow]), "****");
}

#[test]
fn show_error_prints_errors_of_silent_runs() {
    let stderr = |args: &[&str]| {
        let output = fetch(args);
        assert_eq!(output.status.code(), Some(7));
        String::from_utf8(output.stderr).expect("UTF-8")
    };
    assert_eq!(stderr(&["-s", "http://127.0.0.1:9/"]), "");
    assert!(stderr(&["-sS", "http://127.0.0.1:9/"]).starts_with("error: connecting"));
}

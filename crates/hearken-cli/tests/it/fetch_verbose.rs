//! `fetch -v`, and its recording in docs/fetch.md: the same command must print lines of the same form.

use super::fetch::fetch;
use super::program::{Program, command};
use super::scripted::{Scripted, answer};

/// Replaces what differs from run to run: times, ports, the version, lengths that depend on them.
fn form(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = text.lines().map(line_form).collect();
    lines.retain(|line| !line.is_empty());
    lines
}

fn line_form(line: &str) -> String {
    let mut form = String::new();
    let mut rest = line.trim();
    if let Some((front, _)) = rest.split_once("Date: ") {
        return format!("{front}Date: …");
    }
    while let Some(at) = rest.find(|c: char| c.is_ascii_digit()) {
        let digits = rest[at..].find(|c: char| !c.is_ascii_digit() && c != '.');
        let end = digits.map_or(rest.len(), |digits| at + digits);
        form.push_str(&rest[..at]);
        // A status and the version of the protocol are the same in each run.
        let number = &rest[at..end];
        let is_version = form.ends_with("HTTP/");
        let is_status = form.ends_with("HTTP/1.1 ") || form.ends_with("done: ");
        if is_version || is_status {
            form.push_str(number);
        } else {
            form.push('N');
        }
        rest = &rest[end..];
    }
    form.push_str(rest);
    form
}

/// The text block behind a line of docs/fetch.md that contains this text.
fn recording(of: &str) -> &'static str {
    let page = include_str!("../../../../docs/fetch.md");
    let at = page
        .find(of)
        .unwrap_or_else(|| panic!("{of} is not in docs/fetch.md"));
    let (_, block) = page[at..].split_once("\n").expect("a line behind it");
    block.split_once("```").expect("the end of the block").0
}

#[test]
fn the_recording_in_the_document_is_what_the_command_prints() {
    let echo = Program::start();
    let command = "$ hearken fetch -v -L http://127.0.0.1:3000/redirect/1?status=303 -d hello=world -o answer.json";
    let recorded = form(recording(command));
    let url = format!("{}/redirect/1?status=303", echo.url);
    let output = fetch(&["-v", "-L", &url, "-d", "hello=world", "-o", "/dev/null"]);
    let printed = String::from_utf8(output.stderr).expect("UTF-8");
    assert!(output.status.success(), "{printed}");
    assert_eq!(
        form(&printed),
        recorded,
        "docs/fetch.md differs from:\n{printed}"
    );
}

#[test]
fn the_times_of_the_steps_never_go_back() {
    let echo = Program::start();
    let output = fetch(&["-v", &format!("{}/drip?duration=0.2&numbytes=3", echo.url)]);
    let printed = String::from_utf8(output.stderr).expect("UTF-8");
    let times: Vec<f64> = printed
        .lines()
        .filter_map(|line| line.split_once(" ms ")?.0.trim().parse().ok())
        .collect();
    assert!(times.len() >= 8, "{printed}");
    assert!(times.is_sorted(), "{printed}");
    assert!(times.last() >= Some(&200.0), "{printed}");
    for step in [
        "connect: ",
        "> head sent",
        "< first byte",
        "< head done",
        "< body done, 3 bytes",
        "* done: 200, 3 bytes",
    ] {
        assert!(printed.contains(step), "{step} in {printed}");
    }
}

#[test]
fn passwords_are_not_printed() {
    let location = "Location: http://user:hidden@127.0.0.1:9/\r\n";
    let server = Scripted::once(answer("302 Found", location, ""));
    let url = server.url("/").replace("http://", "http://ada:geheim@");
    let format = "%{url} %{url_effective} %{redirect_url} %{json}";
    let output = fetch(&["-v", "--json", "-w", format, &url]);
    assert!(
        server
            .request()
            .contains("Authorization: Basic YWRhOmdlaGVpbQ==")
    );
    let (stdout, stderr) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    for text in [&stdout, &stderr] {
        assert!(
            !text.contains("geheim") && !text.contains("YWRhOmdlaGVpbQ"),
            "{text}"
        );
    }
    assert!(stdout.contains("http://ada:***@127.0.0.1:"), "{stdout}");
    assert!(stdout.contains("http://user:***@127.0.0.1:9/"), "{stdout}");
    assert!(stderr.contains("Authorization: Basic ***"), "{stderr}");
    for wrong in [
        "http://ada:geheim@[",
        "http://ada:geheim@a:99999/",
        "ftp://ada:geheim@a/",
    ] {
        for args in [
            &[wrong][..],
            &["--json", wrong],
            &["-O", wrong],
            &["-x", wrong, "http://127.0.0.1:9/"],
        ] {
            let output = fetch(args);
            let text = [output.stdout, output.stderr].concat();
            let text = String::from_utf8_lossy(&text);
            assert!(!text.contains("geheim"), "{args:?}: {text}");
        }
    }
}

#[test]
fn a_handshake_is_a_step_with_its_result() {
    let echo = Program::start_with(&mut command(&["echo", "--port", "0", "--tls-self-signed"]));
    let output = fetch(&["-kv", &format!("{}/json", echo.url)]);
    let printed = String::from_utf8(output.stderr).expect("UTF-8");
    assert!(output.status.success(), "{printed}");
    for part in [
        " ms * TLS: TLSv1.3 TLS_",
        " http/1.1 in ",
        "             * for localhost, 127.0.0.1, ",
        "valid for 8",
    ] {
        assert!(printed.contains(part), "{part} in {printed}");
    }
}

#[test]
fn a_failure_is_shown_with_its_phase() {
    let output = fetch(&["-v", "http://127.0.0.1:9/"]);
    assert_eq!(output.status.code(), Some(7));
    let printed = String::from_utf8_lossy(&output.stderr);
    assert!(printed.contains(" ms * failed in connect\n"), "{printed}");
    assert!(
        printed.contains("error: connecting to 127.0.0.1:9 failed"),
        "{printed}"
    );
}

#[test]
fn a_server_cannot_send_escape_sequences_to_the_terminal() {
    let server = Scripted::once(answer("200 \u{9b}2J", "X: \u{9b}2J\r\n", ""));
    let output = fetch(&["-v", &server.url("/")]);
    let printed = String::from_utf8(output.stderr).expect("UTF-8");
    assert!(printed.contains("X: \u{fffd}2J"), "{printed:?}");
    assert!(!printed.contains('\u{9b}'), "{printed:?}");
}

//! `hearken fetch` on a terminal: a pseudo-terminal of the system.

use super::program::{PATIENCE, Program, command};
use super::scripted::{Scripted, answer};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use std::fs::File;
use std::io::Read;
use std::process::Stdio;
use std::sync::mpsc::channel;
use std::thread;

/// Which streams of the program are the terminal; the others are dropped.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Terminal {
    Stdout,
    Stderr,
}

/// What the program writes to its terminal.
fn shown(terminal: Terminal, variables: &[(&str, &str)], args: &[&str]) -> String {
    let controller = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a pseudo-terminal");
    grantpt(&controller)
        .and_then(|()| unlockpt(&controller))
        .expect("its other end");
    let name = ptsname(&controller, Vec::new()).expect("its name");
    let name = name.to_str().expect("UTF-8").to_owned();
    let user = File::options()
        .read(true)
        .write(true)
        .open(name)
        .expect("its other end");
    let mut fetch = command(&[&["fetch"], args].concat());
    fetch
        .env("TERM", "xterm-256color")
        .envs(variables.iter().copied());
    let (stdout, stderr) = match terminal {
        Terminal::Stdout => (Stdio::from(user), Stdio::null()),
        Terminal::Stderr => (Stdio::null(), Stdio::from(user)),
    };
    let mut child = fetch
        .stdout(stdout)
        .stderr(stderr)
        .spawn()
        .expect("the binary starts");
    drop(fetch); // and with it this process's copy of the terminal
    let (sender, bytes) = channel();
    thread::spawn(move || {
        let mut all = Vec::new();
        // Reading ends with an error when the last process has closed the terminal.
        let _ = File::from(controller).read_to_end(&mut all);
        let _ = sender.send(all);
    });
    let bytes = bytes.recv_timeout(PATIENCE);
    if bytes.is_err() {
        let _ = child.kill();
    }
    child.wait().expect("its end");
    String::from_utf8(bytes.expect("the end of its output")).expect("UTF-8")
}

#[test]
fn json_is_indented_and_coloured() {
    let echo = Program::start();
    let url = format!("{}/json", echo.url);
    let plain = shown(Terminal::Stdout, &[("NO_COLOR", "1")], &[&url]);
    assert_eq!(plain, "{\r\n  \"message\": \"Hello, World!\"\r\n}\r\n");
    let coloured = shown(Terminal::Stdout, &[], &[&url]);
    assert!(
        coloured.contains("\u{1b}[1;34m\"message\"\u{1b}[0m: "),
        "{coloured:?}"
    );
    let as_is = shown(Terminal::Stdout, &[], &["-o", "-", &url]);
    assert_eq!(as_is, "{\"message\":\"Hello, World!\"}");
    let text = shown(
        Terminal::Stdout,
        &[],
        &[&format!("{}/echo/%7B%22a%22:1%7D", echo.url)],
    );
    assert_eq!(text, "{\"a\":1}", "it is text/plain");
}

#[test]
fn a_binary_body_is_not_written() {
    let server = Scripted::once(answer(
        "200 OK",
        "Content-Type: application/json\r\n",
        b"{\0}",
    ));
    assert_eq!(shown(Terminal::Stdout, &[], &[&server.url("/")]), "");
}

#[test]
fn a_long_download_has_a_progress_bar() {
    let echo = Program::start();
    let url = format!("{}/drip?duration=1.5&numbytes=2000", echo.url);
    let bar = shown(Terminal::Stderr, &[], &["-o", "/dev/null", &url]);
    assert!(bar.contains(" of 1.95 KiB ["), "{bar:?}");
    for silent in [&["-s"][..], &["-v"]] {
        let shown = shown(
            Terminal::Stderr,
            &[],
            &[silent, &["-o", "/dev/null", &url]].concat(),
        );
        assert!(!shown.contains(" of 1.95 KiB ["), "{silent:?}: {shown:?}");
    }
    let short = format!("{}/plaintext", echo.url);
    assert_eq!(
        shown(Terminal::Stderr, &[], &["-o", "/dev/null", &short]),
        ""
    );
}

#[test]
fn verbose_lines_have_colours() {
    let echo = Program::start();
    let url = format!("{}/plaintext", echo.url);
    let lines = shown(Terminal::Stderr, &[], &["-v", &url]);
    assert!(
        lines.contains("\u{1b}[36m>\u{1b}[0m GET /plaintext HTTP/1.1"),
        "{lines:?}"
    );
    let lines = shown(Terminal::Stderr, &[("NO_COLOR", "1")], &["-v", &url]);
    assert!(!lines.contains('\u{1b}'), "{lines:?}");
}

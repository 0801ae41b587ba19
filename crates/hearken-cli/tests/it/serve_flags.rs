//! `hearken serve`: flags, the lines at the start, and errors.

use super::program::{Program, command, output};
use super::serve::Tree;
use std::net::TcpListener;

fn rejected(args: &[&str]) -> String {
    let output = output(&mut command(args));
    let text = String::from_utf8(output.stderr).expect("UTF-8");
    assert_eq!(output.status.code(), Some(2), "{args:?}: {text}");
    assert_eq!(output.stdout, b"", "{args:?}");
    text
}

#[test]
fn the_url_is_alone_on_stdout_and_the_way_to_open_it_on_stderr() {
    let tree = Tree::new("banner");
    let mut program = tree.serve(&[]);
    let url = program.url.clone();
    assert!(url.starts_with("http://127.0.0.1:"), "{url}");
    let directory = tree.path("www");
    assert_eq!(
        program.log_line(),
        format!("serving {} on {url}", directory.display())
    );
    assert_eq!(
        program.log_line(),
        "only this machine reaches it; --lan opens it to the network"
    );
    program.signal("TERM");
    assert!(program.wait().success());
    assert_eq!(program.rest().0, "", "more on stdout");

    let mut quiet = tree.serve(&["--quiet"]);
    assert_eq!(quiet.connect().get("/a.txt").status, 200);
    quiet.signal("INT");
    assert!(quiet.wait().success());
    assert_eq!(quiet.rest().1, "");
}

#[test]
fn without_a_directory_the_present_one_is_served() {
    let tree = Tree::new("present");
    let mut serve = command(&["serve", "--port", "0", "--quiet"]);
    let program = Program::start_with(serve.current_dir(tree.path("www")));
    assert_eq!(program.connect().get("/a.txt").status, 200);
}

#[test]
fn the_next_port_is_taken_only_when_none_was_chosen() {
    let tree = Tree::new("ports");
    let www = tree.path("www");
    let www = www.to_str().expect("UTF-8");
    // Held by this test, or by another program: either way it is in use.
    let _held = TcpListener::bind("127.0.0.1:8080");
    let mut program = Program::start_with(&mut command(&["serve", www]));
    let port: u16 = program.address().port();
    assert!((8081..=8089).contains(&port), "{port}");
    let note = program.log_line();
    assert!(note.starts_with("port 8080 is in use by "), "{note}");
    assert!(note.ends_with(&format!("; this is port {port}")), "{note}");
    program.signal("TERM");
    assert!(program.wait().success());
    let text = rejected(&["serve", "--port", "8080", www]);
    assert!(text.contains("cannot listen on 127.0.0.1:8080"), "{text}");
}

#[test]
fn wrong_flags_are_rejected() {
    for (args, hint) in [
        (&["serve", "/nowhere"][..], "cannot serve /nowhere: "),
        (&["serve", "Cargo.toml"], "expected a directory to serve"),
        (&["serve", "--upload-overwrite"], "--upload"),
        (&["serve", "--upload-max", "1G"], "--upload"),
        (&["serve", "--upload", "--upload-max", "x"], "such as 500M"),
        (&["serve", "--upload", "--spa"], "cannot be used with"),
        (
            &["serve", "--upload", "--index", "x"],
            "cannot be used with",
        ),
        (&["serve", "--lan", "--host", "::1"], "cannot be used with"),
        (
            &["serve", "--port", "1", "--listen", ":2"],
            "cannot be used with",
        ),
        (&["serve", "--qr"], "--lan"),
        (&["serve", "--auth", "nocolon"], "USER:PASSWORD"),
        (&["serve", "--header", "x"], "--header"),
        (
            &["serve", "--host", "no.such.host.invalid", "--port", "0"],
            "no address",
        ),
        (&["serve", "--tls-cert", "a"], "--tls-key <FILE>"),
    ] {
        let text = rejected(args);
        assert!(text.contains(hint), "{args:?}: {text}");
        assert!(text.starts_with("error: "), "{args:?}: {text}");
    }
}

#[test]
fn the_environment_can_give_port_and_password() {
    let tree = Tree::new("environment");
    let www = tree.path("www");
    let mut serve = command(&["serve", "--quiet", www.to_str().expect("UTF-8")]);
    let program = Program::start_with(serve.env("PORT", "0").env("HEARKEN_AUTH", "me:secret"));
    assert_eq!(program.connect().get("/a.txt").status, 401);
    let fields = "Authorization: Basic bWU6c2VjcmV0\r\n";
    assert_eq!(program.connect().ask("GET", "/a.txt", fields).status, 200);
}

#[test]
fn help_has_examples() {
    let output = output(&mut command(&["serve", "--help"]));
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    for part in [
        "Examples:",
        "hearken serve dist --spa",
        "--workers",
        "HEARKEN_AUTH",
        "Exit codes",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
}

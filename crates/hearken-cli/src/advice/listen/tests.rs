//! Errors that the system really returns, and their texts.

use super::*;
use hearken::listen::{ListenOptions, Listener, ToListenAddr};

fn listen(addr: &str) -> Result<Listener, ListenError> {
    ListenOptions::new().bind(&addr.to_listen_addr()?)
}

fn text_of(addr: &str) -> String {
    text(&listen(addr).expect_err("an address that cannot be listened on"))
}

#[test]
fn a_port_in_use_names_the_process() {
    let first = listen("127.0.0.1:0").expect("a free port");
    let addr = first.local_addr().socket_addr().expect("a TCP address");
    let by = if cfg!(target_os = "linux") {
        "this program itself"
    } else {
        "another program"
    };
    let advice = format!(
        "the port is in use by {by}; stop that one, or choose another port (0 takes any free one)"
    );
    assert_eq!(
        text_of(&addr.to_string()),
        format!("cannot listen on {addr}: {advice}")
    );
    let name = format!("localhost:{}", addr.port());
    if let Err(error) = listen(&name)
        && error.addr() == format!("{name} ({addr})")
    {
        assert_eq!(
            text(&error),
            format!("cannot listen on {name} ({addr}): {advice}")
        );
    }
}

#[test]
fn the_address_is_found_behind_a_name() {
    for (addr, found) in [
        ("127.0.0.1:80", Some("127.0.0.1:80")),
        ("[::1]:80", Some("[::1]:80")),
        ("localhost:80 (127.0.0.1:80)", Some("127.0.0.1:80")),
        (":80 ([::]:80)", Some("[::]:80")),
        ("localhost:80", None),
        ("\"3000\"", None),
        ("fd:0", None),
    ] {
        let expected = found.map(|found| found.parse().expect("an address"));
        assert_eq!(socket_addr(addr), expected, "{addr}");
    }
}

#[test]
fn a_low_port_needs_a_right() {
    for (port, above) in [(80, "8080"), (443, "8443")] {
        let text = port_not_allowed(port, 1024);
        assert!(text.starts_with("ports below 1024 need a right"), "{text}");
        for advice in [above, "setcap cap_net_bind_service", "fd:0"] {
            assert!(text.contains(advice), "{advice}: {text}");
        }
    }
    for port in [0, 1024, 3000] {
        let text = port_not_allowed(port, 1024);
        assert!(text.contains("security module"), "{port}: {text}");
    }
}

#[test]
fn an_address_of_another_machine_names_those_of_this_one() {
    // Reserved (RFC 1112 §4) and for discarding (RFC 6666): on no machine's interface.
    for (addr, advice) in [("240.0.0.1:0", "127.0.0.1"), ("[100::1]:0", "[::1]")] {
        let text = text_of(addr);
        assert!(
            text.contains("no interface of this machine has the address") && text.contains(advice),
            "{text}"
        );
    }
}

#[cfg(unix)]
#[test]
fn a_lack_of_descriptors_names_the_limit() {
    let text = no_descriptor_left();
    let limit = descriptor_limit().map(|limit| format!("limit is {limit}"));
    assert!(text.contains("ulimit -n"), "{text}");
    assert!(text.contains(&limit.unwrap_or_default()), "{text}");
}

#[cfg(unix)]
#[test]
fn paths_of_unix_sockets() {
    let path = |name: &str| {
        let file = format!("hearken-advice-{}-{name}", std::process::id());
        std::env::temp_dir().join(file).display().to_string()
    };
    let text = text_of(&format!("unix:{}/a.sock", path("none")));
    assert!(
        text.ends_with("the directory does not exist; create it first"),
        "{text}"
    );
    let text = text_of(&format!("unix:{}", path(&"a".repeat(200))));
    assert!(text.contains("choose a shorter one"), "{text}");

    let socket = path("taken.sock");
    let _first = listen(&format!("unix:{socket}")).expect("a free path");
    let text = text_of(&format!("unix:{socket}"));
    assert!(text.contains("listens at that path already"), "{text}");
    if cfg!(target_os = "linux") {
        assert!(text.contains("this program itself"), "{text}");
    }

    let file = path("file");
    std::fs::write(&file, "").expect("a file");
    let text = text_of(&format!("unix:{file}"));
    std::fs::remove_file(&file).expect("the file");
    assert!(text.contains("choose another path"), "{text}");
}

#[test]
fn an_address_that_cannot_be_parsed_keeps_the_text_of_the_library() {
    let error = "3000".to_listen_addr().expect_err("no address");
    assert_eq!(text(&error), error.to_string());
}

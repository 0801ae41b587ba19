//! Every kind of error, provoked on real sockets, and the remedy in its text.

use std::error::Error;
use std::process::Command;

use super::super::{ListenErrorKind, ListenOptions, ToListenAddr};
use super::child::run;
use super::{listen, port_of, skipped};

#[test]
fn a_port_in_use_is_an_error_with_its_source() {
    let first = listen("127.0.0.1:0").unwrap();
    let at = port_of(&first);
    let error = listen(at).unwrap_err();
    assert_eq!(error.kind(), ListenErrorKind::AddressInUse);
    assert!(error.is_address_in_use() && !error.is_permission_denied());
    assert_eq!(error.addr(), at.to_string());
    let text = error.to_string();
    assert!(
        text.starts_with(&format!("cannot listen on {at}: the port is in use; ")),
        "{text}"
    );
    assert!(
        text.contains("another port") && text.contains("0 takes any free one"),
        "{text}"
    );
    let system = error
        .source()
        .unwrap()
        .downcast_ref::<std::io::Error>()
        .unwrap();
    assert_eq!(system.kind(), std::io::ErrorKind::AddrInUse);
}

#[test]
fn a_name_tries_its_addresses_until_one_can_be_bound() {
    let name = "example:0".to_listen_addr().unwrap();
    let bind = |candidates: &[&str]| {
        let candidates = candidates.iter().map(|text| text.parse().unwrap());
        ListenOptions::new().bind_first(&name, candidates)
    };
    let bound = bind(&["240.0.0.1:0", "127.0.0.1:0"]).expect("the second one");
    assert!(port_of(&bound).ip().is_loopback());

    let first_of_two = bind(&["240.0.0.1:0", "240.0.0.2:0"]).unwrap_err();
    assert!(first_of_two.is_address_not_local(), "{first_of_two:?}");
    assert_eq!(first_of_two.addr(), "example:0 (240.0.0.1:0)");
    assert!(bind(&[]).unwrap_err().is_host_not_found());

    // An address in use ends the search: only some of the clients would try the next address.
    let taken = port_of(&bound).to_string();
    let error = bind(&[&taken, "127.0.0.1:0"]).unwrap_err();
    assert!(
        error.is_address_in_use() && error.addr().contains(&taken),
        "{error}"
    );
}

#[test]
fn a_low_port_needs_a_right() {
    let mut shell = "exec \"$0\" \"$@\"".to_owned();
    if rustix::process::geteuid().is_root() {
        if Command::new("setpriv").arg("--version").output().is_err() {
            skipped(
                "root may listen everywhere and setpriv, which takes the right away, is missing",
            );
            return;
        }
        shell = "exec setpriv --bounding-set -net_bind_service \"$0\" \"$@\"".to_owned();
    }
    let text = run("low port", &shell);
    if text == ["allowed"] {
        skipped(
            "this system lets everybody listen on port 80 (net.ipv4.ip_unprivileged_port_start)",
        );
        return;
    }
    assert!(
        text[0].starts_with("PermissionDenied: cannot listen on 127.0.0.1:80: "),
        "{text:?}"
    );
    for advice in ["ports below 1024", "a higher port", "fd:0"] {
        assert!(text[0].contains(advice), "{advice}: {text:?}");
    }
}

#[test]
fn an_address_of_another_machine_cannot_be_bound() {
    // Reserved (RFC 1112 §4) and for discarding (RFC 6666): on no machine's interface.
    for (addr, advice) in [("240.0.0.1:0", "127.0.0.1"), ("[100::1]:0", "[::1]")] {
        let error = listen(addr).unwrap_err();
        assert!(error.is_address_not_local(), "{error:?}");
        let text = error.to_string();
        assert!(
            text.contains("no interface of this machine has the address") && text.contains(advice),
            "{text}"
        );
    }
}

#[test]
fn a_name_without_address_is_an_error() {
    // Longer than a label can be, so that no name server is asked.
    let name = format!("{}.invalid:80", "a".repeat(64));
    let error = listen(name.as_str()).unwrap_err();
    assert!(error.is_host_not_found(), "{error:?}");
    assert!(
        error.to_string().contains("check its spelling") && error.source().is_some(),
        "{error}"
    );
}

#[test]
fn running_out_of_descriptors_is_an_error() {
    let text = run("no descriptors", "ulimit -n 24; exec \"$0\" \"$@\"");
    assert!(
        text[0].starts_with("TooManyDescriptors: cannot listen on 127.0.0.1:0: "),
        "{text:?}"
    );
    assert!(
        text[0].contains("no file descriptor is left") && text[0].contains("raise the limit"),
        "{text:?}"
    );
}

#[test]
fn unusable_paths_are_errors() {
    let dir = super::files::Dir::new("errors");
    let error = listen(dir.path("no/such/dir/a.sock")).unwrap_err();
    assert_eq!(error.kind(), ListenErrorKind::Other);
    assert!(error.to_string().contains("create it first"), "{error}");

    let error = listen(dir.path(&"a".repeat(200))).unwrap_err();
    assert!(
        error.is_invalid_address() && error.to_string().contains("shorter"),
        "{error}"
    );
}

#[test]
fn options_that_the_system_rejects_are_errors() {
    // An IPv6-only socket cannot have an address that stands for an IPv4 one.
    let addr = "[::ffff:127.0.0.1]:0".to_listen_addr().unwrap();
    let error = ListenOptions::new()
        .ipv6_only(true)
        .bind(&addr)
        .unwrap_err();
    assert!(
        matches!(
            error.kind(),
            ListenErrorKind::Other | ListenErrorKind::AddressNotLocal
        ),
        "{error:?}"
    );
    assert!(error.source().is_some());
}

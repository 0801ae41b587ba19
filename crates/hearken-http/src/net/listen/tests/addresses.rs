//! The text forms of addresses, and the sockets that they open.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::path::PathBuf;

use super::super::{ListenAddr, ListenOptions, LocalAddr, ToListenAddr};
use super::{listen, port_of, skipped};

fn socket(text: &str) -> ListenAddr {
    ListenAddr::Socket(text.parse().unwrap())
}

#[test]
fn every_form_is_read_and_written_back() {
    let host = |name: &str, port| ListenAddr::Host {
        name: name.to_owned(),
        port,
    };
    let forms = [
        ("127.0.0.1:3000", socket("127.0.0.1:3000"), "127.0.0.1:3000"),
        ("[::1]:3000", socket("[::1]:3000"), "[::1]:3000"),
        ("0.0.0.0:0", socket("0.0.0.0:0"), "0.0.0.0:0"),
        ("[::]:65535", socket("[::]:65535"), "[::]:65535"),
        ("[127.0.0.1]:80", socket("127.0.0.1:80"), "127.0.0.1:80"),
        ("localhost:3000", host("localhost", 3000), "localhost:3000"),
        (
            "my-host.example:0",
            host("my-host.example", 0),
            "my-host.example:0",
        ),
        (":3000", ListenAddr::AllInterfaces { port: 3000 }, ":3000"),
        (
            "unix:/run/app.sock",
            ListenAddr::Unix("/run/app.sock".into()),
            "unix:/run/app.sock",
        ),
        (
            "unix:app.sock",
            ListenAddr::Unix("app.sock".into()),
            "unix:app.sock",
        ),
        ("fd:", ListenAddr::Inherited { index: 0 }, "fd:0"),
        ("fd:2", ListenAddr::Inherited { index: 2 }, "fd:2"),
    ];
    for (text, addr, written) in forms {
        assert_eq!(text.to_listen_addr().unwrap(), addr, "{text}");
        assert_eq!(addr.to_string(), written);
        assert_eq!(written.parse::<ListenAddr>().unwrap(), addr, "{written}");
    }
}

#[test]
fn ambiguous_text_is_rejected_with_the_form_to_write() {
    let refused = [
        ("", "port is missing"),
        ("3000", "127.0.0.1:3000"),
        ("localhost", "localhost:3000"),
        ("127.0.0.1", "127.0.0.1:3000"),
        ("[::1]", "[::1]:3000"),
        ("::1:3000", "brackets"),
        ("::1", "brackets"),
        ("::", "brackets"),
        ("[fe80::1:2]", "port is missing"),
        ("http://localhost:3000", "not a URL"),
        ("localhost:", "0 (any free one) to 65535"),
        ("localhost:65536", "65535"),
        ("localhost:+80", "65535"),
        ("localhost:-1", "65535"),
        ("localhost:http", "65535"),
        ("*:80", "write none"),
        ("two words:80", "host name"),
        ("a/b:80", "host name"),
        ("[::1:80", "host name"),
        ("user@host:80", "host name"),
        ("unix:", "path is missing"),
        ("unix:///run/app.sock", "one slash"),
        ("fd:x", "a number"),
        ("fd:-1", "a number"),
    ];
    for (text, hint) in refused {
        let error = text.to_listen_addr().expect_err(text);
        assert!(error.is_invalid_address(), "{text}: {error:?}");
        let text_of_error = error.to_string();
        assert!(
            text_of_error.contains(hint) && text_of_error.starts_with("cannot listen on \""),
            "{text}: {text_of_error}"
        );
    }
    let text_of_error = "a\u{1b}[31m:80".to_listen_addr().unwrap_err().to_string();
    assert!(
        !text_of_error.contains('\u{1b}'),
        "control characters must not reach a terminal: {text_of_error:?}"
    );
}

#[test]
fn values_of_other_types_are_addresses_too() {
    let ip = IpAddr::V4(Ipv4Addr::LOCALHOST);
    assert_eq!(
        ("127.0.0.1", 80).to_listen_addr().unwrap(),
        socket("127.0.0.1:80")
    );
    assert_eq!(("::1", 80).to_listen_addr().unwrap(), socket("[::1]:80"));
    assert_eq!(
        ("", 80).to_listen_addr().unwrap(),
        ListenAddr::AllInterfaces { port: 80 }
    );
    assert_eq!((ip, 80).to_listen_addr().unwrap(), socket("127.0.0.1:80"));
    assert_eq!(
        80.to_listen_addr().unwrap(),
        ListenAddr::AllInterfaces { port: 80 }
    );
    assert_eq!(
        String::from(":80").to_listen_addr().unwrap(),
        ListenAddr::AllInterfaces { port: 80 }
    );
    assert_eq!(
        SocketAddr::from((ip, 80)).to_listen_addr().unwrap(),
        socket("127.0.0.1:80")
    );
    assert_eq!(
        PathBuf::from("/a:b").to_listen_addr().unwrap(),
        ListenAddr::Unix("/a:b".into())
    );
    assert_eq!(
        ListenAddr::from(PathBuf::from("/a")),
        ListenAddr::Unix("/a".into())
    );
    assert_eq!(
        ListenAddr::from(SocketAddr::from((ip, 80))),
        socket("127.0.0.1:80")
    );
    assert!(
        ("a b", 80)
            .to_listen_addr()
            .unwrap_err()
            .is_invalid_address()
    );
}

#[test]
fn the_address_of_a_listener_is_displayed_as_a_url() {
    let listener = listen("127.0.0.1:0").unwrap();
    let at = port_of(&listener);
    assert_ne!(at.port(), 0, "the port that the system has chosen");
    assert_eq!(
        listener.local_addr().to_string(),
        format!("http://127.0.0.1:{}", at.port())
    );
    assert_eq!(listener.local_addr().port(), Some(at.port()));

    let v6 = LocalAddr::Tcp("[::1]:3000".parse().unwrap());
    assert_eq!(v6.to_string(), "http://[::1]:3000");
    let unix = LocalAddr::Unix("/run/a.sock".into());
    assert_eq!(
        (unix.to_string().as_str(), unix.port()),
        ("unix:/run/a.sock", None)
    );
}

#[test]
fn a_host_name_is_looked_up_and_bound() {
    let listener = listen("localhost:0").unwrap();
    assert!(port_of(&listener).ip().is_loopback());
    TcpStream::connect(port_of(&listener)).unwrap();
}

#[test]
fn no_host_means_every_interface_of_both_families() {
    let listener = listen(":0").unwrap();
    let port = port_of(&listener).port();
    TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
    if port_of(&listener).is_ipv6() {
        TcpStream::connect((Ipv6Addr::LOCALHOST, port)).unwrap();
    }
}

#[test]
fn ipv6_only_rejects_ipv4() {
    let both = listen("[::1]:0");
    if both.is_err_and(|error| error.is_address_not_local()) {
        skipped("this machine has no IPv6");
        return;
    }
    let listener = ListenOptions::new()
        .ipv6_only(true)
        .bind(&":0".to_listen_addr().unwrap())
        .unwrap();
    let port = port_of(&listener).port();
    TcpStream::connect((Ipv6Addr::LOCALHOST, port)).unwrap();
    let refused = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap_err();
    assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
}

//! Chains of proxies, honest and forged.

use super::*;

fn ip(text: &str) -> Option<IpAddr> {
    Some(text.parse().unwrap_or_else(|_| panic!("{text}")))
}

fn trusting(networks: &[&str]) -> TrustedProxies {
    TrustedProxies::networks(networks).unwrap()
}

fn x_forwarded_for(proxies: &TrustedProxies, from: &str, lines: &[&str]) -> Option<IpAddr> {
    let lines = lines.iter().map(|line| line.as_bytes());
    let way = proxies.walk(ip(from), addresses_of_x_forwarded_for(lines));
    way.last().or_else(|| ip(from))
}

fn forwarded(proxies: &TrustedProxies, from: &str, lines: &[&str]) -> Option<IpAddr> {
    let lines = lines.iter().map(|line| line.as_bytes());
    let addresses = elements_of_forwarded(lines).map(|element| element.address);
    proxies
        .walk(ip(from), addresses)
        .last()
        .or_else(|| ip(from))
}

#[test]
fn the_list_is_read_from_the_right() {
    let proxies = trusting(&["loopback", "10.0.0.0/8"]);
    for (from, lines, client) in [
        ("127.0.0.1", &["192.0.2.1"][..], "192.0.2.1"),
        ("127.0.0.1", &["6.6.6.6, 192.0.2.1"], "192.0.2.1"),
        ("127.0.0.1", &["6.6.6.6, 192.0.2.1, 10.1.2.3"], "192.0.2.1"),
        (
            "127.0.0.1",
            &["6.6.6.6", "192.0.2.1", "10.1.2.3"],
            "192.0.2.1",
        ),
        ("127.0.0.1", &["10.1.2.3"], "10.1.2.3"),
        ("127.0.0.1", &["192.0.2.1:4711"], "192.0.2.1"),
        ("127.0.0.1", &["[2001:db8::1]:4711"], "2001:db8::1"),
        ("127.0.0.1", &["[2001:db8::1]"], "2001:db8::1"),
        ("127.0.0.1", &["2001:db8::1"], "2001:db8::1"),
        ("127.0.0.1", &["192.0.2.1, ::ffff:10.0.0.1"], "192.0.2.1"),
        ("::1", &["192.0.2.1"], "192.0.2.1"),
        // What cannot be read ends the search at the proxy that reported it.
        ("127.0.0.1", &["6.6.6.6, unknown"], "127.0.0.1"),
        ("127.0.0.1", &["6.6.6.6, unknown, 10.0.0.1"], "10.0.0.1"),
        ("127.0.0.1", &["6.6.6.6,"], "127.0.0.1"),
        ("127.0.0.1", &[""], "127.0.0.1"),
        ("127.0.0.1", &["192.0.2.1.evil.example"], "127.0.0.1"),
        // A connection that is not trusted.
        ("192.0.2.9", &["6.6.6.6"], "192.0.2.9"),
    ] {
        assert_eq!(
            x_forwarded_for(&proxies, from, lines),
            ip(client),
            "{lines:?}"
        );
    }
}

#[test]
fn forwarded_is_read_with_its_quotes_and_parameters() {
    let proxies = trusting(&["loopback", "10.0.0.0/8"]);
    for (lines, client) in [
        (&["for=192.0.2.1"][..], "192.0.2.1"),
        (&["For=\"[2001:db8:cafe::17]:4711\""], "2001:db8:cafe::17"),
        (&["for=192.0.2.60;proto=http;by=203.0.113.43"], "192.0.2.60"),
        (
            &["by=203.0.113.43 ; proto=http ; for=192.0.2.60"],
            "192.0.2.60",
        ),
        (&["for=6.6.6.6, for=192.0.2.1, for=10.0.0.1"], "192.0.2.1"),
        (
            &["for=6.6.6.6, for=192.0.2.1", "for=\"10.0.0.1:_port\""],
            "192.0.2.1",
        ),
        (&["host=\"a,b;for=6.6.6.6\";for=192.0.2.1"], "192.0.2.1"),
        (&["for=\"1\\92.0.2.1\""], "192.0.2.1"),
        (&["for=_hidden"], "127.0.0.1"),
        (&["for=6.6.6.6, for=unknown"], "127.0.0.1"),
        (&["for=6.6.6.6, proto=http"], "127.0.0.1"),
        (&["for=6.6.6.6, "], "127.0.0.1"),
        // Malformed: one reader could see another address than the next.
        (&["for=6.6.6.6;for=192.0.2.1"], "127.0.0.1"),
        (&["for=192.0.2.1;proto=http;proto=https"], "127.0.0.1"),
        (&["for=\"6.6.6.6"], "127.0.0.1"),
        (&["for=\"6.6.6.6\"x"], "127.0.0.1"),
        (&["6.6.6.6"], "127.0.0.1"),
        (&["for=6.6.6.6 7.7.7.7"], "127.0.0.1"),
    ] {
        assert_eq!(
            forwarded(&proxies, "127.0.0.1", lines),
            ip(client),
            "{lines:?}"
        );
    }
}

#[test]
fn hops_are_counted_from_the_connection_on() {
    let chain = ["1.1.1.1, 2.2.2.2, 3.3.3.3"];
    for (hops, client) in [
        (0, "4.4.4.4"),
        (1, "3.3.3.3"),
        (2, "2.2.2.2"),
        (3, "1.1.1.1"),
        (9, "1.1.1.1"),
    ] {
        let proxies = TrustedProxies::hops(hops);
        assert_eq!(
            x_forwarded_for(&proxies, "4.4.4.4", &chain),
            ip(client),
            "{hops}"
        );
    }
    let none = TrustedProxies::none();
    assert_eq!(x_forwarded_for(&none, "4.4.4.4", &chain), ip("4.4.4.4"));
}

#[test]
fn a_unix_socket_is_trusted_by_its_name() {
    let report = || std::iter::once(ip("192.0.2.1"));
    let by = |proxies: &TrustedProxies| proxies.walk(None, report()).last();
    assert_eq!(by(&trusting(&["unix"])), ip("192.0.2.1"));
    assert_eq!(by(&trusting(&["loopback"])), None);
    assert_eq!(by(&TrustedProxies::hops(1)), ip("192.0.2.1"));
}

#[test]
fn a_network_that_is_none_is_an_error() {
    for text in [
        "",
        "10.0.0.0/33",
        "10.0.0",
        "example.org",
        "10.0.0.0/8 ",
        "Loopback",
    ] {
        let error = TrustedProxies::networks([text]).unwrap_err();
        assert!(error.to_string().contains("expected an address"), "{error}");
    }
    for text in ["192.0.2.7", "::1", "10.1.2.3/8", "uniquelocal", "linklocal"] {
        assert!(TrustedProxies::networks([text]).is_ok(), "{text}");
    }
}

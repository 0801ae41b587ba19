//! `Set-Cookie` in, `Cookie` out, with the clock as an argument.

use super::*;
use std::time::Duration;

/// 2026-01-01 00:00:00 UTC.
const NOW: u64 = 1_767_225_600;

fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

fn now() -> SystemTime {
    at(NOW)
}

fn url(text: &str) -> Url {
    Url::parse(text).expect(text)
}

/// The cookies of a request to `to`, after a response from `from` with these fields.
fn sent(from: &str, lines: &[&str], to: &str) -> String {
    let jar = CookieJar::new();
    for line in lines {
        jar.store(&url(from), line, now());
    }
    jar.header(&url(to), now()).unwrap_or_default()
}

#[test]
fn pairs_are_kept_unchanged() {
    for (line, cookie) in [
        ("a=b", "a=b"),
        (" a = b ", "a=b"),
        ("\ta\t=\tb\t;", "a=b"),
        ("a=", "a="),
        ("a", "a"),
        ("=a", "a"),
        ("a=b=c", "a=b=c"),
        ("a=\"b\"", "a=\"b\""),
        ("a=b c", "a=b c"),
        ("a=b,c=d", "a=b,c=d"),
        ("a=%41", "a=%41"),
        ("$Version=1", "$Version=1"),
        ("a=b; unknown=x; HttpOnly; SameSite=Lax", "a=b"),
        ("", ""),
        ("=", ""),
        (";", ""),
        ("; Path=/", ""),
        ("a=b\u{1}", ""),
        ("a=b; Path=/\u{7f}", ""),
        ("a=b\0c", ""),
    ] {
        assert_eq!(
            sent("http://a.example/", &[line], "http://a.example/"),
            cookie,
            "{line:?}"
        );
    }
}

/// Servers set octets, and get back the same ones.
#[test]
fn octets_that_are_no_text_are_kept() {
    let (jar, url) = (CookieJar::new(), url("http://a.example/"));
    assert!(jar.store(&url, b"st\xe4dt=K\xf6ln; Path=/", now()));
    assert!(jar.store(&url, "utf=Köln", now()));
    let value = jar.header_value(&url, now()).expect("cookies");
    assert_eq!(value.as_bytes(), b"st\xe4dt=K\xf6ln; utf=K\xc3\xb6ln");
    assert!(jar.store(&url, b"st\xe4dt=; Max-Age=0; Path=/", now()));
    assert_eq!(jar.header(&url, now()).as_deref(), Some("utf=Köln"));
}

#[test]
fn public_suffixes() {
    let cases: &[(&str, &str, &str, bool)] = &[
        ("a.com", "com", "b.com", false),
        ("a.com", "com.", "b.com", false),
        ("a.localhost", "localhost", "b.localhost", false),
        #[cfg(feature = "public-suffixes")]
        ("a.co.uk", "co.uk", "b.co.uk", false),
        ("x.a.co.uk", "a.co.uk", "y.a.co.uk", true),
        #[cfg(feature = "public-suffixes")]
        ("a.github.io", "github.io", "b.github.io", false),
        // A suffix may have cookies of its own.
        ("co.uk", "co.uk", "co.uk", true),
        #[cfg(feature = "public-suffixes")]
        ("co.uk", "co.uk", "a.co.uk", false),
        // A rule with a star, and one with an exception.
        #[cfg(feature = "public-suffixes")]
        ("a.b.ck", "b.ck", "c.b.ck", false),
        ("a.www.ck", "www.ck", "b.www.ck", true),
        // Names of other scripts, in both forms.
        #[cfg(feature = "public-suffixes")]
        ("a.公司.cn", "公司.cn", "b.公司.cn", false),
        #[cfg(feature = "public-suffixes")]
        ("a.公司.cn", "xn--55qx5d.cn", "b.公司.cn", false),
        (
            "a.bücher.example",
            "bücher.example",
            "b.bücher.example",
            true,
        ),
        (
            "a.intern.example",
            "intern.example",
            "b.intern.example",
            true,
        ),
    ];
    for (from, domain, to, goes) in cases {
        let line = format!("a=b; Domain={domain}");
        let sent = sent(
            &format!("http://{from}/"),
            &[&line],
            &format!("http://{to}/"),
        );
        assert_eq!(sent == "a=b", *goes, "{from} sets {line}, then {to}");
    }
}

#[test]
fn domains() {
    for (from, domain, to, goes) in [
        // Without the attribute: this host alone.
        ("a.example", None, "a.example", true),
        ("a.example", None, "x.a.example", false),
        ("x.a.example", None, "a.example", false),
        ("a.example", None, "A.EXAMPLE", true),
        ("a.example", Some("a.example"), "a.example", true),
        ("a.example", Some("a.example"), "x.a.example", true),
        ("a.example", Some(".a.example"), "x.a.example", true),
        ("a.example", Some("A.Example"), "x.a.example", true),
        ("x.a.example", Some("a.example"), "a.example", true),
        ("x.a.example", Some("a.example"), "y.a.example", true),
        ("x.a.example", Some("a.example"), "xa.example", false),
        ("a.example", Some(""), "a.example", true),
        ("a.example", Some(""), "x.a.example", false),
        // Another host.
        ("a.example", Some("b.example"), "b.example", false),
        ("a.example", Some("x.a.example"), "x.a.example", false),
        ("a.example", Some("example"), "b.example", false),
        ("xa.example", Some("a.example"), "a.example", false),
        ("a.example", Some("..a.example"), "a.example", false),
        // Hosts of one label and addresses have no parent domain and no subdomains.
        ("localhost", None, "localhost", true),
        ("localhost", Some("localhost"), "localhost", true),
        ("localhost", Some("localhost"), "x.localhost", false),
        ("127.0.0.1", Some("127.0.0.1"), "127.0.0.1", true),
        ("127.0.0.1", Some("0.0.1"), "127.0.0.1", false),
        ("[::1]", None, "[::1]", true),
    ] {
        let attribute = domain.map(|domain| format!("; Domain={domain}"));
        let line = format!("a=b{}", attribute.unwrap_or_default());
        let sent = sent(
            &format!("http://{from}/"),
            &[&line],
            &format!("http://{to}/"),
        );
        assert_eq!(sent == "a=b", goes, "{from} sets {line}, then {to}");
    }
    // Neither ports nor schemes separate cookies.
    assert_eq!(
        sent("http://a.example:1/", &["a=b"], "https://a.example:2/"),
        "a=b"
    );
}

#[test]
fn paths() {
    for (from, path, to, goes) in [
        ("/", None, "/x", true),
        ("/a/b", None, "/a", true),
        ("/a/b", None, "/a/c", true),
        ("/a/b", None, "/ab", false),
        ("/a/b", None, "/", false),
        ("/a/", None, "/a", true),
        ("/a", None, "/b", true),
        ("/", Some("/a"), "/a", true),
        ("/", Some("/a"), "/a/b", true),
        ("/", Some("/a"), "/a?q", true),
        ("/", Some("/a"), "/ab", false),
        ("/", Some("/a/"), "/a", false),
        ("/", Some("/a/"), "/a/b", true),
        ("/x/y", Some("a"), "/x/z", true),
        ("/x/y", Some(""), "/x/z", true),
        ("/x/y", Some("a"), "/a", false),
        ("/", Some("/A"), "/a", false),
    ] {
        let attribute = path.map(|path| format!("; Path={path}"));
        let line = format!("a=b{}", attribute.unwrap_or_default());
        let (from, to) = (
            format!("http://a.example{from}"),
            format!("http://a.example{to}"),
        );
        assert_eq!(
            sent(&from, &[&line], &to) == "a=b",
            goes,
            "{from} sets {line}, then {to}"
        );
    }
}

#[test]
fn secure_cookies_need_tls() {
    let (http, https) = ("http://a.example/", "https://a.example/");
    assert_eq!(sent(https, &["a=b; Secure"], https), "a=b");
    assert_eq!(sent(https, &["a=b; secure=x"], http), "");
    assert_eq!(sent(http, &["a=b; Secure"], https), "");
    let jar = CookieJar::new();
    assert!(jar.store(
        &url("https://a.example/"),
        "a=b; Secure; Domain=a.example",
        now()
    ));
    for (from, line) in [
        (http, "a=evil"),
        (http, "a=evil; Domain=a.example"),
        ("http://x.a.example/", "a=evil; Domain=a.example"),
        ("http://x.a.example/y/z", "a=evil"),
    ] {
        assert!(!jar.store(&url(from), line, now()), "{from} {line}");
    }
    assert!(jar.store(&url(http), "other=1", now()));
    assert!(jar.store(&url(https), "a=c; Secure; Domain=a.example", now()));
    assert_eq!(
        jar.header(&url(https), now()).as_deref(),
        Some("a=c; other=1")
    );
}

#[test]
fn prefixes() {
    for (from, line, kept) in [
        ("https://a.example/", "__Secure-a=b; Secure", true),
        ("https://a.example/", "__Secure-a=b", false),
        ("https://a.example/", "__SECURE-a=b", false),
        ("https://a.example/", "__Host-a=b; Secure; Path=/", true),
        ("https://a.example/", "__Host-a=b; Secure", false),
        ("https://a.example/", "__Host-a=b; Path=/", false),
        ("https://a.example/", "__host-a=b; Path=/", false),
        ("https://a.example/", "__Host-a=b; Secure; Path=/a", false),
        (
            "https://a.example/",
            "__Host-a=b; Secure; Path=/; Domain=a.example",
            false,
        ),
        ("https://a.example/", "=__Host-a=b; Secure; Path=/", false),
        ("https://a.example/", "__Secure-a; Secure", false),
        ("https://a.example/", "\u{a0}__Host-a=b", true),
        ("http://a.example/", "__Host-a=b; Secure; Path=/", false),
    ] {
        assert_eq!(!sent(from, &[line], from).is_empty(), kept, "{from} {line}");
    }
}

#[test]
fn they_end() {
    let url = url("http://a.example/");
    for (attributes, seconds) in [
        ("Max-Age=60", Some(60)),
        (
            "max-age=60; Expires=Thu, 01 Jan 2026 00:00:10 GMT",
            Some(60),
        ),
        ("Expires=Thu, 01 Jan 2026 00:00:10 GMT", Some(10)),
        ("Max-Age=x; Expires=Thu, 01 Jan 2026 00:00:10 GMT", Some(10)),
        ("Max-Age=1; Max-Age=2", Some(2)),
        ("Max-Age=99999999999999999999", Some(400 * 86_400)),
        ("Expires=Fri, 31 Dec 9999 23:59:59 GMT", Some(400 * 86_400)),
        ("Max-Age=+5", None),
        ("Max-Age=", None),
        ("Expires=tomorrow", None),
        ("", None),
    ] {
        let jar = CookieJar::new();
        assert!(
            jar.store(&url, format!("a=b; {attributes}"), now()),
            "{attributes}"
        );
        let there = |after: u64| jar.header(&url, at(NOW + after)).is_some();
        match seconds {
            Some(seconds) => {
                assert!(there(seconds - 1), "{attributes}");
                assert!(!there(seconds), "{attributes}");
            }
            None => assert!(there(10_000 * 86_400), "{attributes}"),
        }
    }
}

#[test]
fn a_cookie_replaces_or_deletes_another() {
    let jar = CookieJar::new();
    let url = url("http://a.example/x/y");
    for line in ["a=1; Path=/", "b=2; Path=/", "c=3; Path=/x", "a=4; Path=/"] {
        assert!(jar.store(&url, line, now()));
    }
    // The longest path first, then the oldest; a new value does not make it younger.
    assert_eq!(jar.header(&url, now()).as_deref(), Some("c=3; a=4; b=2"));
    for (line, changed) in [
        ("a=; Path=/; Max-Age=0", true),
        ("a=; Path=/; Max-Age=-1", false),
        ("b=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT", true),
        ("c=; Path=/; Max-Age=0", false),
    ] {
        assert_eq!(jar.store(&url, line, now()), changed, "{line}");
    }
    assert_eq!(jar.header(&url, now()).as_deref(), Some("c=3"));
    assert_eq!(format!("{jar:?}"), "CookieJar of 1");
    let twin = jar.clone();
    twin.clear();
    assert!(jar.is_empty(), "clones share");
}

#[test]
fn sizes_and_numbers_have_bounds() {
    let jar = CookieJar::new();
    let a = url("http://a.example/");
    assert!(jar.store(&a, format!("a={}", "x".repeat(4095)), now()));
    assert!(!jar.store(&a, format!("a={}", "x".repeat(4096)), now()));
    assert_eq!(
        sent(
            "http://a.example/",
            &[&format!("a=b; Path=/{}", "x".repeat(1024))],
            "http://a.example/"
        ),
        "a=b"
    );

    for number in 0..64 {
        assert!(jar.store(&a, format!("n{number}=1"), now()));
    }
    assert_eq!(jar.len(), 64, "the oldest has gone");
    let header = jar.header(&a, now()).expect("cookies");
    assert!(header.starts_with("n0=1; "), "{}", &header[..40]);

    let jar = CookieJar::new();
    for host in 0..100 {
        let url = url(&format!("http://h{host}.example/"));
        for number in 0..40 {
            assert!(jar.store(&url, format!("n{number}=1"), now()));
        }
    }
    assert_eq!(jar.len(), 3000);
    assert_eq!(jar.header(&url("http://h0.example/"), now()), None);
    assert!(jar.header(&url("http://h99.example/"), now()).is_some());
}

#[test]
fn recently_used_cookies_stay() {
    let jar = CookieJar::new();
    let (a, b) = (url("http://a.example/a/"), url("http://a.example/b/"));
    assert!(jar.store(&a, "first=1", now()));
    for number in 0..63 {
        assert!(jar.store(&b, format!("n{number}=1"), now()));
    }
    assert_eq!(jar.header(&a, now()).as_deref(), Some("first=1"));
    assert!(jar.store(&b, "one=more", now()));
    assert_eq!(
        jar.header(&a, now()).as_deref(),
        Some("first=1"),
        "n0 went in its place"
    );
}

#[test]
fn dates() {
    for (text, seconds) in [
        ("Thu, 01 Jan 2026 00:00:00 GMT", Some(NOW)),
        ("Thursday, 01-Jan-26 00:00:00 GMT", Some(NOW)),
        ("Thu Jan  1 00:00:00 2026", Some(NOW)),
        ("Thu, 01-Jan-2026 00:00:00 GMT", Some(NOW)),
        ("1 jan 2026 0:0:0", Some(NOW)),
        ("2026 January 1st 00:00:00zzz", Some(NOW)),
        ("00:00:00 01/Jan/26", Some(NOW)),
        ("Thu, 01 Jan 1970 00:00:00 GMT", Some(0)),
        ("Mon, 01-Jan-1601 00:00:00 GMT", Some(0)),
        ("Sun, 29 Feb 2032 12:34:56 GMT", Some(1_961_670_896)),
        ("Tue, 31 Dec 2069 23:59:59", Some(3_155_759_999)),
        ("31 Dec 69 23:59:59", Some(3_155_759_999)),
        ("Wed, 31 Dec 99 23:59:59", Some(946_684_799)),
        ("29 Feb 2031 00:00:00", None),
        ("29 Feb 2100 00:00:00", None),
        ("31 Apr 2026 00:00:00", None),
        ("00 Jan 2026 00:00:00", None),
        ("01 Jan 1600 00:00:00", None),
        ("01 Jan 2026 24:00:00", None),
        ("01 Jan 2026 00:60:00", None),
        ("01 Jan 2026 00:00:60", None),
        ("01 Jan 2026 00:00", None),
        ("01 Jan 2026", None),
        ("01 Foo 2026 00:00:00", None),
        ("01 Jan 20260 00:00:00", None),
        ("", None),
        ("\u{fffd}\u{1f36a} 00:00:00", None),
    ] {
        assert_eq!(date::parse(text), seconds.map(at), "{text}");
    }
}

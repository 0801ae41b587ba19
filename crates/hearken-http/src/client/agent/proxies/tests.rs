//! Which proxy serves which host.

use super::*;

fn env(vars: &[(&str, &str)]) -> Proxies {
    Proxies::from_vars(|name| {
        let mut vars = vars.iter();
        vars.find(|(own, _)| *own == name)
            .map(|(_, value)| (*value).into())
    })
}

fn serves(proxies: &Proxies, url: &str) -> Option<String> {
    let target = TargetUri::parse(url).expect("a URL");
    let proxy = proxies.for_target(&target).expect("understood")?;
    Some(format!("{}:{}", proxy.target.host(), proxy.target.port()))
}

/// The text of the error of a request to this URL.
fn misread(proxies: &Proxies, url: &str) -> Option<String> {
    let target = TargetUri::parse(url).expect("a URL");
    proxies.for_target(&target).err().map(ToString::to_string)
}

#[test]
fn each_scheme_has_its_own_proxy_and_all_proxy_fills_the_gap() {
    let both = env(&[
        ("HTTP_PROXY", "http://a:1"),
        ("HTTPS_PROXY", "http://b:2"),
        ("ALL_PROXY", "http://c:3"),
    ]);
    assert_eq!(serves(&both, "http://x/").as_deref(), Some("a:1"));
    assert_eq!(serves(&both, "https://x/").as_deref(), Some("b:2"));
    let one = env(&[("HTTP_PROXY", "a:1"), ("ALL_PROXY", "c:3")]);
    assert_eq!(serves(&one, "https://x/").as_deref(), Some("c:3"));
    assert_eq!(serves(&env(&[]), "http://x/"), None);
}

#[test]
fn lower_case_takes_precedence_and_an_empty_value_means_none() {
    let proxies = env(&[("http_proxy", "low:1"), ("HTTP_PROXY", "high:1")]);
    assert_eq!(serves(&proxies, "http://x/").as_deref(), Some("low:1"));
    let proxies = env(&[("https_proxy", "low:1"), ("no_proxy", "x")]);
    assert_eq!(serves(&proxies, "https://x/"), None);
    assert_eq!(serves(&env(&[("HTTP_PROXY", "")]), "http://x/"), None);
}

#[test]
fn a_field_of_a_cgi_request_is_not_a_proxy() {
    let cgi = ("REQUEST_METHOD", "GET");
    let proxies = env(&[cgi, ("HTTP_PROXY", "evil:1")]);
    assert_eq!(serves(&proxies, "http://x/"), None);
    let proxies = env(&[cgi, ("http_proxy", "mine:1"), ("HTTP_PROXY", "evil:1")]);
    assert_eq!(serves(&proxies, "http://x/").as_deref(), Some("mine:1"));
    let proxies = env(&[cgi, ("HTTPS_PROXY", "mine:1")]);
    assert_eq!(serves(&proxies, "https://x/").as_deref(), Some("mine:1"));
}

#[test]
fn exceptions() {
    check_exceptions(&[
        ("*", &["http://a/", "http://[::1]/"], &[]),
        (
            "b.org",
            &["http://b.org/", "http://a.b.org/"],
            &["http://ab.org/", "http://b.org.c/"],
        ),
        (
            ".b.org",
            &["http://b.org/", "http://a.b.org/"],
            &["http://ab.org/"],
        ),
        ("*.b.org", &["http://a.b.org/"], &["http://ab.org/"]),
        ("B.ORG.", &["http://b.org/", "http://b.org./"], &[]),
        ("b.org:81", &["http://b.org:81/"], &["http://b.org/"]),
        ("b.org:80", &["http://b.org/"], &["http://b.org:81/"]),
        (
            "exämple.org",
            &["http://xn--exmple-cua.org/", "http://EXÄMPLE.org/"],
            &[],
        ),
        (
            "10.0.0.0/8",
            &["http://10.255.0.1/"],
            &["http://11.0.0.1/", "http://ten/"],
        ),
        (
            "::ffff:10.0.0.0/104",
            &["http://10.255.0.1/", "http://[::ffff:10.0.0.1]/"],
            &["http://11.0.0.1/", "http://[::1]/"],
        ),
        (
            "127.0.0.1",
            &["http://127.0.0.1/", "http://127.1/"],
            &["http://127.0.0.2/"],
        ),
        (
            "[::1]:81, fe80::/10",
            &["http://[::1]:81/", "http://[fe80::1]/"],
            &["http://[::1]/"],
        ),
        (
            "0.0.0.0/0 c",
            &["http://9.9.9.9/", "http://c/"],
            &["http://[::1]/", "http://d/"],
        ),
    ]);
}

#[test]
fn patterns_and_ranges() {
    check_exceptions(&[
        (
            "169.254/16, 10/8:81",
            &["http://169.254.7.8/", "http://10.1.1.1:81/"],
            &["http://169.255.7.8/", "http://10.1.1.1/"],
        ),
        (
            "10.*, *.b.org:81",
            &["http://10.1.2.3/", "http://a.b.org:81/"],
            &["http://110.1.2.3/", "http://a.b.org/"],
        ),
        (
            "a*c.org",
            &["http://ac.org/", "http://abbc.org/", "http://ABC.org/"],
            &["http://ab.org/", "http://c.org/", "http://ac.org.x/"],
        ),
        ("*b*", &["http://abc/", "http://b/"], &["http://ac/"]),
        (
            "10.0.0.1-10.0.0.9, ::1-::9",
            &[
                "http://10.0.0.1/",
                "http://10.0.0.9/",
                "http://[::5]/",
                "http://[::ffff:10.0.0.5]/",
            ],
            &["http://10.0.0.10/", "http://[::a]/", "http://a/"],
        ),
        ("a-b.org", &["http://a-b.org/"], &["http://a/"]),
        (
            "127.1:81",
            &["http://127.0.0.1:81/"],
            &["http://127.0.0.1/"],
        ),
    ]);
}

/// A list, URLs that it covers, and URLs that it does not.
type Case<'a> = (&'a str, &'a [&'a str], &'a [&'a str]);

fn check_exceptions(cases: &[Case<'_>]) {
    for &(list, direct, proxied) in cases {
        let proxies = Proxies::none().http("p:1").expect("a proxy");
        let proxies = proxies.except(list).expect(list);
        for url in direct {
            assert_eq!(serves(&proxies, url), None, "{list:?} covers {url}");
        }
        for url in proxied {
            assert!(
                serves(&proxies, url).is_some(),
                "{list:?} does not cover {url}"
            );
        }
    }
}

/// An entry that is not understood may be meant for any host.
#[test]
fn an_exception_that_is_not_understood_fails_the_request() {
    for entry in [
        "10.0.0.0/33",
        "::/129",
        "a:b",
        "a:99999",
        "x/8",
        "10.0.0.0/8:x",
        "http://b.org",
        "b.org/path",
        "<local>",
        "b.org;c.org",
        "b.org|c.org",
        "b.org#x",
        "10.0.0.9-10.0.0.1",
        "10.0.0.1-::1",
        ".",
        "*.",
        "a..b",
        "[::1",
        "256.1.1.1",
        "a/*",
    ] {
        let error = Proxies::none().except(entry).expect_err(entry).to_string();
        assert!(error.contains(&format!("{entry:?}")), "{error}");
        let list = format!("c.org,{entry} d.org");
        let proxies = env(&[("HTTP_PROXY", "p:1"), ("no_proxy", &list)]);
        let error = misread(&proxies, "http://x/").expect(entry);
        assert!(
            error.contains("no_proxy") && error.contains(&format!("{entry:?}")),
            "{error}"
        );
        // It does not matter where another entry covers the host, or there is no proxy.
        assert_eq!(serves(&proxies, "http://c.org/"), None);
        assert_eq!(serves(&proxies, "http://d.org/"), None);
        assert_eq!(serves(&proxies, "https://x/"), None);
    }
    for empty in ["", " , ", "\n"] {
        assert!(
            Proxies::none()
                .except(empty)
                .expect("nothing")
                .except
                .is_empty()
        );
    }
}

#[test]
fn a_proxy_that_is_not_understood_fails_the_request() {
    for (value, shown) in [
        ("socks4://127.0.0.1:1", "socks4://127.0.0.1:1"),
        ("socks4a://p:1", "socks4a://p:1"),
        ("socks://p:1", "socks://p:1"),
        ("ftp://p:1", "ftp://p:1"),
        ("file:///etc/passwd", "file:///etc/passwd"),
        ("http://", "http://"),
        ("http://p:99999", "http://p:99999"),
        ("http://p:x", "http://p:x"),
        ("http://p:0", "http://p:0"),
        ("http://[::1", "http://[::1"),
        ("not a URL", "not a URL"),
        ("p:port", "p:port"),
        (":3128", ":3128"),
        ("http:/p:1", "http:/p:1"),
        ("http://p:1/proxy.pac", "http://p:1/proxy.pac"),
        ("http://p:1?x", "http://p:1?x"),
        ("socks4://us:secret@p:1", "socks4://…@p:1"),
        ("http://us:sec/ret@p:1", "http://…@p:1"),
        ("us:secret@p:x", "…@p:x"),
        ("socks5://:secret@p:1", "socks5://…@p:1"),
    ] {
        for (variable, url) in [
            ("http_proxy", "http://x/"),
            ("HTTP_PROXY", "http://x/"),
            ("https_proxy", "https://x/"),
            ("HTTPS_PROXY", "https://x/"),
            ("all_proxy", "http://x/"),
            ("ALL_PROXY", "https://x/"),
        ] {
            let proxies = env(&[(variable, value), ("no_proxy", "direct")]);
            let error = misread(&proxies, url).expect(value);
            assert!(
                error.starts_with(&format!("the variable {variable} has {shown:?}: expected")),
                "{error}"
            );
            assert!(
                !error.contains("secret") && !error.contains("sec/ret"),
                "{error}"
            );
            assert_eq!(
                serves(&proxies, &url.replace('x', "direct")),
                None,
                "{value}"
            );
            assert!(!format!("{proxies:?}").contains("secret"), "{proxies:?}");
        }
        let error = Proxies::none().http(value).expect_err(value).to_string();
        assert!(
            error.contains(&format!("{shown:?}")) && !error.contains("secret"),
            "{error}"
        );
    }
    let long = format!("socks5://u:{}@p:1", "x".repeat(256));
    assert!(
        Proxies::all(&long)
            .expect_err("too long")
            .to_string()
            .contains("255 bytes")
    );
}

#[cfg(unix)]
#[test]
fn a_value_that_is_no_text_is_not_understood() {
    use std::os::unix::ffi::OsStringExt;
    let proxies = Proxies::from_vars(|name| {
        (name == "http_proxy").then(|| OsString::from_vec(b"http://p\xff:1".to_vec()))
    });
    let error = misread(&proxies, "http://x/").expect("no text");
    assert!(
        error.contains("http_proxy") && error.contains("not UTF-8"),
        "{error}"
    );
}

#[test]
fn kinds_and_ports() {
    for (url, at, shown) in [
        ("p", "p:80", "http://p/"),
        ("p:3128", "p:3128", "http://p:3128/"),
        (" http://p:3128/ ", "p:3128", "http://p:3128/"),
        ("https://p", "p:443", "https://p/"),
        ("HTTP://p", "p:80", "http://p/"),
        ("socks5://p", "p:1080", "socks5://p:1080"),
        ("socks5h://p", "p:1080", "socks5h://p:1080"),
        ("SOCKS5://p:80", "p:80", "socks5://p:80"),
        ("socks5://p:443", "p:443", "socks5://p:443"),
        ("socks5://u:p@[::1]:9", "::1:9", "socks5://[::1]:9"),
    ] {
        let proxies = Proxies::all(url).expect(url);
        for target in ["http://x/", "https://x/"] {
            assert_eq!(serves(&proxies, target).as_deref(), Some(at), "{url}");
        }
        assert!(format!("{proxies:?}").contains(shown), "{proxies:?}");
    }
}

/// Another host may have the same address in its own zone.
#[test]
fn an_address_with_a_zone_has_no_proxy() {
    let proxies = Proxies::all("p:1").expect("a proxy");
    assert_eq!(serves(&proxies, "http://[fe80::1%25eth0]/"), None);
    assert!(serves(&proxies, "http://[fe80::1]/").is_some());
}

#[test]
fn credentials_are_sent_to_the_proxy_and_never_shown() {
    let target = TargetUri::parse("http://x/").expect("a URL");
    let proxies = Proxies::all("http://us%65r:p%40ss@p:1").expect("a proxy");
    let proxy = proxies.for_target(&target).expect("understood");
    let ProxyKind::Http(auth) = &proxy.expect("a proxy").kind else {
        panic!("a proxy for HTTP");
    };
    assert_eq!(auth.as_deref(), Some("Basic dXNlcjpwQHNz"));
    assert!(!format!("{proxies:?}").contains("p%40ss"));
    let proxies = Proxies::all("socks5h://us%65r:p%40ss@p:1").expect("a proxy");
    let proxy = proxies.for_target(&target).expect("understood");
    let ProxyKind::Socks(socks) = &proxy.expect("a proxy").kind else {
        panic!("a proxy by SOCKS5");
    };
    assert!(socks.resolves);
    let login = socks.login.as_ref().expect("user and password");
    assert_eq!((&*login.0, &*login.1), (&b"user"[..], &b"p@ss"[..]));
    assert!(!format!("{proxies:?}").contains("p%40ss"));
}

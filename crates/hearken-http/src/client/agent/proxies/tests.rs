//! Which proxy serves which host.

use super::*;

fn env(vars: &[(&str, &str)]) -> Proxies {
    Proxies::from_vars(|name| {
        let mut vars = vars.iter();
        vars.find(|(own, _)| *own == name)
            .map(|(_, value)| (*value).to_owned())
    })
}

fn serves(proxies: &Proxies, url: &str) -> Option<String> {
    let target = TargetUri::parse(url).expect("a URL");
    let proxy = proxies.for_target(&target)?;
    Some(format!("{}:{}", proxy.target.host(), proxy.target.port()))
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
    let cases: [(&str, &[&str], &[&str]); 13] = [
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
    ];
    for (list, direct, proxied) in cases {
        let proxies = Proxies::none().http("p:1").expect("a proxy").except(list);
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

#[test]
fn an_invalid_exception_is_ignored() {
    for text in [
        "",
        " , ",
        "10.0.0.0/33",
        "::/129",
        "a:b",
        "x/8",
        "10.0.0.0/8:x",
    ] {
        assert!(Proxies::none().except(text).except.is_empty(), "{text:?}");
    }
}

#[test]
fn credentials_are_sent_to_the_proxy_and_never_shown() {
    let proxies = Proxies::none()
        .http("http://us%65r:p%40ss@p:1")
        .expect("a proxy");
    let target = TargetUri::parse("http://x/").expect("a URL");
    let proxy = proxies.for_target(&target).expect("a proxy");
    assert_eq!(proxy.auth.as_deref(), Some("Basic dXNlcjpwQHNz"));
    assert!(!format!("{proxies:?}").contains("p%40ss"));
    let error = Proxies::none().https("socks5://u:secret@p:1").unwrap_err();
    assert!(!error.to_string().contains("secret"), "{error}");
    assert!(env(&[("ALL_PROXY", "socks5://p:1")]).http.is_none());
}

//! Texts in, URLs or errors out.

use super::*;

#[test]
fn urls_are_read_as_browsers_read_them() {
    for (text, url) in [
        ("http://a", "http://a/"),
        ("HTTPS://EXAMPLE.com:443/x?y#z", "https://example.com/x?y#z"),
        ("http://a/b/../c", "http://a/c"),
        ("  http://a/ä  ", "http://a/%C3%A4"),
        ("http://münchen.example/", "http://xn--mnchen-3ya.example/"),
        ("http://[::1]:80/", "http://[::1]/"),
        ("http://u:p@a/", "http://u:p@a/"),
    ] {
        assert_eq!(
            text.to_url().map(String::from).as_deref(),
            Ok(url),
            "{text}"
        );
    }
}

#[test]
fn errors_say_what_was_expected() {
    for (text, why) in [
        ("", "no scheme"),
        ("example.com/a", "no scheme"),
        ("localhost:3000", "no scheme"),
        ("127.0.0.1:3000/a", "no scheme"),
        ("/path", "no scheme"),
        ("//example.com", "no scheme"),
        ("ftp://a/", "its scheme is ftp"),
        ("file:///etc/passwd", "its scheme is file"),
        ("data:text/plain,x", "its scheme is data"),
        ("http://", "empty host"),
        ("http://a:65536/", "invalid port"),
        ("http://a b/", "invalid"),
        ("http://[::1/", "invalid IPv6"),
    ] {
        let error = parse(text).expect_err(text).to_string();
        assert!(error.contains("expected a URL"), "{error}");
        assert!(error.contains(why), "{text}: {error}");
    }
}

#[test]
fn a_long_text_is_not_repeated_whole() {
    let error = parse(&"x".repeat(10_000)).expect_err("no URL");
    assert!(error.to_string().len() < 300);
}

#[test]
fn other_types() {
    let uri: http::Uri = "http://a/b".parse().expect("a URI");
    assert_eq!(uri.to_url().map(String::from).as_deref(), Ok("http://a/b"));
    let relative: http::Uri = "/b".parse().expect("a URI");
    assert!(relative.to_url().is_err());
    let url = Url::parse("ws://a/").expect("a URL");
    assert!(url.to_url().is_err());
}

#[test]
fn a_password_is_not_repeated() {
    for text in [
        "http://u:secret@h:99999/",
        "http:/u:secret@h:99999",
        "http:\\\\u:secret@h:99999",
        "u:secret@h:1/",
        "ftp://u:secret@h/",
        "//u:secret@h/a",
        "http://secret@h:99999/@x",
    ] {
        let error = parse(text).expect_err(text).to_string();
        assert!(!error.contains("secret"), "{error}");
        assert!(error.contains("…@h"), "{error}");
    }
    let error = parse("ftp://h/@x").expect_err("ftp").to_string();
    assert!(error.contains("ftp://h/@x"), "{error}");
}

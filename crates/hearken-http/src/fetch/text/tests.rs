//! Bytes and a `Content-Type` in, text out.

use super::*;

#[test]
fn charsets_are_found() {
    for (content_type, expected) in [
        ("text/html", None),
        ("text/html;", None),
        ("text/html; charset=utf-8", Some("utf-8")),
        ("text/html;charset=UTF-8", Some("UTF-8")),
        ("text/html; Charset = latin1 ; x=y", Some("latin1")),
        ("text/html; charset=\"utf-8\"", Some("utf-8")),
        ("text/html; charset=\"u\\tf-8\"", Some("utf-8")),
        ("text/html; x=\"; charset=a\"; charset=b", Some("b")),
        ("text/html; x=\"\\\"; charset=a\"; charset=b", Some("b")),
        ("text/html; x; charset=b", Some("b")),
        ("text/html; charset=a; charset=b", Some("a")),
        ("text/html; notcharset=a", None),
    ] {
        assert_eq!(charset(content_type).as_deref(), expected, "{content_type}");
    }
}

#[test]
fn text_is_utf_8_by_default() {
    for (bytes, content_type, text) in [
        (&b"h\xc3\xa4"[..], None, "hä"),
        (b"h\xc3\xa4", Some("text/plain"), "hä"),
        (b"h\xc3\xa4", Some("text/plain; charset=utf8"), "hä"),
        (b"\xef\xbb\xbfh", None, "h"),
        (b"h\xff", None, "h\u{fffd}"),
        (b"", None, ""),
    ] {
        assert_eq!(decode(bytes, content_type).as_deref(), Ok(text));
    }
}

#[test]
fn the_error_names_an_unknown_charset() {
    let error = decode(b"x", Some("text/plain; charset=klingon")).expect_err("unknown");
    assert!(error.to_string().contains("\"klingon\""), "{error}");
}

#[cfg(feature = "charset")]
#[test]
fn other_charsets() {
    for (bytes, charset, text) in [
        (&b"h\xe4"[..], "iso-8859-1", "hä"),
        (b"\x80", "windows-1252", "€"),
        (b"h\0\xe4\0", "utf-16le", "hä"),
        (b"\x83\x6e", "Shift_JIS", "ハ"),
        (b"\xef\xbb\xbfh\xc3\xa4", "iso-8859-1", "hä"),
    ] {
        let content_type = format!("text/plain; charset={charset}");
        assert_eq!(
            decode(bytes, Some(&content_type)).as_deref(),
            Ok(text),
            "{charset}"
        );
    }
}

#[cfg(not(feature = "charset"))]
#[test]
fn other_charsets_need_the_feature() {
    let error = decode(b"h\xe4", Some("text/plain; charset=latin1")).expect_err("unknown");
    assert!(error.to_string().contains("feature `charset`"), "{error}");
}

//! Bytes and values of `Content-Type` in, text out.

use super::*;

fn charset_of(content_types: &[&str]) -> Option<String> {
    charset(content_types.iter().map(|text| text.as_bytes()))
}

#[test]
fn charsets_are_found() {
    for (content_type, expected) in [
        ("text/html", None),
        ("text/html;", None),
        ("text/html; charset=utf-8", Some("utf-8")),
        ("text/html;charset=UTF-8", Some("UTF-8")),
        ("text/html; Charset = latin1 ; x=y", Some("latin1")),
        ("text/html; charset=\"utf-8\"", Some("utf-8")),
        ("text/html; charset='utf-8'", Some("utf-8")),
        ("text/html; charset=\"'utf-8'\"", Some("utf-8")),
        ("text/html; charset=' utf-8 '", Some("utf-8")),
        ("text/html; charset=\"utf-8", Some("utf-8")),
        ("text/html; charset='utf-8", Some("utf-8")),
        ("text/html; charset=\"utf-8\" and more", Some("utf-8")),
        ("text/html; charset=\" utf-8 \"", Some("utf-8")),
        ("text/html; charset=\"u\\tf-8\"", Some("utf-8")),
        ("text/html; x=\"; charset=a\"; charset=b", Some("b")),
        ("text/html; x=\"\\\"; charset=a\"; charset=b", Some("b")),
        ("text/html; x; charset=b", Some("b")),
        ("text/html; charset=a; charset=b", Some("a")),
        ("text/html; charset=; charset=b", Some("b")),
        ("text/html; notcharset=a", None),
        ("text/html, text/html; charset=a", Some("a")),
        ("charset=a", None),
        ("html; charset=a", None),
        ("*/*; charset=a", None),
        ("text/html; name=\u{e4}; charset=a", Some("a")),
    ] {
        assert_eq!(
            charset_of(&[content_type]).as_deref(),
            expected,
            "{content_type}"
        );
    }
}

/// The examples of the Fetch Standard.
#[test]
fn several_content_types_are_combined() {
    for (content_types, expected) in [
        (&["text/plain;charset=gbk, text/html"][..], None),
        (&["text/html;charset=gbk;a=b, text/html;x=y"], Some("gbk")),
        (&["text/html;charset=gbk;a=b", "text/html;x=y"], Some("gbk")),
        (&["text/html;charset=gbk", "x/x", "text/html;x=y"], None),
        (&["text/html;charset=gbk", "*/*", "nonsense"], Some("gbk")),
        (&["text/html", "", "text/html;charset=gbk"], Some("gbk")),
    ] {
        assert_eq!(
            charset_of(content_types).as_deref(),
            expected,
            "{content_types:?}"
        );
    }
}

fn decoded(bytes: &[u8], content_type: Option<&str>) -> Result<String, CharsetError> {
    decode(bytes, content_type.map(str::as_bytes).into_iter())
}

#[test]
fn text_is_utf_8_by_default() {
    for (bytes, content_type, text) in [
        (&b"h\xc3\xa4"[..], None, "hä"),
        (b"h\xc3\xa4", Some("text/plain"), "hä"),
        (b"h\xc3\xa4", Some("text/plain; charset=utf8"), "hä"),
        (b"h\xc3\xa4", Some("text/plain; charset='utf-8'"), "hä"),
        (b"\xef\xbb\xbfh", None, "h"),
        (
            b"\xff\xfeh\0\xe4\0",
            Some("text/plain; charset=utf-8"),
            "hä",
        ),
        (b"\xfe\xff\0h\0\xe4", None, "hä"),
        (b"h\xff", None, "h\u{fffd}"),
        (b"", None, ""),
        (b"", Some("text/plain; charset=klingon"), ""),
        (b"plain", Some("text/plain; charset=klingon"), "plain"),
    ] {
        assert_eq!(
            decoded(bytes, content_type).as_deref(),
            Ok(text),
            "{content_type:?}"
        );
    }
}

#[cfg(feature = "charset")]
#[test]
fn other_charsets() {
    for (bytes, charset, text) in [
        (&b"h\xe4"[..], "iso-8859-1", "hä"),
        (b"h\xe4", "'ISO-8859-1'", "hä"),
        (b"h\xe4", "\" latin1 \"", "hä"),
        (b"\x80", "windows-1252", "€"),
        (b"h\0\xe4\0", "utf-16le", "hä"),
        (b"\xff\xfeh\0", "utf-16be", "h"),
        (b"h\0\xe4\0", "utf-16", "hä"),
        (b"\x83\x6e", "Shift_JIS", "ハ"),
        (b"\xef\xbb\xbfh\xc3\xa4", "iso-8859-1", "hä"),
        (b"h\xc3\xa4\xff", "klingon", "hä\u{fffd}"),
    ] {
        let content_type = format!("text/plain; charset={charset}");
        assert_eq!(
            decoded(bytes, Some(&content_type)).as_deref(),
            Ok(text),
            "{charset}"
        );
    }
}

#[cfg(not(feature = "charset"))]
#[test]
fn other_charsets_need_the_feature() {
    let error = decoded(b"h\xe4", Some("text/plain; charset=latin1")).expect_err("unknown");
    assert!(error.to_string().contains("feature `charset`"), "{error}");
    assert!(error.to_string().contains("\"latin1\""), "{error}");
}

//! Tables for RFC 6265 §4.

use super::*;
use hearken_proto::Fields;
use std::time::{Duration, SystemTime};

fn read(lines: &[&[u8]], check: impl Fn(Cookies<'_>)) {
    let mut fields = Fields::new();
    for line in lines {
        fields.append("Cookie", line).unwrap();
    }
    check(Cookies {
        fields: fields.view(),
    });
}

#[test]
fn cookies_are_read_without_interpretation() {
    let lines: [&[u8]; 3] = [
        b"a=1; b=\"x y\";c = 3 ;=nameless; nothing; d=e=f; a=2",
        b"A=upper; $Version=1; \xff=1; empty=",
        b"",
    ];
    read(&lines, |cookies| {
        let all: Vec<_> = cookies.iter().collect();
        assert_eq!(
            all,
            [
                ("a", "1"),
                ("b", "\"x y\""),
                ("c", "3"),
                ("d", "e=f"),
                ("a", "2"),
                ("A", "upper"),
                ("$Version", "1"),
                ("empty", ""),
            ]
        );
        assert_eq!(cookies.get("a"), Some("1"), "the first one counts");
        assert_eq!(cookies.get("missing"), None);
        assert_eq!(cookies.get(""), None);
    });
}

#[test]
fn only_spaces_and_tabs_are_trimmed() {
    read(&["\u{a0}__Host-a=1; \t__Host-b=2".as_bytes()], |cookies| {
        assert_eq!(cookies.get("__Host-a"), None);
        assert_eq!(cookies.get("__Host-b"), Some("2"));
    });
}

#[test]
fn any_text_travels_encoded() {
    for text in ["", "a b", "é;\"\\,%41", "{\"cart\": [1, 2]}", "\r\n\0"] {
        let field = Cookie::encoded("x", text).to_field().unwrap();
        let (pair, _) = field.split_once(';').unwrap();
        read(&[pair.as_bytes()], |cookies| {
            assert_eq!(cookies.get_decoded("x").as_deref(), Some(text));
        });
    }
    read(&[b"x=%ff"], |cookies| {
        assert_eq!(cookies.get_decoded("x"), None)
    });
}

#[test]
fn a_cookie_is_safe_by_default() {
    let field = |cookie: Cookie| cookie.to_field().unwrap();
    let rest = "; Path=/; HttpOnly; SameSite=Lax";
    assert_eq!(field(Cookie::new("a", "1")), format!("a=1{rest}"));
    let https = Cookie::new("a", "1").field(true).unwrap();
    assert_eq!(https, "a=1; Path=/; HttpOnly; Secure; SameSite=Lax");
    let bare = Cookie::new("a", "1")
        .path(None)
        .same_site(None)
        .http_only(false);
    assert_eq!(field(bare), "a=1");
    let none = Cookie::new("a", "1").same_site(SameSite::None);
    assert_eq!(field(none), "a=1; Path=/; HttpOnly; Secure; SameSite=None");
    let own = Cookie::new("__Host-a", "1")
        .partitioned(true)
        .priority("High");
    assert_eq!(
        field(own),
        "__Host-a=1; Path=/; HttpOnly; Secure; SameSite=Lax; Partitioned; Priority=High"
    );
    let gone = Cookie::new("a", "1").removal();
    assert_eq!(
        field(gone),
        "a=; Path=/; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT; HttpOnly; SameSite=Lax"
    );
}

#[test]
fn every_time_is_an_expiry() {
    let epoch = SystemTime::UNIX_EPOCH;
    for time in [
        epoch.checked_sub(Duration::from_secs(u64::from(u32::MAX) * 100)),
        epoch.checked_add(Duration::from_secs(i64::MAX as u64)),
        Some(epoch - Duration::from_millis(1)),
    ]
    .into_iter()
    .flatten()
    {
        let field = Cookie::new("a", "1").expires(time).to_field().unwrap();
        assert!(
            field.contains("; Expires=") && field.contains(" GMT"),
            "{field}"
        );
    }
    let endless = Cookie::new("a", "1")
        .max_age(Duration::MAX)
        .to_field()
        .unwrap();
    assert!(
        endless.contains("; Max-Age=9223372036854775807;"),
        "{endless}"
    );
}

#[test]
fn what_a_cookie_cannot_carry_is_refused() {
    for (name, value) in [
        ("", "1"),
        ("a b", "1"),
        ("a=b", "1"),
        ("é", "1"),
        ("a", "1 2"),
        ("a", "1;2"),
        ("a", "1,2"),
        ("a", "\"1\""),
        ("a", "é"),
        ("a", "1\r\nSet-Cookie: b=2"),
    ] {
        assert!(
            Cookie::new(name, value).to_field().is_err(),
            "{name}={value}"
        );
    }
    let a = || Cookie::new("a", "1");
    assert!(Cookie::new("a", "x".repeat(4096)).to_field().is_err());
    assert!(a().path("/;x").to_field().is_err());
    assert!(a().path_owned("/\r\n".into()).to_field().is_err());
    assert!(a().domain("a\0").to_field().is_err());
    assert!(
        a().same_site(SameSite::None)
            .secure(false)
            .to_field()
            .is_err()
    );
    let host = || Cookie::new("__host-a", "1");
    assert!(host().to_field().is_ok());
    assert!(host().path("/x").to_field().is_err());
    assert!(host().path(None).to_field().is_err());
    assert!(host().domain("a.example").to_field().is_err());
}

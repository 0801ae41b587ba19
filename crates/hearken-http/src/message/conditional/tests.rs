//! Tables for RFC 9110 §8.8.3 and §13.

use super::*;
use hearken_proto::Fields;

const NOW: HttpDate = HttpDate::from_unix_seconds(1_795_000_000);
/// Sun, 06 Nov 1994 08:49:37 GMT
const CHANGED: HttpDate = HttpDate::from_unix_seconds(784_111_777);

fn tag(text: &str) -> EntityTag {
    EntityTag::parse(text).unwrap_or_else(|| panic!("{text}"))
}

#[test]
fn entity_tags_are_compared_by_the_table_of_the_standard() {
    // RFC 9110 §8.8.3.2.
    for (one, other, strong, weak) in [
        ("W/\"1\"", "W/\"1\"", false, true),
        ("W/\"1\"", "W/\"2\"", false, false),
        ("W/\"1\"", "\"1\"", false, true),
        ("\"1\"", "\"1\"", true, true),
        ("\"1\"", "\"2\"", false, false),
    ] {
        let (one, other) = (tag(one), tag(other));
        assert_eq!(one.strong_eq(&other), strong, "{one} {other}");
        assert_eq!(other.strong_eq(&one), strong, "{one} {other}");
        assert_eq!(one.weak_eq(&other), weak, "{one} {other}");
        assert_eq!(other.weak_eq(&one), weak, "{one} {other}");
    }
}

#[test]
fn entity_tags_are_parsed_strictly() {
    for legal in [
        &b"\"\""[..],
        b"\"a,b\"",
        b"W/\"x\"",
        b"\"\xff\"",
        b" \"x\"\t",
    ] {
        assert!(EntityTag::parse(legal).is_some(), "{legal:?}");
    }
    for other in [
        &b""[..],
        b"x",
        b"*",
        b"\"x",
        b"x\"",
        b"\"a b\"",
        b"w/\"x\"",
        b"W/x",
        b"W/ \"x\"",
        b"\"x\", \"y\"",
        b"\"x\"y",
    ] {
        assert_eq!(EntityTag::parse(other), None, "{other:?}");
    }
    assert!(EntityTag::strong("a\"b").is_err());
    assert!(EntityTag::weak("a b").is_err());
    assert!(EntityTag::strong("a\r\nb").is_err());
    assert_eq!(tag("\"1\"").weakened(), tag("W/\"1\""));
    assert_eq!(tag("W/\"1\"").weakened(), tag("W/\"1\""));
    assert_eq!(EntityTag::of_content("a"), EntityTag::of_content(b"a"));
    assert_ne!(EntityTag::of_content("a"), EntityTag::of_content("b"));
}

#[test]
fn lists_of_entity_tags_may_have_commas_and_junk() {
    for (list, tags) in [
        ("\"a\"", &["\"a\""][..]),
        ("\"a\", W/\"b\",\"c\"", &["\"a\"", "W/\"b\"", "\"c\""]),
        (" ,, \"a\" ,\t\"b\",", &["\"a\"", "\"b\""]),
        ("\"a,b\", \"c\"", &["\"a,b\"", "\"c\""]),
        ("a, \"b\"", &["\"b\""]),
        ("\"a\"x, \"b\"", &["\"b\""]),
        ("\"a, \"b\"", &["\"b\""]),
        ("", &[]),
        (",", &[]),
    ] {
        let found: Vec<_> = entity_tag::list(list.as_bytes()).collect();
        let tags: Vec<_> = tags.iter().map(|text| tag(text)).collect();
        assert_eq!(found, tags, "{list}");
    }
}

fn stated(method: &str, lines: &[(&str, &str)]) -> Stated {
    let mut fields = Fields::new();
    for (name, value) in lines {
        fields.append(name, value).unwrap();
    }
    let fields = fields.view();
    let date = |name| {
        fields
            .get(name)
            .and_then(|value| HttpDate::parse(value, NOW))
    };
    Stated {
        is_get: method == "GET",
        is_head: method == "HEAD",
        if_match: joined(fields, "if-match"),
        if_none_match: joined(fields, "if-none-match"),
        if_modified_since: date("if-modified-since"),
        if_unmodified_since: date("if-unmodified-since"),
        if_range: joined(fields, "if-range"),
    }
}

fn current() -> Validators {
    Validators::new().etag(tag("\"v1\"")).modified(CHANGED)
}

#[test]
fn if_range_needs_a_strong_validator() {
    let holds = |field: &str, current: &Validators, now| {
        matches!(
            stated("GET", &[("If-Range", field)]).check(current, now),
            Precondition::Met { range: true }
        )
    };
    let of = |field| holds(field, &current(), NOW);
    assert!(of("\"v1\"") && of(" \"v1\" "));
    assert!(!of("\"v2\"") && !of("v1") && !of("*") && !of(""));
    assert!(!of("W/\"v1\""), "a weak tag promises no equal bytes");
    assert!(of("Sun, 06 Nov 1994 08:49:37 GMT"));
    assert!(of("Sunday, 06-Nov-94 08:49:37 GMT"));
    assert!(
        !of("Sun, 06 Nov 1994 08:49:38 GMT"),
        "a later date is no match"
    );
    assert!(!of("\"v1\", \"v1\""), "it is no list");
    let at_once = holds("Sun, 06 Nov 1994 08:49:37 GMT", &current(), CHANGED);
    assert!(!at_once, "it may change within this second again");
    let second_later = HttpDate::from_unix_seconds(784_111_778);
    assert!(holds(
        "Sun, 06 Nov 1994 08:49:37 GMT",
        &current(),
        second_later
    ));
    let weak = Validators::new().etag(tag("W/\"v1\""));
    assert!(!holds("W/\"v1\"", &weak, NOW), "not even its own weak tag");
    assert!(!holds("\"v1\"", &Validators::new(), NOW));
    assert!(!holds(
        "Sun, 06 Nov 1994 08:49:37 GMT",
        &Validators::new(),
        NOW
    ));
}

#[test]
fn a_missing_representation_meets_if_none_match_alone() {
    let missing = Validators::missing();
    let check = |line| stated("PUT", &[line]).check(&missing, NOW);
    assert!(check(("If-None-Match", "*")).is_met());
    assert!(check(("If-None-Match", "\"v1\"")).is_met());
    assert!(!check(("If-Match", "*")).is_met());
    assert!(!check(("If-Match", "\"v1\"")).is_met());
    assert!(check(("If-Unmodified-Since", "Sun, 06 Nov 1994 08:49:37 GMT")).is_met());
}

#[test]
fn a_last_change_in_the_future_is_the_time_of_the_response() {
    let future = Validators::new().modified(HttpDate::MAX);
    assert_eq!(future.modified_by(NOW), Some(NOW));
    let since = |date: HttpDate| stated("GET", &[("If-Modified-Since", &date.to_string())]);
    let old = HttpDate::from_unix_seconds(NOW.unix_seconds() - 1);
    assert!(since(old).check(&future, NOW).is_met());
    assert!(!since(NOW).check(&future, NOW).is_met());
}

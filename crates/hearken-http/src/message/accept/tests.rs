//! Tables for RFC 9110 §12.5, with the examples of the standard.

use super::*;

fn one(field: &str) -> impl Iterator<Item = &[u8]> {
    std::iter::once(field.as_bytes())
}

fn media<'a>(field: &str, offers: &[&'a str]) -> Option<&'a str> {
    best(items(one(field)), offers, media_type_match)
}

fn language<'a>(field: &str, offers: &[&'a str]) -> Option<&'a str> {
    best(items(one(field)), offers, language_match)
}

fn charset<'a>(field: &str, offers: &[&'a str]) -> Option<&'a str> {
    best(items(one(field)), offers, charset_match)
}

fn coding<'a>(field: &str, offers: &[&'a str]) -> Option<&'a str> {
    best_coding(one(field), offers)
}

#[test]
fn media_types_are_chosen_by_weight_specificity_and_order() {
    let (html, json) = ("text/html", "application/json");
    for (field, offers, expected) in [
        ("*/*", &[html, json][..], Some(html)),
        ("*/*", &[json, html], Some(json)),
        ("application/json", &[html, json], Some(json)),
        ("text/*", &[json, html], Some(html)),
        ("TEXT/HTML", &[json, html], Some(html)),
        (
            "text/html;q=0.5, application/json",
            &[html, json],
            Some(json),
        ),
        ("text/html;q=0.5, */*;q=0.6", &[html, json], Some(json)),
        ("*/*, application/json", &[html, json], Some(json)),
        ("application/json, text/html", &[html, json], Some(json)),
        ("text/html, application/json", &[json, html], Some(html)),
        ("text/html;q=0", &[html], None),
        ("*/*, text/html;q=0", &[html, json], Some(json)),
        ("text/*;q=0, text/html", &[html], Some(html)),
        ("image/png", &[html, json], None),
        ("", &[html], Some(html)), // asks for nothing in particular
        (",;,", &[html], None),
        (
            "text/html ; q=0.1 , application/json ;Q=0.2",
            &[html, json],
            Some(json),
        ),
        // A malformed weight makes no member.
        (
            "text/html;q=2, application/json;q=0.1",
            &[html, json],
            Some(json),
        ),
        (
            "text/html;q=0.1234, application/json;q=0.1",
            &[html, json],
            Some(json),
        ),
        ("text/html;q=-1", &[html], None),
        // A comma and a semicolon in a quoted parameter.
        (
            "text/html;a=\"x,y;q=0\", application/json;q=0.1",
            &[html, json],
            Some(json),
        ),
        (
            "text/html, application/xhtml+xml, */*;q=0.8",
            &["json", "html"],
            Some("html"),
        ),
        (
            "application/json;ext=1;q=0.5;x=y",
            &["application/json;ext=1"],
            Some("application/json;ext=1"),
        ),
    ] {
        assert_eq!(media(field, offers), expected, "{field} of {offers:?}");
    }
    assert_eq!(
        best(items(std::iter::empty()), &[json, html], media_type_match),
        Some(json)
    );
    assert_eq!(best(None, &[], media_type_match), None);
}

#[test]
fn the_most_specific_range_gives_the_weight() {
    // RFC 9110 §12.5.1, the table below its last example.
    let field = "text/*;q=0.3, text/plain;q=0.7, text/plain;format=flowed, \
                 text/plain;format=fixed;q=0.4, */*;q=0.5";
    let order = [
        "text/plain;format=flowed", // 1
        "text/plain",               // 0.7
        "image/jpeg",               // 0.5
        "text/plain;format=fixed",  // 0.4
        "text/html",                // 0.3
    ];
    for (at, better) in order.iter().enumerate() {
        for worse in &order[at + 1..] {
            assert_eq!(media(field, &[worse, better]), Some(*better));
            assert_eq!(media(field, &[better, worse]), Some(*better));
        }
    }
}

#[test]
fn codings_are_chosen_by_weight_and_by_the_order_of_offers() {
    let all = ["zstd", "br", "gzip", "deflate", "identity"];
    for (field, expected) in [
        ("gzip, deflate, br, zstd", Some("zstd")),
        ("gzip, deflate, br", Some("br")),
        ("gzip", Some("gzip")),
        ("GZIP", Some("gzip")),
        ("x-gzip", Some("gzip")),
        ("deflate", Some("deflate")),
        ("*", Some("zstd")),
        ("*;q=0.5, gzip;q=0.8", Some("gzip")),
        ("gzip;q=0.001", Some("gzip")),
        ("gzip;q=0.5, identity;q=0.6", Some("identity")),
        ("gzip;q=0", Some("identity")),
        ("", Some("identity")),
        ("compress", Some("identity")),
        ("identity;q=0", None),
        ("*;q=0", None),
        ("*;q=0, identity", Some("identity")),
        ("identity;q=0, gzip;q=0.1", Some("gzip")),
        ("gzip;q=1.000;x=1", Some("gzip")),
    ] {
        assert_eq!(coding(field, &all), expected, "{field}");
    }
    assert_eq!(best_coding(std::iter::empty(), &all), Some("identity"));
    assert_eq!(best_coding(std::iter::empty(), &["gzip"]), Some("gzip"));
    let lines = [&b"gzip;q=0.5"[..], b"br"];
    assert_eq!(best_coding(lines.into_iter(), &all), Some("br"));
}

#[test]
fn languages_match_by_prefix_in_both_directions() {
    for (field, offers, expected) in [
        ("de", &["en", "de"][..], Some("de")),
        ("DE-at", &["en", "de-AT"], Some("de-AT")),
        ("en", &["de", "en-GB"], Some("en-GB")),
        ("en-GB", &["de", "en"], Some("en")),
        ("en-GB, en-US;q=0.9", &["en-US", "en-GB"], Some("en-GB")),
        ("en-GB", &["en", "en-GB"], Some("en-GB")),
        ("da, en-gb;q=0.8, en;q=0.7", &["en", "da"], Some("da")),
        (
            "da, en-gb;q=0.8, en;q=0.7",
            &["en-US", "en-GB"],
            Some("en-GB"),
        ),
        ("*", &["en", "de"], Some("en")),
        ("de, *;q=0.1", &["en", "fr"], Some("en")),
        ("en;q=0, *", &["en", "de"], Some("de")),
        ("fr", &["en", "de"], None),
        ("e", &["en"], None),
        ("eng", &["en"], None),
        ("é", &["en"], None),
    ] {
        assert_eq!(language(field, offers), expected, "{field} of {offers:?}");
    }
}

#[test]
fn long_fields_are_read_up_to_a_bound() {
    let many = "a/b,".repeat(64) + "text/html";
    assert_eq!(media(&many, &["text/html"]), None);
    let many = "a/b,".repeat(63) + "text/html";
    assert_eq!(media(&many, &["text/html"]), Some("text/html"));
    let quotes = "\"".repeat(8000);
    assert_eq!(media(&quotes, &["text/html"]), None);
}

#[test]
fn charsets_are_chosen_by_weight_and_order() {
    let (utf8, latin) = ("utf-8", "iso-8859-1");
    for (field, offers, expected) in [
        ("utf-8", &[latin, utf8][..], Some(utf8)),
        ("UTF-8", &[utf8], Some(utf8)),
        ("utf-8;q=0.5, iso-8859-1", &[utf8, latin], Some(latin)),
        ("*", &[utf8, latin], Some(utf8)),
        ("*;q=0.1, iso-8859-1", &[utf8, latin], Some(latin)),
        ("*, utf-8;q=0", &[utf8, latin], Some(latin)),
        ("utf-8;q=0", &[utf8], None),
        ("us-ascii", &[utf8, latin], None),
    ] {
        assert_eq!(charset(field, offers), expected, "{field}");
    }
    assert_eq!(best(None, &[utf8], charset_match), Some(utf8));
}

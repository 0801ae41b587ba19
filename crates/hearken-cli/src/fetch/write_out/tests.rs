//! Parsing formats. The integration tests check values.

use super::*;

fn parsed(text: &str) -> Vec<Item> {
    items(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn text(text: &str) -> Item {
    Item::Text(text.to_owned())
}

#[test]
fn formats_are_parsed_as_in_curl() {
    for (format, expected) in [
        ("", vec![]),
        ("a\\n\\t\\r\\x\\", vec![text("a\n\t\r\\x\\")]),
        ("100%% %", vec![text("100% %")]),
        (
            "%{http_code}\\n",
            vec![Item::Variable("http_code"), text("\n")],
        ),
        (
            "x%{url}%header{ETag}y",
            vec![
                text("x"),
                Item::Variable("url"),
                Item::Header("ETag".to_owned()),
                text("y"),
            ],
        ),
        (
            "%{onerror}%{stderr}%{json}%{stdout}%{header_json}",
            vec![
                Item::OnError,
                Item::Stderr,
                Item::Json,
                Item::Stdout,
                Item::HeaderJson,
            ],
        ),
        ("%{open", vec![text("%{open")]),
        ("é%", vec![text("é%")]),
    ] {
        assert_eq!(parsed(format), expected, "{format}");
    }
}

#[test]
fn an_unknown_variable_is_rejected_with_the_known_ones() {
    let error = items("%{http_cod}")
        .expect_err("no such variable")
        .to_string();
    assert!(
        error.contains("\"http_cod\"") && error.contains("http_code, http_version"),
        "{error}"
    );
}

#[test]
fn the_document_lists_every_variable() {
    let document = include_str!("../../../../../docs/fetch.md");
    for name in Values::NAMES {
        assert!(
            document.contains(&format!("`{name}`")),
            "{name} is missing in docs/fetch.md"
        );
    }
}

//! The form of the output.

use super::*;

/// Formats the text whole and byte by byte, which must be the same.
fn formatted(text: &str) -> String {
    let whole = [Formatter::new(false).format(text.as_bytes())].concat();
    let mut formatter = Formatter::new(false);
    let pieces: Vec<Vec<u8>> = text
        .as_bytes()
        .chunks(1)
        .map(|byte| formatter.format(byte))
        .collect();
    assert_eq!(pieces.concat(), whole, "{text}");
    String::from_utf8(whole).expect("UTF-8")
}

#[test]
fn json_is_indented() {
    for (text, expected) in [
        ("{}", "{}"),
        (" [ ] ", "[]"),
        (r#"{"a":{},"b":[]}"#, "{\n  \"a\": {},\n  \"b\": []\n}"),
        (
            r#"[1,[2 , {"x":null}]]"#,
            "[\n  1,\n  [\n    2,\n    {\n      \"x\": null\n    }\n  ]\n]",
        ),
        (
            r#"{"a:,[]{}":"\"}\\"}"#,
            "{\n  \"a:,[]{}\": \"\\\"}\\\\\"\n}",
        ),
        // Numbers and their order stay as they are.
        (
            "[1.0e+10,12345678901234567890,-0]",
            "[\n  1.0e+10,\n  12345678901234567890,\n  -0\n]",
        ),
        // One value for each line.
        (
            "{\"a\":1}\n{\"a\":2}\n",
            "{\n  \"a\": 1\n}\n{\n  \"a\": 2\n}",
        ),
        ("1 2\n\"x\"", "1\n2\n\"x\""),
    ] {
        assert_eq!(formatted(text), expected, "{text}");
    }
}

#[test]
fn what_is_not_json_is_passed_on_from_the_first_wrong_byte() {
    for (text, expected) in [
        ("<html> a\n b</html>", "<html> a\n b</html>"),
        ("[1, <a> b", "[\n  1,\n  <a> b"),
        ("}{ a", "}{ a"),
        ("[1} x", "[\n  1} x"),
    ] {
        assert_eq!(formatted(text), expected, "{text}");
    }
}

#[test]
fn names_texts_and_words_have_colours() {
    let out = Formatter::new(true).format(br#"{"a":["b",1]}"#);
    let out = String::from_utf8(out).expect("UTF-8");
    assert!(out.contains(&format!("{NAME}\"a\"{PLAIN}: [")), "{out:?}");
    assert!(out.contains(&format!("{TEXT}\"b\"{PLAIN},")), "{out:?}");
    assert!(out.contains(&format!("{WORD}1{PLAIN}")), "{out:?}");
}

#[test]
fn a_server_cannot_send_escape_sequences_in_a_string() {
    assert_eq!(formatted("\"\u{1b}[2J\""), "\"\\u001b[2J\"");
}

#[test]
fn media_types() {
    for json in [
        "application/json",
        "Application/JSON; charset=utf-8",
        "application/problem+json",
    ] {
        assert!(is_json(json), "{json}");
    }
    for other in [
        "",
        "text/html",
        "application/jsonp",
        "text/plain; x=application/json",
    ] {
        assert!(!is_json(other), "{other}");
    }
}

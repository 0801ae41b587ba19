//! The parts of a line. The integration tests check whole lines.

use super::*;

#[test]
fn text_from_a_client_is_escaped() {
    let mut line = String::new();
    push_escaped(&mut line, "/a\r\nb\u{1b}[31m\u{7f}é\\x1b c\u{9b}\0");
    assert_eq!(line, r"/a\x0d\x0ab\x1b[31m\x7f\xc3\xa9\\x1b c\xc2\x9b\x00");
}

#[test]
fn times_have_about_three_significant_digits() {
    for (micros, text) in [
        (0, "0.00 ms"),
        (1_234, "1.23 ms"),
        (12_345, "12 ms"),
        (2_000_000, "2000 ms"),
    ] {
        assert_eq!(milliseconds(Duration::from_micros(micros)), text);
    }
}

#[test]
fn a_status_is_coloured_only_if_enabled() {
    let status = |coloured, status| {
        let mut line = String::new();
        Log { coloured }.push_status(&mut line, status);
        line
    };
    assert_eq!(status(false, 200), "200");
    assert_eq!(status(false, 0), "-");
    assert_eq!(status(true, 404), "\u{1b}[33m404\u{1b}[0m");
}

//! The pieces of a line. Whole lines are looked at where the binary runs.

use super::*;

#[test]
fn text_of_a_client_cannot_end_the_line_or_colour_it() {
    let mut line = String::new();
    push_escaped(&mut line, "/a\r\nb\u{1b}[31m\u{7f}é\\x1b c\u{9b}\0");
    assert_eq!(line, r"/a\x0d\x0ab\x1b[31m\x7f\xc3\xa9\\x1b c\xc2\x9b\x00");
}

#[test]
fn times_have_the_digits_that_say_something() {
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
fn a_status_is_coloured_only_when_asked_for() {
    let status = |coloured, status| {
        let mut line = String::new();
        Log { coloured }.push_status(&mut line, status);
        line
    };
    assert_eq!(status(false, 200), "200");
    assert_eq!(status(false, 0), "-");
    assert_eq!(status(true, 404), "\u{1b}[33m404\u{1b}[0m");
}

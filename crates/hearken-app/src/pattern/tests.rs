//! Patterns against paths: vectors, and a reference that tries everything.

use super::{Instead, Match, Part, Path, Pattern, Rules};
use proptest::prelude::*;

const WHOLE: Rules = Rules {
    sensitive: false,
    strict: false,
    whole: true,
};

fn matched(pattern: &str, path: &str, rules: Rules) -> Option<Vec<Option<String>>> {
    let pattern: Pattern = pattern.parse().unwrap();
    let decoded = Path::decode(path)?;
    let mut found = Match::default();
    let path = Path::new(&decoded);
    let text = |span: &Option<_>| span.map(|span| path.text(span));
    pattern
        .matches(&decoded, rules, &mut found)
        .then(|| found.spans.iter().map(text).collect())
}

/// What path-to-regexp 8.4 returned for the same patterns and paths.
#[test]
fn captures_end_where_path_to_regexp_ends_them() {
    for (pattern, path, values) in [
        ("/:a-:b", "/x-y-z", Some(vec!["x-y", "z"])),
        ("/:a-:b", "/x", None),
        ("/:a-:b", "/--", None),
        ("/:a-:b", "/---", Some(vec!["-", "-"])),
        ("/:a.:b", "/a.b.c", Some(vec!["a.b", "c"])),
        ("/*a", "/", None),
        ("/*a", "/x/", Some(vec!["x/"])),
        ("/*a/b", "/x/b/b", Some(vec!["x/b"])),
        ("/*a/x/*b", "/1/x/2/x/3", Some(vec!["1/x/2", "3"])),
        ("/:a{/:b}", "/x", Some(vec!["x", "-"])),
        ("/:a{/:b}", "/x/y", Some(vec!["x", "y"])),
        ("/a{-:b}{-:c}", "/a-1-2", Some(vec!["1", "2"])),
        ("{/:lang}/home", "/home", Some(vec!["-"])),
        ("{/:lang}/home", "/en/home", Some(vec!["en"])),
        ("/file.:ext", "/file.tar.gz", Some(vec!["tar.gz"])),
    ] {
        let found = matched(pattern, path, WHOLE);
        let found = found.map(|values| {
            values
                .into_iter()
                .map(|value| value.unwrap_or_else(|| "-".to_owned()))
                .collect::<Vec<_>>()
        });
        let values = values.map(|values| values.into_iter().map(str::to_owned).collect());
        assert_eq!(found, values, "{pattern} against {path}");
    }
}

#[test]
fn prefixes_end_at_a_slash() {
    let prefix = Rules {
        whole: false,
        ..WHOLE
    };
    for (pattern, path, matches) in [
        ("/api", "/api", true),
        ("/api", "/api/x", true),
        ("/api", "/apix", false),
        ("/:v", "/1/2", true),
        ("", "/anything", true),
    ] {
        assert_eq!(
            matched(pattern, path, prefix).is_some(),
            matches,
            "{pattern} against {path}"
        );
    }
}

#[test]
fn texts_that_are_not_patterns_are_refused() {
    for (text, why) in [
        ("/:", "a name after ':'"),
        ("/*", "a name after '*'"),
        ("/:\"a", "a second '\"'"),
        ("/{a", "a '}' for each '{'"),
        ("/a}", "'}' at byte 2"),
        ("/a?", "'?' at byte 2"),
        ("/(a)", "'(' at byte 1"),
        ("/:a:b", "text before \"b\""),
        ("/a\\", "after the last"),
        (&"{a".repeat(20), "in each other"),
        (&"{a}".repeat(9), "at most 256"),
    ] {
        let error = text.parse::<Pattern>().unwrap_err().to_string();
        assert!(error.contains(why), "{text}: {error}");
    }
}

#[test]
fn a_hostile_path_is_matched_in_steps_that_grow_with_its_length() {
    let pattern: Pattern = "/*a/x/*b/y/*c/z".parse().unwrap();
    let path = "/x/y".repeat(4000);
    let mut found = Match::default();
    assert!(!pattern.matches(path.as_bytes(), WHOLE, &mut found));
    let pattern: Pattern = "/:a-:b-:c-:d-x".parse().unwrap();
    let path = format!("/{}", "-".repeat(16_000));
    assert!(!pattern.matches(path.as_bytes(), WHOLE, &mut found));
}

/// Whether a path matches a pattern without groups: tries every end of every capture.
fn naive(parts: &[Part], path: &[u8]) -> bool {
    let Some((part, rest)) = parts.split_first() else {
        return path.is_empty() || path == b"/";
    };
    match part {
        Part::Text(text) => path
            .strip_prefix(&**text)
            .is_some_and(|path| naive(rest, path)),
        Part::Capture(capture) => (1..=path.len()).any(|end| {
            let value = &path[..end];
            let in_segment = !value.contains(&b'/');
            let stops = capture
                .before
                .as_deref()
                .is_some_and(|text| (0..end).any(|at| path[at..].starts_with(text)));
            let instead = match capture.or {
                Instead::Nothing => false,
                Instead::Text => capture.before.as_deref() == Some(value),
                Instead::Segment => in_segment,
            };
            let fits = (capture.wildcard || in_segment) && !stops;
            (fits || instead) && naive(rest, &path[end..])
        }),
    }
}

proptest! {
    #[test]
    fn the_matcher_agrees_with_one_that_tries_everything(
        pattern in "/(:a|\\*a|x|-|/|x:a|-\\*a)(-|/|x|/x)(:b|\\*b|x)(-|/|x|)(:c|\\*c|)?",
        path in "/[x/-]{0,10}",
    ) {
        let Ok(pattern) = pattern.parse::<Pattern>() else { return Ok(()) };
        let sensitive = Rules { sensitive: true, ..WHOLE };
        let found = pattern.matches(path.as_bytes(), sensitive, &mut Match::default());
        let expected = pattern.alternatives().iter().any(|parts| naive(parts, path.as_bytes()));
        prop_assert_eq!(found, expected, "{:?} against {}", pattern, path);
    }

    #[test]
    fn reading_a_pattern_never_panics(text in "\\PC{0,40}") {
        let _ = text.parse::<Pattern>();
    }
}

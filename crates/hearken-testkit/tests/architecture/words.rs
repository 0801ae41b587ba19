//! Words that a part of the project must not contain: paths in code, phrases in prose, numbers of old standards.

use std::fs;
use std::path::Path;

use super::prose::lines_with;
use super::source::{Source, is_word, name_of};

/// A path as written in code; matched as whole words, so that `mio` is not found in `mion`.
pub(crate) type Words = &'static [&'static str];

pub(crate) const STD: Words = &["std::", "extern crate std"];

/// Reading a clock needs no import of its own.
pub(crate) const CLOCK: Words = &["Instant::now", "SystemTime::now", ".elapsed()"];

pub(crate) const END: Words = &["process::exit", "process::abort"];

pub(crate) fn found(sources: &[Source], words: Words) -> Vec<String> {
    assert!(
        !sources.is_empty(),
        "no source file found: the check looks in the wrong place"
    );
    let mut found = Vec::new();
    for source in sources {
        for (number, line) in (1..).zip(source.code.lines()) {
            for word in words.iter().filter(|word| says(line, word)) {
                found.push(format!("{}:{number}: {word}", source.name));
            }
        }
    }
    found
}

/// Whole words only.
fn says(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + word.len()..].chars().next();
        let begins = !word.starts_with(is_word) || !before.is_some_and(is_word);
        let ends = !word.ends_with(is_word) || !after.is_some_and(is_word);
        begins && ends
    })
}

/// Phrases that hide who does what. `docs/style.md` shows what to write instead.
const RIDDLES: &[&str] = &[
    "whoever",
    "nobody",
    "somebody",
    "is told",
    "are told",
    "was told",
    "has been told",
    "is no longer told",
    "what is no",
    "tells",
];

/// Where one of them may stand, and why: a page, a phrase, the reason.
const ALLOWED: &[(&str, &str, &str)] = &[
    ("docs/style.md", "whoever", QUOTED),
    ("docs/style.md", "nobody", QUOTED),
    ("docs/style.md", "is told", QUOTED),
    ("docs/style.md", "are told", QUOTED),
    ("docs/style.md", "was told", QUOTED),
    ("docs/style.md", "what is no", QUOTED),
    ("docs/style.md", "tells", QUOTED),
];

const QUOTED: &str = "its left column quotes old comments";

/// Parts that are still to be rewritten: paths, or the beginnings of paths.
const NOT_YET: &[&str] = &[];

pub(crate) fn riddles(files: &[(String, String)]) -> Vec<String> {
    let files = files
        .iter()
        .filter(|(file, _)| !NOT_YET.iter().any(|path| file.starts_with(path)));
    let found = files.flat_map(|(file, prose)| {
        let phrases = RIDDLES.iter().filter(move |phrase| {
            let mut allowed = ALLOWED.iter();
            !allowed.any(|(page, allowed, _)| page == file && allowed == *phrase)
        });
        phrases.flat_map(move |phrase| {
            let lines = lines_with(prose, phrase).into_iter();
            lines.map(move |line| format!("{file}:{line}: {phrase}"))
        })
    });
    found.collect()
}

/// Replaced by RFC 9110 to 9113. Numbers only, or the check would find this list.
const OBSOLETE: &[&str] = &[
    "2068", "2616", "7230", "7231", "7232", "7233", "7234", "7235", "7540",
];

pub(crate) fn obsolete_rfcs(path: &Path) -> Vec<String> {
    let Ok(text) = fs::read_to_string(path) else {
        return Vec::new();
    };
    let lines = (1..).zip(text.lines());
    let cited = lines.filter_map(|(number, line)| Some((number, obsolete_rfc(line)?)));
    cited
        .map(|(number, rfc)| format!("{}:{number}: {rfc}", name_of(path)))
        .collect()
}

/// `RFC` in any case and the number behind it, with or without a separator.
fn obsolete_rfc(line: &str) -> Option<&'static str> {
    let lower = line.to_ascii_lowercase();
    lower.match_indices("rfc").find_map(|(at, word)| {
        let number = lower[at + word.len()..].trim_start_matches([' ', '-', '_', '\u{a0}']);
        let digits = number
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(number.len());
        OBSOLETE
            .iter()
            .copied()
            .find(|rfc| *rfc == &number[..digits])
    })
}

#[test]
fn words_are_found_whole() {
    for (line, word) in [
        ("use std::net::TcpStream;", "std::"),
        ("tokio::spawn(f)", "tokio"),
        ("use ::mio;", "mio"),
        ("a(Instant::now())", "Instant::now"),
        ("t.elapsed()", ".elapsed()"),
    ] {
        assert!(says(line, word), "{word} in {line}");
    }
    for (line, word) in [
        ("let mion = 1;", "mio"),
        ("no_std::x", "std::"),
        ("MyInstant::nowhere()", "Instant::now"),
    ] {
        assert!(!says(line, word), "{word} in {line}");
    }
}

#[test]
fn obsolete_numbers_are_found_in_every_spelling() {
    let numbers = OBSOLETE.iter().flat_map(|rfc| {
        ["RFC ", "rfc", "RFC-", "Rfc\u{a0}"].map(|word| format!("see {word}{rfc}."))
    });
    for line in numbers {
        assert!(obsolete_rfc(&line).is_some(), "{line}");
    }
    for line in ["RFC 9110", "RFC 72301", "rfc 6455", "port 7230", "the rfc"] {
        assert_eq!(obsolete_rfc(line), None, "{line}");
    }
}

#[test]
fn riddles_are_found_where_they_are_not_allowed() {
    let file = |name: &str, text: &str| (name.to_owned(), text.to_owned());
    let found = riddles(&[
        file("a/b.md", "a\nThe client is\ntold. Nobody tells."),
        file("docs/style.md", "Whoever waits for somebody."),
    ]);
    assert_eq!(
        found,
        [
            "a/b.md:3: nobody",
            "a/b.md:2: is told",
            "a/b.md:3: tells",
            "docs/style.md:1: somebody"
        ]
    );
}

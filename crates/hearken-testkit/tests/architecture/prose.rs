//! What people read in a file: the whole of a page, the comments of code.
//!
//! Here: [`prose`] and the finder of phrases in it. Which phrases are rejected stands in `words.rs`.

use std::fs;

use super::source::{files_under, is_word, literal_or_comment, name_of};

/// Stands for code between two comments, so that no phrase is found across it.
const CODE: char = ';';

/// From the text of a file to its prose.
type Reader = fn(&str) -> String;

/// Endings of files with prose, and how to read them.
const KINDS: &[(&[&str], Reader)] = &[
    (&["md", "html"], str::to_owned),
    (&["rs"], rust),
    (&["js", "mjs"], slashes),
    (&["py", "sh", "run", "toml", "yml", "yaml"], hashes),
];

/// Every file of the project with prose in it: its path from the root, and the prose. Lines are where they were.
pub(crate) fn prose() -> Vec<(String, String)> {
    let mut found = Vec::new();
    for (endings, read) in KINDS {
        for path in files_under("", endings) {
            let Ok(text) = fs::read_to_string(&path) else {
                continue;
            };
            found.push((name_of(&path), read(&text)));
        }
    }
    found
}

/// Comments of Rust without their marks.
pub(crate) fn rust(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let after_word = text[..text.len() - rest.len()].ends_with(is_word);
        let length = literal_or_comment(rest, after_word).unwrap_or_else(|| first.len_utf8());
        let (seen, after) = rest.split_at(length);
        if seen.starts_with("//") || seen.starts_with("/*") {
            let marks = seen.find(|c| !['/', '*', '!'].contains(&c));
            let (marks, said) = seen.split_at(marks.unwrap_or(seen.len()));
            out.push_str(&" ".repeat(marks.len()));
            out.push_str(said);
        } else {
            out.extend(seen.chars().map(blank));
        }
        rest = after;
    }
    out
}

fn blank(c: char) -> char {
    if c.is_whitespace() { c } else { CODE }
}

/// Comments of JavaScript: `//` after a blank, `/* … */`.
fn slashes(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut in_block = false;
    for line in text.split_inclusive('\n') {
        let block = line.find("/*").map(|at| at + 2);
        let start = if in_block {
            Some(0)
        } else {
            block.or_else(|| comment_after_blank(line, "//"))
        };
        in_block = (in_block || block.is_some()) && !line.contains("*/");
        push_from(&mut out, line, start);
    }
    out
}

/// Comments behind `#`, and what stands between triple quotes.
fn hashes(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut in_text = false;
    for line in text.split_inclusive('\n') {
        let quotes = line.matches("\"\"\"").count();
        let start = if in_text || quotes > 0 {
            Some(0)
        } else {
            comment_after_blank(line, "#")
        };
        in_text ^= quotes % 2 == 1;
        push_from(&mut out, line, start);
    }
    out
}

/// Behind the mark, if it is the first of its line or follows a blank: `http://` and `$#` are none.
fn comment_after_blank(line: &str, mark: &str) -> Option<usize> {
    let mut starts = line.match_indices(mark).filter(|(at, _)| {
        let before = line[..*at].chars().next_back();
        before.is_none_or(char::is_whitespace)
    });
    starts.next().map(|(at, _)| at + mark.len())
}

fn push_from(out: &mut String, line: &str, start: Option<usize>) {
    let (code, said) = line.split_at(start.unwrap_or_else(|| line.trim_end().len()));
    // The mark itself is neither code nor prose.
    let code = code.trim_end_matches(['/', '*', '#']);
    out.extend(code.chars().map(blank));
    out.push(' ');
    out.push_str(said);
}

/// The lines on which `phrase` begins. Case and line breaks do not matter, nor do the marks of Markdown in between.
pub(crate) fn lines_with(prose: &str, phrase: &str) -> Vec<usize> {
    let words: Vec<_> = words_of(prose).collect();
    let wanted: Vec<_> = phrase.split(' ').collect();
    let runs = words.windows(wanted.len()).filter(|run| {
        let same = run
            .iter()
            .zip(&wanted)
            .all(|((_, word), wanted)| word.eq_ignore_ascii_case(wanted));
        same && run.windows(2).all(|pair| {
            let behind = pair[0].0 + pair[0].1.len();
            prose[behind..pair[1].0]
                .chars()
                .all(|c| c.is_whitespace() || "*_>".contains(c))
        })
    });
    runs.map(|run| prose[..run[0].0].matches('\n').count() + 1)
        .collect()
}

fn words_of(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.split(|c| !is_word(c))
        .filter(|word| !word.is_empty())
        .map(|word| (word.as_ptr() as usize - text.as_ptr() as usize, word))
}

#[test]
fn comments_of_each_language_are_read_and_code_is_not() {
    let text = "//! one\nlet a = \"is // two\"; // three\n/* four\n * five */ fn six() {}\nlet b = 'c'; /// seven\n";
    let said = rust(text);
    for (word, is_read) in [
        ("one", true),
        ("two", false),
        ("three", true),
        ("four", true),
        ("five", true),
        ("six", false),
        ("seven", true),
    ] {
        assert_eq!(said.contains(word), is_read, "{word} in {said}");
    }
    assert_eq!(said.lines().count(), text.lines().count());
    let said = slashes("let a = 'http://one'; // two\n/* three\nfour */\nfive()\n");
    for (word, is_read) in [
        ("one", false),
        ("two", true),
        ("three", true),
        ("four", true),
        ("five", false),
    ] {
        assert_eq!(said.contains(word), is_read, "{word} in {said}");
    }
    let said = hashes("#!/bin/bash\necho $# one # two\n\"\"\"three\nfour\"\"\"\nfive\n# six\n");
    for (word, is_read) in [
        ("one", false),
        ("two", true),
        ("three", true),
        ("four", true),
        ("five", false),
        ("six", true),
    ] {
        assert_eq!(said.contains(word), is_read, "{word} in {said}");
    }
}

#[test]
fn phrases_are_found_whole_in_any_case_and_across_lines() {
    let found = |text: &str, phrase| lines_with(&rust(text), phrase);
    assert_eq!(found("\n// Is\n//     told", "is told"), [2]);
    assert_eq!(
        found(
            "/// What is *no* more. What is\n/// no longer",
            "what is no"
        ),
        [1, 1]
    );
    assert_eq!(found("// whoever\n// Whoever", "whoever"), [1, 2]);
    for text in [
        "// is_told",
        "// is. Told",
        "// is\nlet a;\n// told",
        "let is = told;",
        "// this told",
        "// is toldest",
    ] {
        assert_eq!(found(text, "is told"), [0; 0], "{text}");
    }
}

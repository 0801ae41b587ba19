//! The project's files: their paths, and Rust code without comments, text and tests.

use std::fs;
use std::path::{Path, PathBuf};

pub(crate) fn root() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    root.canonicalize().expect("the workspace is two levels up")
}

/// A path from the project's root, with slashes.
pub(crate) fn name_of(path: &Path) -> String {
    let inside = path.strip_prefix(root()).expect("a file of the project");
    inside.to_string_lossy().replace('\\', "/")
}

/// Files below a directory of the project whose name ends in one of `endings` (`run` is the name of our scripts), in
/// a stable order, without build output and fetched files.
pub(crate) fn files_under(directory: &str, endings: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    collect(&root().join(directory), endings, &mut found);
    found.sort();
    found
}

fn collect(directory: &Path, endings: &[&str], found: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(directory) else {
        return;
    };
    for path in entries.flatten().map(|entry| entry.path()) {
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if path.is_dir() && !path.is_symlink() {
            if !["target", ".git", "node_modules", "corpus", "artifacts"].contains(&name.as_str()) {
                collect(&path, endings, found);
            }
        } else if endings.contains(&name.rsplit('.').next().unwrap_or_default()) {
            found.push(path);
        }
    }
}

/// One Rust file.
pub(crate) struct Source {
    /// From the project's root, for messages.
    pub(crate) name: String,
    /// The code alone: comments, the contents of text literals and test-only items are blanks. Line numbers are
    /// unchanged.
    pub(crate) code: String,
    /// Lines up to the tests, comments included.
    pub(crate) lines: usize,
}

impl Source {
    /// The files of a crate: those below `src/` that are no test modules.
    pub(crate) fn of(directory: &str) -> Vec<Self> {
        let files = files_under(directory, &["rs"]);
        files
            .iter()
            .map(|path| Self::read(path))
            .filter(|source| is_product(&source.name))
            .collect()
    }

    pub(crate) fn read(path: &Path) -> Self {
        let text =
            fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let code = without_tests(&without_comments(&text));
        Self {
            name: name_of(path),
            lines: lines_that_count(&text, &code),
            code,
        }
    }

    pub(crate) fn is_in(&self, directory: &str) -> bool {
        self.name.starts_with(&format!("{directory}/"))
    }
}

/// Whether a file belongs to a crate and is no test module.
pub(crate) fn is_product(name: &str) -> bool {
    let test = name.ends_with("/tests.rs") || name.contains("/tests/");
    name.contains("/src/") && !test
}

/// Lines of the file without those of tests.
fn lines_that_count(text: &str, code: &str) -> usize {
    let in_tests = code.lines().filter(|line| line.contains(TEST_MARK)).count();
    text.lines().count() - in_tests
}

/// Marks each removed line; occurs in no source file.
const TEST_MARK: char = '\u{1}';

/// Blanks comments and the contents of text and character literals; quotes stay.
pub(crate) fn without_comments(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let (kept, length) = match literal_or_comment(rest, ends_in_word(&out)) {
            Some(length) => (0, length),
            None => (first.len_utf8(), first.len_utf8()),
        };
        let (seen, after) = rest.split_at(length);
        out.push_str(&seen[..kept]);
        out.extend(
            seen[kept..]
                .chars()
                .map(|c| if c == '\n' { c } else { ' ' }),
        );
        rest = after;
    }
    out
}

/// The length of the comment or literal that begins here, if one does. `after_word`: a letter or digit is in front.
pub(crate) fn literal_or_comment(text: &str, after_word: bool) -> Option<usize> {
    match text.chars().next()? {
        '/' if text.starts_with("//") => Some(text.find('\n').unwrap_or(text.len())),
        '/' if text.starts_with("/*") => Some(block_comment(text)),
        'r' | 'b' | 'c' if !after_word => raw_string(text),
        '"' => Some(quoted(text, '"')),
        '\'' if is_character(text) => Some(quoted(text, '\'')),
        _ => None,
    }
}

fn ends_in_word(text: &str) -> bool {
    text.chars().next_back().is_some_and(is_word)
}

pub(crate) fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Block comments nest in Rust.
fn block_comment(text: &str) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < text.len() {
        let here = &text.as_bytes()[at..];
        if here.starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if here.starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    text.len()
}

/// The length of `r"…"`, `br#"…"#` and the like, if one begins here.
fn raw_string(text: &str) -> Option<usize> {
    let behind_letters = text.trim_start_matches(['b', 'c']).strip_prefix('r')?;
    let hashes = behind_letters.len() - behind_letters.trim_start_matches('#').len();
    let inside = behind_letters[hashes..].strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(hashes));
    let opening = text.len() - inside.len();
    Some(
        inside
            .find(&end)
            .map_or(text.len(), |at| opening + at + end.len()),
    )
}

/// The length of a literal with escapes, both quotes included.
fn quoted(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == quote => return at + c.len_utf8(),
            _ => {}
        }
    }
    text.len()
}

/// `'a'` and `'\n'`, but not the lifetime `'a`.
fn is_character(text: &str) -> bool {
    let mut chars = text.chars().skip(1);
    match chars.next() {
        Some('\\') => true,
        Some(_) => chars.next() == Some('\''),
        None => false,
    }
}

/// Replaces every item under `#[cfg(test)]` or `#[cfg(all(test, …))]` by marked blank lines.
fn without_tests(code: &str) -> String {
    let mut out = String::with_capacity(code.len());
    let mut rest = code;
    while let Some(start) = ["#[cfg(test)]", "#[cfg(all(test,"]
        .iter()
        .filter_map(|mark| rest.find(mark))
        .min()
    {
        let (before, item) = rest.split_at(start);
        out.push_str(before);
        let (cut, after) = item.split_at(item_length(item));
        out.extend(cut.split_inclusive('\n').flat_map(|line| {
            [TEST_MARK]
                .into_iter()
                .chain(line.ends_with('\n').then_some('\n'))
        }));
        rest = after;
    }
    out + rest
}

/// Up to the `;` that ends an item, or to the brace that closes it.
fn item_length(item: &str) -> usize {
    let mut depth = 0_usize;
    for (at, c) in item.char_indices() {
        match c {
            ';' if depth == 0 => return at + 1,
            '{' => depth += 1,
            '}' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return at + 1;
                }
            }
            _ => {}
        }
    }
    item.len()
}

#[test]
fn comments_text_and_tests_are_blanked() {
    let text = r##"
//! std::io in a comment
use core::fmt; /* std::fs /* nested */ std::net */ use a::b;
const A: &str = "std::io // \" std::io"; const B: char = '"'; fn f<'a>(x: &'a str) {}
const C: &str = r#"std::io " "#; const D: &[u8] = br"std::io\"; const E: char = '\''; let bar = 1;
#[cfg(test)]
mod tests {
    use std::io;
}
#[cfg(all(test, unix))]
extern crate std;
fn g() {}"##;
    let code = without_tests(&without_comments(text));
    assert!(!code.contains("std"), "{code}");
    for kept in [
        "use core::fmt;",
        "use a::b;",
        "fn f<'a>(x: &'a str) {}",
        "let bar = 1;",
        "fn g() {}",
    ] {
        assert!(code.contains(kept), "{kept} in {code}");
    }
    assert_eq!(code.lines().count(), text.lines().count());
    assert_eq!(lines_that_count(text, &code), text.lines().count() - 6);
}

//! Checks that paths in documents exist.

use std::fs;
use std::path::{Path, PathBuf};

use super::source::{files_under, name_of, root};

/// The pages at the root, those below docs/, and the README of any crate or directory.
pub(crate) fn texts() -> Vec<PathBuf> {
    let pages: Vec<_> = files_under("", &["md"])
        .into_iter()
        .filter(|path| is_document(&name_of(path)))
        .collect();
    assert!(
        !pages.is_empty(),
        "no document found: the check looks in the wrong place"
    );
    pages
}

/// Test vectors are Markdown too, but full of request targets that look like paths.
fn is_document(name: &str) -> bool {
    !name.contains('/') || name.starts_with("docs/") || name.ends_with("/README.md")
}

pub(crate) fn dead_paths(page: &Path) -> Vec<String> {
    let text =
        fs::read_to_string(page).unwrap_or_else(|error| panic!("{}: {error}", page.display()));
    let beside = page.parent().expect("a file has a directory");
    let mut dead = Vec::new();
    for (number, line) in (1..).zip(prose(&text)) {
        let linked = links(&line)
            .into_iter()
            .filter(|link| !beside.join(link).exists());
        let named = named_paths(&line).into_iter();
        // A path in code style starts at the project's root, or at the page.
        let named = named.filter(|path| !root().join(path).exists() && !beside.join(path).exists());
        dead.extend(
            linked
                .chain(named)
                .map(|path| format!("{}:{number}: {path}", name_of(page))),
        );
    }
    dead
}

/// The lines of a page. Lines of fenced blocks are empty: they show commands and drawings.
fn prose(text: &str) -> Vec<String> {
    let mut fenced = false;
    let lines = text.lines().map(|line| {
        let fence = line.trim_start().starts_with("```");
        fenced ^= fence;
        if fence || fenced {
            String::new()
        } else {
            line.to_owned()
        }
    });
    lines.collect()
}

/// Targets of `[text](target)` and `[label]: target` that are files of ours, without the part from `#`.
fn links(line: &str) -> Vec<String> {
    let inline = line
        .split("](")
        .skip(1)
        .filter_map(|rest| rest.split([')', ' ']).next());
    let defined = line
        .strip_prefix('[')
        .and_then(|rest| rest.split_once("]: "))
        .map(|(_, target)| target.trim());
    let targets = inline
        .chain(defined)
        .map(|target| target.split('#').next().unwrap_or_default());
    targets
        .filter(|target| !target.is_empty() && !target.contains(':'))
        .map(str::to_owned)
        .collect()
}

/// Words in code style that are paths of ours and no patterns: `crates/hearken-proto`, `docs/errors.md`.
fn named_paths(line: &str) -> Vec<String> {
    let code = line
        .split('`')
        .skip(1)
        .step_by(2)
        .flat_map(str::split_whitespace);
    let paths = code.filter(|word| {
        let is_ours = TOP.iter().any(|top| word.starts_with(top));
        is_ours && !word.contains(['*', '{', '<', '$', '|', '…', '(', ':'])
    });
    paths
        .map(|word| word.trim_end_matches(['.', ',', ';']).to_owned())
        .collect()
}

const TOP: &[&str] = &[
    "crates/",
    "docs/",
    "examples/",
    "bench/",
    "fuzz/",
    "tests/",
    ".ci/",
];

#[test]
fn paths_are_read_from_prose() {
    assert_eq!(
        links("see [a](docs/a.md#part), [b](https://x.example/a), [c](#d) and [e](f \"t\")"),
        ["docs/a.md", "f"]
    );
    assert_eq!(links("[a]: ../a.md"), ["../a.md"]);
    assert_eq!(
        named_paths("`crates/a/src`, `bash .ci/run fmt`, `docs/*.md`, crates/b, `x/y`"),
        ["crates/a/src", ".ci/run"]
    );
    assert_eq!(prose("a\n```sh\n`docs/x`\n```\nb"), ["a", "", "", "", "b"]);
}

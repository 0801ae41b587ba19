//! Which crates a build of hearken takes, by `cargo tree`.
//!
//! Here: [`crates_of`], and the counts of docs/features.md. Not here: seconds and megabytes, which `bench/weight.sh` measures.

use std::collections::BTreeSet;
use std::process::Command;

use super::source::root;

pub(crate) const PAGE: &str = "docs/features.md";

/// The crates of a build of hearken for this system, each once, without those that run only while building.
pub(crate) fn crates_of(features: &[&str]) -> BTreeSet<String> {
    let mut tree = Command::new(env!("CARGO"));
    tree.args(["tree", "--offline", "--package", "hearken"])
        .args(["--edges", "normal", "--prefix", "none"])
        .args(["--features", &features.join(",")])
        .current_dir(root());
    let output = tree.output().expect("cargo runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    // `name v1.2.3 (proc-macro)`, `name v1.2.3 (/a/path)`, and behind a crate that stands above already ` (*)`.
    text.lines()
        .filter(|line| !line.is_empty())
        .map(|line| line.trim_end_matches(" (*)").to_owned())
        .collect()
}

/// The rows of the page whose number is not that of `cargo tree`. A row counts what its feature adds to those that it needs;
/// `in all`: everything.
pub(crate) fn wrong_counts(page: &str) -> Vec<String> {
    let rows: Vec<_> = page.lines().filter_map(Row::parse).collect();
    assert!(
        rows.len() > 10,
        "{PAGE}: too few rows: the check looks in the wrong place"
    );
    let wrong = rows.iter().filter_map(|row| {
        let with: Vec<_> = row.needs.iter().chain(&row.feature).copied().collect();
        let all = crates_of(&with).len();
        let counted = if row.in_all {
            all
        } else {
            all - crates_of(&row.needs).len()
        };
        let name = row.feature.unwrap_or("(none)");
        (counted != row.count).then(|| format!("{name}: {} there, {counted} counted", row.count))
    });
    wrong.collect()
}

struct Row<'a> {
    feature: Option<&'a str>,
    needs: Vec<&'a str>,
    count: usize,
    in_all: bool,
}

impl<'a> Row<'a> {
    /// `| feature | what it adds | needs | 5: which ones |`
    fn parse(line: &'a str) -> Option<Self> {
        let cells: Vec<_> = line.split('|').map(str::trim).collect();
        let &["", feature, _, needs, crates, ""] = &cells[..] else {
            return None;
        };
        let count = crates.split([' ', ':']).next()?;
        let quoted = feature.strip_prefix('`');
        Some(Self {
            feature: quoted.and_then(|name| name.strip_suffix('`')),
            needs: needs.split('`').filter(|name| is_feature(name)).collect(),
            count: match count {
                "none" => 0,
                number => number.parse().ok()?,
            },
            in_all: crates.ends_with("in all"),
        })
    }
}

fn is_feature(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_lowercase())
}

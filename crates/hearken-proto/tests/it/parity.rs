//! Parity of the tables in the code with `docs/errors.md`, `docs/limits.md`, the vectors, and the diagram of a half.

use crate::vectors::pages;
use hearken_proto::{Answer, Fault, Limit, Limits, Misuse, half_diagram};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

fn read(name: &str) -> String {
    let path = Path::new(ROOT).join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn answer(answer: Answer) -> String {
    match answer {
        Answer::Status(status) => status.to_string(),
        _ => "close".to_owned(),
    }
}

/// The rows of the page by code: the cells after it.
fn rows() -> BTreeMap<String, Vec<String>> {
    let mut rows = BTreeMap::new();
    for line in read("docs/errors.md").lines() {
        let mut cells = line.split('|').map(|cell| cell.trim().to_owned()).skip(1);
        let Some(code) = cells.next() else { continue };
        let code = code.trim_matches('`').to_owned();
        if ["H1_", "LIMIT_", "USE_"]
            .iter()
            .any(|prefix| code.starts_with(prefix))
        {
            let old = rows.insert(code.clone(), cells.collect());
            assert!(old.is_none(), "{code} stands twice in docs/errors.md");
        }
    }
    rows
}

/// Section and answer of each fault and limit.
fn outside() -> BTreeMap<&'static str, [String; 2]> {
    let faults = Fault::ALL.iter().map(|fault| {
        (
            fault.code(),
            [fault.section().to_owned(), answer(fault.answer())],
        )
    });
    let limits = Limit::ALL.iter().map(|limit| {
        (
            limit.code(),
            [limit.section().to_owned(), answer(limit.answer())],
        )
    });
    faults.chain(limits).collect()
}

#[test]
fn the_page_of_errors_has_every_code_and_no_other() {
    let (rows, outside) = (rows(), outside());
    for (code, expected) in &outside {
        let row = rows
            .get(*code)
            .unwrap_or_else(|| panic!("docs/errors.md lacks {code}"));
        assert_eq!(row[..2], expected[..], "{code} in docs/errors.md");
        assert!(
            row[2..4].iter().all(|cell| cell.len() > 5),
            "{code} needs a description"
        );
    }
    let misuses: BTreeSet<&str> = Misuse::ALL.iter().map(Misuse::code).collect();
    for code in &misuses {
        let row = rows
            .get(*code)
            .unwrap_or_else(|| panic!("docs/errors.md lacks {code}"));
        assert!(
            row[..2].iter().all(|cell| cell.len() > 5),
            "{code} needs a description"
        );
    }
    for code in rows.keys() {
        let known = outside.contains_key(&**code) || misuses.contains(&**code);
        assert!(known, "docs/errors.md has {code}, the code does not");
    }
}

#[test]
fn every_fault_and_limit_has_a_vector() {
    let mut seen = BTreeSet::new();
    for case in pages().iter().flat_map(|page| &page.cases) {
        for event in &case.events {
            if let Some(error) = event.strip_prefix("error ") {
                seen.extend(error.split(' ').next().map(str::to_owned));
            }
        }
    }
    let outside = outside();
    let missing: Vec<_> = outside
        .keys()
        .filter(|code| !seen.contains(**code))
        .collect();
    assert!(missing.is_empty(), "no vector for {missing:?}");
    let unknown: Vec<_> = seen
        .iter()
        .filter(|code| !outside.contains_key(&***code))
        .collect();
    assert!(unknown.is_empty(), "vectors name {unknown:?}");
}

#[test]
fn codes_are_unique_and_resolvable() {
    let mut codes: Vec<&str> = outside().into_keys().collect();
    codes.extend(Misuse::ALL.iter().map(Misuse::code));
    let unique: BTreeSet<&str> = codes.iter().copied().collect();
    assert_eq!(
        unique.len(),
        Fault::ALL.len() + Limit::ALL.len() + Misuse::ALL.len()
    );
    for fault in Fault::ALL {
        assert_eq!(Fault::from_code(fault.code()), Some(*fault));
        let text = fault.to_string();
        assert!(
            text.starts_with("expected ") && !text.ends_with('.'),
            "{text}"
        );
        assert!(
            text.contains(fault.code()) && text.contains(fault.section()),
            "{text}"
        );
    }
    for misuse in Misuse::ALL {
        let text = misuse.to_string();
        assert!(
            text.starts_with("expected ") && text.contains(misuse.code()),
            "{text}"
        );
    }
}

#[test]
fn obsolete_standards_are_not_cited() {
    for case in outside().values() {
        let section = &case[0];
        let known = ["RFC 9110 §", "RFC 9112 §", "RFC 6585 §"];
        assert!(
            known.iter().any(|rfc| section.starts_with(rfc)),
            "{section}"
        );
    }
}

#[test]
fn the_diagram_in_the_architecture_matches_the_table() {
    let text = read("ARCHITECTURE.md");
    let block = text
        .split_once("<!-- half -->")
        .and_then(|(_, rest)| rest.split_once("<!-- /half -->"))
        .expect("a block between <!-- half --> and <!-- /half --> in ARCHITECTURE.md");
    let expected = format!("```mermaid\n{}```", half_diagram());
    assert_eq!(
        block.0.trim(),
        expected,
        "ARCHITECTURE.md shows another table than the code"
    );
}

/// `head.bytes_max` and the like with their values, read from the debug output of `Limits`, so that none is missing.
fn defaults() -> BTreeMap<String, String> {
    let (mut group, mut defaults) = (String::new(), BTreeMap::new());
    for line in format!("{:#?}", Limits::default()).lines() {
        let Some((name, value)) = line.trim().split_once(": ") else {
            continue;
        };
        match value.strip_suffix(',') {
            Some(value) => drop(defaults.insert(format!("{group}.{name}"), value.to_owned())),
            None => name.clone_into(&mut group),
        }
    }
    defaults
}

/// A number with its unit as on the page, in the form of the struct.
fn plain(cell: &str) -> String {
    if cell == "none" {
        return "None".to_owned();
    }
    let (number, unit) = cell.split_once(' ').unwrap_or((cell, ""));
    let number: u64 = number
        .parse()
        .unwrap_or_else(|_| panic!("no number: {cell}"));
    match unit {
        "" => number.to_string(),
        "KiB" => (number * 1024).to_string(),
        "MiB" => (number * 1024 * 1024).to_string(),
        "s" => format!("{number}s"),
        "h" => format!("{}s", number * 3600),
        _ => panic!("unknown unit: {cell}"),
    }
}

#[test]
fn the_page_of_limits_has_every_limit_and_its_default() {
    let defaults = defaults();
    assert_eq!(defaults["head.bytes_max"], "32768", "{defaults:?}");
    let text = read("docs/limits.md");
    let rows = text.lines().filter_map(|line| {
        let mut cells = line.strip_prefix("| `")?.split(" | ");
        let name = cells.next()?.strip_suffix('`')?;
        Some((name.to_owned(), plain(cells.next()?)))
    });
    assert_eq!(rows.collect::<BTreeMap<_, _>>(), defaults);
}

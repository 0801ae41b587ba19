//! Rules of the project, checked by reading its files: dependencies and imports, words in code and prose, sizes, and that
//! every path and every name in a document exists.
//!
//! Here: the rules. `source.rs` reads code, `prose.rs` comments and pages; `imports` follows names through a crate;
//! `arrows.rs`, `rooms`, `circles.rs`, `words.rs`, `documents.rs`, `surface.rs` and `weight.rs` hold one kind of check each. Not here:
//! rules of the compiler and clippy (function length, printing, `unsafe`).

mod arrows;
mod circles;
mod documents;
mod imports;
mod prose;
mod rooms;
mod source;
mod surface;
mod weight;
mod words;

use std::fs;
use std::sync::LazyLock;

use rooms::{CIRCLE_MAX, House};
use source::{Source, files_under, root};

/// Fails with all findings, not only the first.
fn none(found: &[String], rule: &str) {
    assert!(found.is_empty(), "{rule}\n  {}\n", found.join("\n  "));
}

#[test]
fn no_crate_depends_on_one_that_it_must_not_know() {
    let rule = "a dependency against cli -> hearken -> {app, ws, inspect} -> http -> proto";
    none(&arrows::violations(&arrows::packages()), rule);
}

/// A crate with macros of its own brings a parser of Rust, which takes longer to build than a server of ours.
#[test]
fn the_default_build_is_small_and_expands_no_macro_crate() {
    let default = weight::crates_of(&[]);
    let macros = default.iter().filter(|line| line.contains("(proc-macro)"));
    let macros: Vec<_> = macros.cloned().collect();
    none(
        &macros,
        "a procedural macro in the default build of hearken",
    );
    assert!(
        default.len() <= DEFAULT_CRATES_MAX,
        "the default build of hearken has {} crates, more than {DEFAULT_CRATES_MAX}:\n{default:#?}",
        default.len()
    );
}

/// Counts as the page does: `cargo tree`, for each feature.
#[test]
fn the_page_of_features_counts_right() {
    let page = fs::read_to_string(root().join(weight::PAGE)).expect("the page");
    none(&weight::wrong_counts(&page), "a row of docs/features.md");
}

#[test]
fn the_protocol_core_knows_no_std() {
    let sources = Source::of("crates/hearken-proto/src");
    none(
        &words::found(&sources, words::STD),
        "hearken-proto is no_std + alloc",
    );
    let opening = Source::read(&root().join("crates/hearken-proto/src/lib.rs")).code;
    assert!(
        opening.contains("#![no_std]"),
        "hearken-proto must say #![no_std], without conditions"
    );
}

/// hearken-http with its imports; several tests look at it.
static HTTP: LazyLock<House> = LazyLock::new(|| House::read("crates/hearken-http/src"));

/// With `cargo test -p hearken-testkit --test architecture rooms -- --nocapture` it prints the rooms and their arrows.
#[test]
#[expect(clippy::print_stdout, reason = "shown with --nocapture")]
fn rooms_import_only_from_rooms_below() {
    println!("{}", HTTP.drawing());
    none(
        &HTTP.against_the_order(),
        "an import of hearken-http against the order of its rooms",
    );
}

#[test]
fn a_connection_reaches_no_runtime_no_socket_and_no_handle() {
    let rule = "conn gets bytes and the time as arguments; its imports lead, directly or not, to";
    none(&HTTP.out_of_reach(Some("conn")), rule);
}

#[test]
fn the_protocol_core_reaches_no_runtime_and_no_socket() {
    let core = House::read("crates/hearken-proto/src");
    none(
        &core.out_of_reach(None),
        "hearken-proto gets bytes and the time as arguments; its imports lead to",
    );
}

#[test]
fn neither_the_core_nor_a_connection_reads_a_clock() {
    let mut sources = Source::of("crates/hearken-proto/src");
    sources.extend(Source::of("crates/hearken-http/src/conn"));
    let rule = "below the pump time is an argument";
    none(&words::found(&sources, words::CLOCK), rule);
}

#[test]
#[expect(clippy::print_stdout, reason = "shown with --nocapture")]
fn circles_of_imports_are_small() {
    let core = House::read("crates/hearken-proto/src");
    let tool = House::read("crates/hearken-cli/src");
    let mut found = Vec::new();
    for (name, house) in [("proto", &core), ("http", &*HTTP), ("cli", &tool)] {
        let circles = house.circles();
        let largest = circles.first().map_or(&[][..], Vec::as_slice);
        println!(
            "hearken-{name}: largest circle of imports {} {largest:?}",
            largest.len()
        );
        let large = circles.iter().filter(|circle| circle.len() > CIRCLE_MAX);
        found.extend(large.map(|circle| format!("hearken-{name}, {}: {circle:?}", circle.len())));
    }
    none(&found, "a circle of imports with more than 3 files");
}

#[test]
fn each_room_says_at_its_door_what_it_may_know() {
    let text =
        |door: &str| fs::read_to_string(root().join("crates/hearken-http/src").join(door)).ok();
    none(
        &HTTP.without_a_door_plate(text),
        "the first file of a room opens with `Here:`, `May know:` and `Must not know:`",
    );
}

#[test]
fn only_the_binary_ends_the_process() {
    let sources = Source::of("crates")
        .into_iter()
        .filter(|source| !source.is_in("crates/hearken-cli"));
    let sources: Vec<_> = sources.collect();
    none(
        &words::found(&sources, words::END),
        "only hearken-cli may end the process",
    );
}

#[test]
fn obsolete_standards_are_not_cited() {
    let texts = files_under(
        "",
        &["rs", "md", "toml", "html", "js", "mjs", "py", "sh", "run"],
    );
    let found: Vec<_> = texts
        .iter()
        .flat_map(|path| words::obsolete_rfcs(path))
        .collect();
    none(&found, "cite RFC 9110, 9111, 9112, 9113 or 6455 instead");
}

#[test]
fn comments_and_pages_say_who_does_what() {
    let files = prose::prose();
    assert!(
        files.len() > 300,
        "too few files with prose: the check looks in the wrong place"
    );
    let rule = "a riddle: name the subject and use a precise verb (docs/style.md)";
    none(&words::riddles(&files), rule);
}

#[test]
fn documents_lead_somewhere() {
    let found: Vec<_> = documents::texts()
        .iter()
        .flat_map(|path| documents::dead_paths(path))
        .collect();
    none(&found, "a document names a path that does not exist");
}

#[test]
fn the_pages_for_users_of_other_libraries_name_what_is_there() {
    let surface = surface::Surface::read();
    let mut found = Vec::new();
    for (page, least) in surface::PAGES {
        let rows = surface::rows(page);
        assert!(
            rows.len() > least,
            "{page}: {} rows: the check looks in the wrong place",
            rows.len()
        );
        found.extend(rows.iter().flat_map(|row| surface::faults(row, &surface)));
    }
    none(&found, "a row of the page names nothing that exists");
}

#[test]
fn files_stay_readable() {
    let sources = Source::of("crates");
    let long = sources.iter().filter(|source| source.lines > LINES_MAX);
    let found: Vec<_> = long
        .map(|source| format!("{}: {} lines", source.name, source.lines))
        .collect();
    none(
        &found,
        "a file has more than 500 lines without its tests: split it",
    );

    let core = sources
        .iter()
        .filter(|source| source.is_in("crates/hearken-proto"));
    let lines: usize = core.map(|source| source.lines).sum();
    assert!(
        lines <= CORE_LINES_MAX,
        "hearken-proto has {lines} lines without tests, more than {CORE_LINES_MAX}"
    );
}

const LINES_MAX: usize = 500;
const CORE_LINES_MAX: usize = 8_000;
/// axum's hello world has 53.
const DEFAULT_CRATES_MAX: usize = 45;

//! What must not drift, checked by reading the project itself: who depends on whom, which words a layer must not know,
//! sizes, and that every path and every name in a document leads somewhere.
//!
//! Here: the rules. `source.rs` reads the files; `arrows.rs`, `words.rs`, `documents.rs` and `surface.rs` hold one kind
//! of check each. Not here: what the compiler and clippy already watch (function length, printing, `unsafe`).

mod arrows;
mod documents;
mod source;
mod surface;
mod words;

use source::{Source, files_under, root};

/// Fails with all that was found, not only the first.
fn none(found: &[String], rule: &str) {
    assert!(found.is_empty(), "{rule}\n  {}\n", found.join("\n  "));
}

#[test]
fn no_crate_depends_on_one_that_it_must_not_know() {
    let rule = "an arrow that is not drawn: cli -> hearken -> {app, ws, inspect} -> http -> proto";
    none(&arrows::violations(&arrows::packages()), rule);
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

#[test]
fn nothing_below_the_pump_knows_a_socket_a_clock_or_a_runtime() {
    let mut sources = Source::of("crates/hearken-proto/src");
    // One file, or a directory with its module file inside or beside it.
    let conn = Source::of("crates/hearken-http/src/conn");
    let beside = root().join("crates/hearken-http/src/conn.rs");
    sources.extend(beside.exists().then(|| Source::read(&beside)));
    assert!(
        beside.exists() || !conn.is_empty(),
        "where is the connection layer of hearken-http? Mend this test"
    );
    sources.extend(conn);
    let rule = "proto and conn are told the time and handed bytes; sockets, clocks and the runtime are the pump's";
    none(&words::found(&sources, words::OUTSIDE_WORLD), rule);
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
fn documents_lead_somewhere() {
    let found: Vec<_> = documents::texts()
        .iter()
        .flat_map(|path| documents::dead_paths(path))
        .collect();
    none(&found, "a document names a path that does not exist");
}

#[test]
fn the_page_for_users_of_node_names_what_is_there() {
    let surface = surface::Surface::read();
    let rows = surface::rows();
    assert!(rows.len() > 200, "{}: where are its rows?", surface::PAGE);
    let found: Vec<_> = rows
        .iter()
        .flat_map(|row| surface::faults(row, &surface))
        .collect();
    none(&found, "a row of the page leads nowhere");
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
        "a file has more than 500 lines without its tests: it does two things, split it",
    );

    let core = sources
        .iter()
        .filter(|source| source.is_in("crates/hearken-proto"));
    let lines: usize = core.map(|source| source.lines).sum();
    assert!(
        lines <= CORE_LINES_MAX,
        "hearken-proto has {lines} lines without tests: what has crept in?"
    );
}

const LINES_MAX: usize = 500;
const CORE_LINES_MAX: usize = 8_000;

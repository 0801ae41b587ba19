use std::collections::BTreeMap;

use super::{Target, Tree};

fn tree(files: &[(&str, &str)]) -> Tree {
    let own = |(name, text): &(&str, &str)| ((*name).to_owned(), (*text).to_owned());
    Tree::of(&files.iter().map(own).collect::<BTreeMap<_, _>>())
}

/// Imports as `from:line text = target`; a module as such ends in `/`.
fn imports(files: &[(&str, &str)]) -> Vec<String> {
    let tree = tree(files);
    let show = |import: super::Import| {
        let to = match &import.to {
            Target::Item(file) => tree.files[*file].clone(),
            Target::Module(file) => format!("{}/", tree.files[*file]),
            Target::Outside(path) => format!("<{path}>"),
        };
        let from = &tree.files[import.from];
        format!("{from}:{} {} = {to}", import.line, import.text)
    };
    let mut shown: Vec<_> = tree.imports().into_iter().map(show).collect();
    shown.sort();
    shown
}

/// The targets of the one file `a.rs` with this text, beside a fixed crate.
fn targets(a: &str) -> Vec<String> {
    let root = "mod a; mod conn; mod error; pub use error::{Closed, Error as Fault}; pub use bytes::Bytes;";
    let conn = "mod exchange;\nmod output;\npub use exchange::*;\npub(crate) trait Drive {}\n\
                pub(crate) use output::Output as Out;";
    let all = imports(&[
        ("lib.rs", root),
        ("a.rs", a),
        ("conn/mod.rs", conn),
        (
            "conn/exchange.rs",
            "pub struct Exchange; pub enum Kind { A, B }",
        ),
        (
            "conn/output.rs",
            "pub struct Output; pub mod pieces { pub struct Piece; }",
        ),
        ("error.rs", "pub enum Error {} pub struct Closed;"),
    ]);
    let of_a = all.iter().filter(|line| line.starts_with("a.rs:"));
    let targets = of_a.map(|line| line.rsplit_once(" = ").expect("a target").1.to_owned());
    let mut targets: Vec<_> = targets.collect();
    targets.sort();
    targets.dedup();
    targets
}

#[test]
fn every_form_of_use_leads_to_the_file_that_defines_the_name() {
    for (code, expected) in [
        ("use crate::error::Error;", &["error.rs"][..]),
        ("use crate::Closed;", &["error.rs"]),
        ("use crate::Fault as F;", &["error.rs"]),
        ("use super::Fault;", &["error.rs"]),
        (
            "use crate::{Closed, conn::{Drive, Exchange as E}};",
            &["conn/exchange.rs", "conn/mod.rs", "error.rs"],
        ),
        ("use crate::conn::Out;", &["conn/output.rs"]),
        ("use crate::conn::Kind::*;", &["conn/exchange.rs"]),
        ("use crate::conn::Kind::{A, B};", &["conn/exchange.rs"]),
        (
            "use crate::conn::output::pieces::Piece;",
            &["conn/output.rs"],
        ),
        ("use crate::conn::Drive as _;", &["conn/mod.rs"]),
        ("use crate::conn;", &["conn/mod.rs/"]),
        ("use crate::conn::{self};", &["conn/mod.rs/"]),
        ("use crate::Bytes;", &["<bytes::Bytes>"]),
        (
            "use tokio::{io, net::TcpStream};",
            &["<tokio::io>", "<tokio::net::TcpStream>"],
        ),
        ("use ::error::Other;", &["<error::Other>"]),
    ] {
        assert_eq!(targets(code), expected, "{code}");
    }
}

#[test]
fn a_glob_imports_what_the_module_defines_and_hands_on() {
    let expected = [
        "conn/exchange.rs",
        "conn/mod.rs",
        "conn/mod.rs/",
        "conn/output.rs",
    ];
    let mut found = targets("use crate::conn::*;");
    found.retain(|to| to != "conn/exchange.rs/");
    assert_eq!(found, expected);
}

#[test]
fn paths_in_code_count_as_imports() {
    for (code, expected) in [
        (
            "fn f(x: &crate::conn::Exchange) {}",
            &["conn/exchange.rs"][..],
        ),
        ("fn f() { super::conn::Kind::A; }", &["conn/exchange.rs"]),
        ("fn f() { tokio::spawn(1); }", &["<tokio::spawn>"]),
        (
            "impl<T> From<T> for X where T: crate::conn::Drive {}",
            &["conn/mod.rs"],
        ),
        (
            "fn f() { <X as crate::conn::Drive>::g() }",
            &["conn/mod.rs"],
        ),
        (
            "fn f() { log!(\"{}\", crate::conn::Exchange) }",
            &["conn/exchange.rs"],
        ),
        (
            "macro_rules! m { () => { use $crate::{conn::{Out, Kind}, Closed}; } }",
            &["conn/exchange.rs", "conn/output.rs", "error.rs"],
        ),
        (
            "#[derive(serde::Serialize)] struct X;",
            &["<serde::Serialize>"],
        ),
        (
            "fn f() { use crate::conn::Kind as K; K::A; }",
            &["conn/exchange.rs"],
        ),
        (
            "use crate::conn; fn f() { conn::Exchange; }",
            &["conn/exchange.rs", "conn/mod.rs/"],
        ),
        (
            "use std::net; fn f(x: net::TcpStream) {}",
            &["<std::net::TcpStream>", "<std::net>"],
        ),
        ("pub(in crate::conn) struct X;", &[]),
        ("fn f() { Self::new(); }", &[]),
        ("/// [`crate::conn::Exchange`]\nstruct X;", &[]),
    ] {
        assert_eq!(targets(code), expected, "{code}");
    }
}

#[test]
fn what_only_tests_build_does_not_count() {
    for code in [
        "#[cfg(test)] use crate::conn::Drive;",
        "#[cfg(test)] mod tests { use super::super::conn::Drive; }",
        "#[cfg(all(test, unix))] fn f() { crate::conn::Kind::A; }",
        "#[cfg(any(test, all(unix, test)))] fn f() { crate::conn::Kind::A; }",
        "impl X { #[cfg(test)] fn f() { crate::conn::Kind::A; } }",
        "struct X { #[cfg(test)] x: crate::conn::Kind }",
        "fn f() { #[cfg(test)] let a = crate::conn::Kind::A; }",
        "#[test] fn f() { crate::conn::Kind::A; }",
        "#[cfg(test)] mod a_file_that_is_missing;",
    ] {
        assert_eq!(targets(code), [""; 0], "{code}");
    }
    for code in [
        "#[cfg(any(test, unix))] use crate::conn::Drive;",
        "#[cfg(not(test))] use crate::conn::Drive;",
        "#[cfg(feature = \"test\")] use crate::conn::Drive;",
    ] {
        assert_eq!(targets(code), ["conn/mod.rs"], "{code}");
    }
}

#[test]
fn a_name_in_two_namespaces_leads_to_both_and_circles_of_reexports_end() {
    let files = [
        (
            "lib.rs",
            "mod fetch; mod user; pub use fetch::{fetch, get}; pub use self::a::b; mod a { pub use super::b; }",
        ),
        ("fetch/mod.rs", "mod send; pub use send::{fetch, get};"),
        ("fetch/send.rs", "pub fn fetch() {} pub fn get() {}"),
        (
            "user.rs",
            "use crate::fetch;\nuse crate::fetch::get;\nuse crate::b;",
        ),
    ];
    let of_user: Vec<_> = imports(&files)
        .into_iter()
        .filter(|line| line.starts_with("user.rs"))
        .collect();
    assert_eq!(
        of_user,
        [
            "user.rs:1 crate::fetch = fetch/mod.rs/",
            "user.rs:1 crate::fetch = fetch/send.rs",
            "user.rs:2 crate::fetch::get = fetch/send.rs",
        ]
    );
}

#[test]
fn files_are_found_beside_below_and_by_path_attribute() {
    let files = [
        ("main.rs", "mod a;\nmod b;"),
        ("a.rs", "mod c;\nmacro_rules! m { () => {} }\nmod d;"),
        (
            "a/c.rs",
            "#[cfg(x)] mod e;\n#[cfg(not(x))] #[path = \"none/e.rs\"] mod e;\nuse e::E;",
        ),
        ("a/c/e.rs", "pub struct E;"),
        ("a/none/e.rs", "pub struct E;"),
        ("a/d.rs", "m!(); fn m() {}"),
        ("b/mod.rs", "use super::a;"),
    ];
    assert_eq!(
        imports(&files),
        [
            "a/c.rs:3 e::E = a/c/e.rs",
            "a/c.rs:3 e::E = a/none/e.rs",
            "a/d.rs:1 m = a.rs",
            "b/mod.rs:1 super::a = a.rs/",
        ]
    );
}

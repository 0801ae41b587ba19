//! Which file of a crate imports from which, read with the compiler's grammar instead of by words.
//!
//! Here: [`Tree`], the files and modules of one crate, and [`Import`], one arrow between two files or out of the crate.
//! `parse.rs` reads a file; `resolve.rs` follows a name through `use`, `pub use` and globs to the file that defines it.
//! Counted: `use` declarations, `pub use` among them, and every path of two or more segments, in macros too. Not counted: what a method call or
//! a trait implementation reaches without a name, and code under `#[cfg(test)]`.

mod parse;
mod resolve;
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use super::source::{files_under, is_product, root};

/// One crate: its files, and its modules with the names in them.
pub(crate) struct Tree {
    /// Paths below `src/`, in a stable order: `lib.rs`, `conn/mod.rs`.
    pub(crate) files: Vec<String>,
    modules: Vec<Module>,
}

/// A module: a file, or `mod name { … }` inside one. The first of a tree is the crate's root.
struct Module {
    /// Index in [`Tree::files`].
    file: usize,
    parent: usize,
    /// Two entries with one name are alternatives of `#[cfg]`.
    children: Vec<(String, usize)>,
    /// Names that the module defines: types, functions, constants, macros.
    items: BTreeSet<String>,
    uses: Vec<Use>,
    paths: Vec<Named>,
    /// The `macro_rules!` among the items: modules below call them without `use`.
    macros: BTreeSet<String>,
    /// Calls of macros by a single name.
    macro_calls: Vec<Named>,
}

/// A path as written: `["crate", "conn", "Drive"]`. `::a` starts with an empty segment; a glob ends in `*`.
#[derive(Clone)]
struct Named {
    segments: Vec<String>,
    line: usize,
}

/// One leaf of a `use` declaration.
struct Use {
    named: Named,
    /// The name in this module; none for a glob and for `as _`.
    local: Option<String>,
    /// `pub use` and the like: the name is handed on.
    is_reexport: bool,
}

/// One import: where it is written, and what it leads to.
#[derive(Clone)]
pub(crate) struct Import {
    /// Index in [`Tree::files`].
    pub(crate) from: usize,
    pub(crate) line: usize,
    /// As written: `crate::conn::Drive`.
    pub(crate) text: String,
    pub(crate) to: Target,
}

/// What a path leads to, after every re-export.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Target {
    /// A name that this file defines.
    Item(usize),
    /// A module as such, of this file. What is then taken out of it is an import of its own.
    Module(usize),
    /// A path into another crate: `tokio::io::AsyncRead`.
    Outside(String),
}

impl Tree {
    /// The crate whose sources lie in `directory`. Panics if a file there is not part of it: then a `mod` was missed.
    pub(crate) fn read(directory: &str) -> Self {
        let base = root().join(directory);
        let texts = files_under(directory, &["rs"]).into_iter().map(|path| {
            let name = path
                .strip_prefix(&base)
                .expect("a file below the directory");
            let text = fs::read_to_string(&path).expect("a file that was listed can be read");
            (name.to_string_lossy().replace('\\', "/"), text)
        });
        let texts: BTreeMap<_, _> = texts.collect();
        let tree = Self::of(&texts);
        for name in texts.keys() {
            let is_read = tree.files.contains(name);
            assert!(
                is_read || !is_product(&format!("{directory}/{name}")),
                "{directory}/{name}: no `mod` leads there"
            );
        }
        tree
    }

    /// The crate of these files: path below `src/`, text.
    pub(crate) fn of(texts: &BTreeMap<String, String>) -> Self {
        parse::tree(texts)
    }

    /// Every import of the crate, in the order of files and lines, each target once per line.
    pub(crate) fn imports(&self) -> Vec<Import> {
        let mut found: Vec<_> = (0..self.modules.len())
            .flat_map(|module| self.imports_of(module))
            .collect();
        found.sort_by(|a, b| {
            (a.from, a.line, &a.to, &a.text).cmp(&(b.from, b.line, &b.to, &b.text))
        });
        found.dedup_by(|a, b| (a.from, a.line, &a.to) == (b.from, b.line, &b.to));
        found
    }
}

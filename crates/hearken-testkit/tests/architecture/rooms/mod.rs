//! The rooms of hearken-http, which of them may import from which, and what must stay out of reach.
//!
//! Here: the order of the rooms and the rules, run over a [`Tree`]. Where an import leads is decided in `imports`.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt::Write as _;

use super::circles::circles;
use super::imports::{Import, Target, Tree};

/// From the bottom up: a room may import from those below it. Rooms on one line do not know each other.
const ORDER: &[&[&str]] = &[
    &["error"],
    &["date", "race"],
    &["net"],
    &["tls"],
    &["event"],
    &["conn"],
    &["pump"],
    &["message"],
    &["server", "client", "session"],
    &["fetch"],
    &["test"],
];

/// Stricter than the order: the one-liner stands on the client alone, the test kit on the server alone.
const APART: &[(&str, &str)] = &[
    ("fetch", "server"),
    ("fetch", "session"),
    ("test", "client"),
    ("test", "fetch"),
    ("test", "session"),
];

/// What the user holds. A connection must not reach one.
const HANDLES: &[&str] = &["message", "server", "client", "session", "fetch"];

/// What a connection and the protocol core must not reach by any path: runtimes, sockets, TLS.
const UNREACHABLE: &[&str] = &[
    "tokio",
    "tokio_rustls",
    "rustls",
    "rustls_native_certs",
    "mio",
    "socket2",
    "std::net",
    "std::os::unix::net",
];

/// Plain data among the unreachable.
const PLAIN: &[&str] = &[
    "std::net::AddrParseError",
    "std::net::IpAddr",
    "std::net::Ipv4Addr",
    "std::net::Ipv6Addr",
    "std::net::SocketAddr",
    "std::net::SocketAddrV4",
    "std::net::SocketAddrV6",
];

/// What their own files must not import either.
const NOT_IMPORTED: &[&str] = &["rustix", "std::env", "std::fs", "std::os", "std::thread"];

/// A circle of imports has at most so many files.
pub(crate) const CIRCLE_MAX: usize = 3;

/// The room of a file: its folder, or the file itself (`pump.rs`). The crate's root is none.
fn room(file: &str) -> Option<&str> {
    let first = file.split('/').next().unwrap_or_default();
    let room = first.trim_end_matches(".rs");
    level(room).map(|_| room)
}

fn level(room: &str) -> Option<usize> {
    ORDER.iter().position(|rooms| rooms.contains(&room))
}

/// A crate with its imports.
pub(crate) struct House {
    tree: Tree,
    imports: Vec<Import>,
}

impl House {
    pub(crate) fn read(directory: &str) -> Self {
        Self::of(Tree::read(directory))
    }

    fn of(tree: Tree) -> Self {
        let imports = tree.imports();
        Self { tree, imports }
    }

    fn name(&self, file: usize) -> &str {
        &self.tree.files[file]
    }

    fn place(&self, import: &Import) -> String {
        format!("{}:{}", self.name(import.from), import.line)
    }

    /// Imports against the order of rooms, and files that lie in no room.
    pub(crate) fn against_the_order(&self) -> Vec<String> {
        let roofs = ["lib.rs", "main.rs"];
        let files = self.tree.files.iter();
        let homeless = files.filter(|file| room(file).is_none() && !roofs.contains(&file.as_str()));
        let homeless = homeless.map(|file| format!("{file}: lies in no room"));
        let mut pairs = BTreeSet::new();
        let arrows = self.imports.iter().filter_map(|import| {
            let (Target::Item(to) | Target::Module(to)) = import.to else {
                return None;
            };
            let from = room(self.name(import.from))?;
            let to_room = room(self.name(to));
            let allowed = to_room.is_some_and(|to| may_know(from, to));
            // The first import of a pair of files is enough to find the others.
            (!allowed && pairs.insert((import.from, to))).then(|| {
                let place = self.place(import);
                let to = to_room.unwrap_or_else(|| self.name(to));
                format!("{place}: {from} must not know {to}: {}", import.text)
            })
        });
        homeless.chain(arrows).collect()
    }

    /// What files of `room` (all files, if none is given) reach and must not, each with the shortest chain to it.
    pub(crate) fn out_of_reach(&self, from: Option<&str>) -> Vec<String> {
        let starts = (0..self.tree.files.len())
            .filter(|file| from.is_none_or(|from| room(self.name(*file)) == Some(from)));
        let starts: Vec<_> = starts.collect();
        assert!(!starts.is_empty(), "the room {from:?} has no file");
        // The import through which each file was first reached; breadth first, so chains are short.
        let mut reached: BTreeMap<usize, Option<&Import>> =
            starts.iter().map(|file| (*file, None)).collect();
        let mut waiting: VecDeque<_> = starts.into();
        let mut found = Vec::new();
        let mut pairs = BTreeSet::new();
        while let Some(file) = waiting.pop_front() {
            let is_start = reached[&file].is_none();
            for import in self.imports.iter().filter(|import| import.from == file) {
                if let Some(what) = self.out_of_reach_by(import, is_start) {
                    // The first import of a kind in a file is enough to find the others.
                    if pairs.insert((file, what)) {
                        found.push(self.chain(&reached, import));
                    }
                } else if let Target::Item(to) = import.to
                    && !reached.contains_key(&to)
                {
                    reached.insert(to, Some(import));
                    waiting.push_back(to);
                }
            }
        }
        found.sort();
        found
    }

    /// The entry of a list above, or the handle's file, that an import leads to.
    fn out_of_reach_by(&self, import: &Import, is_start: bool) -> Option<&str> {
        match &import.to {
            // `use std::net;` alone takes nothing; the paths that start with it count.
            Target::Outside(path) if path == "std::net" => None,
            Target::Outside(path) => {
                let is = |of: &&&str| within(path, of);
                let unreachable = UNREACHABLE.iter().find(is);
                let unreachable = unreachable.filter(|_| !PLAIN.iter().any(|of| is(&of)));
                let not_imported = NOT_IMPORTED.iter().filter(|_| is_start).find(is);
                unreachable.or(not_imported).copied()
            }
            Target::Item(to) => {
                let to = self.name(*to);
                room(to).filter(|room| HANDLES.contains(room)).map(|_| to)
            }
            Target::Module(_) => None,
        }
    }

    /// `conn/a.rs:3 crate::net::B -> net/b.rs:7 tokio::spawn`
    fn chain(&self, reached: &BTreeMap<usize, Option<&Import>>, last: &Import) -> String {
        let mut steps = vec![format!("{} {}", self.place(last), last.text)];
        let mut file = last.from;
        while let Some(import) = reached[&file] {
            steps.push(format!("{} {}", self.place(import), import.text));
            file = import.from;
        }
        steps.reverse();
        steps.join(" -> ")
    }

    /// Circles of imports, the largest first.
    pub(crate) fn circles(&self) -> Vec<Vec<&str>> {
        let mut arrows = vec![Vec::new(); self.tree.files.len()];
        for import in &self.imports {
            if let Target::Item(to) = import.to {
                arrows[import.from].push(to);
            }
        }
        let named = |circle: &Vec<usize>| {
            let mut names: Vec<_> = circle.iter().map(|file| self.name(*file)).collect();
            names.sort_unstable();
            names
        };
        circles(&arrows).iter().map(named).collect()
    }

    /// Rooms in their order with the number of files, and for each the rooms that it imports from.
    pub(crate) fn drawing(&self) -> String {
        let mut drawing = String::new();
        for (number, rooms) in (1..).zip(ORDER) {
            for room in *rooms {
                let files = self
                    .tree
                    .files
                    .iter()
                    .filter(|file| self::room(file) == Some(room));
                let to: Vec<_> = self
                    .arrows_of(room)
                    .into_iter()
                    .map(|(to, count)| format!("{to} {count}"))
                    .collect();
                let _ = writeln!(
                    drawing,
                    "{number}  {room:8} {:3} files -> {}",
                    files.count(),
                    to.join(", ")
                );
            }
        }
        drawing
    }

    /// The rooms that `from` imports from, with the number of imports.
    fn arrows_of(&self, from: &str) -> BTreeMap<&str, usize> {
        let mut arrows = BTreeMap::new();
        for import in &self.imports {
            if let Target::Item(to) = import.to
                && room(self.name(import.from)) == Some(from)
                && let Some(to) = room(self.name(to))
                && to != from
            {
                *arrows.entry(to).or_default() += 1;
            }
        }
        arrows
    }

    /// Rooms whose `mod.rs` does not say what is in it.
    pub(crate) fn without_a_door_plate(
        &self,
        texts: impl Fn(&str) -> Option<String>,
    ) -> Vec<String> {
        // In comments where the module is public: its documentation is for users.
        let mut found = Vec::new();
        for room in ORDER.iter().copied().flatten() {
            let doors = [format!("{room}/mod.rs"), format!("{room}.rs")];
            let Some((door, text)) = doors.iter().find_map(|door| Some((door, texts(door)?)))
            else {
                found.push(format!("{room}: there is no such room"));
                continue;
            };
            let opening: Vec<_> = text
                .lines()
                .take_while(|line| line.is_empty() || line.starts_with("//"))
                .map(|line| line.trim_start_matches(['/', '!', ' ']))
                .collect();
            let missing = ["Here:", "May know:", "Must not know:"]
                .into_iter()
                .filter(|say| !opening.iter().any(|line| line.starts_with(say)));
            found.extend(missing.map(|say| format!("{door}: its opening has no line `{say}`")));
        }
        found
    }
}

fn may_know(from: &str, to: &str) -> bool {
    from == to || (level(to) < level(from) && !APART.contains(&(from, to)))
}

/// `std::net` holds `std::net::TcpStream`, but not `std::network`.
fn within(path: &str, of: &str) -> bool {
    path.strip_prefix(of)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

mod tests;

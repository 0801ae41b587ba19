//! Checks that every name in docs/node-http.md and docs/express.md exists, and that every row has a name or a reason.
//!
//! Here: [`Surface`], the public names of the library, parsed with `syn`, and the rows of a page. Names that our macros generate are read
//! from their arguments.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use super::source::{files_under, root};

/// Public names: `Type`, `function`, `Type::member`, `event::Name`, `client::event::Name`.
#[derive(Default)]
pub(crate) struct Surface {
    names: BTreeSet<String>,
    /// Methods of our own traits, and the types that implement them.
    traits: BTreeMap<String, Vec<String>>,
    implementors: Vec<(String, String)>,
    /// `type Response = IncomingMessage<…>`: members of the right are members of the left.
    aliases: Vec<(String, String)>,
}

impl Surface {
    /// Reads the crates that a user sees.
    pub(crate) fn read() -> Self {
        let mut surface = Self::default();
        for krate in ["hearken-proto", "hearken-http", "hearken-app"] {
            for path in files_under(&format!("crates/{krate}/src"), &["rs"]) {
                let text = fs::read_to_string(&path).expect("a file that was listed can be read");
                let file = syn::parse_file(&text)
                    .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
                surface.items(&file.items);
            }
        }
        surface.inherit();
        surface
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.names.contains(name)
    }

    fn items(&mut self, items: &[syn::Item]) {
        for item in items {
            self.item(item);
        }
    }

    fn item(&mut self, item: &syn::Item) {
        match item {
            syn::Item::Fn(function) if is_public(&function.vis) => {
                self.names.insert(function.sig.ident.to_string());
            }
            syn::Item::Const(constant) if is_public(&constant.vis) => {
                self.names.insert(constant.ident.to_string());
            }
            syn::Item::Struct(item) if is_public(&item.vis) => {
                let fields = item.fields.iter().filter(|field| is_public(&field.vis));
                let fields = fields.filter_map(|field| field.ident.as_ref());
                self.type_with(&item.ident, fields);
            }
            syn::Item::Enum(item) if is_public(&item.vis) => {
                self.type_with(
                    &item.ident,
                    item.variants.iter().map(|variant| &variant.ident),
                );
            }
            syn::Item::Type(alias) if is_public(&alias.vis) => {
                self.names.insert(alias.ident.to_string());
                if let Some(of) = name_of_type(&alias.ty) {
                    self.aliases.push((alias.ident.to_string(), of));
                }
            }
            syn::Item::Trait(item) => {
                let methods = item.items.iter().filter_map(|item| match item {
                    syn::TraitItem::Fn(method) => Some(&method.sig.ident),
                    _ => None,
                });
                let methods: Vec<_> = methods.map(ToString::to_string).collect();
                self.names.insert(item.ident.to_string());
                for method in &methods {
                    self.names.insert(format!("{}::{method}", item.ident));
                }
                self.traits.insert(item.ident.to_string(), methods);
            }
            syn::Item::Impl(item) => self.implementation(item),
            syn::Item::Mod(module) => {
                if let Some((_, items)) = &module.content {
                    self.items(items);
                }
            }
            syn::Item::Macro(call) => self.events(call),
            syn::Item::Use(item) if is_public(&item.vis) => self.named_again(&item.tree),
            _ => {}
        }
    }

    fn type_with<'a>(&mut self, name: &syn::Ident, members: impl Iterator<Item = &'a syn::Ident>) {
        self.names.insert(name.to_string());
        self.names
            .extend(members.map(|member| format!("{name}::{member}")));
    }

    fn implementation(&mut self, item: &syn::ItemImpl) {
        let Some(owner) = name_of_type(&item.self_ty) else {
            return;
        };
        if let Some((_, of, _)) = &item.trait_ {
            let of = of.segments.last().map(|segment| segment.ident.to_string());
            if of.as_deref() == Some("Deref") {
                let target = item.items.iter().find_map(target_of);
                self.aliases
                    .extend(target.map(|target| (owner.clone(), target)));
            }
            self.implementors.extend(of.map(|of| (owner.clone(), of)));
            return;
        }
        for member in &item.items {
            let name = match member {
                syn::ImplItem::Fn(method) if is_public(&method.vis) => &method.sig.ident,
                syn::ImplItem::Const(constant) if is_public(&constant.vis) => &constant.ident,
                syn::ImplItem::Macro(call) => {
                    self.methods(&owner, call);
                    continue;
                }
                _ => continue,
            };
            self.names.insert(format!("{owner}::{name}"));
        }
    }

    /// `name …;` in a macro declares a method: of an HTTP method, of a field.
    fn methods(&mut self, owner: &str, call: &syn::ImplItemMacro) {
        let words = call.mac.tokens.clone().into_iter();
        let words: Vec<_> = words.map(|token| token.to_string()).collect();
        let names = words
            .split(|word| word == ";")
            .filter_map(|row| row.first());
        self.names
            .extend(names.map(|name| format!("{owner}::{name}")));
    }

    /// `Name, field, <'a> Argument;` declares an event.
    fn events(&mut self, call: &syn::ItemMacro) {
        let name = call
            .mac
            .path
            .segments
            .last()
            .map(|last| last.ident.to_string());
        let module = match name.as_deref() {
            Some("events") => "event",
            Some("client_events") => "client::event",
            _ => return,
        };
        let words: Vec<_> = call
            .mac
            .tokens
            .clone()
            .into_iter()
            .map(|token| token.to_string())
            .collect();
        for window in words.windows(5) {
            if let [name, one, _field, two, three] = window
                && [one.as_str(), two, three] == [",", ",", "<"]
            {
                self.names.insert(format!("{module}::{name}"));
            }
        }
    }

    /// Reexported types of other crates.
    fn named_again(&mut self, tree: &syn::UseTree) {
        match tree {
            syn::UseTree::Path(path) => self.named_again(&path.tree),
            syn::UseTree::Group(group) => {
                group.items.iter().for_each(|tree| self.named_again(tree));
            }
            syn::UseTree::Name(name) => {
                self.names.insert(name.ident.to_string());
            }
            syn::UseTree::Rename(name) => {
                self.names.insert(name.rename.to_string());
                let alias = (name.rename.to_string(), name.ident.to_string());
                self.aliases.push(alias);
            }
            syn::UseTree::Glob(_) => {}
        }
    }

    fn inherit(&mut self) {
        for (owner, of) in &self.implementors {
            for method in self.traits.get(of).into_iter().flatten() {
                self.names.insert(format!("{owner}::{method}"));
            }
        }
        for (alias, of) in &self.aliases {
            let members = self.names.iter().filter_map(|name| {
                let (owner, member) = name.split_once("::")?;
                (owner == of).then(|| format!("{alias}::{member}"))
            });
            let members: Vec<_> = members.collect();
            self.names.extend(members);
        }
    }
}

/// The `Target` of an implementation of `Deref`.
fn target_of(item: &syn::ImplItem) -> Option<String> {
    match item {
        syn::ImplItem::Type(item) if item.ident == "Target" => name_of_type(&item.ty),
        _ => None,
    }
}

const fn is_public(visibility: &syn::Visibility) -> bool {
    matches!(visibility, syn::Visibility::Public(_))
}

fn name_of_type(ty: &syn::Type) -> Option<String> {
    match ty {
        syn::Type::Path(path) => path.path.segments.last().map(|last| last.ident.to_string()),
        _ => None,
    }
}

/// One row of a page: the name of the other library and ours.
pub(crate) struct Row {
    page: &'static str,
    line: usize,
    theirs: String,
    ours: String,
}

/// The rows of all tables of a page whose second column is ours.
pub(crate) fn rows(page: &'static str) -> Vec<Row> {
    let text = fs::read_to_string(root().join(page)).expect("the page is there");
    let mut rows = Vec::new();
    let mut inside = false;
    for (line, text) in (1..).zip(text.lines()) {
        let cells: Vec<_> = text.trim_matches('|').split('|').map(str::trim).collect();
        if !text.starts_with('|') {
            inside = false;
        } else if cells.get(1) == Some(&"Hearken") {
            inside = true;
        } else if inside && !cells[0].starts_with("---") {
            rows.push(Row {
                page,
                line,
                theirs: cells[0].to_owned(),
                ours: cells.get(1).copied().unwrap_or_default().to_owned(),
            });
        }
    }
    rows
}

/// The faults of a row.
pub(crate) fn faults(row: &Row, surface: &Surface) -> Vec<String> {
    let Row {
        page,
        line,
        theirs,
        ours,
    } = row;
    let reason = ours.starts_with("none: ");
    let names: Vec<_> = ours.split('`').skip(1).step_by(2).collect();
    let names = if reason { Vec::new() } else { names };
    let mut faults = Vec::new();
    if theirs.is_empty() || (names.is_empty() && !says_why(ours)) {
        faults.push(format!(
            "{page}:{line}: {theirs:?} has neither a name nor a reason (`none: …`)"
        ));
    }
    let unknown = names.into_iter().filter(|name| !surface.has(name));
    faults.extend(unknown.map(|name| format!("{page}:{line}: there is no `{name}`")));
    faults
}

fn says_why(ours: &str) -> bool {
    ours.strip_prefix("none: ")
        .is_some_and(|why| why.len() > 10)
}

/// Each page, and the number of rows that it has at least.
pub(crate) const PAGES: [(&str, usize); 3] = [
    ("docs/node-http.md", 200),
    ("docs/express.md", 100),
    ("docs/from-axum.md", 60),
];

#[test]
fn a_row_needs_a_name_that_exists_or_a_reason() {
    let surface = Surface::read();
    assert!(
        surface.has("Server::new")
            && surface.has("event::Request")
            && surface.has("TimeLimits::head")
    );
    assert!(
        surface.has("ServerResponse::set_header"),
        "methods of our traits count"
    );
    assert!(
        surface.has("Router::get") && surface.has("App::get") && surface.has("App::mount"),
        "methods made by a macro, and those of the target of Deref, count"
    );
    let row = |ours: &str| Row {
        page: "page",
        line: 1,
        theirs: "x".to_owned(),
        ours: ours.to_owned(),
    };
    assert!(faults(&row("`Server::new`"), &surface).is_empty());
    assert!(faults(&row("none: Rust has no such thing"), &surface).is_empty());
    assert_eq!(faults(&row("`Server::old`"), &surface).len(), 1);
    assert_eq!(faults(&row(""), &surface).len(), 1);
    assert_eq!(faults(&row("none: "), &surface).len(), 1);
}

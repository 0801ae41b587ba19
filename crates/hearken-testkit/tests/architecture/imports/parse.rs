//! Reads the files of a crate into a [`Tree`]: follows `mod` declarations, collects `use` leaves, paths and item names.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use syn::visit::{self, Visit};

use super::{Module, Named, Tree, Use};

/// Reads from `lib.rs`, or `main.rs` where there is none.
pub(super) fn tree(texts: &BTreeMap<String, String>) -> Tree {
    let root = ["lib.rs", "main.rs"]
        .into_iter()
        .find(|root| texts.contains_key(*root));
    let root = root.expect("a crate has a lib.rs or a main.rs").to_owned();
    let mut tree = Tree {
        files: vec![root.clone()],
        modules: vec![Module::new(0, 0)],
    };
    let mut unread = vec![(0, root)];
    while let Some((module, file)) = unread.pop() {
        let text = texts
            .get(&file)
            .unwrap_or_else(|| panic!("{file}: no such file"));
        let parsed = syn::parse_file(text).unwrap_or_else(|error| panic!("{file}: {error}"));
        let mut reader = Reader {
            tree: &mut tree,
            module,
            declared: Vec::new(),
        };
        reader.visit_file(&parsed);
        for declared in reader.declared {
            let path = declared.file(&file, texts);
            tree.files.push(path.clone());
            tree.modules[declared.module].file = tree.files.len() - 1;
            unread.push((declared.module, path));
        }
    }
    tree
}

impl Module {
    fn new(file: usize, parent: usize) -> Self {
        Self {
            file,
            parent,
            children: Vec::new(),
            items: BTreeSet::new(),
            uses: Vec::new(),
            paths: Vec::new(),
            macros: BTreeSet::new(),
            macro_calls: Vec::new(),
        }
    }
}

/// `mod name;`
struct Declared {
    module: usize,
    name: String,
    /// `#[path = "…"]`
    path: Option<String>,
}

impl Declared {
    fn file(&self, parent: &str, texts: &BTreeMap<String, String>) -> String {
        let (directory, stem) = match parent.rsplit_once('/') {
            Some((directory, file)) => (format!("{directory}/"), file),
            None => (String::new(), parent),
        };
        if let Some(path) = &self.path {
            return format!("{directory}{path}");
        }
        let below = match stem {
            "lib.rs" | "main.rs" | "mod.rs" => directory,
            file => format!("{directory}{}/", file.trim_end_matches(".rs")),
        };
        let candidates = [
            format!("{below}{}.rs", self.name),
            format!("{below}{}/mod.rs", self.name),
        ];
        candidates
            .into_iter()
            .find(|file| texts.contains_key(file))
            .unwrap_or_else(|| panic!("{parent}: no file for `mod {};`", self.name))
    }
}

/// Fills one module from the syntax of its file, and the modules written inside it.
struct Reader<'a> {
    tree: &'a mut Tree,
    module: usize,
    declared: Vec<Declared>,
}

impl Reader<'_> {
    fn here(&mut self) -> &mut Module {
        &mut self.tree.modules[self.module]
    }

    fn define(&mut self, name: &syn::Ident) {
        self.here().items.insert(name.to_string());
    }

    fn submodule(&mut self, item: &syn::ItemMod) {
        let file = self.here().file;
        let child = self.tree.modules.len();
        self.tree.modules.push(Module::new(file, self.module));
        self.here().children.push((item.ident.to_string(), child));
        if let Some((_, items)) = &item.content {
            let outer = std::mem::replace(&mut self.module, child);
            items.iter().for_each(|item| self.visit_item(item));
            self.module = outer;
        } else {
            self.declared.push(Declared {
                module: child,
                name: item.ident.to_string(),
                path: path_attribute(&item.attrs),
            });
        }
    }

    /// The leaves of one `use` declaration.
    fn leaves(&mut self, tree: &syn::UseTree, before: &[String], is_reexport: bool) {
        let with = |last: &syn::Ident| [before, &[last.to_string()]].concat();
        let (segments, local, line) = match tree {
            syn::UseTree::Path(path) => {
                return self.leaves(&path.tree, &with(&path.ident), is_reexport);
            }
            syn::UseTree::Group(group) => {
                let each = group.items.iter();
                return each.for_each(|tree| self.leaves(tree, before, is_reexport));
            }
            // `use a::b::{self}` names `b`.
            syn::UseTree::Name(name) if name.ident == "self" => (
                before.to_vec(),
                before.last().cloned(),
                name.ident.span().start().line,
            ),
            syn::UseTree::Name(name) => {
                let local = Some(name.ident.to_string());
                (with(&name.ident), local, name.ident.span().start().line)
            }
            syn::UseTree::Rename(name) => {
                let local = (name.rename != "_").then(|| name.rename.to_string());
                (with(&name.ident), local, name.ident.span().start().line)
            }
            syn::UseTree::Glob(glob) => (
                [before, &["*".to_owned()]].concat(),
                None,
                glob.star_token.spans[0].start().line,
            ),
        };
        let named = Named { segments, line };
        self.here().uses.push(Use {
            named,
            local,
            is_reexport,
        });
    }

    /// What stands in a macro is not parsed: every `a::b` in it counts as a path.
    fn tokens(&mut self, tokens: TokenStream, before: &[String]) {
        let tokens: Vec<_> = tokens.into_iter().collect();
        let mut at = 0;
        while at < tokens.len() {
            match &tokens[at] {
                TokenTree::Ident(first) => {
                    let line = first.span().start().line;
                    let (segments, length) = path_in(&tokens[at..], before);
                    at += length;
                    match tokens.get(at) {
                        Some(TokenTree::Group(group))
                            if group.delimiter() == Delimiter::Brace
                                && ends_open(&tokens[..at]) =>
                        {
                            self.tokens(group.stream(), &segments);
                            at += 1;
                        }
                        _ if segments.len() > 1 => self.here().paths.push(Named { segments, line }),
                        _ => {}
                    }
                }
                TokenTree::Group(group) => {
                    self.tokens(group.stream(), before);
                    at += 1;
                }
                _ => at += 1,
            }
        }
    }
}

/// The path that begins with the first token, and how many tokens it has, a `::` behind it included.
fn path_in(tokens: &[TokenTree], before: &[String]) -> (Vec<String>, usize) {
    let mut segments = before.to_vec();
    let mut at = 0;
    while let Some(TokenTree::Ident(segment)) = tokens.get(at) {
        segments.push(segment.to_string());
        at += 1;
        if !is_colon(tokens.get(at)) || !is_colon(tokens.get(at + 1)) {
            break;
        }
        at += 2;
    }
    (segments, at)
}

fn is_colon(token: Option<&TokenTree>) -> bool {
    matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == ':')
}

/// Whether these tokens end in `::`.
fn ends_open(tokens: &[TokenTree]) -> bool {
    tokens.len() > 1
        && tokens
            .iter()
            .rev()
            .take(2)
            .all(|token| is_colon(Some(token)))
}

impl<'ast> Visit<'ast> for Reader<'_> {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        if attributes_of(item).is_some_and(is_for_tests) {
            return;
        }
        match item {
            syn::Item::Mod(item) => return self.submodule(item),
            syn::Item::Use(item) => {
                let before: &[String] = match item.leading_colon {
                    Some(_) => &[String::new()],
                    None => &[],
                };
                let is_reexport = !matches!(item.vis, syn::Visibility::Inherited);
                return self.leaves(&item.tree, before, is_reexport);
            }
            syn::Item::ExternCrate(item) => {
                let local = item.rename.as_ref().map_or(&item.ident, |(_, name)| name);
                let named = Named {
                    segments: vec![String::new(), item.ident.to_string()],
                    line: item.ident.span().start().line,
                };
                let local = Some(local.to_string());
                self.here().uses.push(Use {
                    named,
                    local,
                    is_reexport: false,
                });
                return;
            }
            syn::Item::Const(item) => self.define(&item.ident),
            syn::Item::Enum(item) => self.define(&item.ident),
            syn::Item::Fn(item) => self.define(&item.sig.ident),
            syn::Item::Static(item) => self.define(&item.ident),
            syn::Item::Struct(item) => self.define(&item.ident),
            syn::Item::Trait(item) => self.define(&item.ident),
            syn::Item::TraitAlias(item) => self.define(&item.ident),
            syn::Item::Type(item) => self.define(&item.ident),
            syn::Item::Union(item) => self.define(&item.ident),
            syn::Item::Macro(item) => {
                if let Some(name) = &item.ident {
                    self.define(name);
                    self.here().macros.insert(name.to_string());
                }
            }
            _ => {}
        }
        visit::visit_item(self, item);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let mut segments: Vec<_> = path
            .segments
            .iter()
            .map(|segment| segment.ident.to_string())
            .collect();
        if path.leading_colon.is_some() {
            segments.insert(0, String::new());
        }
        if segments.len() > 1 {
            let line = path.segments[0].ident.span().start().line;
            self.here().paths.push(Named { segments, line });
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        if let Some(name) = call.path.get_ident() {
            let named = Named {
                segments: vec![name.to_string()],
                line: name.span().start().line,
            };
            self.here().macro_calls.push(named);
        }
        self.visit_path(&call.path);
        self.tokens(call.tokens.clone(), &[]);
    }

    fn visit_attribute(&mut self, attribute: &'ast syn::Attribute) {
        match &attribute.meta {
            syn::Meta::List(list) => {
                self.visit_path(&list.path);
                self.tokens(list.tokens.clone(), &[]);
            }
            syn::Meta::Path(path) => self.visit_path(path),
            syn::Meta::NameValue(_) => {}
        }
    }

    /// `pub(in crate::conn)` names who may see an item; that imports nothing.
    fn visit_visibility(&mut self, _: &'ast syn::Visibility) {}

    fn visit_stmt(&mut self, statement: &'ast syn::Stmt) {
        let attributes = match statement {
            syn::Stmt::Local(local) => local.attrs.as_slice(),
            syn::Stmt::Macro(call) => call.attrs.as_slice(),
            syn::Stmt::Item(_) | syn::Stmt::Expr(..) => &[],
        };
        if !is_for_tests(attributes) {
            visit::visit_stmt(self, statement);
        }
    }

    fn visit_impl_item(&mut self, item: &'ast syn::ImplItem) {
        let attributes = match item {
            syn::ImplItem::Const(item) => item.attrs.as_slice(),
            syn::ImplItem::Fn(item) => item.attrs.as_slice(),
            syn::ImplItem::Type(item) => item.attrs.as_slice(),
            _ => &[],
        };
        if !is_for_tests(attributes) {
            visit::visit_impl_item(self, item);
        }
    }

    fn visit_field(&mut self, field: &'ast syn::Field) {
        if !is_for_tests(&field.attrs) {
            visit::visit_field(self, field);
        }
    }

    fn visit_variant(&mut self, variant: &'ast syn::Variant) {
        if !is_for_tests(&variant.attrs) {
            visit::visit_variant(self, variant);
        }
    }
}

fn attributes_of(item: &syn::Item) -> Option<&[syn::Attribute]> {
    Some(match item {
        syn::Item::Const(item) => &item.attrs,
        syn::Item::Enum(item) => &item.attrs,
        syn::Item::ExternCrate(item) => &item.attrs,
        syn::Item::Fn(item) => &item.attrs,
        syn::Item::Impl(item) => &item.attrs,
        syn::Item::Macro(item) => &item.attrs,
        syn::Item::Mod(item) => &item.attrs,
        syn::Item::Static(item) => &item.attrs,
        syn::Item::Struct(item) => &item.attrs,
        syn::Item::Trait(item) => &item.attrs,
        syn::Item::Type(item) => &item.attrs,
        syn::Item::Use(item) => &item.attrs,
        _ => return None,
    })
}

/// Whether a `#[cfg(…)]` leaves the item out of every build but that of tests.
fn is_for_tests(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("test")
            || (attribute.path().is_ident("cfg")
                && attribute
                    .parse_args::<syn::Meta>()
                    .is_ok_and(|condition| needs_test(&condition)))
    })
}

fn needs_test(condition: &syn::Meta) -> bool {
    let syn::Meta::List(list) = condition else {
        return condition.path().is_ident("test");
    };
    let parser = syn::punctuated::Punctuated::<syn::Meta, syn::Token![,]>::parse_terminated;
    let inner = list.parse_args_with(parser).unwrap_or_default();
    if list.path.is_ident("all") {
        inner.iter().any(needs_test)
    } else {
        list.path.is_ident("any") && !inner.is_empty() && inner.iter().all(needs_test)
    }
}

fn path_attribute(attributes: &[syn::Attribute]) -> Option<String> {
    attributes
        .iter()
        .find_map(|attribute| match &attribute.meta {
            syn::Meta::NameValue(syn::MetaNameValue {
                path,
                value:
                    syn::Expr::Lit(syn::ExprLit {
                        lit: syn::Lit::Str(text),
                        ..
                    }),
                ..
            }) if path.is_ident("path") => Some(text.value()),
            _ => None,
        })
}

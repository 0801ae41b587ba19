//! From a path as written to the file that defines what it names.

use super::{Import, Named, Target, Tree, Use};

/// The `use` leaves that are being followed, module and index: one that leads back to itself ends there.
type Followed = Vec<(usize, usize)>;

impl Tree {
    pub(super) fn imports_of(&self, module: usize) -> Vec<Import> {
        let here = &self.modules[module];
        let uses = here.uses.iter().enumerate().flat_map(|(index, leaf)| {
            let targets = self.path(module, &leaf.named.segments, &mut vec![(module, index)]);
            self.arrows(module, &leaf.named, targets)
        });
        let paths = here.paths.iter().flat_map(|named| {
            let targets = self.path(module, &named.segments, &mut Vec::new());
            self.arrows(module, named, targets)
        });
        let calls = here.macro_calls.iter().flat_map(|named| {
            let targets = self.macro_by_name(module, &named.segments[0]);
            self.arrows(module, named, targets)
        });
        uses.chain(paths).chain(calls).collect()
    }

    fn arrows(&self, module: usize, named: &Named, targets: Vec<Target>) -> Vec<Import> {
        let from = self.modules[module].file;
        let elsewhere = targets.into_iter().filter(|to| match to {
            Target::Item(file) | Target::Module(file) => *file != from,
            Target::Outside(_) => true,
        });
        let import = |to| Import {
            from,
            line: named.line,
            text: named.segments.join("::"),
            to,
        };
        elsewhere.map(import).collect()
    }

    /// Where a path that is written in `module` leads. Several targets: one name in several namespaces, or `#[cfg]`.
    fn path(&self, module: usize, path: &[String], followed: &mut Followed) -> Vec<Target> {
        let (first, rest) = path.split_first().expect("a path has a segment");
        match first.as_str() {
            "" => vec![Target::Outside(rest.join("::"))],
            "Self" => Vec::new(),
            "crate" => self.walk(0, rest, followed),
            "self" | "super" => self.walk(module, path, followed),
            _ => {
                let found = self.find(module, path, followed);
                // A glob's own path starts with a name, not with `*`.
                if found.is_empty() && first != "*" {
                    return vec![Target::Outside(path.join("::"))];
                }
                found
            }
        }
    }

    /// From inside `module` along the rest of a path.
    fn walk(&self, module: usize, rest: &[String], followed: &mut Followed) -> Vec<Target> {
        let here = &self.modules[module];
        match rest.split_first() {
            None => vec![Target::Module(here.file)],
            Some((name, rest)) if name == "self" => self.walk(module, rest, followed),
            Some((name, rest)) if name == "super" => self.walk(here.parent, rest, followed),
            Some((name, _)) if name == "*" => self.all_names(module, followed),
            Some(_) => self.find(module, rest, followed),
        }
    }

    /// The first name of `path` in `module`, and from there on.
    fn find(&self, module: usize, path: &[String], followed: &mut Followed) -> Vec<Target> {
        let here = &self.modules[module];
        let (name, rest) = path.split_first().expect("a path has a segment");
        let children = here.children.iter().filter(|(child, _)| child == name);
        let mut found: Vec<_> = children
            .flat_map(|(_, child)| self.walk(*child, rest, followed))
            .collect();
        // Only a module can be followed by what is found in a module: `fetch::get` is not the function `fetch`.
        if !rest.is_empty() && !found.is_empty() {
            return found;
        }
        if here.items.contains(name) {
            found.push(Target::Item(here.file));
        }
        for (index, leaf) in here.uses.iter().enumerate() {
            if leaf.local.as_ref() == Some(name) {
                let whole = [&leaf.named.segments, rest].concat();
                found.extend(self.follow((module, index), &whole, followed));
            }
        }
        if found.is_empty() {
            let globs = here.uses.iter().enumerate();
            let globs = globs.filter(|(_, leaf)| leaf.is_glob());
            for (index, leaf) in globs {
                let outer = leaf.named.segments.split_last().expect("a `*`").1;
                let whole = [outer, path].concat();
                let through = self.follow((module, index), &whole, followed);
                // A glob of another crate may bring any name: only what is ours is known.
                let ours = through
                    .into_iter()
                    .filter(|to| !matches!(to, Target::Outside(_)));
                found.extend(ours);
            }
        }
        found
    }

    fn follow(
        &self,
        leaf: (usize, usize),
        path: &[String],
        followed: &mut Followed,
    ) -> Vec<Target> {
        if followed.contains(&leaf) {
            return Vec::new();
        }
        followed.push(leaf);
        let found = self.path(leaf.0, path, followed);
        followed.pop();
        found
    }

    /// What a glob brings in: the module's own names and those that it hands on.
    fn all_names(&self, module: usize, followed: &mut Followed) -> Vec<Target> {
        let here = &self.modules[module];
        let mut found = vec![Target::Module(here.file)];
        if !here.items.is_empty() {
            found.push(Target::Item(here.file));
        }
        for (index, leaf) in here.uses.iter().enumerate() {
            if leaf.is_reexport {
                found.extend(self.follow((module, index), &leaf.named.segments, followed));
            }
        }
        found
    }

    /// `name!` without a path: a `macro_rules!` of a module further up. One that came by `use` is counted there.
    fn macro_by_name(&self, module: usize, name: &str) -> Vec<Target> {
        let mut at = module;
        loop {
            let here = &self.modules[at];
            if here.macros.contains(name) {
                return vec![Target::Item(here.file)];
            }
            if at == 0 {
                return Vec::new();
            }
            at = here.parent;
        }
    }
}

impl Use {
    fn is_glob(&self) -> bool {
        self.named.segments.last().is_some_and(|last| last == "*")
    }
}

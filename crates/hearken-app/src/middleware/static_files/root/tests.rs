use super::*;
use std::io::Read;
use std::os::unix::fs::symlink;

/// A tree with links of all kinds. The root is `site`.
struct Tree(PathBuf);

impl Tree {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("hearken-root-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(path.join("site/a/b")).expect("a temporary directory");
        let path = path.canonicalize().expect("it exists");
        let site = path.join("site");
        let write = |at: PathBuf, text: &str| std::fs::write(at, text).expect("a file");
        write(path.join("secret"), "secret");
        write(site.join("a/b/file"), "file");
        let link = |target: &Path, at: &str| symlink(target, site.join(at)).expect("a link");
        link(Path::new("a/b/file"), "inside");
        link(Path::new("../../a/b/file"), "a/b/up");
        link(&site.join("a/b/file"), "absolute");
        link(Path::new("a/b"), "dir");
        link(Path::new("inside"), "twice");
        link(Path::new("../secret"), "out");
        link(&path.join("secret"), "absolute-out");
        link(&path, "above");
        link(Path::new("../site/a/b/file"), "out-and-back");
        link(Path::new("circle"), "circle");
        link(Path::new("nothing"), "dangling");
        Self(path)
    }

    fn root(&self, symlinks: Symlinks) -> Root {
        Root {
            path: self.0.join("site"),
            symlinks,
        }
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn text(file: Result<File, Errno>) -> Result<String, Errno> {
    let mut text = String::new();
    file?.read_to_string(&mut text).expect("text");
    Ok(text)
}

/// Both ways of opening must agree.
fn opened(root: &Root, path: &str) -> Result<String, Errno> {
    let open = root.open(Patience::Some).expect("the root");
    let steps = text(open.by_steps(path));
    let kernel = text(open.file(path));
    assert_eq!(
        kernel.is_ok(),
        steps.is_ok(),
        "{path}: {kernel:?}, by steps {steps:?}"
    );
    let cached = root
        .open(Patience::None)
        .and_then(|open| text(open.file(path)));
    if cached != Err(Errno::AGAIN) {
        assert_eq!(cached, kernel, "{path}");
    }
    kernel
}

#[test]
fn links_are_followed_inside_of_the_root_only() {
    let tree = Tree::new("inside");
    let root = tree.root(Symlinks::Inside);
    for path in [
        "a/b/file", "inside", "a/b/up", "absolute", "dir/file", "dir/up", "twice",
    ] {
        assert_eq!(opened(&root, path).as_deref(), Ok("file"), "{path}");
    }
    for path in [
        "out",
        "absolute-out",
        "above/secret",
        "out-and-back",
        "circle",
        "dangling",
        "a/b/file/x",
    ] {
        assert!(opened(&root, path).is_err(), "{path}");
    }
}

#[test]
fn links_are_followed_never_or_everywhere_on_request() {
    let tree = Tree::new("requested");
    let never = tree.root(Symlinks::Never);
    assert_eq!(opened(&never, "a/b/file").as_deref(), Ok("file"));
    for path in ["inside", "dir/file", "absolute", "out"] {
        assert!(opened(&never, path).is_err(), "{path}");
    }
    let everywhere = tree.root(Symlinks::Everywhere);
    for path in ["out", "absolute-out", "above/secret"] {
        assert_eq!(opened(&everywhere, path).as_deref(), Ok("secret"), "{path}");
    }
}

#[test]
fn a_root_may_be_replaced() {
    let tree = Tree::new("replaced");
    symlink("site", tree.0.join("current")).expect("a link");
    let root = Root {
        path: tree.0.join("current"),
        symlinks: Symlinks::Inside,
    };
    assert_eq!(opened(&root, "a/b/file").as_deref(), Ok("file"));
    std::fs::create_dir(tree.0.join("next")).expect("a directory");
    std::fs::write(tree.0.join("next/new"), "new").expect("a file");
    std::fs::remove_file(tree.0.join("current")).expect("the link");
    symlink("next", tree.0.join("current")).expect("a link");
    assert_eq!(opened(&root, "new").as_deref(), Ok("new"));
    assert!(opened(&root, "a/b/file").is_err());
}

//! The allowed dependencies between crates, checked against `cargo metadata`.

use std::process::Command;

use serde_json::Value;

use super::source::root;

/// Our crates from the bottom up, each with the crates of ours that it may depend on. ARCHITECTURE.md has the drawing.
const DRAWN: &[(&str, &[&str])] = &[
    ("hearken-proto", &[]),
    ("hearken-http", &["hearken-proto"]),
    ("hearken-app", &["hearken-http", "hearken-proto"]),
    ("hearken-ws", &["hearken-http", "hearken-proto"]),
    ("hearken-inspect", &["hearken-http", "hearken-proto"]),
    (
        "hearken",
        &[
            "hearken-app",
            "hearken-ws",
            "hearken-inspect",
            "hearken-http",
            "hearken-proto",
        ],
    ),
    ("hearken-cli", &["hearken"]),
    ("hearken-testkit", &["hearken-proto"]),
];

/// Dependencies of the protocol core. A crate with I/O, a clock or randomness does not belong on this list.
const CORE_MAY_USE: &[&str] = &["memchr"];

/// Allowed under `[dev-dependencies]` only.
const TESTS_ONLY: &str = "hearken-testkit";

/// A package of the workspace: the facts that the rules use.
pub(crate) struct Package {
    name: String,
    /// One of our crates, below `crates/`; examples and benches may use any of them.
    is_house: bool,
    dependencies: Vec<Dependency>,
}

struct Dependency {
    name: String,
    /// Under `[dev-dependencies]`.
    is_dev: bool,
}

pub(crate) fn packages() -> Vec<Package> {
    let mut metadata = Command::new(env!("CARGO"));
    metadata
        .args([
            "metadata",
            "--format-version",
            "1",
            "--no-deps",
            "--offline",
        ])
        .current_dir(root());
    let output = metadata.output().expect("cargo runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    list(&metadata, "packages").iter().map(package).collect()
}

fn package(package: &Value) -> Package {
    let manifest = text(package, "manifest_path").replace('\\', "/");
    Package {
        name: text(package, "name"),
        is_house: manifest
            .starts_with(&root().join("crates/").to_string_lossy().replace('\\', "/")),
        dependencies: list(package, "dependencies")
            .iter()
            .map(dependency)
            .collect(),
    }
}

fn dependency(dependency: &Value) -> Dependency {
    // `kind` is null for a plain dependency; "build" counts as plain.
    Dependency {
        name: text(dependency, "name"),
        is_dev: dependency["kind"] == "dev",
    }
}

fn list<'a>(of: &'a Value, key: &str) -> &'a [Value] {
    of[key]
        .as_array()
        .unwrap_or_else(|| panic!("{key} in cargo's metadata"))
}

fn text(of: &Value, key: &str) -> String {
    of[key]
        .as_str()
        .unwrap_or_else(|| panic!("{key} in cargo's metadata"))
        .to_owned()
}

pub(crate) fn violations(packages: &[Package]) -> Vec<String> {
    assert!(
        packages
            .iter()
            .any(|package| package.name == "hearken-proto"),
        "the workspace was not read"
    );
    packages
        .iter()
        .filter(|package| package.is_house)
        .flat_map(violations_of)
        .collect()
}

fn violations_of(package: &Package) -> Vec<String> {
    let name = &package.name;
    let Some((_, may_know)) = DRAWN.iter().find(|(drawn, _)| drawn == name) else {
        return vec![format!("{name} is not drawn at all")];
    };
    let forbidden = package
        .dependencies
        .iter()
        .filter(|dependency| !is_allowed(name, may_know, dependency));
    forbidden
        .map(|dependency| format!("{name} -> {}", dependency.name))
        .collect()
}

fn is_allowed(name: &str, may_know: &[&str], dependency: &Dependency) -> bool {
    let to = dependency.name.as_str();
    let is_house = to == "hearken" || to.starts_with("hearken-");
    match (is_house, dependency.is_dev) {
        (true, false) => may_know.contains(&to),
        // The binary's tests may use every crate. Examples in the documentation of a crate are written as users write them.
        (true, true) => {
            to == TESTS_ONLY || to == "hearken" || may_know.contains(&to) || name == "hearken-cli"
        }
        (false, false) if name == "hearken-proto" => CORE_MAY_USE.contains(&to),
        (false, _) => true,
    }
}

#[test]
fn arrows_that_are_not_drawn_are_found() {
    let allowed = |from: &str, to: &str, is_dev| {
        let dependencies = vec![Dependency {
            name: to.to_owned(),
            is_dev,
        }];
        violations_of(&Package {
            name: from.to_owned(),
            is_house: true,
            dependencies,
        })
        .is_empty()
    };
    for (from, to) in [
        ("hearken-http", "hearken-proto"),
        ("hearken-app", "hearken-http"),
        ("hearken", "hearken-app"),
        ("hearken", "hearken-proto"),
        ("hearken-cli", "hearken"),
        ("hearken-http", "tokio"),
        ("hearken-proto", "memchr"),
    ] {
        assert!(allowed(from, to, false), "{from} -> {to}");
    }
    for (from, to) in [
        ("hearken-proto", "hearken-http"),
        ("hearken-proto", "tokio"),
        ("hearken-http", "hearken-inspect"),
        ("hearken-http", "hearken"),
        ("hearken-app", "hearken-ws"),
        ("hearken-ws", "hearken-app"),
        ("hearken-inspect", "hearken-app"),
        ("hearken-cli", "hearken-http"),
        ("hearken-app", "hearken-testkit"),
        ("hearken-http", "hearken-unheard-of"),
        ("hearken-unheard-of", "memchr"),
    ] {
        assert!(!allowed(from, to, false), "{from} -> {to}");
    }
    assert!(allowed("hearken-proto", "hearken-testkit", true));
    assert!(allowed("hearken-proto", "proptest", true));
    assert!(allowed("hearken-cli", "hearken-http", true));
    assert!(!allowed("hearken-http", "hearken-app", true));
}

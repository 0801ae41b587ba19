//! Who takes part: the catalogue, and what of it this machine has.
//!
//! Not here: how each is built and started (`workshop.rs`), a running one (`server.rs`, `client.rs`).

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{fmt::Write, fs};

use crate::rows::{Role, Row};

/// One program that can be measured. Several may share a name, each in a role of its own.
#[derive(Debug)]
pub struct Peer {
    /// As it is called on the command line and in the tables.
    pub name: &'static str,
    /// What it takes part as.
    pub role: Role,
    pub(crate) kind: Kind,
}

/// How it is got and started.
#[derive(Debug)]
pub(crate) enum Kind {
    /// A package of this workspace; `versioned` is the package in the lock file whose version counts.
    Cargo {
        versioned: Option<&'static str>,
    },
    Nginx,
    /// Node's own server.
    Node,
    /// A client on Node, from npm.
    Undici,
}

/// All of them, by role, in the order of the tables: the floors, ours, then the others.
pub static PEERS: [Peer; 17] = [
    TARGET,
    cargo("bare-tokio", Role::Server, Some("tokio")),
    cargo("hearken", Role::Server, Some("hearken")),
    cargo("may_minihttp", Role::Server, Some("may_minihttp")),
    cargo("hyper", Role::Server, Some("hyper")),
    installed("nginx", Role::Server, Kind::Nginx),
    cargo("xitca-web", Role::Server, Some("xitca-web")),
    cargo("actix-web", Role::Server, Some("actix-web")),
    cargo("axum", Role::Server, Some("axum")),
    installed("node", Role::Server, Kind::Node),
    cargo("hearken", Role::Client, Some("hearken")),
    cargo("reqwest", Role::Client, Some("reqwest")),
    cargo("ureq", Role::Client, Some("ureq")),
    installed("undici", Role::Client, Kind::Undici),
    cargo("hearken", Role::Tls, Some("hearken")),
    cargo("hyper", Role::Tls, Some("hyper")),
    installed("nginx", Role::Tls, Kind::Nginx),
];

/// The server that measured clients ask: the cheapest, so that the client is the bottleneck.
pub const TARGET: Peer = cargo("raw-epoll", Role::Server, None);

const fn cargo(name: &'static str, role: Role, versioned: Option<&'static str>) -> Peer {
    installed(name, role, Kind::Cargo { versioned })
}

const fn installed(name: &'static str, role: Role, kind: Kind) -> Peer {
    Peer { name, role, kind }
}

impl Peer {
    /// Its directory below `peers/`; with `peer-` before it, its package and program.
    pub(crate) fn directory(&self) -> String {
        match self.role {
            Role::Server => self.name.to_owned(),
            role => format!("{}-{}", role.name(), self.name),
        }
    }

    /// Whether it is no program of machine code.
    #[must_use]
    pub fn is_scripted(&self) -> bool {
        matches!(self.kind, Kind::Node | Kind::Undici)
    }
}

/// The text of `--list`.
#[must_use]
pub fn list() -> String {
    let mut text = String::from("peers:\n");
    for peer in &PEERS {
        let state = match peer.kind {
            Kind::Cargo { .. } if is_member(peer) => "built by cargo".to_owned(),
            Kind::Cargo { .. } => NO_MEMBER.to_owned(),
            Kind::Nginx => nginx_version().unwrap_or_else(|reason| reason),
            Kind::Node => node_version().unwrap_or_else(|reason| reason),
            Kind::Undici => match npm() {
                Ok(()) => "installed by npm".to_owned(),
                Err(reason) => reason,
            },
        };
        let _ = writeln!(text, "  {:<14}{:<8}{state}", peer.name, peer.role.name());
    }
    text.push_str("rows:\n");
    for row in Row::ALL {
        let _ = writeln!(text, "  {:<20}{}", row.name(), row.title());
    }
    for reason in [wrk_version().err(), valgrind_version().err()] {
        let _ = reason.map(|reason| writeln!(text, "{reason}"));
    }
    text
}

/// Why a peer of this workspace cannot be built yet.
pub(crate) const NO_MEMBER: &str = "not a member of bench/Cargo.toml yet";

/// A path within `bench/`.
#[must_use]
pub fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The version of wrk.
///
/// # Errors
/// A line that says that it is not installed.
pub fn wrk_version() -> Result<String, String> {
    version("wrk", "-v", "wrk").map(|line| {
        line.split("Copyright")
            .next()
            .unwrap_or_default()
            .trim()
            .to_owned()
    })
}

/// The version of valgrind.
///
/// # Errors
/// A line that says that it is not installed.
pub fn valgrind_version() -> Result<String, String> {
    version("valgrind", "--version", "valgrind")
}

pub(crate) fn nginx_version() -> Result<String, String> {
    version("nginx", "-v", "nginx")
        .map(|line| line.rsplit('/').next().unwrap_or_default().to_owned())
}

pub(crate) fn node_version() -> Result<String, String> {
    version("node", "--version", "nodejs")
}

fn npm() -> Result<(), String> {
    node_version()?;
    version("npm", "--version", "npm").map(|_| ())
}

/// Installs undici beside its client, by the lock file there, unless that has been done.
pub(crate) fn undici_version() -> Result<String, String> {
    npm()?;
    let dir = here("peers/client-undici");
    let version = |path: &str, key: &str| {
        let text = fs::read_to_string(dir.join(path)).ok()?;
        let json: serde_json::Value = serde_json::from_str(&text).ok()?;
        json.pointer(key)?.as_str().map(str::to_owned)
    };
    let installed = || version("node_modules/undici/package.json", "/version");
    let wanted = version(
        "package-lock.json",
        "/packages/node_modules~1undici/version",
    );
    if installed().is_none() || installed() != wanted {
        let output = Command::new("npm")
            .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
            .current_dir(&dir)
            .output()
            .map_err(|error| format!("cannot run npm: {error}"))?;
        if !output.status.success() {
            let complaint = String::from_utf8_lossy(&output.stderr);
            let line = complaint.lines().find(|line| line.contains("error"));
            return Err(format!("npm ci: {}", line.unwrap_or("failed")));
        }
    }
    let undici = installed().ok_or("npm ci has not installed it")?;
    Ok(format!("{undici}, node {}", node_version()?))
}

/// The first line that the program prints about its version, on whichever stream.
fn version(program: &str, flag: &str, package: &str) -> Result<String, String> {
    let output = Command::new(program)
        .arg(flag)
        .output()
        .map_err(|_| format!("{program} is not installed (Debian: apt-get install {package})"))?;
    let bytes = if output.stdout.is_empty() {
        output.stderr
    } else {
        output.stdout
    };
    Ok(String::from_utf8_lossy(&bytes)
        .lines()
        .next()
        .unwrap_or_default()
        .to_owned())
}

/// Whether the workspace's manifest lists the peer among its members.
pub(crate) fn is_member(peer: &Peer) -> bool {
    let manifest = fs::read_to_string(here("Cargo.toml")).unwrap_or_default();
    let members = manifest
        .split_once("members = [")
        .and_then(|(_, rest)| rest.split_once(']'));
    members.is_some_and(|(members, _)| members.contains(&format!("\"peers/{}\"", peer.directory())))
}

/// The version of a package in the lock file.
pub(crate) fn locked_version(package: &str) -> Option<String> {
    let lock = fs::read_to_string(here("Cargo.lock")).ok()?;
    let (_, rest) = lock.split_once(&format!("name = \"{package}\"\nversion = \""))?;
    rest.split('"').next().map(str::to_owned)
}

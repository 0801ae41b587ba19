//! Who takes part, and what it takes to start each: the catalogue, the builds, the configuration of nginx.
//!
//! Not here: a running server (`server.rs`).

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{fmt::Write, fs, io};

use crate::rows::Row;

/// One server that can be measured.
#[derive(Debug)]
pub struct Peer {
    /// As it is called on the command line and in the tables.
    pub name: &'static str,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    /// The package `peer-NAME` of this workspace; `versioned` is the package in the lock file whose version counts.
    Cargo {
        versioned: Option<&'static str>,
    },
    Nginx,
    Node,
}

/// All of them, in the order of the tables: the floors, ours, then the others.
pub static PEERS: [Peer; 10] = [
    cargo("raw-epoll", None),
    cargo("bare-tokio", Some("tokio")),
    cargo("hearken", Some("hearken")),
    cargo("may_minihttp", Some("may_minihttp")),
    cargo("hyper", Some("hyper")),
    Peer {
        name: "nginx",
        kind: Kind::Nginx,
    },
    cargo("xitca-web", Some("xitca-web")),
    cargo("actix-web", Some("actix-web")),
    cargo("axum", Some("axum")),
    Peer {
        name: "node",
        kind: Kind::Node,
    },
];

/// The peer whose user CPU is 1 in the tables.
pub const BASE: &str = "hyper";

const fn cargo(name: &'static str, versioned: Option<&'static str>) -> Peer {
    Peer {
        name,
        kind: Kind::Cargo { versioned },
    }
}

/// The text of `--list`.
#[must_use]
pub fn list() -> String {
    let mut text = String::from("peers:\n");
    for peer in &PEERS {
        let state = match peer.kind {
            Kind::Cargo { .. } if is_member(peer.name) => "built by cargo".to_owned(),
            Kind::Cargo { .. } => "not a member of bench/Cargo.toml yet".to_owned(),
            Kind::Nginx => nginx_version().unwrap_or_else(|reason| reason),
            Kind::Node => node_version().unwrap_or_else(|reason| reason),
        };
        let _ = writeln!(text, "  {:<14}{state}", peer.name);
    }
    text.push_str("rows:\n");
    for row in Row::ALL {
        let _ = writeln!(text, "  {:<14}{}", row.name(), row.title());
    }
    if let Err(reason) = wrk_version() {
        let _ = writeln!(text, "{reason}");
    }
    text
}

/// Where things are built, and a directory for the run's files. The directory goes when this is dropped.
pub struct Workshop {
    target: PathBuf,
    scratch: PathBuf,
}

impl Workshop {
    /// Finds the target directory by where this program is, and makes the directory for the run's files.
    ///
    /// # Errors
    /// If the directory cannot be made.
    pub fn new() -> io::Result<Self> {
        let program = std::env::current_exe()?;
        let target = program
            .parent()
            .and_then(Path::parent)
            .unwrap_or_else(|| Path::new("target"))
            .to_owned();
        let scratch = std::env::temp_dir().join(format!("hearken-bench-{}", std::process::id()));
        fs::create_dir_all(&scratch)?;
        // For nginx, whose worker may run as another user.
        fs::write(scratch.join("large"), peer_kit::large())?;
        Ok(Self { target, scratch })
    }

    /// Builds the peer, or finds it installed, and says its version.
    ///
    /// # Errors
    /// One line that says why the peer cannot take part.
    pub fn prepare(&self, peer: &Peer) -> Result<String, String> {
        match peer.kind {
            Kind::Cargo { versioned } => {
                if !is_member(peer.name) {
                    return Err("not a member of bench/Cargo.toml yet".to_owned());
                }
                self.build(&["-p", &format!("peer-{}", peer.name)])?;
                Ok(versioned.map_or_else(String::new, |package| {
                    locked_version(package).unwrap_or_default()
                }))
            }
            Kind::Nginx => nginx_version(),
            Kind::Node => node_version(),
        }
    }

    /// Builds the load generator.
    ///
    /// # Errors
    /// The compiler's first complaint.
    pub fn build_load(&self) -> Result<(), String> {
        self.build(&["-p", "bench", "--bin", "load"])
    }

    /// The load generator.
    #[must_use]
    pub fn load(&self) -> Command {
        Command::new(self.target.join("release/load"))
    }

    /// A file for the standard error of `name`.
    #[must_use]
    pub fn log(&self, name: &str) -> PathBuf {
        self.scratch.join(format!("{name}.log"))
    }

    /// The command that starts the peer on a port of 127.0.0.1.
    ///
    /// # Errors
    /// If nginx's configuration cannot be written.
    pub fn command(&self, peer: &Peer, port: u16) -> io::Result<Command> {
        Ok(match peer.kind {
            Kind::Cargo { .. } => {
                let mut command =
                    Command::new(self.target.join(format!("release/peer-{}", peer.name)));
                command.arg(port.to_string());
                command
            }
            Kind::Nginx => {
                let configuration = self.scratch.join("nginx.conf");
                let dir = self.scratch.to_string_lossy();
                let text = include_str!("../peers/nginx/nginx.conf.in")
                    .replace("{port}", &port.to_string())
                    .replace("{dir}", &dir)
                    .replace("{json}", &peer_kit::json_text());
                fs::write(&configuration, text)?;
                let mut command = Command::new("nginx");
                command
                    .args(["-e", "stderr", "-p"])
                    .arg(&self.scratch)
                    .arg("-c")
                    .arg(&configuration);
                command
            }
            Kind::Node => {
                let mut command = Command::new("node");
                command
                    .arg(here("peers/node/server.js"))
                    .arg(port.to_string());
                command
            }
        })
    }

    fn build(&self, what: &[&str]) -> Result<(), String> {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let output = Command::new(cargo)
            .args(["build", "--release", "--quiet", "--manifest-path"])
            .arg(here("Cargo.toml"))
            .arg("--target-dir")
            .arg(&self.target)
            .args(what)
            .output()
            .map_err(|error| format!("cannot run cargo: {error}"))?;
        if output.status.success() {
            return Ok(());
        }
        let complaint = String::from_utf8_lossy(&output.stderr);
        let first = complaint
            .lines()
            .find(|line| line.starts_with("error"))
            .or_else(|| complaint.lines().next());
        Err(format!(
            "does not build: {}",
            first.unwrap_or("cargo failed")
        ))
    }
}

impl Drop for Workshop {
    fn drop(&mut self) {
        // What is left of it lies among the system's temporary files.
        let _ = fs::remove_dir_all(&self.scratch);
    }
}

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

fn nginx_version() -> Result<String, String> {
    version("nginx", "-v", "nginx")
        .map(|line| line.rsplit('/').next().unwrap_or_default().to_owned())
}

fn node_version() -> Result<String, String> {
    version("node", "--version", "nodejs")
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
fn is_member(name: &str) -> bool {
    let manifest = fs::read_to_string(here("Cargo.toml")).unwrap_or_default();
    let members = manifest
        .split_once("members = [")
        .and_then(|(_, rest)| rest.split_once(']'));
    members.is_some_and(|(members, _)| members.contains(&format!("\"peers/{name}\"")))
}

/// The version of a package in the lock file.
fn locked_version(package: &str) -> Option<String> {
    let lock = fs::read_to_string(here("Cargo.lock")).ok()?;
    let (_, rest) = lock.split_once(&format!("name = \"{package}\"\nversion = \""))?;
    rest.split('"').next().map(str::to_owned)
}

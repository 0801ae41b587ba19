//! What it takes to build and start each peer: cargo, npm, the configuration of nginx, a directory for the run's files.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{fs, io};

use crate::peers::{
    Kind, NO_MEMBER, Peer, here, is_member, locked_version, nginx_version, node_version,
    undici_version,
};
use crate::rows::{Role, Row};
use crate::tls::Identity;

/// Where things are built, and a directory for the run's files. The directory goes when this is dropped.
pub struct Workshop {
    target: PathBuf,
    scratch: PathBuf,
    identity: Identity,
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
        let identity = Identity::make(&scratch)?;
        Ok(Self {
            target,
            scratch,
            identity,
        })
    }

    /// Builds the peer, or finds it installed, and says its version.
    ///
    /// # Errors
    /// One line that says why the peer cannot take part.
    pub fn prepare(&self, peer: &Peer) -> Result<String, String> {
        match peer.kind {
            Kind::Cargo { versioned } => {
                if !is_member(peer) {
                    return Err(NO_MEMBER.to_owned());
                }
                self.build(&["-p", &format!("peer-{}", peer.directory())])?;
                Ok(versioned.map_or_else(String::new, |package| {
                    locked_version(package).unwrap_or_default()
                }))
            }
            Kind::Nginx => nginx_version(),
            Kind::Node => node_version(),
            Kind::Undici => undici_version(),
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

    /// A file for the standard error of the peer.
    #[must_use]
    pub fn log(&self, peer: &Peer) -> PathBuf {
        self.scratch.join(format!("{}.log", peer.directory()))
    }

    /// The certificate of all servers that speak TLS.
    #[must_use]
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    fn program(&self, peer: &Peer) -> Command {
        let name = format!("release/peer-{}", peer.directory());
        Command::new(self.target.join(name))
    }

    /// The command that starts a client for a row, to ask the server on a port of 127.0.0.1. Orders may be added to it; see
    /// `peers/client-kit`.
    #[must_use]
    pub fn client_command(&self, peer: &Peer, row: Row, port: u16) -> Command {
        let (kind, path) = match row {
            Row::ClientDownload => ("download", "/medium"),
            Row::ClientUpload => ("upload", "/upload"),
            Row::ClientJson => ("json", "/json"),
            _ => ("get", "/plaintext"),
        };
        let mut command = if peer.is_scripted() {
            let mut command = Command::new("node");
            command.arg(here("peers/client-undici/client.js"));
            command
        } else {
            self.program(peer)
        };
        command
            .arg(kind)
            .arg(format!("http://127.0.0.1:{port}{path}"))
            .arg(row.connections().to_string());
        command
    }

    /// The command that starts a server on a port of 127.0.0.1.
    ///
    /// # Errors
    /// If nginx's configuration cannot be written.
    pub fn command(&self, peer: &Peer, port: u16) -> io::Result<Command> {
        Ok(match peer.kind {
            Kind::Cargo { .. } => {
                let mut command = self.program(peer);
                command.arg(port.to_string());
                if peer.role == Role::Tls {
                    let Identity { certificate, key } = &self.identity;
                    command.arg(certificate).arg(key);
                }
                command
            }
            Kind::Nginx => {
                let configuration = self.scratch.join("nginx.conf");
                let tls = match peer.role {
                    Role::Tls => include_str!("../peers/nginx/tls.conf.in"),
                    Role::Server | Role::Client => "",
                };
                let text = include_str!("../peers/nginx/nginx.conf.in")
                    .replace("{tls}", tls.trim_end())
                    .replace("{ssl}", if tls.is_empty() { "" } else { " ssl" })
                    .replace("{port}", &port.to_string())
                    .replace("{dir}", &self.scratch.to_string_lossy())
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
            Kind::Node | Kind::Undici => {
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

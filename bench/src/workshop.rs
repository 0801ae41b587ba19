//! Builds peers and makes the commands that start them: cargo, npm, the configuration of nginx, a directory for a run's files.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use peer_kit::Exchange;

use crate::Result;
use crate::system::version;
use crate::tables::{Peer, Program, Role, Row};
use crate::tls::Identity;

pub(crate) struct Workshop {
    /// Where cargo builds.
    target: PathBuf,
    /// The directory of the run's files. It is removed at the end.
    scratch: PathBuf,
    pub(crate) identity: Identity,
}

/// A path within `bench/`.
pub(crate) fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

impl Workshop {
    pub(crate) fn new() -> Result<Self> {
        let program = env::current_exe()?;
        let target = program.ancestors().nth(2).unwrap_or(&program).to_owned();
        let scratch = env::temp_dir().join(format!("hearken-bench-{}", std::process::id()));
        fs::create_dir_all(&scratch)?;
        // nginx sends a file.
        fs::write(scratch.join("large"), peer_kit::large())?;
        let identity = Identity::make(&scratch)?;
        Ok(Self {
            target,
            scratch,
            identity,
        })
    }

    /// Builds the peer, or finds it installed, and returns its version.
    pub(crate) fn prepare(&self, peer: &Peer) -> Result<String> {
        let locked = || {
            let before = format!("name = \"{}\"\nversion = \"", peer.versioned);
            Ok(quoted(&here("Cargo.lock"), &before))
        };
        match peer.program {
            Program::Cargo(package) => {
                build("Cargo.toml", &self.target, package, "release").and_then(|()| locked())
            }
            Program::Echo => {
                let target = self.target.join("project");
                build("../Cargo.toml", &target, "hearken-cli", "dist").and_then(|()| locked())
            }
            Program::Nginx => version("nginx").map(|line| line.replace("nginx version: ", "")),
            Program::Node => version("node"),
            Program::Undici => {
                let node = version("node")?;
                Ok(format!("{}, node {node}", install_undici()?))
            }
        }
    }

    /// A file for the standard error of the peer.
    pub(crate) fn log(&self, peer: &Peer) -> PathBuf {
        let name = format!("{}-{}.log", peer.role.name(), peer.name);
        self.scratch.join(name)
    }

    /// The command that starts a peer for a row: a server on the port, or a client of the server on the port.
    pub(crate) fn command(&self, peer: &Peer, row: &Row, port: u16) -> Result<Command> {
        let port = port.to_string();
        let mut command = match peer.program {
            Program::Cargo(package) => Command::new(self.target.join("release").join(package)),
            Program::Echo => Command::new(self.target.join("project/dist/hearken")),
            Program::Nginx => return self.nginx(peer, &port),
            Program::Node | Program::Undici => Command::new("node"),
        };
        match peer.program {
            Program::Echo => command.args(["echo", "--quiet", "--workers", "1", "--port"]),
            Program::Node => command.arg(here("peers/node/server.js")),
            Program::Undici => command.arg(here("peers/client-undici/client.js")),
            _ => &mut command,
        };
        let (exchange, identity) = (&row.exchange.path()[1..], &self.identity);
        match peer.role {
            Role::Client => command.args([exchange, &port, &row.connections.to_string()]),
            Role::Tls => command
                .arg(port)
                .args([&identity.certificate, &identity.key]),
            Role::Server if row.exchange == Exchange::Upgrade => command.args([&port, "upgrade"]),
            Role::Server => command.arg(port),
        };
        Ok(command)
    }

    fn nginx(&self, peer: &Peer, port: &str) -> Result<Command> {
        let tls = include_str!("../peers/nginx/tls.conf.in");
        let (ssl, tls) = match peer.role {
            Role::Tls => (" ssl", tls.trim_end()),
            _ => ("", ""),
        };
        let text = include_str!("../peers/nginx/nginx.conf.in")
            .replace("{tls}", tls)
            .replace("{ssl}", ssl)
            .replace("{port}", port)
            .replace("{dir}", &self.scratch.to_string_lossy())
            .replace("{json}", &peer_kit::json_text());
        let configuration = self.scratch.join("nginx.conf");
        fs::write(&configuration, text)?;
        let mut command = Command::new("nginx");
        command.args(["-e", "stderr", "-p"]).arg(&self.scratch);
        command.arg("-c").arg(configuration);
        Ok(command)
    }
}

impl Drop for Workshop {
    fn drop(&mut self) {
        // On failure the files stay in the system's temporary directory.
        let _ = fs::remove_dir_all(&self.scratch);
    }
}

fn build(manifest: &str, target: &Path, package: &str, profile: &str) -> Result<()> {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args([
        "build",
        "--quiet",
        "--profile",
        profile,
        "--package",
        package,
    ]);
    cargo.arg("--manifest-path").arg(here(manifest));
    run(cargo.arg("--target-dir").arg(target))
}

/// Installs undici by the lock file, unless that version is there, and returns the version.
fn install_undici() -> Result<String> {
    let dir = here("peers/client-undici");
    let before = "node_modules/undici\": {\n      \"version\": \"";
    let wanted = quoted(&dir.join("package-lock.json"), before);
    if quoted(&dir.join("node_modules/.package-lock.json"), before) != wanted {
        let mut npm = Command::new("npm");
        npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]);
        run(npm.current_dir(&dir))?;
    }
    Ok(wanted)
}

/// The text of a file between `before` and the next quotation mark, or a dash.
fn quoted(file: &Path, before: &str) -> String {
    let text = fs::read_to_string(file).unwrap_or_default();
    let rest = text.split_once(before).map(|(_, rest)| rest);
    let found = rest.and_then(|rest| rest.split('"').next());
    found.unwrap_or("-").to_owned()
}

/// Runs a command to its end. The error is its first line about one.
fn run(command: &mut Command) -> Result<()> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command
        .output()
        .map_err(|error| format!("{program}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let complaint = String::from_utf8_lossy(&output.stderr);
    let line = complaint.lines().find(|line| line.contains("error"));
    Err(format!("{program}: {}", line.unwrap_or("failed")).into())
}

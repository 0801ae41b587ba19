//! The meaning of the flags of `hearken echo` and of the environment, as plain data.
//!
//! Here: [`EchoPlan`], and [`plan`] that makes it; [`ServerPlan`], which all servers have. Not here: running it (`run.rs`), the plans of
//! `hearken serve` (`serve/plan.rs`) and `hearken fetch` (`fetch/plan/`).

use crate::cli::{Echo, ServerFlags};
use hearken::listen::{ListenAddr, ListenError, ToListenAddr};
use std::ffi::OsString;
use std::fmt;
use std::num::NonZeroUsize;
use std::path::PathBuf;

/// `hearken echo`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct EchoPlan {
    pub(crate) server: ServerPlan,
    /// The page shows the requests of all clients.
    pub(crate) panel: bool,
}

/// What all servers have.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ServerPlan {
    pub(crate) address: ListenAddr,
    /// `None`: one for each core.
    pub(crate) workers: Option<NonZeroUsize>,
    /// `None`: plain http.
    pub(crate) tls: Option<Tls>,
    pub(crate) log: LogMode,
}

/// The source of the certificate.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Tls {
    /// A new certificate for these names, which is also written to the file `write`.
    SelfSigned {
        names: Vec<String>,
        write: Option<PathBuf>,
    },
    Files {
        chain: PathBuf,
        key: PathBuf,
    },
}

/// The log on stderr.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LogMode {
    Quiet,
    Lines { coloured: bool },
}

/// The part of the process's environment that the plan depends on.
#[derive(Debug, Default)]
pub(crate) struct Environment {
    /// The environment variable `PORT`.
    pub(crate) port: Option<OsString>,
    /// The environment variable `HEARKEN_AUTH`.
    pub(crate) auth: Option<OsString>,
    /// Whether to use colours on stderr.
    pub(crate) colours: bool,
}

/// Why a command fails. The exit codes differ.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum CommandError {
    /// A flag or the environment must change.
    Usage(String),
    /// A failure at run time.
    Failed(String),
    /// A second signal, with this number, has ended the server at once.
    Stopped(u8),
}

impl fmt::Display for CommandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(text) | Self::Failed(text) => f.write_str(text),
            Self::Stopped(signal) => write!(f, "stopped by signal {signal}"),
        }
    }
}

impl Environment {
    /// Colours depend on `NO_COLOR`, `CLICOLOR`, `CLICOLOR_FORCE`, `TERM`, and whether stderr is a terminal.
    pub(crate) fn read() -> Self {
        let choice = anstream::AutoStream::choice(&std::io::stderr());
        Self {
            port: std::env::var_os("PORT"),
            auth: std::env::var_os("HEARKEN_AUTH"),
            colours: choice != anstream::ColorChoice::Never,
        }
    }
}

/// Makes the plan.
pub(crate) fn plan(echo: &Echo, environment: &Environment) -> Result<EchoPlan, CommandError> {
    let port = port(echo.port, environment)?.unwrap_or(DEFAULT_PORT);
    Ok(EchoPlan {
        server: server(&echo.server, port, log(echo.quiet, environment))?,
        panel: !echo.quiet && !echo.no_panel,
    })
}

pub(crate) const fn log(quiet: bool, environment: &Environment) -> LogMode {
    if quiet {
        LogMode::Quiet
    } else {
        LogMode::Lines {
            coloured: environment.colours,
        }
    }
}

/// The part of a plan that all servers have.
pub(crate) fn server(
    flags: &ServerFlags,
    port: u16,
    log: LogMode,
) -> Result<ServerPlan, CommandError> {
    let address = address(flags, port)?;
    Ok(ServerPlan {
        tls: tls(flags, &address),
        address,
        workers: flags.workers,
        log,
    })
}

fn tls(flags: &ServerFlags, address: &ListenAddr) -> Option<Tls> {
    if let Some(write) = &flags.tls_self_signed {
        return Some(Tls::SelfSigned {
            names: names(address),
            write: write.clone(),
        });
    }
    let (chain, key) = (flags.tls_cert.clone()?, flags.tls_key.clone()?);
    Some(Tls::Files { chain, key })
}

/// The names for clients on this machine, and the address to listen on.
fn names(address: &ListenAddr) -> Vec<String> {
    let mut names: Vec<String> = ["localhost", "127.0.0.1", "::1"].map(str::to_owned).into();
    let own = match address {
        ListenAddr::Socket(at) if !at.ip().is_unspecified() => at.ip().to_string(),
        ListenAddr::Host { name, .. } => name.clone(),
        _ => return names,
    };
    if !names.contains(&own) {
        names.push(own);
    }
    names
}

fn address(flags: &ServerFlags, port: u16) -> Result<ListenAddr, CommandError> {
    let usage = |error: ListenError| CommandError::Usage(error.to_string());
    if let Some(address) = &flags.listen {
        return address.to_listen_addr().map_err(usage);
    }
    let host = flags.host.as_deref().unwrap_or(DEFAULT_HOST);
    if host.is_empty() {
        let text = "--host is empty: write 0.0.0.0 or :: for all interfaces";
        return Err(CommandError::Usage(text.to_owned()));
    }
    (host, port).to_listen_addr().map_err(usage)
}

/// The port that the flag or the variable PORT names.
pub(crate) fn port(
    flag: Option<u16>,
    environment: &Environment,
) -> Result<Option<u16>, CommandError> {
    match (flag, &environment.port) {
        (Some(port), _) => Ok(Some(port)),
        (None, Some(text)) => port_from(text),
        (None, None) => Ok(None),
    }
}

/// Parses the variable PORT. An empty one is ignored, as is usual for shells.
fn port_from(text: &OsString) -> Result<Option<u16>, CommandError> {
    if text.is_empty() {
        return Ok(None);
    }
    let port = text.to_str().and_then(|text| text.parse().ok());
    port.map(Some).ok_or_else(|| {
        CommandError::Usage(format!(
            "the environment variable PORT is {text:?}; expected a number from 0 to 65535, or use --port"
        ))
    })
}

const DEFAULT_HOST: &str = "127.0.0.1";
const DEFAULT_PORT: u16 = 3000;

#[cfg(test)]
mod tests;

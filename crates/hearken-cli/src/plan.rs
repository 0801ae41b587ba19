//! What the flags and the environment mean together, as plain data that can be looked at before anything is done.
//!
//! Here: [`Plan`] of `hearken echo`, and [`plan`] that makes it. Not here: carrying it out (`run.rs`), the plan of `hearken
//! fetch` (`fetch/plan.rs`).

use crate::cli::Echo;
use hearken::listen::{ListenAddr, ToListenAddr};
use std::ffi::OsString;
use std::fmt;
use std::num::NonZeroUsize;
use std::path::PathBuf;

/// What is to be done.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    pub(crate) address: ListenAddr,
    /// `None`: one for each core.
    pub(crate) workers: Option<NonZeroUsize>,
    /// `None`: plain http.
    pub(crate) tls: Option<Tls>,
    pub(crate) log: Log,
}

/// Where the certificate comes from.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Tls {
    /// Made for these names; `write` gets it.
    SelfSigned {
        names: Vec<String>,
        write: Option<PathBuf>,
    },
    Files {
        chain: PathBuf,
        key: PathBuf,
    },
}

/// What goes to stderr while it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Log {
    Quiet,
    Lines { coloured: bool },
}

/// What the process finds around it, as far as it matters.
#[derive(Debug, Default)]
pub(crate) struct World {
    /// The environment variable `PORT`.
    pub(crate) port: Option<OsString>,
    /// Whether colours are welcome on stderr.
    pub(crate) colours: bool,
}

/// Why nothing more is done.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// The command cannot be carried out as it was given. Says what to change.
    Refused(String),
    /// It was begun and could not go on.
    Failed(String),
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(text) | Self::Failed(text) => f.write_str(text),
        }
    }
}

impl World {
    /// Looks at the environment. Colours follow `NO_COLOR`, `CLICOLOR`, `CLICOLOR_FORCE`, `TERM`, and whether stderr is a
    /// terminal.
    pub(crate) fn look() -> Self {
        let choice = anstream::AutoStream::choice(&std::io::stderr());
        Self {
            port: std::env::var_os("PORT"),
            colours: choice != anstream::ColorChoice::Never,
        }
    }
}

/// Makes the plan.
pub(crate) fn plan(echo: &Echo, world: &World) -> Result<Plan, Stop> {
    let address = address(echo, world)?;
    Ok(Plan {
        tls: tls(echo, &address),
        address,
        workers: echo.workers,
        log: if echo.quiet {
            Log::Quiet
        } else {
            Log::Lines {
                coloured: world.colours,
            }
        },
    })
}

fn tls(echo: &Echo, address: &ListenAddr) -> Option<Tls> {
    if let Some(write) = &echo.tls_self_signed {
        return Some(Tls::SelfSigned {
            names: names(address),
            write: write.clone(),
        });
    }
    let (chain, key) = (echo.tls_cert.clone()?, echo.tls_key.clone()?);
    Some(Tls::Files { chain, key })
}

/// What clients on this machine call it, and what it was told to listen on.
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

fn address(echo: &Echo, world: &World) -> Result<ListenAddr, Stop> {
    let refused = |error: hearken::listen::ListenError| Stop::Refused(error.to_string());
    if let Some(address) = &echo.listen {
        return address.to_listen_addr().map_err(refused);
    }
    let port = match (echo.port, &world.port) {
        (Some(port), _) => port,
        (None, Some(text)) => port_from(text)?,
        (None, None) => DEFAULT_PORT,
    };
    let host = echo.host.as_deref().unwrap_or(DEFAULT_HOST);
    if host.is_empty() {
        let text = "--host is empty: write 0.0.0.0 or :: for all interfaces";
        return Err(Stop::Refused(text.to_owned()));
    }
    (host, port).to_listen_addr().map_err(refused)
}

/// An empty PORT counts as none: shells make those easily.
fn port_from(text: &OsString) -> Result<u16, Stop> {
    if text.is_empty() {
        return Ok(DEFAULT_PORT);
    }
    let port = text.to_str().and_then(|text| text.parse().ok());
    port.ok_or_else(|| {
        Stop::Refused(format!(
            "the environment variable PORT is {text:?}; expected a number from 0 to 65535, or use --port"
        ))
    })
}

const DEFAULT_HOST: &str = "127.0.0.1";
const DEFAULT_PORT: u16 = 3000;

#[cfg(test)]
mod tests;

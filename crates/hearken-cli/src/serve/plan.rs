//! The meaning of the flags of `hearken serve`, as plain data. Not here: doing it (`run.rs`).

use super::flags::{Serve, UploadFlags};
use crate::plan::{self, CommandError, Environment, ServerPlan};
use hearken::listen::ListenAddr;
use hearken::proto::Fields;
use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// `hearken serve`.
#[derive(Debug)]
pub(crate) struct ServePlan {
    pub(crate) server: ServerPlan,
    /// The port was not chosen: when it is in use, the next free one is taken.
    pub(crate) any_port: bool,
    pub(crate) directory: PathBuf,
    /// Empty: `index.html`; none beside uploads.
    pub(crate) index: Vec<String>,
    pub(crate) listing: bool,
    pub(crate) hidden: bool,
    pub(crate) spa: Option<String>,
    pub(crate) precompressed: bool,
    pub(crate) upload: Option<UploadPlan>,
    pub(crate) users: Vec<Credentials>,
    pub(crate) cors: bool,
    pub(crate) fields: Fields,
    pub(crate) qr: bool,
}

/// Receiving files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct UploadPlan {
    pub(crate) overwrite: bool,
    pub(crate) bytes_max: u64,
}

/// A user and a password, joined by a colon as the field carries them.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Credentials(pub(crate) String);

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials(…)")
    }
}

const DEFAULT_PORT: u16 = 8080;

/// Makes the plan.
pub(crate) fn plan(flags: Serve, environment: &Environment) -> Result<ServePlan, CommandError> {
    let mut server_flags = flags.server;
    if flags.lan {
        server_flags.host = Some("0.0.0.0".to_owned());
    }
    let port = plan::port(flags.port, environment)?;
    let log = plan::log(flags.quiet, environment);
    let server = plan::server(&server_flags, port.unwrap_or(DEFAULT_PORT), log)?;
    if flags.qr && !is_reachable(&server.address) {
        return Err(usage(
            "--qr shows a URL for other machines, and only this one reaches the server: add --lan",
        ));
    }
    let files = flags.files;
    Ok(ServePlan {
        any_port: port.is_none() && server_flags.listen.is_none(),
        server,
        directory: directory(flags.directory.as_deref())?,
        index: files.index,
        listing: !files.no_listing,
        hidden: files.hidden,
        spa: files.spa,
        precompressed: files.precompressed,
        upload: upload(&flags.upload)?,
        users: users(flags.auth, environment)?,
        cors: flags.cors,
        fields: fields(&flags.header)?,
        qr: flags.qr,
    })
}

fn usage(text: impl Into<String>) -> CommandError {
    CommandError::Usage(text.into())
}

/// Whether other machines can reach it.
pub(crate) fn is_reachable(address: &ListenAddr) -> bool {
    match address {
        ListenAddr::Socket(at) => !at.ip().is_loopback(),
        ListenAddr::Host { name, .. } => {
            let name = name.to_ascii_lowercase();
            name != "localhost" && !name.ends_with(".localhost")
        }
        ListenAddr::AllInterfaces { .. } => true,
        _ => false,
    }
}

fn directory(given: Option<&Path>) -> Result<PathBuf, CommandError> {
    let given = given.unwrap_or_else(|| Path::new("."));
    let shown = given.display();
    let metadata = std::fs::metadata(given)
        .map_err(|error| usage(format!("cannot serve {shown}: {error}")))?;
    if !metadata.is_dir() {
        return Err(usage(format!(
            "expected a directory to serve, and {shown} is none"
        )));
    }
    // Not resolved: a link as the root may be changed while the server runs.
    std::path::absolute(given).map_err(|error| usage(format!("cannot serve {shown}: {error}")))
}

fn upload(flags: &UploadFlags) -> Result<Option<UploadPlan>, CommandError> {
    if !flags.upload {
        return Ok(None);
    }
    let bytes_max = match &flags.upload_max {
        None => DEFAULT_UPLOAD,
        Some(text) => size(text).ok_or_else(|| {
            usage(format!(
                "--upload-max is {text:?}; expected a number of bytes, such as 500M or 2G"
            ))
        })?,
    };
    Ok(Some(UploadPlan {
        overwrite: flags.upload_overwrite,
        bytes_max,
    }))
}

const DEFAULT_UPLOAD: u64 = 1 << 30;

/// A number of bytes, with K for KiB, M, G or T.
fn size(text: &str) -> Option<u64> {
    let power = match text.chars().next_back()?.to_ascii_uppercase() {
        'K' => 1,
        'M' => 2,
        'G' => 3,
        'T' => 4,
        _ => 0,
    };
    let digits = if power == 0 {
        text
    } else {
        &text[..text.len() - 1]
    };
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    digits.parse::<u64>().ok()?.checked_mul(1 << (10 * power))
}

fn users(given: Vec<String>, environment: &Environment) -> Result<Vec<Credentials>, CommandError> {
    let mut all: Vec<(&str, String)> = given.into_iter().map(|text| ("--auth", text)).collect();
    if let Some(text) = environment.auth.as_ref().filter(|text| !text.is_empty()) {
        let text = text
            .to_str()
            .ok_or_else(|| usage("HEARKEN_AUTH is not UTF-8"))?;
        all.push(("HEARKEN_AUTH", text.to_owned()));
    }
    let credentials = all
        .into_iter()
        .map(|(from, text)| match text.split_once(':') {
            Some((user, _)) if !user.is_empty() && !text.contains(char::is_control) => {
                Ok(Credentials(text))
            }
            // The text may be a password: it is not shown.
            _ => Err(usage(format!("{from} is not of the form USER:PASSWORD"))),
        });
    credentials.collect()
}

fn fields(given: &[String]) -> Result<Fields, CommandError> {
    let mut fields = Fields::new();
    for text in given {
        let (name, value) = text.split_once(':').ok_or_else(|| {
            usage(format!(
                "--header is {text:?}; expected a field such as 'X-Frame-Options: DENY'"
            ))
        })?;
        let name = name.trim();
        let framing = ["content-length", "transfer-encoding", "connection", "date"];
        if framing
            .into_iter()
            .any(|own| name.eq_ignore_ascii_case(own))
        {
            return Err(usage(format!(
                "--header cannot set {name}: the server does"
            )));
        }
        fields
            .append(name, value.trim())
            .map_err(|error| usage(format!("--header {text:?}: {error}")))?;
    }
    Ok(fields)
}

/// The first of the nine ports behind this one that is free, if this one is in use. `None` also if none is: then listening says why.
pub(crate) fn free_port(address: SocketAddr) -> Option<SocketAddr> {
    let taken = |at: SocketAddr| {
        let bound = std::net::TcpListener::bind(at);
        bound.is_err_and(|error| error.kind() == std::io::ErrorKind::AddrInUse)
    };
    if !taken(address) {
        return None;
    }
    let ports = address.port().checked_add(1)?..=address.port().saturating_add(9);
    let mut next = ports.map(|port| SocketAddr::new(address.ip(), port));
    next.find(|&at| !taken(at))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{Cli, Command};
    use clap::Parser;

    fn planned(line: &str) -> Result<ServePlan, CommandError> {
        planned_in(line, &Environment::default())
    }

    fn planned_in(line: &str, environment: &Environment) -> Result<ServePlan, CommandError> {
        let words = ["hearken", "serve"]
            .into_iter()
            .chain(line.split('|').filter(|word| !word.is_empty()));
        let cli = Cli::try_parse_from(words).expect("flags that clap accepts");
        let Command::Serve(flags) = cli.command else {
            panic!("another command");
        };
        plan(*flags, environment)
    }

    fn fault(line: &str) -> String {
        match planned(line) {
            Err(CommandError::Usage(text)) => text,
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn without_flags_it_is_for_this_machine_alone() {
        let plan = planned("").expect("a plan");
        assert_eq!(plan.server.address.to_string(), "127.0.0.1:8080");
        assert!(plan.any_port && plan.listing && !plan.hidden && !plan.cors && !plan.precompressed);
        assert_eq!(
            plan.directory,
            std::env::current_dir().expect("a directory")
        );
        assert_eq!(plan.upload, None);
        assert!(plan.users.is_empty());
    }

    #[test]
    fn a_chosen_port_is_not_changed() {
        assert!(!planned("--port|8080").expect("a plan").any_port);
        assert!(!planned("--listen|127.0.0.1:1").expect("a plan").any_port);
        assert_eq!(
            planned("--lan").expect("a plan").server.address.to_string(),
            "0.0.0.0:8080"
        );
        let environment = Environment {
            port: Some("81".into()),
            ..Environment::default()
        };
        let plan = planned_in("", &environment).expect("a plan");
        assert_eq!(
            (plan.server.address.to_string().as_str(), plan.any_port),
            ("127.0.0.1:81", false)
        );
    }

    #[test]
    fn only_loopback_addresses_are_for_this_machine_alone() {
        for (address, expected) in [
            ("127.0.0.1:1", false),
            ("[::1]:1", false),
            ("localhost:1", false),
            ("a.LOCALHOST:1", false),
            ("unix:/x", false),
            ("0.0.0.0:1", true),
            ("192.0.2.1:1", true),
            (":1", true),
            ("box.test:1", true),
        ] {
            let address = address.parse().expect(address);
            assert_eq!(is_reachable(&address), expected, "{address}");
        }
    }

    #[test]
    fn the_next_free_port_is_taken() {
        let first = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = first.local_addr().expect("its address");
        let next = free_port(address);
        assert!(
            next.is_none_or(|next| next.port() > address.port()),
            "{next:?}"
        );
        drop(first);
        assert_eq!(free_port(address), None);
    }

    #[test]
    fn sizes_have_units() {
        for (text, expected) in [
            ("0", Some(0)),
            ("10", Some(10)),
            ("2k", Some(2048)),
            ("3M", Some(3 << 20)),
            ("1G", Some(1 << 30)),
            ("1T", Some(1 << 40)),
            ("", None),
            ("G", None),
            ("+1", None),
            ("1 G", None),
            ("99999999999T", None),
            ("1é", None),
        ] {
            assert_eq!(size(text), expected, "{text:?}");
        }
    }

    #[test]
    fn faults_say_what_was_expected_and_show_no_password() {
        for (line, part) in [
            ("/nowhere/at/all", "cannot serve /nowhere/at/all: "),
            (
                "Cargo.toml",
                "expected a directory to serve, and Cargo.toml is none",
            ),
            ("--header|X", "'X-Frame-Options: DENY'"),
            ("--header|a b: c", "--header"),
            ("--header|Content-Length: 3", "the server does"),
            ("--upload|--upload-max|much", "such as 500M"),
            ("--qr", "add --lan"),
            ("--auth|:x", "USER:PASSWORD"),
        ] {
            let text = fault(line);
            assert!(text.contains(part), "{line}: {text}");
        }
        let text = fault("--auth|secret");
        assert!(
            text.contains("USER:PASSWORD") && !text.contains("secret"),
            "{text}"
        );
        let plan = planned("--auth|me:se:cret").expect("a plan");
        assert!(!format!("{plan:?}").contains("cret"));
    }

    #[test]
    fn the_environment_has_a_password_too() {
        let environment = Environment {
            auth: Some("me:secret".into()),
            ..Environment::default()
        };
        let plan = planned_in("--auth|you:secret", &environment).expect("a plan");
        let users: Vec<_> = plan.users.iter().map(|user| user.0.as_str()).collect();
        assert_eq!(users, ["you:secret", "me:secret"]);
    }
}

//! The flags of `hearken echo` and their help, and those that all servers share. Not here: their meaning (`plan.rs`), the flags of
//! `hearken serve` (`serve/flags.rs`) and of `hearken fetch` (`fetch/flags.rs`).

use crate::fetch::{flags::Fetch, help};
use crate::serve::flags::{self as serve, Serve};
use clap::{Args, Parser, Subcommand};
use std::num::NonZeroUsize;
use std::path::PathBuf;

/// HTTP at the command line.
#[derive(Debug, Parser)]
#[command(
    name = "hearken",
    version,
    subcommand_required = true,
    arg_required_else_help = true
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// A server for testing HTTP clients
    #[command(long_about = ECHO_ABOUT, after_help = ECHO_EXAMPLES, after_long_help = ECHO_MORE)]
    Echo(Echo),
    /// An HTTP client that prints bodies, or a report as JSON
    #[command(long_about = help::ABOUT, after_help = help::EXAMPLES, after_long_help = help::MORE)]
    Fetch(Box<Fetch>),
    /// A server for the files of a directory
    #[command(long_about = serve::ABOUT, after_help = serve::EXAMPLES, after_long_help = serve::MORE)]
    Serve(Box<Serve>),
}

/// `hearken echo`.
#[derive(Args, Debug, Default)]
pub(crate) struct Echo {
    /// Port to listen on; 0 selects a free one [default: $PORT, or 3000]
    #[arg(long, short, value_name = "PORT")]
    pub(crate) port: Option<u16>,

    #[command(flatten)]
    pub(crate) server: ServerFlags,

    /// Write only fatal errors to stderr, and turn the live panel of the page off
    #[arg(long, short)]
    pub(crate) quiet: bool,

    /// Turn the live panel of the page off, which shows the requests of all clients
    #[arg(long)]
    pub(crate) no_panel: bool,
}

/// Where a server listens, and how. The flag for the port belongs to each server, since its default does.
#[derive(Args, Debug, Default)]
pub(crate) struct ServerFlags {
    /// Address or name to listen on; 0.0.0.0 or :: accepts other machines [default: 127.0.0.1]
    #[arg(long, value_name = "HOST")]
    pub(crate) host: Option<String>,

    /// Address and port in one: 127.0.0.1:3000, [::1]:3000, :3000, unix:/path, fd:0
    #[arg(long, value_name = "ADDRESS", conflicts_with_all = ["port", "host"])]
    pub(crate) listen: Option<String>,

    /// Number of worker threads [default: one for each core]
    #[arg(long, value_name = "N")]
    pub(crate) workers: Option<NonZeroUsize>,

    /// Serve https with a new self-signed certificate; FILE receives it, for clients that should trust it
    #[arg(
        long,
        value_name = "FILE",
        num_args = 0..=1,
        require_equals = true,
        conflicts_with_all = ["tls_cert", "tls_key"],
    )]
    pub(crate) tls_self_signed: Option<Option<PathBuf>>,

    /// Serve https with the certificate chain in this PEM file, reloaded on SIGHUP
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub(crate) tls_cert: Option<PathBuf>,

    /// The private key of the certificate, PEM
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub(crate) tls_key: Option<PathBuf>,
}

const ECHO_ABOUT: &str = "\
A server for testing HTTP clients: it echoes what you send, shows what it received, and responds with the status, the size \
and the speed you ask for. GET / is a page that lists all endpoints, with a button for each, and shows the requests as they come.

When it listens, it prints its URL to stdout, alone on one line. It logs each request to stderr: time, client, method, \
target, status, bytes of the body, and duration. A log that is not read loses lines and says so; it never holds up requests. \
On SIGINT (Ctrl-C) or SIGTERM it finishes running requests and ends, after 26 seconds at the latest; a second signal ends it \
at once.";

/// A macro, because `concat!` takes no constant.
macro_rules! examples {
    () => {
        "\
Examples:
  hearken echo                          listen on http://127.0.0.1:3000
  hearken echo --port 0 --quiet         a free port; the URL is on stdout
  hearken echo --host 0.0.0.0           reachable from other machines
  hearken echo --listen unix:/tmp/e.sock
  hearken echo --tls-self-signed        https://127.0.0.1:3000, for curl -k

  curl http://127.0.0.1:3000/headers
  curl -T - -X POST http://127.0.0.1:3000/echo"
    };
}

const ECHO_EXAMPLES: &str = examples!();

const ECHO_MORE: &str = concat!(
    examples!(),
    "

Environment:
  PORT            the port, without --port and --listen
  NO_COLOR        no colours; by default stderr is coloured if it is a terminal
  CLICOLOR_FORCE  colours even if stderr is not a terminal

Exit codes:
  0    a signal stopped the server
  1    the server failed, or a worker did not end in time
  2    wrong flags, or the server cannot listen on the address
  130  a second SIGINT ended the server at once
  143  a second SIGTERM ended the server at once"
);

#[test]
fn flags_are_consistent() {
    use clap::CommandFactory;
    Cli::command().debug_assert();
}

//! The flags, as clap reads them, and their help. Not here: what they mean together (`plan.rs`), those of `hearken fetch`
//! (`fetch/flags.rs`).

use crate::fetch::flags::{self, Fetch};
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
    /// A server to point clients at
    #[command(long_about = ECHO_ABOUT, after_help = ECHO_EXAMPLES, after_long_help = ECHO_MORE)]
    Echo(Echo),
    /// An HTTP client: bodies to stdout, or what happened as JSON
    #[command(long_about = flags::ABOUT, after_help = flags::EXAMPLES, after_long_help = flags::MORE)]
    Fetch(Box<Fetch>),
}

/// `hearken echo`.
#[derive(Args, Debug, Default)]
pub(crate) struct Echo {
    /// Port to listen on; 0 takes any free one [default: $PORT, or 3000]
    #[arg(long, short, value_name = "PORT")]
    pub(crate) port: Option<u16>,

    /// Address or name to listen on; 0.0.0.0 or :: lets other machines in [default: 127.0.0.1]
    #[arg(long, value_name = "HOST")]
    pub(crate) host: Option<String>,

    /// Where to listen, in one word: 127.0.0.1:3000, [::1]:3000, :3000, unix:/path, fd:0
    #[arg(long, value_name = "ADDRESS", conflicts_with_all = ["port", "host"])]
    pub(crate) listen: Option<String>,

    /// Number of worker threads [default: one for each core]
    #[arg(long, value_name = "N")]
    pub(crate) workers: Option<NonZeroUsize>,

    /// Speak https, with a certificate made on the spot that no client trusts yet; FILE gets it, for those that shall
    #[arg(
        long,
        value_name = "FILE",
        num_args = 0..=1,
        require_equals = true,
        conflicts_with_all = ["tls_cert", "tls_key"],
    )]
    pub(crate) tls_self_signed: Option<Option<PathBuf>>,

    /// Speak https with the certificate chain in this PEM file, read again at SIGHUP
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub(crate) tls_cert: Option<PathBuf>,

    /// The private key of that certificate, PEM
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub(crate) tls_key: Option<PathBuf>,

    /// Write nothing to stderr but errors that end the program
    #[arg(long, short)]
    pub(crate) quiet: bool,
}

const ECHO_ABOUT: &str = "\
A server to point clients at: it echoes what you send, shows what it received, and answers with the status, the size \
and the speed you ask for. GET / is a page that lists everything and lets you try it.

When it listens, it prints its URL to stdout, alone on one line. Each request is told on stderr with time, client, \
method, target, status, bytes of the body, and duration. SIGINT (Ctrl-C) and SIGTERM let running requests end; a second \
one cuts them.";

/// A macro, so that both helps can hold it.
macro_rules! examples {
    () => {
        "\
Examples:
  hearken echo                          listen on http://127.0.0.1:3000
  hearken echo --port 0 --quiet         any free port; the URL is on stdout
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
  PORT            the port, when neither --port nor --listen is given
  NO_COLOR        no colours; without it, stderr is coloured when it is a terminal
  CLICOLOR_FORCE  colours also when it is none

Exit codes:
  0  it was told to stop and has let its requests end
  1  it could not go on
  2  wrong flags, or it cannot listen where it was told to"
);

#[test]
fn flags_are_declared_well() {
    use clap::CommandFactory;
    Cli::command().debug_assert();
}

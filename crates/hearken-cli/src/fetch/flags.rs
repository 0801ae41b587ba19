//! The flags of `hearken fetch`, as clap reads them, and their help. Not here: what they mean together (`plan.rs`).

use clap::{ArgAction, Args};
use std::path::PathBuf;

/// `hearken fetch`. Flags that curl has too mean what they mean there, unless the help says otherwise.
#[derive(Args, Debug, Default)]
pub(crate) struct Fetch {
    /// What to fetch, one after the other; http:// may be left out
    #[arg(value_name = "URL", required = true)]
    pub(crate) urls: Vec<String>,

    /// Print status line and fields before each body
    #[arg(long, short)]
    pub(crate) include: bool,

    /// Ask with HEAD and print status line and fields
    #[arg(long, short = 'I', conflicts_with = "data")]
    pub(crate) head: bool,

    /// The method [default: GET, POST with -d, HEAD with -I]
    #[arg(long, short = 'X', value_name = "METHOD")]
    pub(crate) request: Option<String>,

    /// A field to send, `Name: value`; `Name:` leaves out one that is sent by default, `Name;` sends an empty one
    #[arg(long, short = 'H', value_name = "FIELD")]
    pub(crate) header: Vec<String>,

    /// A body to send, by POST and as a form unless other flags say otherwise; @FILE reads one without its line ends, @- stdin; several are joined by &
    #[arg(long, short, value_name = "DATA", action = ArgAction::Append)]
    pub(crate) data: Vec<String>,

    /// As -d, but @FILE is sent as it is
    #[arg(long, value_name = "DATA", action = ArgAction::Append, conflicts_with = "data")]
    pub(crate) data_binary: Vec<String>,

    /// Write the body to this file; given again, that of the next URL; - is stdout
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Vec<PathBuf>,

    /// Follow redirects
    #[arg(long, short = 'L')]
    pub(crate) location: bool,

    /// How many redirects -L follows, 50 at most
    #[arg(long, value_name = "N", default_value_t = MAX_REDIRS, value_parser = clap::value_parser!(u8).range(0..=50))]
    pub(crate) max_redirs: u8,

    /// Ask for a compressed body, and print it decompressed
    #[arg(long)]
    pub(crate) compressed: bool,

    /// Do not check the certificate of the server: whoever is in between can read and change everything
    #[arg(long, short = 'k')]
    pub(crate) insecure: bool,

    /// Trust the authorities in this PEM file, beside those of the system
    #[arg(long, value_name = "FILE")]
    pub(crate) cacert: Option<PathBuf>,

    /// The longest that one URL may take, redirects and body included [default: no bound but those of its phases]
    #[arg(long, short, value_name = "SECONDS")]
    pub(crate) max_time: Option<String>,

    /// For a status of 400 and more: print no body, end with 22
    #[arg(long, short)]
    pub(crate) fail: bool,

    /// Say nothing on stderr
    #[arg(long, short)]
    pub(crate) silent: bool,

    /// Name and password for Basic authentication
    #[arg(long, short, value_name = "NAME:PASSWORD")]
    pub(crate) user: Option<String>,

    /// What User-Agent says [default: hearken/VERSION]
    #[arg(long, short = 'A', value_name = "TEXT")]
    pub(crate) user_agent: Option<String>,

    /// Print one line of JSON for each URL instead of its body
    #[arg(long, conflicts_with = "include")]
    pub(crate) json: bool,
}

const MAX_REDIRS: u8 = 10;

pub(crate) const ABOUT: &str = "\
An HTTP client: bodies go to stdout, or to files, as they come. Several URLs are fetched one after the other over one pool of \
connections. Flags are those of curl.

What fails is told on stderr with the phase in which it failed, and by the exit code; the other URLs are fetched even \
so. HTTP_PROXY, HTTPS_PROXY and NO_PROXY are heeded. A body that looks binary is not written to a terminal; -o - does it.";

/// A macro, so that both helps can hold it.
macro_rules! examples {
    () => {
        "\
Examples:
  hearken fetch localhost:3000/headers
  hearken fetch -L -o page.html https://example.com/
  hearken fetch -d name=value http://localhost:3000/echo
  hearken fetch -H 'Content-Type: application/json' --data-binary @body.json http://localhost:3000/echo
  hearken fetch --json http://localhost:3000/ http://localhost:3000/headers"
    };
}

pub(crate) const EXAMPLES: &str = examples!();

pub(crate) const MORE: &str = concat!(
    examples!(),
    "

Environment:
  HTTP_PROXY, HTTPS_PROXY, NO_PROXY  which proxy to ask, and for which hosts none
  NO_COLOR, CLICOLOR_FORCE           colours on stderr

Exit codes (with several URLs, that of the first that failed):
   0  all were fetched; also when whoever read stdout has closed it
   1  something else went wrong
   2  wrong flags: a URL that is none, a file that cannot be read
   6  the name of the host was not found
   7  no connection
   8  the server broke the protocol, or passed a limit
  22  -f, and the status was 400 or more
  23  the body could not be written
  28  it took too long
  35  the TLS handshake failed
  47  too many redirects, or one that cannot be followed
  52  the server closed the connection without an answer
  55  the request could not be sent
  56  the connection was lost in the middle of the answer
  60  the certificate of the server is not trusted
  61  the body is not in the coding that it is said to be in
  97  a proxy refused"
);

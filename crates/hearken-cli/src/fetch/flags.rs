//! The flags of `hearken fetch` and their help. Not here: their meaning (`plan.rs`).

use super::head_limit::HeadLimit;
use clap::{ArgAction, Args};
use std::path::PathBuf;

/// `hearken fetch`. Flags have the meaning that they have in curl, unless the help says otherwise.
#[derive(Args, Debug, Default)]
pub(crate) struct Fetch {
    /// URLs to fetch, one after the other; http:// may be left out
    #[arg(value_name = "URL", required = true)]
    pub(crate) urls: Vec<String>,

    /// Print status line and fields before each body
    #[arg(long, short)]
    pub(crate) include: bool,

    /// Send HEAD and print status line and fields
    #[arg(long, short = 'I', conflicts_with = "data")]
    pub(crate) head: bool,

    /// The method [default: GET, POST with -d, HEAD with -I]
    #[arg(long, short = 'X', value_name = "METHOD")]
    pub(crate) request: Option<String>,

    /// A field to send, `Name: value`; `Name:` removes a default field, `Name;` sends an empty one
    #[arg(long, short = 'H', value_name = "FIELD")]
    pub(crate) header: Vec<String>,

    /// A body to send, by POST and as a form unless other flags change that; @FILE reads a file without its line ends, @- stdin; several are joined by &
    #[arg(long, short, value_name = "DATA", action = ArgAction::Append)]
    pub(crate) data: Vec<String>,

    /// As -d, but @FILE is sent unchanged
    #[arg(long, value_name = "DATA", action = ArgAction::Append, conflicts_with = "data")]
    pub(crate) data_binary: Vec<String>,

    /// Write the body to this file; repeat it for further URLs; - is stdout
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Vec<PathBuf>,

    /// Follow redirects
    #[arg(long, short = 'L')]
    pub(crate) location: bool,

    /// Maximum number of redirects for -L, 50 at most
    #[arg(long, value_name = "N", default_value_t = MAX_REDIRS, value_parser = clap::value_parser!(u8).range(0..=50))]
    pub(crate) max_redirs: u8,

    /// Request a compressed body, and print it decompressed
    #[arg(long)]
    pub(crate) compressed: bool,

    /// Accept any certificate: an attacker on the network can read and change everything
    #[arg(long, short = 'k')]
    pub(crate) insecure: bool,

    /// Trust the authorities in this PEM file, in addition to those of the system
    #[arg(long, value_name = "FILE")]
    pub(crate) cacert: Option<PathBuf>,

    /// Maximum time for one URL, including redirects and body [default: only the timeouts of its phases]
    #[arg(long, short, value_name = "SECONDS")]
    pub(crate) max_time: Option<String>,

    /// Largest head of a response, in bytes with K or M, and its most lines behind a comma [default: 256K,2000]
    #[arg(long, value_name = "SIZE[,LINES]")]
    pub(crate) max_head: Option<HeadLimit>,

    /// On a status of 400 or above print no body and exit with 22
    #[arg(long, short)]
    pub(crate) fail: bool,

    /// Write nothing to stderr
    #[arg(long, short)]
    pub(crate) silent: bool,

    /// Name and password for Basic authentication
    #[arg(long, short, value_name = "NAME:PASSWORD")]
    pub(crate) user: Option<String>,

    /// The User-Agent field [default: hearken/VERSION]
    #[arg(long, short = 'A', value_name = "TEXT")]
    pub(crate) user_agent: Option<String>,

    /// Print one line of JSON for each URL instead of its body
    #[arg(long, conflicts_with = "include")]
    pub(crate) json: bool,
}

const MAX_REDIRS: u8 = 10;

pub(crate) const ABOUT: &str = "\
An HTTP client: writes bodies to stdout, or to files, as they arrive. Fetches several URLs one after the other over one pool \
of connections. Its flags are those of curl.

A failure is printed to stderr with its phase, and sets the exit code; the other URLs are still fetched. HTTP_PROXY, \
HTTPS_PROXY, ALL_PROXY and NO_PROXY are used. A body that looks binary is not written to a terminal, except with -o -.";

/// A macro, because `concat!` takes no constant.
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
  HTTP_PROXY, HTTPS_PROXY, ALL_PROXY, NO_PROXY  the proxies (http, https, socks5, socks5h), and the hosts without one
  NO_COLOR, CLICOLOR_FORCE                      colours on stderr

Exit codes (with several URLs, that of the first failure):
   0  all URLs were fetched; also when the reader of stdout closes it
   1  another failure
   2  wrong flags: an invalid URL, a file that cannot be read
   6  the host name was not found
   7  no connection
   8  the server broke the protocol, or exceeded a limit
  22  -f, and a status of 400 or above
  23  the body could not be written
  28  a timeout
  35  the TLS handshake failed
  47  too many redirects, or one that cannot be followed
  52  the server closed the connection without a response
  55  the request could not be sent
  56  the connection was lost in the middle of the response
  60  the certificate of the server is not trusted
  61  the body does not match its content coding
  97  a proxy refused the request, or a variable that names proxies is not understood"
);

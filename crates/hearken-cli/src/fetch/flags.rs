//! The flags of `hearken fetch`, by topic. Not here: their meaning (`plan.rs`), the examples and exit codes of their help
//! (`help.rs`), the order of `-o` and `-O` (`outputs.rs`).

use super::head_limit::HeadLimit;
use super::outputs::Outputs;
use clap::{ArgAction, Args};
use std::path::PathBuf;

/// `hearken fetch`. Flags have the meaning that they have in curl, unless the help says otherwise.
#[derive(Args, Debug, Default)]
pub(crate) struct Fetch {
    /// URLs to fetch, one after the other; http:// may be left out
    #[arg(value_name = "URL", required = true)]
    pub(crate) urls: Vec<String>,

    /// Print each step with its time, and all fields, to stderr
    #[arg(long, short)]
    pub(crate) verbose: bool,

    #[command(flatten)]
    pub(crate) request: RequestFlags,
    #[command(flatten)]
    pub(crate) content: ContentFlags,
    #[command(flatten)]
    pub(crate) answer: AnswerFlags,
    #[command(flatten)]
    pub(crate) cookies: CookieFlags,
    #[command(flatten)]
    pub(crate) connection: ConnectionFlags,
    #[command(flatten)]
    pub(crate) times: TimeFlags,
    #[command(flatten)]
    pub(crate) retry: RetryFlags,
}

/// The head of the request.
#[derive(Args, Debug, Default)]
#[command(next_help_heading = "Request")]
pub(crate) struct RequestFlags {
    /// The method [default: GET, POST with -d and -F, PUT with -T, HEAD with -I]
    #[arg(long, short = 'X', value_name = "METHOD")]
    pub(crate) request: Option<String>,

    /// Send HEAD and print status line and fields
    #[arg(long, short = 'I', conflicts_with_all = ["data", "data_binary", "form", "form_string", "upload_file"])]
    pub(crate) head: bool,

    /// A field to send, `Name: value`; `Name:` removes a default field, `Name;` sends an empty one
    #[arg(long, short = 'H', value_name = "FIELD")]
    pub(crate) header: Vec<String>,

    /// Name and password for Basic authentication
    #[arg(long, short, value_name = "NAME:PASSWORD")]
    pub(crate) user: Option<String>,

    /// The User-Agent field [default: hearken/VERSION]
    #[arg(long, short = 'A', value_name = "TEXT")]
    pub(crate) user_agent: Option<String>,

    /// Ask for these bytes only: 0-499, 500-, -500, or several, separated by commas
    #[arg(long, short, value_name = "RANGE", allow_hyphen_values = true)]
    pub(crate) range: Option<String>,

    /// Follow redirects
    #[arg(long, short = 'L')]
    pub(crate) location: bool,

    /// Maximum number of redirects for -L, 50 at most
    #[arg(long, value_name = "N", default_value_t = MAX_REDIRS, value_parser = clap::value_parser!(u8).range(0..=50))]
    pub(crate) max_redirs: u8,

    /// Request a compressed body, and print it decompressed
    #[arg(long)]
    pub(crate) compressed: bool,
}

/// The content of the request.
#[derive(Args, Debug, Default)]
#[command(next_help_heading = "Content of the request")]
pub(crate) struct ContentFlags {
    /// A body to send, by POST and as a form unless other flags change that; @FILE reads a file without its line ends, @- stdin; several are joined by &
    #[arg(long, short, value_name = "DATA", action = ArgAction::Append)]
    pub(crate) data: Vec<String>,

    /// As -d, but @FILE is sent unchanged
    #[arg(long, value_name = "DATA", action = ArgAction::Append, conflicts_with = "data")]
    pub(crate) data_binary: Vec<String>,

    /// A part of a multipart form: name=value, name=@FILE to upload a file, name=<FILE for its content as a value; `;type=` and `;filename=` may follow
    #[arg(long, short = 'F', value_name = "NAME=CONTENT", action = ArgAction::Append, conflicts_with_all = ["data", "data_binary"])]
    pub(crate) form: Vec<String>,

    /// As -F, but the value is sent as it is, also if it begins with @ or <
    #[arg(long, value_name = "NAME=VALUE", action = ArgAction::Append, conflicts_with_all = ["data", "data_binary"])]
    pub(crate) form_string: Vec<String>,

    /// Upload this file by PUT; - is stdin; repeat it for further URLs; a URL that ends in / gets the name of the file
    #[arg(long, short = 'T', value_name = "FILE", action = ArgAction::Append, conflicts_with_all = ["data", "data_binary", "form", "form_string"])]
    pub(crate) upload_file: Vec<PathBuf>,
}

/// What to print and to write.
#[derive(Args, Debug, Default)]
#[command(next_help_heading = "Output")]
pub(crate) struct AnswerFlags {
    #[command(flatten)]
    pub(crate) outputs: Outputs,

    /// Continue a download at this byte; - takes the size of the file, and appends to it. Uploads are always sent whole
    #[arg(long, short = 'C', value_name = "OFFSET", conflicts_with_all = ["range", "upload_file", "data", "data_binary", "form", "form_string", "head"])]
    pub(crate) continue_at: Option<String>,

    /// Print status line and fields before each body
    #[arg(long, short)]
    pub(crate) include: bool,

    /// On a status of 400 or above print no body and exit with 22
    #[arg(long, short)]
    pub(crate) fail: bool,

    /// Write nothing to stderr but what -v shows
    #[arg(long, short)]
    pub(crate) silent: bool,

    /// With -s, print errors even so
    #[arg(long, short = 'S')]
    pub(crate) show_error: bool,

    /// Print one line of JSON for each URL instead of its body
    #[arg(long, conflicts_with = "include")]
    pub(crate) json: bool,

    /// Print this after each URL, with variables such as %{http_code}; @FILE reads it from a file, @- from stdin
    #[arg(long, short, value_name = "FORMAT")]
    pub(crate) write_out: Option<String>,
}

/// The cookie engine of curl: on with `-c`, and with `-b` and a file.
#[derive(Args, Debug, Default)]
#[command(next_help_heading = "Cookies")]
pub(crate) struct CookieFlags {
    /// Send these cookies, `a=1; b=2`; without = it is a file with cookies to send, and those that answers set are kept for the next request
    #[arg(long, short = 'b', value_name = "DATA|FILE")]
    pub(crate) cookie: Vec<String>,

    /// Write all cookies to this file at the end, in Netscape's format; - is stdout
    #[arg(long, short = 'c', value_name = "FILE")]
    pub(crate) cookie_jar: Option<PathBuf>,

    /// Leave out those cookies of the file that have no date of expiry
    #[arg(long, short)]
    pub(crate) junk_session_cookies: bool,
}

/// The way to the server.
#[derive(Args, Debug, Default)]
#[command(next_help_heading = "Connection")]
pub(crate) struct ConnectionFlags {
    /// Use this proxy instead of those of the environment; an empty one means none
    #[arg(long, short = 'x', value_name = "PROXY")]
    pub(crate) proxy: Option<String>,

    /// Hosts without a proxy, as in NO_PROXY, which it replaces
    #[arg(long, value_name = "HOSTS")]
    pub(crate) noproxy: Option<String>,

    /// Connect to this Unix socket; the Host field still comes from the URL
    #[arg(long, value_name = "PATH", conflicts_with_all = ["proxy", "resolve"])]
    pub(crate) unix_socket: Option<PathBuf>,

    /// Use these addresses, separated by commas, for host and port; * stands for all other hosts
    #[arg(long, value_name = "HOST:PORT:ADDRESS", action = ArgAction::Append)]
    pub(crate) resolve: Vec<String>,

    /// Accept any certificate: an attacker on the network can read and change everything
    #[arg(long, short = 'k')]
    pub(crate) insecure: bool,

    /// Trust the authorities in this PEM file, in addition to those of the system
    #[arg(long, value_name = "FILE")]
    pub(crate) cacert: Option<PathBuf>,

    /// Largest head of a response, in bytes with K or M, and its most lines behind a comma [default: 256K,2000]
    #[arg(long, value_name = "SIZE[,LINES]")]
    pub(crate) max_head: Option<HeadLimit>,
}

/// How long things may take.
#[derive(Args, Debug, Default)]
#[command(next_help_heading = "Times")]
pub(crate) struct TimeFlags {
    /// Maximum time for one URL, including redirects and body [default: only the timeouts of its phases]
    #[arg(long, short, value_name = "SECONDS")]
    pub(crate) max_time: Option<String>,

    /// Maximum time to connect [default: 10]
    #[arg(long, value_name = "SECONDS")]
    pub(crate) connect_timeout: Option<String>,

    /// Least rate of a body, in bytes per second; 0 accepts any silence between two pieces [default: 256, or 1 with -y]
    #[arg(long, short = 'Y', value_name = "BYTES")]
    pub(crate) speed_limit: Option<u32>,

    /// How long a body may be slower than -Y [default: 10, or 30 with -Y]
    #[arg(long, short = 'y', value_name = "SECONDS")]
    pub(crate) speed_time: Option<String>,
}

/// Trying again.
#[derive(Args, Debug, Default)]
#[command(next_help_heading = "Trying again")]
pub(crate) struct RetryFlags {
    /// Try again so many times after a timeout, a name that is not resolved, or a status of 408, 429, 500, 502, 503 or 504
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) retry: u32,

    /// Wait this long before each attempt [default: 1, 2, 4, … up to 600, or Retry-After]
    #[arg(long, value_name = "SECONDS", requires = "retry")]
    pub(crate) retry_delay: Option<String>,

    /// No further attempt begins when so much time has passed
    #[arg(long, value_name = "SECONDS", requires = "retry")]
    pub(crate) retry_max_time: Option<String>,

    /// Try again also when the connection is refused
    #[arg(long, requires = "retry")]
    pub(crate) retry_connrefused: bool,

    /// Try again after any error, -f and its statuses included
    #[arg(long, requires = "retry")]
    pub(crate) retry_all_errors: bool,
}

const MAX_REDIRS: u8 = 10;

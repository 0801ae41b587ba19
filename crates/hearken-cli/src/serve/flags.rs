//! The flags of `hearken serve` and their help. Not here: their meaning (`plan.rs`).

use crate::cli::ServerFlags;
use clap::Args;
use std::path::PathBuf;

/// `hearken serve`.
#[derive(Args, Debug, Default)]
pub(crate) struct Serve {
    /// Directory to serve [default: the present one]
    #[arg(value_name = "DIR")]
    pub(crate) directory: Option<PathBuf>,

    /// Port to listen on; 0 selects a free one [default: $PORT, or 8080, or the next free one up to 8089]
    #[arg(long, short, value_name = "PORT", conflicts_with = "listen")]
    pub(crate) port: Option<u16>,

    /// Listen on all interfaces, so that other machines reach the files
    #[arg(long, conflicts_with_all = ["host", "listen"])]
    pub(crate) lan: bool,

    #[command(flatten)]
    pub(crate) server: ServerFlags,

    #[command(flatten)]
    pub(crate) files: FileFlags,

    #[command(flatten)]
    pub(crate) upload: UploadFlags,

    /// Ask for this user and password; may be repeated [also: $HEARKEN_AUTH, which no other user of the machine sees]
    #[arg(long, value_name = "USER:PASSWORD")]
    pub(crate) auth: Vec<String>,

    /// Let pages of all origins read the files
    #[arg(long)]
    pub(crate) cors: bool,

    /// Add a field to every response; may be repeated
    #[arg(long, short = 'H', value_name = "NAME: VALUE")]
    pub(crate) header: Vec<String>,

    /// Show the URL for other machines as a QR code, for the camera of a phone
    #[arg(long)]
    pub(crate) qr: bool,

    /// Write only fatal errors to stderr
    #[arg(long, short)]
    pub(crate) quiet: bool,
}

/// Which files answer.
#[derive(Args, Debug, Default)]
pub(crate) struct FileFlags {
    /// The file that answers for a directory; may be repeated [default: index.html]
    #[arg(long, value_name = "NAME", conflicts_with = "upload")]
    pub(crate) index: Vec<String>,

    /// Do not list directories that have no index
    #[arg(long)]
    pub(crate) no_listing: bool,

    /// Serve and list hidden files too: .env, .git, x~, x.bak
    #[arg(long)]
    pub(crate) hidden: bool,

    /// Answer paths without a file with this page, for applications of one page [without FILE: index.html]
    #[arg(
        long,
        value_name = "FILE",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "index.html",
        conflicts_with = "upload",
    )]
    pub(crate) spa: Option<String>,

    /// Send x.br, x.zst or x.gz in place of x to clients that prefer them
    #[arg(long)]
    pub(crate) precompressed: bool,
}

/// Receiving files.
#[derive(Args, Debug, Default)]
pub(crate) struct UploadFlags {
    /// Receive files, by the form in listings, by PUT and by POST; none is overwritten, and no file is a page
    #[arg(long)]
    pub(crate) upload: bool,

    /// Let an upload replace a file of the same name
    #[arg(long, requires = "upload")]
    pub(crate) upload_overwrite: bool,

    /// The most bytes of one upload, with K, M, G or T [default: 1G]
    #[arg(long, value_name = "SIZE", requires = "upload")]
    pub(crate) upload_max: Option<String>,
}

pub(crate) const ABOUT: &str = "\
A server for the files of a directory: listings that sort and search, ranges, types, caches. Only this machine reaches it, unless \
--lan or --host opens it to others. Hidden files are not served, and no symbolic link leads out of the directory.

When it listens, it prints its URL to stdout, alone on one line, and how to reach it to stderr. It logs each request to stderr: \
time, client, method, target, status, bytes of the body, and duration. On SIGINT (Ctrl-C) or SIGTERM it finishes running requests and \
ends, after 26 seconds at the latest; a second signal ends it at once.";

/// A macro, because `concat!` takes no constant.
macro_rules! examples {
    () => {
        "\
Examples:
  hearken serve                         the present directory on http://127.0.0.1:8080
  hearken serve dist --spa              an application of one page
  hearken serve --lan --qr Pictures     for the phone in the same network
  hearken serve --lan --upload --auth me:secret inbox
  hearken serve --port 0 --quiet        a free port; the URL is on stdout
  hearken serve --tls-self-signed       https://127.0.0.1:8080, for curl -k

  curl -C - -O http://127.0.0.1:8080/film.mp4
  curl -H 'Accept: application/json' http://127.0.0.1:8080/
  curl -T report.pdf http://127.0.0.1:8080/          with --upload"
    };
}

pub(crate) const EXAMPLES: &str = examples!();

pub(crate) const MORE: &str = concat!(
    examples!(),
    "

Environment:
  PORT            the port, without --port and --listen
  HEARKEN_AUTH    USER:PASSWORD, as --auth
  NO_COLOR        no colours; by default stderr is coloured if it is a terminal
  CLICOLOR_FORCE  colours even if stderr is not a terminal

Exit codes:
  0    a signal stopped the server
  1    the server failed, or a worker did not end in time
  2    wrong flags, no such directory, or the server cannot listen on the address
  130  a second SIGINT ended the server at once
  143  a second SIGTERM ended the server at once"
);

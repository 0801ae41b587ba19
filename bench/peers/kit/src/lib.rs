//! What every peer serves, so that all of them answer with the same bytes and the runner can check that they do.
//!
//! Here: the address to listen on, the bodies, and (in [`floor`]) the smallest scanner of requests that still answers
//! pipelined requests and bodies rightly, for the two floor peers.
//! Not here: anything that a framework brings itself. A peer routes, serialises and writes heads its own way.

pub mod floor;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::LazyLock;

use serde::Serialize;

/// Body of `GET /plaintext`, sent as `text/plain`.
pub const HELLO: &str = "Hello, World!";

/// Length of the body of `GET /download`, in bytes: 1 MiB. Also what the runner sends to `POST /upload`.
pub const LARGE_BYTES: usize = 1 << 20;

/// Length of the body of `GET /medium`, in bytes: 64 KiB. Only the floor peers serve it, to clients that are measured.
pub const MEDIUM_BYTES: usize = 64 << 10;

/// Length of what a client that is measured sends to `POST /upload`, in bytes: 16 KiB.
pub const SMALL_UPLOAD_BYTES: usize = 16 << 10;

/// Length of the body of `GET /json`, in bytes: 1 KiB.
pub const JSON_BYTES: usize = 1 << 10;

/// How long a peer keeps an idle connection, in seconds, where it wants to be told: longer than the idle row lasts.
pub const KEEP_ALIVE_SECONDS: u64 = 300;

/// Where a peer listens: 127.0.0.1 and the port of its first argument.
///
/// Ends the process with exit code 2 if there is no such argument: a peer is started by the runner or by somebody who
/// reads this line.
#[must_use]
pub fn address() -> SocketAddr {
    let port = std::env::args().nth(1).and_then(|port| port.parse().ok());
    let Some(port) = port else {
        eprintln!("usage: PEER PORT");
        std::process::exit(2);
    };
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}

/// What a peer that speaks TLS is told after its port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsArguments {
    /// A PEM file with the certificate.
    pub certificate: PathBuf,
    /// A PEM file with its private key.
    pub key: PathBuf,
}

/// The arguments behind the port: `CERTIFICATE KEY`.
///
/// Ends the process with exit code 2 if they are not there, as [`address`] does.
#[must_use]
pub fn tls_arguments() -> TlsArguments {
    let rest: Vec<String> = std::env::args().skip(2).collect();
    match rest.as_slice() {
        [certificate, key] => TlsArguments {
            certificate: certificate.into(),
            key: key.into(),
        },
        _ => {
            eprintln!("usage: PEER PORT CERTIFICATE KEY");
            std::process::exit(2);
        }
    }
}

/// Body of `GET /download`: the same 1 MiB for the life of the process.
#[must_use]
pub fn large() -> &'static str {
    static LARGE: LazyLock<String> = LazyLock::new(|| "x".repeat(LARGE_BYTES));
    LARGE.as_str()
}

/// Body of `GET /medium`.
#[must_use]
pub fn medium() -> &'static str {
    &large()[..MEDIUM_BYTES]
}

/// What a client that is measured sends to `POST /upload`.
#[must_use]
pub fn small_upload() -> &'static [u8] {
    &large().as_bytes()[..SMALL_UPLOAD_BYTES]
}

/// The value behind `GET /json`. A peer with a serialiser turns it into 1 KiB of JSON anew for each request.
#[must_use]
pub fn page() -> &'static Page {
    static PAGE: LazyLock<Page> = LazyLock::new(Page::of_one_kibibyte);
    &PAGE
}

/// The JSON text of [`page`], for the runner to compare with and for peers without a serialiser.
#[must_use]
pub fn json_text() -> String {
    // Strings, numbers and truth values only: nothing in `Page` can fail to serialise.
    serde_json::to_string(page()).unwrap_or_default()
}

/// A page of a shop's list: numbers, truth values, strings and arrays, as ordinary answers have them.
#[derive(Serialize)]
pub struct Page {
    page: u32,
    items: Vec<Item>,
    note: String,
}

#[derive(Serialize)]
struct Item {
    id: u32,
    name: String,
    price_cents: u32,
    in_stock: bool,
    tags: [&'static str; 2],
}

impl Page {
    fn of_one_kibibyte() -> Self {
        let items = (0..10).map(|n| Item {
            id: 1000 + n,
            name: format!("article {n}"),
            price_cents: 1999 + n,
            in_stock: n % 2 == 0,
            tags: ["small", "red"],
        });
        let mut page = Self {
            page: 1,
            items: items.collect(),
            note: String::new(),
        };
        let bare = serde_json::to_string(&page).map_or(0, |text| text.len());
        page.note = "n".repeat(JSON_BYTES.saturating_sub(bare));
        page
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_json_answer_has_exactly_one_kibibyte() {
        assert_eq!(json_text().len(), JSON_BYTES);
    }
}

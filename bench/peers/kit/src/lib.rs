//! What all peers share, so that they exchange the same bytes and the runner can check that they do.
//!
//! Here: the arguments, the exchanges and their bodies; in [`floor`] the smallest scanner of requests; in `client` the loops of
//! the client peers. Not here: what a framework brings itself. A peer routes, serialises and writes heads its own way.

#[cfg(feature = "client")]
pub mod client;
pub mod floor;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::exit;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

/// Body of `GET /plaintext`, sent as `text/plain`.
pub const HELLO: &str = "Hello, World!";

/// Length of the body of `GET /download` and of the large upload, in bytes: 1 MiB.
pub const LARGE_BYTES: usize = 1 << 20;

/// Length of the body of `GET /json`, in bytes: 1 KiB.
pub const JSON_BYTES: usize = 1 << 10;

/// How long a peer keeps an idle connection, in seconds: longer than the row `idle` lasts.
pub const KEEP_ALIVE_SECONDS: u64 = 300;

/// One kind of request with its response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exchange {
    /// A body of 13 bytes.
    Plaintext,
    /// 1 KiB of JSON, serialised for each request.
    Json,
    /// A body of 1 MiB.
    Download,
    /// 1 MiB sent, its length in the response.
    Upload,
    /// A body of 64 KiB, which only the floor peers serve.
    Medium,
    /// 16 KiB sent, its length in the response.
    SmallUpload,
    /// A switch of protocols; afterwards the server returns what it reads.
    Upgrade,
}

impl Exchange {
    /// The exchanges that a client peer can do.
    pub const OF_CLIENTS: [Self; 4] =
        [Self::Plaintext, Self::Json, Self::Medium, Self::SmallUpload];

    /// Path of the request; without its slash, the name of the exchange in a client's arguments.
    #[must_use]
    pub const fn path(self) -> &'static str {
        match self {
            Self::Plaintext => "/plaintext",
            Self::Json => "/json",
            Self::Download => "/download",
            Self::Upload | Self::SmallUpload => "/upload",
            Self::Medium => "/medium",
            Self::Upgrade => "/upgrade",
        }
    }

    /// Content of the request.
    #[must_use]
    pub fn sent(self) -> &'static [u8] {
        match self {
            Self::Upload => large().as_bytes(),
            Self::SmallUpload => &large().as_bytes()[..16 << 10],
            _ => &[],
        }
    }

    /// Content of a correct response.
    #[must_use]
    pub fn content(self) -> String {
        match self {
            Self::Plaintext => HELLO.to_owned(),
            Self::Json => json_text(),
            Self::Download => large().to_owned(),
            Self::Upload | Self::SmallUpload => self.sent().len().to_string(),
            Self::Medium => large()[..64 << 10].to_owned(),
            Self::Upgrade => String::new(),
        }
    }
}

/// Where a server listens: 127.0.0.1 and the port of its first argument. Without such an argument the process exits with code 2.
#[must_use]
pub fn address() -> SocketAddr {
    let port = std::env::args().nth(1).and_then(|port| port.parse().ok());
    let Some(port) = port else {
        eprintln!("usage: PEER PORT [CERTIFICATE KEY]");
        exit(2);
    };
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}

/// The PEM files with certificate and private key that follow the port where the server is to speak TLS.
#[must_use]
pub fn tls_arguments() -> Option<(PathBuf, PathBuf)> {
    let mut rest = std::env::args().skip(2).map(PathBuf::from);
    rest.next().zip(rest.next())
}

/// Body of `GET /download`: the same 1 MiB for the life of the process.
#[must_use]
pub fn large() -> &'static str {
    static LARGE: LazyLock<String> = LazyLock::new(|| "x".repeat(LARGE_BYTES));
    LARGE.as_str()
}

/// The value behind `GET /json`. A peer with a serialiser turns it into 1 KiB of JSON anew for each request.
#[must_use]
pub fn page() -> &'static Page {
    static PAGE: LazyLock<Page> = LazyLock::new(Page::of_one_kibibyte);
    &PAGE
}

/// The JSON text of [`page`].
#[must_use]
pub fn json_text() -> String {
    // Strings, numbers and truth values only: nothing in `Page` can fail to serialise.
    serde_json::to_string(page()).unwrap_or_default()
}

/// A page of a shop's list: numbers, truth values, strings and arrays, as ordinary responses have them.
#[derive(Debug, Deserialize, PartialEq, Serialize)]
pub struct Page {
    page: u32,
    items: Vec<Item>,
    note: String,
}

#[derive(Debug, Deserialize, PartialEq, Serialize)]
struct Item {
    id: u32,
    name: String,
    price_cents: u32,
    in_stock: bool,
    tags: [String; 2],
}

impl Page {
    fn of_one_kibibyte() -> Self {
        let items = (0..10).map(|n| Item {
            id: 1000 + n,
            name: format!("article {n}"),
            price_cents: 1999 + n,
            in_stock: n % 2 == 0,
            tags: ["small", "red"].map(str::to_owned),
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

#[test]
fn the_json_answer_has_exactly_one_kibibyte() {
    assert_eq!(json_text().len(), JSON_BYTES);
}

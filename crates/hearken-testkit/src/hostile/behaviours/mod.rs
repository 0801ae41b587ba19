//! The named behaviours, one file for each group. A new one is one row: its purpose, its name, the request, the outcome in a
//! careful client, and the steps.

pub mod codings;
pub mod connection;
pub mod endless;
pub mod framing;
pub mod interim;
pub mod malformed;
pub mod redirects;
pub mod reuse;
pub mod slow;
pub mod tls;

use super::{Behaviour, Step, Turn};

/// Every behaviour of every group.
///
/// ```
/// let names: Vec<_> = hearken_testkit::hostile::all().map(|behaviour| behaviour.name).collect();
/// assert!(names.contains(&"TWO_LENGTHS"));
/// ```
pub fn all() -> impl Iterator<Item = Behaviour> {
    let groups = [
        connection::ALL,
        malformed::ALL,
        framing::ALL,
        endless::ALL,
        slow::ALL,
        interim::ALL,
        reuse::ALL,
        redirects::ALL,
        codings::ALL,
        tls::ALL,
    ];
    groups.into_iter().flatten().copied()
}

/// Rows of `/// what`, `NAME = ask => verdict, steps;` to constants, and `ALL` of them.
macro_rules! behaviours {
    ($($(#[$doc:meta])* $name:ident = $ask:expr => $verdict:expr, $script:expr;)*) => {
        $($(#[$doc])* pub const $name: $crate::hostile::Behaviour = $crate::hostile::Behaviour {
            name: stringify!($name),
            ask: $ask,
            verdict: $verdict,
            script: $script,
        };)*

        /// All of this group.
        pub const ALL: &[$crate::hostile::Behaviour] = &[$($name),*];
    };
}
use behaviours;

/// A valid response.
const GOOD: &str = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
/// A head before content of five bytes.
const HEAD_OF_FIVE: &str = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n";
/// A head before chunks.
const HEAD_OF_CHUNKS: &str = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

/// Reads a request and sends these bytes.
fn answer(bytes: impl AsRef<[u8]>) -> Vec<Step> {
    vec![Step::Request, Step::say(bytes)]
}

/// Reads a request, sends these bytes, and carries out this step.
fn answer_then(bytes: impl AsRef<[u8]>, last: Step) -> Vec<Step> {
    vec![Step::Request, Step::say(bytes), last]
}

/// Reads a request and sends a valid response.
fn good() -> Vec<Step> {
    answer(GOOD)
}

/// Chunks with this between the head and the next exchange.
fn chunks(bytes: &str) -> Vec<Step> {
    answer([HEAD_OF_CHUNKS, bytes].concat())
}

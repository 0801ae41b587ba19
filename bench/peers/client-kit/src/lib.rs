//! What every client peer does alike, so that only the client under test differs: the command line, the loops, the check of
//! each answer, and the line of figures.
//!
//! A peer brings one exchange, as [`AsyncClient`] or as [`BlockingClient`], and calls [`run_async`] or [`run_blocking`].
//!
//! `PEER KIND URL CONNECTIONS [ORDER...]` does the orders and ends; without orders it reads them from standard input, a line
//! each, until that ends. An order is `seconds N` (as many exchanges as N seconds hold), `count N` (exactly N, shared out
//! among the connections) or `show` (one exchange, its answer printed). Each order prints one line of JSON.
//! Not here: CPU time. The runner reads it from the operating system, between the lines.

mod drive;
mod order;

use std::error::Error;
use std::future::Future;
use std::process::ExitCode;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

pub use order::{Job, Kind};

/// Why an exchange failed.
pub type Failure = Box<dyn Error + Send + Sync>;

/// What an exchange brought, in the form in which the client gives it out.
#[derive(Debug)]
pub enum Content {
    /// The whole body, as the client's own shared bytes.
    Bytes(Bytes),
    /// The whole body, as a vector.
    Vec(Vec<u8>),
    /// The whole body, as the value that the client made of its JSON.
    Page(Page),
}

impl Content {
    /// Length of the body in bytes; of a value, the length of the text that it came from, if it is the right one.
    fn length(&self) -> usize {
        match self {
            Self::Bytes(bytes) => bytes.len(),
            Self::Vec(bytes) => bytes.len(),
            Self::Page(page) => {
                if page.items.len() == 10 {
                    peer_kit::JSON_BYTES
                } else {
                    0
                }
            }
        }
    }

    /// The body as text; of a value, written anew.
    fn text(&self) -> Result<String, Failure> {
        Ok(match self {
            Self::Bytes(bytes) => String::from_utf8(bytes.to_vec())?,
            Self::Vec(bytes) => String::from_utf8(bytes.clone())?,
            Self::Page(page) => serde_json::to_string(page)?,
        })
    }
}

/// An answer.
#[derive(Debug)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The body, read to its end.
    pub content: Content,
}

/// The value behind `GET /json`, as a client receives it: the same shape as [`peer_kit::Page`], owning its texts.
#[derive(Debug, Serialize, Deserialize)]
pub struct Page {
    page: u32,
    items: Vec<Item>,
    note: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct Item {
    id: u32,
    name: String,
    price_cents: u32,
    in_stock: bool,
    tags: [String; 2],
}

/// A client on tokio, shared by all connections: cloning it must share its pool.
pub trait AsyncClient: Clone + Send + 'static {
    /// One exchange, body read to its end.
    fn exchange(&self) -> impl Future<Output = Result<Answer, Failure>> + Send;
}

/// A client that blocks its thread, shared by all connections: cloning it must share its pool.
pub trait BlockingClient: Clone + Send + 'static {
    /// One exchange, body read to its end.
    ///
    /// # Errors
    /// Whatever the client reports.
    fn exchange(&self) -> Result<Answer, Failure>;
}

/// Runs a client on one current-thread runtime, each connection's loop as a task of its own.
pub fn run_async<C: AsyncClient>(make: impl FnOnce(&Job) -> Result<C, Failure>) -> ExitCode {
    order::run(|job| {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let client = {
            let _inside = runtime.enter();
            make(job)?
        };
        let expected = job.kind.expected_bytes();
        let connections = job.connections;
        Ok(move |order| {
            runtime.block_on(drive::by_tasks(
                client.clone(),
                connections,
                expected,
                order,
            ))
        })
    })
}

/// Runs a client on as many threads as there are connections. They live as long as the process, because a thread that ends
/// takes its CPU time out of `/proc`.
pub fn run_blocking<C: BlockingClient>(make: impl FnOnce(&Job) -> Result<C, Failure>) -> ExitCode {
    order::run(|job| {
        let client = make(job)?;
        let expected = job.kind.expected_bytes();
        let crew = drive::Crew::new(&client, job.connections, expected);
        Ok(move |order| crew.work(order))
    })
}

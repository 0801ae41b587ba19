//! The client: Node's `http.request`, `ClientRequest` and `Agent`.

// Here: from the bottom up: URLs (`target.rs`), facts about connections (`info.rs`), the runtime (`runtime.rs`); the pool
// (`agent/`); opening connections (`connect/`); events (`event.rs`); requests and responses (`request/`). A file may import
// those before it.
//
// May know: errors, transports, TLS, the client's connection without I/O (`conn/client/`), the pump, messages.
//
// Must not know: `fetch/`, `server/`, `session/`.

mod agent;
mod connect;
pub mod event;
mod info;
mod request;
mod runtime;
mod target;

#[cfg(test)]
mod tests;

pub use crate::error::client::Phase;
pub use agent::Agent;
pub use agent::options::{
    AgentOptions, BoxFuture, Connect, Destination, Family, Resolve, Scheduling, Transport,
};
pub use agent::proxies::Proxies;
pub use agent::stats::{AgentStats, HostStats};
pub use info::{ConnectionInfo, Timings};
pub use request::response::{ClientSource, Response, ResponseFuture};
pub use request::{AbortHandle, ClientRequest};
pub(crate) use target::{basic, basic_auth, split_zone, without_password};

use crate::error::Error;

/// A request by the [global agent](Agent::global). Node's `http.request` and `https.request`.
///
/// ```no_run
/// # async fn example() -> Result<(), hearken::Error> {
/// let mut response = hearken::request("PUT", "http://127.0.0.1:3000/x")?.end("hello").await?;
/// println!("{}: {}", response.status(), response.text().await?);
/// # Ok(()) }
/// ```
///
/// # Errors
/// When the method is not a token, or the URL is neither http nor https.
pub fn request(method: &str, url: &str) -> Result<ClientRequest, Error> {
    Agent::global().request(method, url)
}

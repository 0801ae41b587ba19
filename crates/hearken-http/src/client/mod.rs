//! The client: Node's `http.request`, `ClientRequest` and `Agent`.
//!
//! Here: [`request()`]; its sibling `get` is in `fetch/`. A request (`request.rs`, what it may ask for in
//! `request_options.rs`) and its response (`message/response.rs`) share one exchange (`exchange.rs`, `settle.rs`, `relay.rs`),
//! which takes a connection (`wire.rs`) from the pool of an agent (`agent.rs`, `pool.rs`) or has one made
//! (`connect.rs`, `happy.rs`, `proxy.rs`, `tunnel.rs`). Events are in `event/mod.rs`, errors in `failure.rs`. Not here: the
//! connection without I/O (`conn/client/mod.rs`), the protocol (hearken-proto).

mod agent;
mod connect;
pub mod event;
mod info;
mod request;
mod target;

#[cfg(test)]
mod tests;

pub use crate::error::failure::Phase;
pub use agent::Agent;
pub use agent::options::{
    AgentOptions, BoxFuture, Connect, Destination, Family, Resolve, Scheduling, Transport,
};
pub use agent::proxies::Proxies;
pub use agent::stats::{AgentStats, HostStats};
pub use info::{Connected, Timings};
pub use request::response::{ClientSource, Response, ResponseFuture};
pub use request::{AbortHandle, ClientRequest};
pub(crate) use target::{basic, basic_auth, shown as without_password};

use crate::error::Error;

/// A request by the [global agent](Agent::global). Node's `http.request` and `https.request`.
///
/// ```no_run
/// # async fn example() -> Result<(), hearken_http::Error> {
/// let mut response = hearken_http::request("PUT", "http://127.0.0.1:3000/x")?.end("hello").await?;
/// println!("{}: {}", response.status(), response.text().await?);
/// # Ok(()) }
/// ```
///
/// # Errors
/// When the method is no token, or the URL is none of http or https.
pub fn request(method: &str, url: &str) -> Result<ClientRequest, Error> {
    Agent::global().request(method, url)
}

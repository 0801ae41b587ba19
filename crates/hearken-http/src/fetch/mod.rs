//! The one-liner on top of the client: a URL in, an answer out, redirects followed and bodies decoded.

// Here: [`get`] and its siblings; the request (`builder.rs`, `request.rs`, `body.rs`, `multipart.rs`), sending it (`send.rs`), again
// if need be (`retry.rs`), redirects (`redirect.rs`), cookies (`cookies.rs`), the answer (`fetched.rs`), text (`text.rs`), URLs (`url.rs`), errors (`error.rs`).
// May know: the client, messages, errors.
// Must not know: connections (`conn/`, `client/agent/`), `server/`, `session/`.

mod body;
mod builder;
mod cookies;
mod error;
mod fetched;
mod file;
mod multipart;
mod redirect;
mod request;
mod retry;
mod send;
mod text;
mod url;

pub use body::Body;
pub use builder::RequestBuilder;
pub use cookies::CookieJar;
pub use fetched::{BodyStream, Fetched};
pub use multipart::{Form, Part};
pub use redirect::{RedirectAction, RedirectAttempt, Redirects};
pub use url::{ToUrl, Url, UrlError};

use crate::client::Agent;
use http::Method;

/// A GET request over the [global agent](Agent::global); `.await` returns the answer. Node's `http.get`.
///
/// ```no_run
/// # #[tokio::main] async fn main() -> Result<(), hearken::Error> {
/// let text = hearken::get("https://example.com/").await?.text().await?;
/// # Ok(()) }
/// ```
pub fn get(url: impl ToUrl) -> RequestBuilder {
    Agent::global().get(url)
}

/// A HEAD request: the answer of [`get`] without its body.
///
/// ```no_run
/// # #[tokio::main] async fn main() -> Result<(), hearken::Error> {
/// let answer = hearken::head("https://example.com/").await?;
/// println!("{:?} bytes", answer.content_length());
/// # Ok(()) }
/// ```
pub fn head(url: impl ToUrl) -> RequestBuilder {
    Agent::global().head(url)
}

/// A POST request. Set its body by [`json`](RequestBuilder::json), [`form`](RequestBuilder::form) or
/// [`body`](RequestBuilder::body).
///
/// ```no_run
/// # #[tokio::main] async fn main() -> Result<(), hearken::Error> {
/// hearken::post("https://example.com/login").form(&[("name", "Ada")]).await?.error_for_status()?;
/// # Ok(()) }
/// ```
pub fn post(url: impl ToUrl) -> RequestBuilder {
    Agent::global().post(url)
}

/// A PUT request.
///
/// ```no_run
/// # #[tokio::main] async fn main() -> Result<(), hearken::Error> {
/// hearken::put("https://example.com/notes/1").body("a note").await?.error_for_status()?;
/// # Ok(()) }
/// ```
pub fn put(url: impl ToUrl) -> RequestBuilder {
    Agent::global().put(url)
}

/// A PATCH request (RFC 5789).
///
/// ```no_run
/// # #[tokio::main] async fn main() -> Result<(), hearken::Error> {
/// hearken::patch("https://example.com/notes/1").json(&serde_json::json!({ "done": true })).await?;
/// # Ok(()) }
/// ```
pub fn patch(url: impl ToUrl) -> RequestBuilder {
    Agent::global().patch(url)
}

/// A DELETE request.
///
/// ```no_run
/// # #[tokio::main] async fn main() -> Result<(), hearken::Error> {
/// hearken::delete("https://example.com/notes/1").await?.error_for_status()?;
/// # Ok(()) }
/// ```
pub fn delete(url: impl ToUrl) -> RequestBuilder {
    Agent::global().delete(url)
}

/// A request with any method. For Node's request, whose steps are events, see [`request`](crate::request).
///
/// ```no_run
/// # #[tokio::main] async fn main() -> Result<(), hearken::Error> {
/// let allowed = hearken::fetch(http::Method::OPTIONS, "https://example.com/").await?;
/// println!("{:?}", allowed.header("Allow"));
/// # Ok(()) }
/// ```
pub fn fetch(method: Method, url: impl ToUrl) -> RequestBuilder {
    Agent::global().fetch(method, url)
}

#[cfg(test)]
mod tests;

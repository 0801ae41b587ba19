//! What layers around a handler need of a response: hooks on its head, what has been set so far, its route.
//!
//! Here: [`ServerResponse::on_head`] and its siblings. Not here: how hooks and filters run (`conn/layers.rs`).

use super::incoming::IncomingMessage;
use super::response::ServerResponse;
pub use crate::conn::layers::{ContentFilter, ResponseHead};
use http::StatusCode;
use std::rc::Rc;

impl ServerResponse {
    /// Runs `hook` just before the head leaves: it reads and changes status and fields, and may add a filter on the content.
    /// Hooks run in reverse order of adding, so that the layer that was entered first sees what all others have done. They
    /// also run for the response to an error or a panic of the handler, and for a switch of protocols. A hook that panics
    /// turns the response into a 500. After the head has left nothing happens.
    ///
    /// ```
    /// use hearken::Server;
    /// let server = Server::new(async |_req, res| {
    ///     res.on_head(|head| {
    ///         if head.status().is_success() {
    ///             head.set("Cache-Control", "no-store").expect("a legal field");
    ///         }
    ///     });
    ///     res.end("hello")
    /// });
    /// ```
    pub fn on_head(&self, hook: impl FnOnce(&mut ResponseHead<'_>) + 'static) {
        self.exchange.add_hook(Box::new(hook));
    }

    /// The status that has been set, 200 if none has. Node's `statusCode`, read. A number that no response can have counts
    /// as 500.
    #[doc(alias = "statusCode")]
    #[must_use]
    pub fn status_code(&self) -> StatusCode {
        let status = self.exchange.state().outgoing.status;
        StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// Sends what a cork and the filters keep back. Filters are also flushed when a handler that has written waits.
    ///
    /// ```
    /// use hearken::Server;
    /// let server = Server::new(async |_req, res| {
    ///     res.write("data: 1\n\n");
    ///     res.flush();
    ///     res.end("")
    /// });
    /// ```
    pub fn flush(&self) {
        self.exchange.flush_filters();
        self.exchange.order(|state, env| state.release_kept(env));
    }

    /// Labels the exchange with the route that handles it, `/users/:id` for example: observers, logs and errors carry it.
    /// The second call replaces the label.
    ///
    /// ```
    /// use hearken::Server;
    /// let server = Server::new(async |req, res| {
    ///     res.set_route("/users/:id");
    ///     assert_eq!(req.route().as_deref(), Some("/users/:id"));
    ///     res.end("")
    /// });
    /// ```
    pub fn set_route(&self, route: impl Into<Rc<str>>) {
        self.exchange.state().overrides().route = Some(route.into());
    }
}

impl IncomingMessage {
    /// The label of the route that handles this request: [`ServerResponse::set_route`].
    #[must_use]
    pub fn route(&self) -> Option<Rc<str>> {
        self.source().exchange.state().route()
    }
}

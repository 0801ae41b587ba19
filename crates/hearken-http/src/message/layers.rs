//! What layers around a handler need: hooks on the head of a response, what has been set so far, the route, attached values.
//!
//! Here: [`ServerResponse::on_head`] and its siblings. Not here: how hooks and filters run (`conn/layers.rs`).

use super::answer::Answer;
use super::incoming::IncomingMessage;
use super::response::{Sent, ServerResponse};
use crate::conn::exchange::Exchange;
pub use crate::conn::layers::{ContentFilter, ResponseHead};
use crate::error::{FailedRequest, Failure};
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
        self.exchange.state().attached.route = Some(route.into());
    }

    /// Gives a failure of this exchange a form of its own, in place of [`Server::on_failure`](crate::Server::on_failure), whose
    /// rules hold here too. For routers, whose parts may have forms of their own. The second call replaces the first.
    ///
    /// ```
    /// use hearken::Server;
    /// let server = Server::new(async |req, res| {
    ///     res.on_failure(|failure, _req, _res| format!("sorry: {}\n", failure.public_message()));
    ///     let number: u8 = req.path().trim_start_matches('/').parse()?; // may fail
    ///     Ok(res.end(number.to_string()))
    /// });
    /// ```
    pub fn on_failure<R: Answer>(
        &self,
        respond: impl Fn(&Failure, &FailedRequest, Self) -> R + 'static,
    ) {
        let respond = move |failure: &Failure, exchange: Rc<Exchange>| {
            respond_to_failure(&respond, failure, exchange);
        };
        self.exchange.state().attached.on_failure = Some(Rc::new(respond));
    }

    /// Attaches a value to the exchange, for the code behind this: [`IncomingMessage::extension`] returns it. It is dropped after the
    /// end of the exchange. A second value of a type replaces the first. It must not own the request or the response, which
    /// would keep each other alive.
    ///
    /// Express: `res.locals`.
    pub fn extend<T: 'static>(&self, value: T) {
        attach(&self.exchange, Rc::new(value));
    }

    /// As [`extend`](Self::extend), of a value that its owner keeps too.
    pub fn attach<T: 'static>(&self, value: Rc<T>) {
        attach(&self.exchange, value);
    }

    /// The attached value of this type: as [`IncomingMessage::extension`].
    #[must_use]
    pub fn extension<T: 'static>(&self) -> Option<Rc<T>> {
        self.exchange.state().attached.get()
    }
}

fn attach<T: 'static>(exchange: &Exchange, value: Rc<T>) {
    let replaced = exchange.state().attached.insert(value);
    drop(replaced); // after the borrow: a destructor may call back
}

/// Calls the form of failures, and responds by what it returns.
pub(crate) fn respond_to_failure<R: Answer>(
    respond: impl Fn(&Failure, &FailedRequest, ServerResponse) -> R,
    failure: &Failure,
    exchange: Rc<Exchange>,
) {
    let Some(request) = failure.request() else {
        return;
    };
    let res = ServerResponse::new(exchange);
    let handle = res.again();
    let answer = respond(failure, request, res);
    let _: Sent = answer.answer(handle);
}

impl IncomingMessage {
    /// The label of the route that handles this request: [`ServerResponse::set_route`].
    #[must_use]
    pub fn route(&self) -> Option<Rc<str>> {
        self.source().exchange.state().route()
    }

    /// Attaches a value to the exchange: as [`ServerResponse::extend`].
    ///
    /// Express: a property of `req`.
    pub fn extend<T: 'static>(&self, value: T) {
        attach(&self.source().exchange, Rc::new(value));
    }

    /// The value of this type that code around the handler has attached by [`extend`](Self::extend).
    ///
    /// ```
    /// use hearken::Server;
    /// struct User { name: String }
    /// let server = Server::new(async |req, res| {
    ///     req.extend(User { name: "ada".to_owned() }); // by code that knows the user
    ///     let user = req.extension::<User>();
    ///     res.end(user.map_or_else(String::new, |user| user.name.clone()))
    /// });
    /// ```
    #[must_use]
    pub fn extension<T: 'static>(&self) -> Option<Rc<T>> {
        self.source().exchange.state().attached.get()
    }
}

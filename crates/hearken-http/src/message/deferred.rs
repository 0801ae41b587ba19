//! A response that is ended later, from a callback or another task.
//!
//! Here: [`Deferred`]. Not here: the 500 for one that is dropped (`message/response.rs`).

use crate::message::response::{Sent, ServerResponse};
use bytes::Bytes;
use std::cell::RefCell;

/// A response to be ended later, made by [`ServerResponse::defer`]. The handler returns its [`Sent`] at once; a listener or
/// another task ends the response when it has the content. A `Deferred` that is dropped before that sends a 500.
///
/// Its methods take `&self`, so that a listener, which is called several times, can own it.
///
/// ```
/// use hearken::{Server, event};
/// let server = Server::new(async |req, res| {
///     let (sent, answer) = res.defer();
///     req.on(event::Ready, move |whole| answer.end(whole.body.clone()));
///     sent
/// });
///
/// // From another task, with status and fields:
/// let server = Server::new(async |_req, res| {
///     let (sent, answer) = res.defer();
///     tokio::task::spawn_local(async move {
///         tokio::time::sleep(std::time::Duration::from_secs(1)).await;
///         let _ = answer.take().status(202).set("X-Job", "7").end("queued\n");
///     });
///     sent
/// });
/// ```
#[derive(Debug)]
#[must_use = "dropping it sends a 500"]
pub struct Deferred {
    response: RefCell<Option<ServerResponse>>,
}

impl Deferred {
    pub(crate) const fn new(response: ServerResponse) -> Self {
        Self {
            response: RefCell::new(Some(response)),
        }
    }

    /// Ends the response with this content. Does nothing after the first call, or after [`take`](Self::take).
    pub fn end(&self, content: impl Into<Bytes>) {
        if let Some(response) = self.try_take() {
            let _: Sent = response.end(content);
        }
    }

    /// Takes the response out, to set its status and fields and to end it. Dropping it unended still sends a 500.
    ///
    /// # Panics
    /// When the response was already taken or ended.
    #[must_use]
    #[track_caller]
    pub fn take(&self) -> ServerResponse {
        self.try_take()
            .expect("expected a response that was not yet taken or ended")
    }

    /// As [`take`](Self::take), but `None` when the response was already taken or ended.
    #[must_use]
    pub fn try_take(&self) -> Option<ServerResponse> {
        self.response.borrow_mut().take()
    }
}

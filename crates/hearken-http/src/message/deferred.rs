//! The duty to answer later, as a value: for whoever answers from a callback.
//!
//! Here: [`Deferred`]. Not here: what happens when it is dropped unanswered (`message/response.rs`).

use crate::message::response::{Sent, ServerResponse};
use bytes::Bytes;
use std::cell::RefCell;

/// The duty to answer one request later.
///
/// ```
/// use hearken_http::{Server, event};
/// let server = Server::new(async |req, res| {
///     let (sent, answer) = res.defer();
///     req.on(event::Ready, move |whole| answer.end(whole.body.clone()));
///     sent
/// });
/// ```
#[derive(Debug)]
#[must_use = "dropping it answers 500"]
pub struct Deferred {
    response: RefCell<Option<ServerResponse>>,
}

impl Deferred {
    pub(crate) const fn new(response: ServerResponse) -> Self {
        Self {
            response: RefCell::new(Some(response)),
        }
    }

    /// Answers with this content. The second call does nothing.
    pub fn end(&self, content: impl Into<Bytes>) {
        if let Some(response) = self.try_take() {
            let _: Sent = response.end(content);
        }
    }

    /// The response, to set what is to be set before it ends. To be called once.
    ///
    /// # Panics
    /// On the second call: the duty was already taken.
    #[must_use]
    #[track_caller]
    pub fn take(&self) -> ServerResponse {
        self.try_take()
            .expect("expected an answer that is still owed; `take` was called before")
    }

    /// The response, or `None` on the second call.
    #[must_use]
    pub fn try_take(&self) -> Option<ServerResponse> {
        self.response.borrow_mut().take()
    }
}

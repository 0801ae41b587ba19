//! What an order of an exchange sees beside the state that it changes.
//!
//! Here: [`Surroundings`]: what the exchanges of a worker share, and the head of this request, which stays as it is while a handle
//! of the exchange is left. So both handles lend it, and errors name the request without a copy. Not here: the state (`exchange.rs`).

use super::context::ExchangeContext;
use hearken_proto::Head;
use std::ops::Deref;
use std::rc::Rc;

/// See the module.
pub(crate) struct Surroundings {
    pub(crate) shared: Rc<ExchangeContext>,
    /// Of the last request that has come. Empty before the first one, and of an earlier connection until
    /// [`State::request`](super::exchange::State::request) is set.
    pub(super) head: Box<Head>,
}

impl Surroundings {
    pub(super) fn new(shared: &Rc<ExchangeContext>) -> Self {
        Self {
            shared: Rc::clone(shared),
            head: Box::default(),
        }
    }

    /// The head of the request.
    #[inline]
    pub(crate) fn head(&self) -> &Head {
        &self.head
    }
}

impl Deref for Surroundings {
    type Target = ExchangeContext;

    #[inline]
    fn deref(&self) -> &ExchangeContext {
        &self.shared
    }
}

/// The request to which an error of an exchange belongs: its head has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LastRequest {
    /// All that waited for the transport when it came has been taken: what waits now is its response.
    pub(crate) alone: bool,
}

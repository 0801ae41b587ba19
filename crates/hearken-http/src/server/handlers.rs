//! Handlers for one kind of request: the kinds for which `'request'` does not fire in Node.
//!
//! Here: [`SpecialHandlers`], [`Interceptable`]. Not here: the methods of a server that fill them (`intercept.rs`), which request
//! is of which kind (`conn/server/dispatch.rs`).

use super::handler::Handler;
use crate::conn::context::Intercepted;
use crate::event::{CheckContinue, CheckExpectation, Connect, Upgrade};
use std::fmt;

/// The handlers for kinds of requests.
#[derive(Default)]
#[doc(hidden)]
pub struct SpecialHandlers {
    pub(crate) check_continue: Option<Box<dyn Handler>>,
    pub(crate) check_expectation: Option<Box<dyn Handler>>,
    pub(crate) upgrade: Option<Box<dyn Handler>>,
    pub(crate) connect: Option<Box<dyn Handler>>,
}

impl SpecialHandlers {
    /// Notes for connections which kinds have a handler.
    pub(crate) const fn note(&self, intercepted: &mut Intercepted) {
        intercepted.check_continue = self.check_continue.is_some();
        intercepted.check_expectation = self.check_expectation.is_some();
        intercepted.upgrade = self.upgrade.is_some();
        intercepted.connect = self.connect.is_some();
    }
}

impl fmt::Debug for SpecialHandlers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SpecialHandlers")
    }
}

/// An event whose requests can be taken over: [`CheckContinue`], [`CheckExpectation`], [`Upgrade`], [`Connect`].
pub trait Interceptable: sealed::Interceptable {}

#[doc(hidden)]
pub mod sealed {
    //! Keeps the set of kinds closed.

    use super::{Handler, SpecialHandlers};

    /// A kind of request.
    pub trait Interceptable {
        /// Keeps the handler of this kind.
        fn keep(self, handler: Box<dyn Handler>, special: &mut SpecialHandlers);
    }
}

macro_rules! handled {
    ($($name:ident $field:ident;)*) => {$(
        impl Interceptable for $name {}
        impl sealed::Interceptable for $name {
            fn keep(self, handler: Box<dyn Handler>, special: &mut SpecialHandlers) {
                special.$field = Some(handler);
            }
        }
    )*};
}

handled! {
    CheckContinue check_continue;
    CheckExpectation check_expectation;
    Upgrade upgrade;
    Connect connect;
}

//! Handlers that take over a kind of request: what `request` does not fire for in Node.
//!
//! Here: [`SpecialHandlers`], [`Interceptable`], and [`Server::handle`], [`Server::should_upgrade`], which fill them. Not here: which
//! request is of which kind (`conn/server/dispatch.rs`).

use crate::event::{CheckContinue, CheckExpectation, Connect, Upgrade};
use crate::message::answer::Answer;
use crate::message::incoming::IncomingMessage;
use crate::message::response::{Sent, ServerResponse};
use crate::server::Server;
use hearken_proto::Head;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

/// A handler that runs. It stays on its worker.
pub(crate) type HandlerFuture = Pin<Box<dyn Future<Output = ()>>>;

/// A handler whose futures are boxed: requests of these kinds are few.
pub(crate) type BoxHandler =
    Box<dyn Fn(IncomingMessage, ServerResponse) -> HandlerFuture + Send + Sync + 'static>;

/// Says whether a request is to be upgraded.
type ShouldUpgrade = Box<dyn Fn(&Head) -> bool + Send + Sync>;

/// Who takes over which kind of request.
#[derive(Default)]
#[doc(hidden)]
pub struct SpecialHandlers {
    pub(crate) check_continue: Option<BoxHandler>,
    pub(crate) check_expectation: Option<BoxHandler>,
    pub(crate) upgrade: Option<BoxHandler>,
    pub(crate) connect: Option<BoxHandler>,
    pub(crate) should_upgrade: Option<ShouldUpgrade>,
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

    use super::SpecialHandlers;

    /// A kind of request.
    pub trait Interceptable {
        /// Keeps the handler of this kind.
        fn keep(self, taker: BoxHandler, special: &mut SpecialHandlers);
    }

    pub(crate) use super::BoxHandler;
}

macro_rules! handled {
    ($($name:ident $field:ident;)*) => {$(
        impl Interceptable for $name {}
        impl sealed::Interceptable for $name {
            fn keep(self, taker: BoxHandler, special: &mut SpecialHandlers) {
                special.$field = Some(taker);
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

/// Boxes the futures of a handler.
pub(crate) fn taker<H, R>(handler: H) -> BoxHandler
where
    H: AsyncFn(IncomingMessage, ServerResponse) -> R + Send + Sync + 'static,
    R: Answer + 'static,
{
    let handler = Arc::new(handler);
    Box::new(move |req, res| {
        let handler = Arc::clone(&handler);
        Box::pin(async move {
            let again = res.clone_handle();
            let answer = (*handler)(req, res).await;
            let _: Sent = answer.answer(again);
        })
    })
}

impl Server {
    /// Lets `handler` take over a kind of request. The handler of [`new`](Self::new) is not called for such a request, and
    /// [`event::Request`](crate::event::Request) is not told: the event of its own is. Without a handler:
    ///
    /// | kind | what happens |
    /// |---|---|
    /// | [`CheckContinue`] | the plain handler gets it; `100 Continue` is sent when it first asks for the body |
    /// | [`CheckExpectation`] | 417, and the connection closes |
    /// | [`Upgrade`] | the plain handler gets it |
    /// | [`Connect`] | 501, and the connection closes |
    ///
    /// A tunnel that its handler refuses ends the connection with the answer: what comes behind CONNECT may be meant
    /// for the tunnel and is never taken for a request.
    ///
    /// A request of two kinds is of the first that fits in this order: `Connect`, `Upgrade`, `CheckExpectation`,
    /// `CheckContinue`. Of several calls for one kind the last counts. Node's `checkContinue`, `checkExpectation`, `upgrade`
    /// and `connect` listeners; what only listens is [`on`](Self::on).
    ///
    /// ```
    /// use hearken_http::{Error, Server, event};
    /// use tokio::io::{AsyncReadExt, AsyncWriteExt};
    /// let mut server = Server::new(async |_req, res| res.end("nothing to upgrade"));
    /// server.handle(event::Upgrade, async |_req, res| {
    ///     let (sent, upgrading) = res.upgrade("echo")?;
    ///     let mut stream = upgrading.await?;
    ///     let mut buffer = [0; 1024];
    ///     while let count @ 1.. = stream.read(&mut buffer).await? {
    ///         stream.write_all(&buffer[..count]).await?;
    ///     }
    ///     Ok::<_, Error>(sent)
    /// });
    /// ```
    ///
    /// # Panics
    /// After [`listen`](Self::listen): the workers hold the handlers by then.
    #[track_caller]
    pub fn handle<E, H, R>(&mut self, event: E, handler: H) -> &mut Self
    where
        E: Interceptable,
        H: AsyncFn(IncomingMessage, ServerResponse) -> R + Send + Sync + 'static,
        R: Answer + 'static,
    {
        event.keep(taker(handler), &mut self.hooks_mut().special);
        self
    }

    /// Decides for each request that asks for an upgrade whether the handler for [`Upgrade`] gets it, or the plain one.
    /// Default: always. Without such a handler nobody is asked. A request with a body is never upgraded. Of several calls the
    /// last counts; a panic counts as no. Node's `shouldUpgradeCallback`.
    ///
    /// ```
    /// use hearken_http::Server;
    /// let mut server = Server::new(async |_req, res| res.end("hi"));
    /// server.should_upgrade(|head| head.target() == "/chat");
    /// ```
    ///
    /// # Panics
    /// As [`handle`](Self::handle).
    #[track_caller]
    pub fn should_upgrade(
        &mut self,
        decide: impl Fn(&Head) -> bool + Send + Sync + 'static,
    ) -> &mut Self {
        self.hooks_mut().special.should_upgrade = Some(Box::new(decide));
        self
    }
}

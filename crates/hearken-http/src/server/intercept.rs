//! How a server gets handlers for kinds of requests, and one for failures.
//!
//! Here: [`Server::handle`], [`Server::should_upgrade`], [`Server::on_failure`]. Not here: what keeps them (`handlers.rs`).

use super::Server;
use super::handler::{HandlerFn, handler as boxed};
use super::handlers::Interceptable;
use crate::error::{FailedRequest, Failure};
use crate::message::answer::Answer;
use crate::message::layers::respond_to_failure;
use crate::message::response::ServerResponse;
use hearken_proto::Head;

impl Server {
    /// Lets `handler` take over a kind of request. The handler of [`new`](Self::new) is not called for such a request, and
    /// [`event::Request`](crate::event::Request) is not told: the event of its own is. Without a handler:
    ///
    /// | kind | what happens |
    /// |---|---|
    /// | [`CheckContinue`](crate::event::CheckContinue) | the plain handler gets it; `100 Continue` is sent when it first asks for the body |
    /// | [`CheckExpectation`](crate::event::CheckExpectation) | 417, and the connection closes |
    /// | [`Upgrade`](crate::event::Upgrade) | the plain handler gets it |
    /// | [`Connect`](crate::event::Connect) | 501, and the connection closes |
    ///
    /// A tunnel that its handler refuses ends the connection with the answer: what comes behind CONNECT may be meant
    /// for the tunnel and is never taken for a request.
    ///
    /// A request of two kinds is of the first that fits in this order: `Connect`, `Upgrade`, `CheckExpectation`,
    /// `CheckContinue`. Of several calls for one kind the last counts. Node's `checkContinue`, `checkExpectation`, `upgrade`
    /// and `connect` listeners; what only listens is [`on`](Self::on), with or without a handler.
    ///
    /// ```
    /// use hearken::{Error, Server, event};
    /// use tokio::io::{AsyncReadExt, AsyncWriteExt};
    /// let mut server = Server::new(async |_req, res| res.end("nothing to upgrade"));
    /// server.handle(event::Upgrade, async |_req, res| {
    ///     let (sent, upgrading) = res.upgrade("echo")?;
    ///     let mut stream = upgrading.await?;
    ///     let mut buffer = [0; 1024];
    ///     while let count @ 1.. = stream.read(&mut buffer).await? {
    ///         stream.write_all(&buffer[..count]).await?;
    ///     }
    ///     Ok(sent)
    /// });
    /// ```
    ///
    /// # Panics
    /// As [`on`](Self::on).
    #[track_caller]
    pub fn handle<E, H, R>(&mut self, event: E, handler: H) -> &mut Self
    where
        E: Interceptable,
        H: HandlerFn<R> + Send + Sync + 'static,
        R: Answer + 'static,
    {
        let handler = boxed(handler);
        self.change_special(|special| event.keep(handler, special));
        self
    }

    /// Decides for each request that asks for an upgrade whether the handler for [`Upgrade`](crate::event::Upgrade) gets it, or the plain one.
    /// Default: always. Without such a handler it is not called. A request with a body is never upgraded. Of several calls the
    /// last counts; a panic counts as no. Node's `shouldUpgradeCallback`.
    ///
    /// ```
    /// use hearken::Server;
    /// let mut server = Server::new(async |_req, res| res.end("hi"));
    /// server.should_upgrade(|head| head.url() == "/chat");
    /// ```
    ///
    /// # Panics
    /// As [`handle`](Self::handle).
    #[track_caller]
    pub fn should_upgrade(
        &mut self,
        decide: impl Fn(&Head) -> bool + Send + Sync + 'static,
    ) -> &mut Self {
        self.hooks_mut().intercepted.should_upgrade = Some(Box::new(decide));
        self
    }

    /// Gives all failures of handlers one form: `respond` makes the response for an error that a handler returns, for a panic, and for
    /// a deferred response that was dropped. The response has the status of the failure and the fields that it carries, and none that
    /// the handler has set. A failure in here becomes the default response. Faults of clients, whose requests reach no handler, are
    /// [`event::ClientError`](crate::event::ClientError). The second call replaces the first.
    ///
    /// ```
    /// use hearken::{Json, Server};
    /// let mut server = Server::new(async |mut req, res| Ok(res.end(req.text().await?)));
    /// server.on_failure(|failure, _req, _res| {
    ///     Json(serde_json::json!({
    ///         "status": failure.status().as_u16(),
    ///         "code": failure.code(),
    ///         "error": failure.public_message(),
    ///     }))
    /// });
    /// ```
    ///
    /// # Panics
    /// After [`listen`](Self::listen).
    #[track_caller]
    pub fn on_failure<R: Answer>(
        &mut self,
        respond: impl Fn(&Failure, &FailedRequest, ServerResponse) -> R + Send + Sync + 'static,
    ) -> &mut Self {
        self.hooks_mut().on_failure = Some(Box::new(move |failure, exchange| {
            respond_to_failure(&respond, failure, exchange);
        }));
        self
    }
}

//! Handlers as objects, for a caller that holds several of them: a router, for example.
//!
//! Here: [`Handler`], [`WorkerHandler`], [`Handling`], [`handler`], which makes an object of an async function. Boxes of
//! futures are used again, on the worker where they were made. Not here: the slots in which the one handler of a server
//! runs without a box (`runner.rs`).

use crate::message::answer::Answer;
use crate::message::incoming::IncomingMessage;
use crate::message::response::{Sent, ServerResponse};
use std::cell::RefCell;
use std::fmt;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};

/// Boxes that a handler keeps on one worker; more are dropped.
const BOXES_MAX: usize = 256;

/// A handler whose type is not known where it is called. Write `async |req, res| …` where the handler is known, and make
/// an object of it by [`handler`]; implement this trait for a router, which calls other handlers.
///
/// ```
/// use hearken::server::{Handler, Handling, WorkerHandler, handler};
/// use hearken::{IncomingMessage, Server, ServerResponse};
///
/// /// Two handlers: one for `/`, one for all the rest.
/// struct Two { root: Box<dyn Handler>, rest: Box<dyn Handler> }
/// struct TwoOnWorker { root: Box<dyn WorkerHandler>, rest: Box<dyn WorkerHandler> }
///
/// impl Handler for Two {
///     fn on_worker(&self) -> Box<dyn WorkerHandler> {
///         Box::new(TwoOnWorker { root: self.root.on_worker(), rest: self.rest.on_worker() })
///     }
/// }
/// impl WorkerHandler for TwoOnWorker {
///     fn start(&self, req: IncomingMessage, res: ServerResponse) -> Handling {
///         let to = if req.path() == "/" { &self.root } else { &self.rest };
///         to.start(req, res)
///     }
/// }
///
/// let server = Server::with_handler(Two {
///     root: handler(async |_req, res| res.end("welcome")),
///     rest: handler(async |req, _res| (hearken::StatusCode::NOT_FOUND, req.path().to_owned())),
/// });
/// ```
pub trait Handler: Send + Sync + 'static {
    /// Makes what handles requests on one worker. Called once on each worker, before its first request.
    fn on_worker(&self) -> Box<dyn WorkerHandler>;
}

/// What handles requests on one worker: made there, used and dropped there, so it need not be `Send`.
pub trait WorkerHandler: 'static {
    /// Begins to handle a request. The result carries it out when it is polled.
    fn start(&self, req: IncomingMessage, res: ServerResponse) -> Handling;
}

impl Handler for Box<dyn Handler> {
    fn on_worker(&self) -> Box<dyn WorkerHandler> {
        (**self).on_worker()
    }
}

/// An async function or closure of a request and its response: what [`Server::new`](crate::Server::new) takes. Implemented for every
/// such function, and not to be implemented elsewhere.
///
/// ```
/// use hearken::server::HandlerFn;
/// use hearken::{Answer, Server};
/// fn quiet<H: HandlerFn<R> + Send + Sync + 'static, R: Answer + 'static>(handler: H) -> Server {
///     Server::new(handler).workers(1)
/// }
/// let server = quiet(async |_req, res| res.end("hi"));
/// ```
#[diagnostic::on_unimplemented(
    message = "expected an async function or closure of a request and its response",
    label = "write `async |req, res| …`, also for a closure that returns an `async` block",
    note = "a closure without `async` cannot wait for anything, and is no handler",
    note = "generic code bounds a handler by `HandlerFn<R>` with `R: Answer`"
)]
pub trait HandlerFn<R>: AsyncFn(IncomingMessage, ServerResponse) -> R + Arguments {}

#[diagnostic::do_not_recommend]
impl<H, R> HandlerFn<R> for H where H: AsyncFn(IncomingMessage, ServerResponse) -> R + Arguments {}

/// Gives the arguments of a handler their types. The compiler takes those of an async closure from `AsyncFn`, but those of a closure
/// without `async` from `FnOnce` alone. Without them its first error is that they are unknown, not that `async` is missing.
/// Every async function and closure implements `FnOnce`.
#[expect(
    unnameable_types,
    reason = "public for the compiler; users name `HandlerFn`"
)]
pub trait Arguments:
    FnOnce(IncomingMessage, ServerResponse) -> <Self as Arguments>::Called
{
    /// What a call returns: a future, if it is a handler.
    type Called;
}

#[diagnostic::do_not_recommend]
impl<H, C> Arguments for H
where
    H: FnOnce(IncomingMessage, ServerResponse) -> C,
{
    type Called = C;
}

/// Makes an object of an async function, which responds as the handler of [`Server::new`](crate::Server::new) does.
#[must_use]
pub fn handler<H, R>(handler: H) -> Box<dyn Handler>
where
    H: HandlerFn<R> + Send + Sync + 'static,
    R: Answer + 'static,
{
    Box::new(OfFunction {
        handler: Arc::new(handler),
    })
}

struct OfFunction<H> {
    handler: Arc<H>,
}

impl<H, R> Handler for OfFunction<H>
where
    H: AsyncFn(IncomingMessage, ServerResponse) -> R + Send + Sync + 'static,
    R: Answer + 'static,
{
    fn on_worker(&self) -> Box<dyn WorkerHandler> {
        let handler = Rc::new(Arc::clone(&self.handler));
        Box::new(Rc::new(Boxes {
            make: move |req, res| respond(Rc::clone(&handler), req, res),
            free: RefCell::new(Vec::new()),
        }))
    }
}

/// Calls a handler, and sends what it returns if that is not the proof that it has responded.
#[expect(
    clippy::manual_async_fn,
    reason = "an async function would keep each argument twice, and every request copies its future"
)]
#[expect(
    clippy::redundant_allocation,
    reason = "on one worker it is counted without atomics"
)]
pub(crate) fn respond<H, R>(
    handler: Rc<Arc<H>>,
    req: IncomingMessage,
    res: ServerResponse,
) -> impl Future<Output = Sent>
where
    H: AsyncFn(IncomingMessage, ServerResponse) -> R,
    R: Answer,
{
    async move {
        let handle = res.again();
        let answer = (**handler)(req, res).await;
        answer.answer(handle)
    }
}

/// A request that is being handled: a future in a box that its handler uses again. Its result is the proof that the request has
/// been answered.
///
/// ```
/// use hearken::server::{Handling, WorkerHandler};
/// use hearken::{IncomingMessage, ServerResponse};
/// struct Hello;
/// impl WorkerHandler for Hello {
///     fn start(&self, _req: IncomingMessage, res: ServerResponse) -> Handling {
///         Handling::new(async { res.end("hello") }) // any future, in a box of its own
///     }
/// }
/// ```
#[must_use = "a request is handled while it is polled"]
pub struct Handling {
    /// There until it is dropped.
    run: Option<Pin<Box<dyn Run>>>,
}

impl Handling {
    /// Carries out a future in a box of its own.
    pub fn new(future: impl Future<Output = Sent> + 'static) -> Self {
        Self {
            run: Some(Box::pin(Once { future })),
        }
    }
}

impl Future for Handling {
    type Output = Sent;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Sent> {
        match &mut self.run {
            Some(run) => run.as_mut().poll(cx),
            None => Poll::Pending, // it has been dropped
        }
    }
}

impl Drop for Handling {
    fn drop(&mut self) {
        if let Some(run) = self.run.take() {
            run.recycle();
        }
    }
}

impl fmt::Debug for Handling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Handling")
    }
}

/// A future in a box that knows where it goes when it is done.
trait Run: Future<Output = Sent> {
    fn recycle(self: Pin<Box<Self>>);
}

pin_project_lite::pin_project! {
    struct Once<F> {
        #[pin]
        future: F,
    }
}

impl<F: Future<Output = Sent>> Future for Once<F> {
    type Output = Sent;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Sent> {
        self.project().future.poll(cx)
    }
}

impl<F: Future<Output = Sent>> Run for Once<F> {
    fn recycle(self: Pin<Box<Self>>) {}
}

pin_project_lite::pin_project! {
    /// A box with room for the future of one handler.
    struct Reused<M, F> {
        // Where the box goes; none while it is there.
        home: Option<Rc<Boxes<M, F>>>,
        #[pin]
        future: Option<F>,
    }
}

/// A box without a future.
type FreeBox<M, F> = Pin<Box<Reused<M, F>>>;

/// An async function on one worker, with boxes for its futures.
struct Boxes<M, F> {
    make: M,
    free: RefCell<Vec<FreeBox<M, F>>>,
}

impl<M, F> WorkerHandler for Rc<Boxes<M, F>>
where
    M: Fn(IncomingMessage, ServerResponse) -> F + 'static,
    F: Future<Output = Sent> + 'static,
{
    fn start(&self, req: IncomingMessage, res: ServerResponse) -> Handling {
        let free = self.free.borrow_mut().pop();
        let mut reused = free.unwrap_or_else(|| {
            Box::pin(Reused {
                home: None,
                future: None,
            })
        });
        let mut parts = reused.as_mut().project();
        *parts.home = Some(Self::clone(self));
        parts.future.set(Some((self.make)(req, res)));
        Handling { run: Some(reused) }
    }
}

impl<M, F: Future<Output = Sent>> Future for Reused<M, F> {
    type Output = Sent;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Sent> {
        match self.project().future.as_pin_mut() {
            Some(future) => future.poll(cx),
            None => Poll::Pending, // its box waits for the next
        }
    }
}

impl<M, F: Future<Output = Sent>> Run for Reused<M, F> {
    fn recycle(mut self: Pin<Box<Self>>) {
        let mut parts = self.as_mut().project();
        parts.future.set(None);
        if let Some(home) = parts.home.take() {
            let mut free = home.free.borrow_mut();
            if free.len() < BOXES_MAX {
                free.push(self);
            }
        }
    }
}

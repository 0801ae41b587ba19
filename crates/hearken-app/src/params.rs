//! Handlers that run before a parameter is used: Express's `app.param`.

use crate::next::Next;
use hearken_http::server::Handling;
use hearken_http::{Answer, IncomingMessage, ServerResponse};
use std::marker::PhantomData;
use std::sync::Arc;

/// An async function or closure of a request, its response, the way on and the value of a parameter: what
/// [`Router::param`](crate::Router::param) takes. Implemented for every such function, and not to be implemented elsewhere.
///
/// ```
/// use hearken::app::{App, ParamFn};
/// use hearken::Answer;
/// fn same<R: Answer + 'static>(app: &mut App, check: impl ParamFn<R> + Clone + Send + Sync + 'static) {
///     app.param("from", check.clone()).param("to", check);
/// }
/// let mut app = App::new();
/// same(&mut app, async |req, res, next, _value| next.run(req, res).await);
/// ```
#[diagnostic::on_unimplemented(
    message = "expected an async function or closure of a request, its response, `next` and the value",
    label = "write `async |req, res, next, value| …`",
    note = "pass the request on by `next.run(req, res).await`, or answer it"
)]
pub trait ParamFn<R>: AsyncFn(IncomingMessage, ServerResponse, Next, String) -> R {}

#[diagnostic::do_not_recommend]
impl<F, R> ParamFn<R> for F where F: AsyncFn(IncomingMessage, ServerResponse, Next, String) -> R {}

/// A handler of a parameter as an object.
pub(crate) trait ParamHandler: Send + Sync + 'static {
    fn handle(
        &self,
        req: IncomingMessage,
        res: ServerResponse,
        next: Next,
        value: String,
    ) -> Handling;
}

pub(crate) fn of_function<F, R>(function: F) -> Arc<dyn ParamHandler>
where
    F: ParamFn<R> + Send + Sync + 'static,
    R: Answer + 'static,
{
    Arc::new(OfFunction {
        function: Arc::new(function),
        answer: PhantomData,
    })
}

struct OfFunction<F, R> {
    function: Arc<F>,
    answer: PhantomData<fn() -> R>,
}

impl<F, R> ParamHandler for OfFunction<F, R>
where
    F: AsyncFn(IncomingMessage, ServerResponse, Next, String) -> R + Send + Sync + 'static,
    R: Answer + 'static,
{
    fn handle(
        &self,
        req: IncomingMessage,
        res: ServerResponse,
        next: Next,
        value: String,
    ) -> Handling {
        let function = Arc::clone(&self.function);
        Handling::new(async move {
            let again = res.again();
            let answer = function(req, res, next, value).await;
            answer.answer(again)
        })
    }
}

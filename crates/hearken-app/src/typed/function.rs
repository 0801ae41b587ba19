//! The handler made of an async function of extractors.
//!
//! Here: [`extract`], and what it asks of a function: [`ExtractFn`], [`Arguments`], [`BodyOnce`]. They are apart so that the compiler
//! names the one argument that does not fit.

use super::Extract;
use super::reads::sealed::Sealed;
use super::reads::{HeadOnly, WithBody};
use hearken_http::server::HandlerFn;
use hearken_http::{Answer, Failure, IncomingMessage, ServerResponse};

/// Makes a handler of an async function whose arguments are made of the request: see [`Extract`]. From no argument to twelve, with
/// their types written out.
///
/// ```
/// use hearken::app::{App, Path, Query, extract, prelude::*};
/// use std::collections::HashMap;
///
/// #[derive(serde::Deserialize, serde::Serialize)]
/// struct Note { title: String, pages: u32 }
///
/// let mut app = App::new();
/// app.state(HashMap::<u64, String>::new());
/// app.put("/notes/:id", extract(async |Path(id): Path<u64>, notes: State<HashMap<u64, String>>, Json(note): Json<Note>| {
///     if !notes.contains_key(&id) {
///         return Err(Failure::new(404, format!("there is no note {id}")));
///     }
///     Ok(Json(note))
/// }));
/// ```
pub fn extract<F, A, R>(function: F) -> impl HandlerFn<Result<R, Failure>> + Send + Sync + 'static
where
    F: ExtractFn<A, R> + Send + Sync + 'static,
    A: Arguments<Reads: BodyOnce>,
    R: Answer,
{
    async move |req: IncomingMessage, res: ServerResponse| {
        let (arguments, _rest) = A::make(req, &res).await?;
        drop(res); // a handler that wants it has a handle of its own
        Ok(function.call(arguments).await)
    }
}

/// An async function or closure whose arguments are extractors: what [`extract`] takes. `A` is the tuple of its arguments.
/// Implemented for every such function of up to twelve arguments, and not to be implemented elsewhere.
///
/// ```
/// use hearken::app::{App, Arguments, BodyOnce, ExtractFn, extract};
/// use hearken::Answer;
/// fn quick<A, R>(app: &mut App, handler: impl ExtractFn<A, R> + Send + Sync + 'static)
/// where
///     A: Arguments<Reads: BodyOnce> + 'static,
///     R: Answer + 'static,
/// {
///     app.get("/", extract(handler)).limits(|limits| limits.time.head = std::time::Duration::from_secs(1));
/// }
/// quick(&mut App::new(), async || "hello");
/// ```
#[diagnostic::on_unimplemented(
    message = "expected an async function or closure of at most twelve extractors",
    label = "write `async |Path(id): Path<u64>, Json(new): Json<New>| …`, with the type of each argument",
    note = "a closure without `async` cannot wait for anything, and is no handler",
    note = "`async |req, res| …` is a handler without `extract`"
)]
pub trait ExtractFn<A, R> {
    /// Calls the function.
    #[doc(hidden)]
    fn call(&self, arguments: A) -> impl Future<Output = R>;
}

/// The arguments of a handler as a tuple, from none to twelve. Implemented for all tuples of [`Extract`] types, and not to be
/// implemented elsewhere.
pub trait Arguments: Sized {
    /// What each of them reads, as a tuple.
    type Reads;

    /// Makes them: first those that read the head, in their order, then the one that reads the body.
    #[doc(hidden)]
    fn make(
        req: IncomingMessage,
        res: &ServerResponse,
    ) -> impl Future<Output = Result<(Self, Rest), Failure>>;
}

/// The request, unless an argument has taken it. It lives as long as the handler, as in one that takes the request.
type Rest = Option<IncomingMessage>;

/// A handler of which at most one argument reads the body. Implemented for tuples of [`HeadOnly`] with at most one [`WithBody`].
#[diagnostic::on_unimplemented(
    message = "two arguments of this handler read the body, which can be read once",
    label = "expected at most one of `Json<T>`, `Form<T>`, `Multipart`, `Bytes`, `String`, `IncomingMessage`",
    note = "what each argument reads, in order: `{Self}`",
    note = "to read it in two ways take `Bytes` and parse them twice"
)]
pub trait BodyOnce {}

macro_rules! heads {
    ($argument:ident) => {
        HeadOnly
    };
}

/// Implements `BodyOnce` for tuples with one `WithBody`, at each place.
macro_rules! one_body {
    ([$($before:ident)*]) => {};
    ([$($before:ident)*] $here:ident $($after:ident)*) => {
        #[diagnostic::do_not_recommend]
        impl BodyOnce for ($(heads!($before),)* WithBody, $(heads!($after),)*) {}
        one_body!([$($before)* $here] $($after)*);
    };
}

macro_rules! arguments {
    ($($argument:ident)*) => {
        #[diagnostic::do_not_recommend]
        impl BodyOnce for ($(heads!($argument),)*) {}
        one_body!([] $($argument)*);

        #[diagnostic::do_not_recommend]
        impl<F, R, $($argument),*> ExtractFn<($($argument,)*), R> for F
        where
            F: AsyncFn($($argument),*) -> R,
        {
            #[expect(non_snake_case, reason = "a variable for each type")]
            fn call(&self, ($($argument,)*): ($($argument,)*)) -> impl Future<Output = R> {
                self($($argument),*)
            }
        }

        impl<$($argument: Extract),*> Arguments for ($($argument,)*) {
            type Reads = ($($argument::Reads,)*);

            #[expect(non_snake_case, reason = "a variable for each type")]
            async fn make(req: IncomingMessage, res: &ServerResponse) -> Result<(Self, Rest), Failure> {
                $(let $argument = $argument::Reads::early::<$argument>(&req, res).await?;)*
                let mut rest = Some(req);
                $(let $argument = $argument::Reads::late::<$argument>($argument, &mut rest, res).await?;)*
                Ok((($($argument,)*), rest))
            }
        }
    };
}

impl BodyOnce for () {}

#[diagnostic::do_not_recommend]
impl<F, R> ExtractFn<(), R> for F
where
    F: AsyncFn() -> R,
{
    fn call(&self, (): ()) -> impl Future<Output = R> {
        self()
    }
}

impl Arguments for () {
    type Reads = ();

    async fn make(req: IncomingMessage, _res: &ServerResponse) -> Result<((), Rest), Failure> {
        Ok(((), Some(req)))
    }
}

arguments!(A);
arguments!(A B);
arguments!(A B C);
arguments!(A B C D);
arguments!(A B C D E);
arguments!(A B C D E G);
arguments!(A B C D E G H);
arguments!(A B C D E G H I);
arguments!(A B C D E G H I J);
arguments!(A B C D E G H I J K);
arguments!(A B C D E G H I J K L);
arguments!(A B C D E G H I J K L M);

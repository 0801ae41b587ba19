//! Arguments of handlers that are made of the request: extractors, as axum has them.
//!
//! Here: [`Extract`], what it reads ([`HeadOnly`], [`WithBody`]), [`ExtractOption`]. Not here: the handler made of a function
//! (`function.rs`), the extractors themselves (a file each), the text of rejections (`reject.rs`).

mod answers;
mod body;
mod cookies;
mod form;
mod function;
mod head;
mod json;
#[cfg(feature = "multipart")]
mod multipart;
mod option;
mod path;
mod query;
mod reads;
mod reject;
#[cfg(feature = "validate")]
mod valid;

pub use answers::{Accepted, Created, NoContent, WithStatus};
pub use cookies::Cookies;
pub use form::Form;
pub use function::{Arguments, BodyOnce, ExtractFn, extract};
pub use head::{Extension, Headers};
#[cfg(feature = "multipart")]
pub use multipart::Multipart;
pub use path::Path;
pub use query::Query;
pub use reads::{HeadOnly, Reads, WithBody};
pub use reject::{Invalid, InvalidField};
#[cfg(feature = "validate")]
pub use valid::{Valid, Validated};

pub(crate) use reject::{Rejected, short_name};

use hearken_http::{Failure, ServerResponse};

/// An argument of a handler that is made of the request: what [`extract`] and
/// [`Router::api`](crate::Router) take.
///
/// | argument | is | rejected with |
/// |---|---|---|
/// | [`Path<T>`] | the parameters of the path: one value, a tuple in their order, or a struct by their names | 400 |
/// | [`Query<T>`] | the query, by its names | 400 |
/// | [`Json<T>`](hearken_http::Json) | the body as JSON | 415 another type, 400 not JSON, 422 other data, 413 too long |
/// | [`Form<T>`] | the body as `application/x-www-form-urlencoded`; the query of GET and HEAD | as `Json` |
/// | `Multipart` (feature `multipart`) | the body as a form with files, part by part | 415, 400 |
/// | `Valid<E>` (feature `validate`) | another argument, whose rules hold | as `E`; 422 with a line for each field |
/// | [`Bytes`](hearken_http::Bytes), `String` | the body | 413; `String`: 400 not UTF-8, 415 another charset |
/// | [`State<T>`](crate::State) | the value that the application shares | 500 when there is none |
/// | [`Extension<T>`] | the value that middleware attached by `req.extend(…)` | 500 when there is none |
/// | [`Headers`], [`HeaderMap`](hearken_http::HeaderMap) | the fields of the head | |
/// | [`Cookies`] | the cookies | |
/// | [`Method`](hearken_http::Method), [`Version`](hearken_http::Version), [`Peer`](hearken_http::Peer) | of the request, of its connection | |
/// | [`IncomingMessage`](hearken_http::IncomingMessage) | the request itself; counts as its body | |
/// | [`ServerResponse`] | the response, to be ended by the handler | |
/// | `Option<E>` | `None` when there is nothing: [`ExtractOption`] | as `E` when there is something else |
/// | `Result<E, Failure>` | the rejection, for the handler | |
///
/// Arguments stand in any order. Those that read the head are made first, in their order; then the one that reads the body. Two
/// that read the body do not compile: a body can be read once. The first rejection answers the request, and the handler does not
/// run. It is a [`Failure`] with a code and has the form of [`Router::error`](crate::Router::error). Its
/// [`source`](Failure::source) names the argument, for the log.
///
/// | code | status | why |
/// |---|---|---|
/// | `param.invalid` | 400 | a parameter of the path does not parse |
/// | `query.invalid` | 400 | the query, or a form in it, does not parse |
/// | `media.type.unsupported` | 415 | the Content-Type is missing or another one |
/// | `charset.unsupported` | 415 | text in another charset than UTF-8 |
/// | `entity.parse.failed` | 400 | the body is not in its format |
/// | `entity.data.invalid` | 422 | the body is in its format and has other data: the source is [`Invalid`] |
/// | `entity.too.large` | 413 | the body exceeds the limit of the route |
/// | `validation.failed` | 422 | a rule of a field does not hold: the source is [`Invalid`] |
///
/// An argument of your own reads the head or the body:
///
/// ```
/// use hearken::app::{App, Extract, HeadOnly, WithBody, extract, prelude::*};
///
/// struct Token(String);
/// impl Extract for Token {
///     type Reads = HeadOnly; // gets `&IncomingMessage`
///     async fn extract(req: &IncomingMessage, _res: &ServerResponse) -> Result<Self, Failure> {
///         let field = req.header("authorization").and_then(|field| field.strip_prefix("Bearer "));
///         field.map(|token| Self(token.to_owned())).ok_or_else(|| Failure::new(401, "expected a bearer token"))
///     }
/// }
///
/// struct Lines(Vec<String>);
/// impl Extract for Lines {
///     type Reads = WithBody; // gets the whole `IncomingMessage`
///     async fn extract(mut req: IncomingMessage, _res: &ServerResponse) -> Result<Self, Failure> {
///         Ok(Self(req.text().await?.lines().map(str::to_owned).collect()))
///     }
/// }
///
/// let mut app = App::new();
/// app.post("/lines", extract(async |Token(token): Token, Lines(lines): Lines| format!("{token}: {}", lines.len())));
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be an argument of a handler",
    label = "expected `Path<T>`, `Query<T>`, `Json<T>`, `Form<T>`, `State<T>`, … or a type that implements `Extract`",
    note = "`T` of `Path`, `Query`, `Json` and `Form` implements `serde::Deserialize` and borrows nothing",
    note = "`T` of `State` is `Send` and `Sync`",
    note = "implement `hearken::app::Extract` for a type of your own"
)]
pub trait Extract: Sized {
    /// What of the request it reads: [`HeadOnly`] or [`WithBody`].
    type Reads: Reads;

    /// Makes the argument. `req` is `&IncomingMessage` with `type Reads = HeadOnly`, and `IncomingMessage` with `type Reads = WithBody`.
    /// Status and fields set on `res` go with the answer of the handler.
    fn extract<'a>(
        req: <Self::Reads as Reads>::Message<'a>,
        res: &'a ServerResponse,
    ) -> impl Future<Output = Result<Self, Failure>>;
}

/// An argument that may be missing: `Option<E>` of it is `None` then. What is there and malformed is rejected even so; to get the
/// rejection use `Result<E, Failure>`.
///
/// | argument | is missing when |
/// |---|---|
/// | [`Path<T>`] | the matched path has none of the parameters |
/// | [`Query<T>`] | the target has no query, or an empty one |
/// | [`Json<T>`](hearken_http::Json), [`Form<T>`], `Multipart` | the request has neither a Content-Type nor content |
/// | [`Bytes`](hearken_http::Bytes), `String` | the body is empty |
/// | [`State<T>`](crate::State), [`Extension<T>`] | there is none |
///
/// ```
/// use hearken::app::{App, Path, extract, prelude::*};
/// let mut app = App::new();
/// app.get("/pages{/:number}", extract(async |number: Option<Path<u32>>| {
///     format!("page {}", number.map_or(1, |Path(number)| number))
/// }));
/// ```
#[diagnostic::on_unimplemented(
    message = "`Option<{Self}>` cannot be an argument of a handler",
    label = "it is not defined when `{Self}` is missing",
    note = "use `Result<{Self}, Failure>`, or implement `hearken::app::ExtractOption` for `{Self}`"
)]
pub trait ExtractOption: Extract {
    /// Makes the argument if it is there.
    fn extract_option<'a>(
        req: <Self::Reads as Reads>::Message<'a>,
        res: &'a ServerResponse,
    ) -> impl Future<Output = Result<Option<Self>, Failure>>;
}

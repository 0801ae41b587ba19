//! Arguments whose fields follow rules, checked by the crate garde. Feature `validate`.
//!
//! Here: [`Valid`], [`Validated`]. Not here: the failure that names the fields (`reject.rs`).

use super::{Extract, ExtractOption, Form, Invalid, InvalidField, Path, Query, Reads, Rejected};
use garde::Validate;
use hearken_http::{Failure, Json, ServerResponse};

/// Another argument, whose value follows the rules of its type: [`garde::Validate`]. One that does not is rejected with 422, the code
/// `validation.failed` and the fields: as `errors` in problem+json, as a line each in text. See [`Invalid`].
///
/// ```toml
/// hearken = { version = "0.1", features = ["app", "validate"] }
/// garde = { version = "0.23", features = ["derive", "email"] }
/// ```
///
/// ```
/// use hearken::app::{App, Valid, extract, prelude::*};
///
/// #[derive(serde::Deserialize, garde::Validate)]
/// struct New {
///     #[garde(length(min = 1, max = 80))]
///     title: String,
///     #[garde(range(max = 5))]
///     stars: u8,
/// }
///
/// let mut app = App::new();
/// app.post("/reviews", extract(async |Valid(Json(new)): Valid<Json<New>>| format!("{}: {} stars", new.title, new.stars)));
/// ```
///
/// The message of a rule is garde's; `#[garde(custom(…))]` gives one of your own. The context of garde is its default value: rules
/// that need a database belong into the handler, which rejects by [`Invalid::into_failure`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "users take it apart")]
pub struct Valid<E>(pub E);

/// An argument that holds one value, which [`Valid`] checks: `Json`, `Form`, `Query`, `Path`. Implement it for an argument of your
/// own.
///
/// ```
/// use hearken::app::{Extract, Validated, WithBody};
/// use hearken::{Failure, IncomingMessage, ServerResponse};
///
/// struct Line(String);
/// impl Extract for Line {
///     type Reads = WithBody;
///     async fn extract(mut req: IncomingMessage, _res: &ServerResponse) -> Result<Self, Failure> {
///         Ok(Self(req.text().await?))
///     }
/// }
/// impl Validated for Line {
///     type Value = String;
///     fn value(&self) -> &String {
///         &self.0
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`Valid<{Self}>` cannot be an argument of a handler",
    label = "expected `Valid` around `Json<T>`, `Form<T>`, `Query<T>` or `Path<T>`",
    note = "implement `hearken::app::Validated` for an argument of your own"
)]
pub trait Validated {
    /// The value.
    type Value;

    /// The value.
    fn value(&self) -> &Self::Value;
}

macro_rules! validated {
    ($($argument:ident)*) => {$(
        impl<T> Validated for $argument<T> {
            type Value = T;

            fn value(&self) -> &T {
                &self.0
            }
        }
    )*};
}

validated! { Form Json Path Query }

impl<E> Extract for Valid<E>
where
    E: Extract + Validated<Value: Validate<Context: Default>>,
{
    type Reads = E::Reads;

    async fn extract<'a>(
        req: <E::Reads as Reads>::Message<'a>,
        res: &'a ServerResponse,
    ) -> Result<Self, Failure> {
        checked(E::extract(req, res).await?)
    }
}

impl<E> ExtractOption for Valid<E>
where
    E: ExtractOption + Validated<Value: Validate<Context: Default>>,
{
    async fn extract_option<'a>(
        req: <E::Reads as Reads>::Message<'a>,
        res: &'a ServerResponse,
    ) -> Result<Option<Self>, Failure> {
        let found = E::extract_option(req, res).await?;
        found.map(checked).transpose()
    }
}

fn checked<E>(argument: E) -> Result<Valid<E>, Failure>
where
    E: Validated<Value: Validate<Context: Default>>,
{
    let Err(report) = argument.value().validate() else {
        return Ok(Valid(argument));
    };
    let fields = report
        .iter()
        .map(|(path, error)| InvalidField::new(path.to_string(), error.message()));
    let invalid = Invalid::new(fields);
    let text = invalid.to_string();
    let source = Box::new(invalid);
    Err(Rejected::because::<Valid<E>>(
        422,
        "validation.failed",
        text,
        Some(source),
    ))
}

//! The parameters of the path as an argument of a handler.
//!
//! Here: [`Path`]. Not here: how values are read by a type (`de.rs`), one parameter by hand (`request.rs`).

mod de;

use super::{Extract, ExtractOption, HeadOnly, Rejected};
use crate::request::chain;
use de::{Fault, Parameters};
use hearken_http::{Failure, IncomingMessage, ServerResponse};
use serde::de::DeserializeOwned;

/// The parameters of the path, percent-decoded, as an argument of a handler.
///
/// | `T` | gets |
/// |---|---|
/// | a number, text, `bool`, an enum of names, any type that reads text | the only parameter |
/// | a tuple | the parameters in their order; `Option` for those in a group that may be missing |
/// | a struct, a map | the parameters by their names; without those that are missing |
/// | `Vec<T>` | the segments of the only wildcard; otherwise all parameters in their order |
///
/// A wildcard as text has its slashes; as a list it has its segments. A router that is mounted has the parameters of both
/// patterns.
///
/// A value that does not parse is rejected with 400 and the code `param.invalid`. A `T` that does not fit the pattern is an error
/// of the application, 500: one value for two parameters, a field without a parameter.
///
/// ```
/// use hearken::app::{App, Path, extract};
///
/// #[derive(serde::Deserialize)]
/// struct Place { article: String, number: u32 }
///
/// let mut app = App::new();
/// app.get("/users/:id", extract(async |Path(id): Path<u64>| format!("user {id}")));
/// app.get("/:from/to/:to", extract(async |Path((from, to)): Path<(String, String)>| format!("{from} to {to}")));
/// app.get("/articles/:article/comments/:number", extract(async |Path(place): Path<Place>| {
///     format!("comment {} on {}", place.number, place.article)
/// }));
/// app.get("/files/*path", extract(async |Path(segments): Path<Vec<String>>| segments.join(" > ")));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "users take it apart")]
pub struct Path<T>(pub T);

impl<T: DeserializeOwned> Extract for Path<T> {
    type Reads = HeadOnly;

    async fn extract(req: &IncomingMessage, _res: &ServerResponse) -> Result<Self, Failure> {
        let Some(chain) = chain(req) else {
            let text = "expected a handler of a route of an application".to_owned();
            return Err(Rejected::failure::<Self>(500, "param.missing", text));
        };
        let parameters = chain.parameters(req);
        let value = T::deserialize(Parameters::new(&parameters));
        value.map(Self).map_err(|fault| refused::<T>(req, &fault))
    }
}

impl<T: DeserializeOwned> ExtractOption for Path<T> {
    async fn extract_option(
        req: &IncomingMessage,
        res: &ServerResponse,
    ) -> Result<Option<Self>, Failure> {
        let any = chain(req).is_some_and(|chain| {
            let parameters = chain.parameters(req);
            parameters.iter().any(|parameter| parameter.value.is_some())
        });
        if any {
            Self::extract(req, res).await.map(Some)
        } else {
            Ok(None)
        }
    }
}

fn refused<T>(req: &IncomingMessage, fault: &Fault) -> Failure {
    if let Fault::OfClient(_) = fault {
        return Rejected::failure::<Path<T>>(400, "param.invalid", fault.to_string());
    }
    let route = req.route();
    let pattern = route.as_deref().unwrap_or("of this handler");
    let text = format!("{fault}; the pattern is {pattern}");
    Rejected::failure::<Path<T>>(500, "param.mismatch", text)
}

//! The query of the target as an argument of a handler.
//!
//! Here: [`Query`], and what it shares with [`Form`](super::Form): pairs of names and values, read by a type.

use super::{Extract, ExtractOption, HeadOnly, InvalidField, Rejected};
use hearken_http::{Failure, IncomingMessage, ServerResponse};
use serde::de::DeserializeOwned;

/// The query of the target, percent-decoded, as an argument of a handler. A missing query counts as an empty one, a repeated name
/// fills a list, and names that `T` does not have are ignored: as [`IncomingMessage::query`].
///
/// A query that does not parse as a `T` is rejected with 400 and the code `query.invalid`; the text names the field.
///
/// ```
/// use hearken::app::{App, Query, extract};
///
/// #[derive(serde::Deserialize)]
/// struct Search { q: String, page: Option<u32>, #[serde(default)] tag: Vec<String> }
///
/// let mut app = App::new();
/// app.get("/search", extract(async |Query(search): Query<Search>| {
///     format!("{}, page {}, {:?}", search.q, search.page.unwrap_or(1), search.tag)
/// }));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "users take it apart")]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned> Extract for Query<T> {
    type Reads = HeadOnly;

    async fn extract(req: &IncomingMessage, _res: &ServerResponse) -> Result<Self, Failure> {
        of_query::<Self, T>(req).map(Self)
    }
}

impl<T: DeserializeOwned> ExtractOption for Query<T> {
    async fn extract_option(
        req: &IncomingMessage,
        res: &ServerResponse,
    ) -> Result<Option<Self>, Failure> {
        if req.raw_query().is_none_or(str::is_empty) {
            return Ok(None);
        }
        Self::extract(req, res).await.map(Some)
    }
}

/// The query of a request as a `T`; `E` is the argument.
pub(super) fn of_query<E, T: DeserializeOwned>(req: &IncomingMessage) -> Result<T, Failure> {
    let query = req.raw_query().unwrap_or_default().as_bytes();
    pairs(query).map_err(|(invalid, source)| {
        let text = format!("expected another query: {invalid}");
        Rejected::because::<E>(400, "query.invalid", text, Some(source))
    })
}

/// An error of the crate that reads pairs.
pub(super) type Source = Box<dyn std::error::Error + Send + Sync>;

/// Pairs of names and values as a `T`; or the field that does not fit, with what came.
pub(super) fn pairs<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, (InvalidField, Source)> {
    let error = match serde_html_form::from_bytes(bytes) {
        Ok(value) => return Ok(value),
        Err(error) => error,
    };
    // Once more, to find out which field it is: pairs that are in order do not pay for that.
    let again = serde_html_form::Deserializer::from_bytes(bytes);
    let path = match serde_path_to_error::deserialize::<_, T>(again) {
        Err(error) => error.path().to_string(),
        Ok(_) => ".".to_owned(),
    };
    let name = path.split(['.', '[']).next().unwrap_or_default();
    let came = form_urlencoded::parse(bytes)
        .filter(|(own, _)| own == name)
        .map(|(_, value)| format!("{value:?}"));
    let came: Vec<_> = came.collect();
    let message = match came.as_slice() {
        [] => error.to_string(),
        came => format!("{error}, got {}", came.join(", ")),
    };
    Err((InvalidField::new(name, message), error.into()))
}

//! A form without files as an argument of a handler.
//!
//! Here: [`Form`]. Not here: forms with files (`multipart.rs`).

use super::body::{collect, expect_type, expect_utf8, is_without_body};
use super::query::{of_query, pairs};
use super::{Extract, ExtractOption, Invalid, Rejected, WithBody};
use hearken_http::{Failure, IncomingMessage, ServerResponse};
use serde::de::DeserializeOwned;

/// A form, as an argument of a handler: the body as `application/x-www-form-urlencoded`, or the query of GET and HEAD. A repeated
/// name fills a list, and names that `T` does not have are ignored: as [`IncomingMessage::form`].
///
/// A body of another type is rejected with 415, and one that does not parse as a `T` with 422 and the code `entity.data.invalid`.
///
/// ```
/// use hearken::app::{App, Form, extract};
///
/// #[derive(serde::Deserialize)]
/// struct Login { name: String, remember: Option<String> }
///
/// let mut app = App::new();
/// app.post("/login", extract(async |Form(login): Form<Login>| format!("hello, {}", login.name)));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "users take it apart")]
pub struct Form<T>(pub T);

pub(super) const FORM: &str = "application/x-www-form-urlencoded";

impl<T: DeserializeOwned> Extract for Form<T> {
    type Reads = WithBody;

    async fn extract(mut req: IncomingMessage, _res: &ServerResponse) -> Result<Self, Failure> {
        if has_query_form(&req) {
            return of_query::<Self, T>(&req).map(Self);
        }
        expect_type::<Self>(&req, FORM, |media| media.eq_ignore_ascii_case(FORM))?;
        expect_utf8::<Self>(&req)?;
        let bytes = collect::<Self>(&mut req).await?;
        pairs(&bytes).map(Self).map_err(|(field, _)| {
            let text = format!("expected other data in the form: {field}");
            let source = Box::new(Invalid::new([field]));
            Rejected::because::<Self>(422, "entity.data.invalid", text, Some(source))
        })
    }
}

impl<T: DeserializeOwned> ExtractOption for Form<T> {
    async fn extract_option(
        req: IncomingMessage,
        res: &ServerResponse,
    ) -> Result<Option<Self>, Failure> {
        let is_missing = if has_query_form(&req) {
            req.raw_query().is_none_or(str::is_empty)
        } else {
            is_without_body(&req)
        };
        if is_missing {
            return Ok(None);
        }
        Self::extract(req, res).await.map(Some)
    }
}

/// Whether a form of this request is in its query.
fn has_query_form(req: &IncomingMessage) -> bool {
    matches!(req.head().method_bytes(), b"GET" | b"HEAD")
}

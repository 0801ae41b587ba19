//! Forms and old clients that can only send POST.
//!
//! Here: [`MethodOverride`]. Not here: what replaces the method for the router (hearken-http, [`IncomingMessage::set_method`]).

use super::Middleware;
use super::shared::vary;
use crate::next::Next;
use hearken_http::server::Handling;
use hearken_http::{IncomingMessage, Method, ServerResponse};
use std::sync::Arc;

/// Lets a POST stand for PUT, PATCH or DELETE. npm: `method-override`.
///
/// | option | default |
/// |---|---|
/// | [`header`](Self::header) | `X-HTTP-Method-Override` |
/// | [`form_field`](Self::form_field) | none; `_method` is usual |
///
/// Routes behind it see the new method; [`OriginalMethod`] has the one that came. Any other method than these three is ignored, so that a
/// request never loses what POST demands: protection against forms of other sites, no caching. A form with the field is a form that
/// another site can send: put [`Csrf`](crate::Csrf) before it.
///
/// For the form field the body is read, up to the limit of collected bodies (413 past it), and handlers read it again as usual. Only
/// `application/x-www-form-urlencoded` is read.
///
/// ```
/// use hearken::app::{App, MethodOverride};
/// let mut app = App::new();
/// app.with(MethodOverride::new().form_field("_method"));
/// app.delete("/notes/:id", async |_req, res| res.redirect(303, "/notes"));
/// ```
#[derive(Clone, Debug)]
#[must_use = "a middleware does nothing until it is added by `with`"]
pub struct MethodOverride {
    header: Option<Arc<str>>,
    field: Option<Arc<str>>,
}

/// The method of a request before [`MethodOverride`] has replaced it: `req.extension::<OriginalMethod>()`. Express: `req.originalMethod`.
///
/// ```
/// use hearken::app::{App, MethodOverride, OriginalMethod};
/// let mut app = App::new();
/// app.with(MethodOverride::new());
/// app.delete("/notes/:id", async |req, res| {
///     let came = req.extension::<OriginalMethod>();
///     res.end(came.map_or_else(|| req.method().to_string(), |came| came.0.to_string()))
/// });
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "it is a method and nothing else")]
pub struct OriginalMethod(pub Method);

impl Default for MethodOverride {
    fn default() -> Self {
        Self::new()
    }
}

impl MethodOverride {
    /// Reads the header field `X-HTTP-Method-Override`.
    pub fn new() -> Self {
        Self {
            header: Some("X-HTTP-Method-Override".into()),
            field: None,
        }
    }

    /// Reads another header field; `None` reads none.
    pub fn header<'a>(mut self, name: impl Into<Option<&'a str>>) -> Self {
        self.header = name.into().map(Into::into);
        self
    }

    /// Reads this field of a form, if the header names no method.
    pub fn form_field(mut self, name: &str) -> Self {
        self.field = Some(name.into());
        self
    }
}

fn wanted(name: &str) -> Option<Method> {
    [Method::PUT, Method::PATCH, Method::DELETE]
        .into_iter()
        .find(|method| method.as_str().eq_ignore_ascii_case(name.trim()))
}

/// Whether the body is a form that has been encoded as a query is.
pub(crate) fn is_form(req: &IncomingMessage) -> bool {
    let content_type = req.header("content-type").unwrap_or_default();
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    media_type.eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

fn replace(req: &mut IncomingMessage, method: &Method) {
    req.extend(OriginalMethod(req.method()));
    req.set_method(method);
}

impl Middleware for MethodOverride {
    fn handle(&self, mut req: IncomingMessage, res: ServerResponse, next: Next) -> Handling {
        if req.head().method_bytes() != b"POST" {
            return next.run(req, res);
        }
        if let Some(header) = &self.header {
            let name = Arc::clone(header);
            res.on_head(move |head| vary(head, &name));
            // Of several values the first counts, as in Express.
            let named = req
                .header(header)
                .and_then(|value| wanted(value.split(',').next()?));
            if let Some(method) = named {
                replace(&mut req, &method);
                return next.run(req, res);
            }
        }
        match self.field.clone().filter(|_| is_form(&req)) {
            None => next.run(req, res),
            Some(field) => Handling::new(async move {
                match form_value(&mut req, &field).await {
                    Ok(value) => {
                        if let Some(method) = value.as_deref().and_then(wanted) {
                            replace(&mut req, &method);
                        }
                        next.run(req, res).await
                    }
                    Err(error) => res.fail(error),
                }
            }),
        }
    }
}

/// The first value of a field of a form. The body can be read again.
pub(crate) async fn form_value(
    req: &mut IncomingMessage,
    field: &str,
) -> Result<Option<String>, hearken_http::Error> {
    let body = req.bytes().await?;
    let pairs = body.split(|&byte| byte == b'&');
    let value = pairs.into_iter().find_map(|pair| {
        let mut halves = pair.splitn(2, |&byte| byte == b'=');
        let name = decoded(halves.next().unwrap_or_default())?;
        (name == field).then(|| decoded(halves.next().unwrap_or_default()))?
    });
    req.put_back(body);
    Ok(value)
}

/// Decodes a name or value of a form.
fn decoded(text: &[u8]) -> Option<String> {
    let spaced: Vec<u8> = text
        .iter()
        .map(|&byte| if byte == b'+' { b' ' } else { byte })
        .collect();
    let bytes = percent_encoding::percent_decode(&spaced);
    bytes.decode_utf8().ok().map(Into::into)
}

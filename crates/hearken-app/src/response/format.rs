//! One representation of several, as the client accepts.

use super::{ResponseExt, fields, has_type};
use hearken_http::{Failure, Sent, ServerResponse};
use std::fmt;

/// A choice of representations by the Accept field: [`ResponseExt::format`]. The first is the default of a client without the field,
/// or with `*/*`.
///
/// The one that is chosen gets the Content-Type of its media type, unless one was set, and every response `Vary: Accept`.
///
/// ```
/// use hearken::app::{App, prelude::*};
/// use hearken::test::Request;
/// let mut app = App::new();
/// app.get("/", async |_req, res| {
///     res.format().on("text", |res| res.send("hi")).on("json", |res| res.json("hi")).end()
/// });
/// let ask = |accept: &str| app.inject(Request::get("/").header("Accept", accept));
/// assert_eq!(ask("application/json")?.text(), "\"hi\"");
/// assert_eq!(ask("*/*")?.text(), "hi");
/// assert_eq!(ask("image/png")?.status(), 406);
/// # Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
/// ```
#[must_use = "end it, and return the result from the handler"]
pub struct Format<'a> {
    res: ServerResponse,
    types: Vec<&'a str>,
    forms: Vec<Box<dyn FnOnce(ServerResponse) -> Sent + 'a>>,
}

impl<'a> Format<'a> {
    pub(super) fn new(res: ServerResponse) -> Self {
        Self {
            res: res.vary("Accept"),
            types: Vec::new(),
            forms: Vec::new(),
        }
    }

    /// Adds a representation: its media type, or the ending of a file that has it (`html`, `json`, `text`).
    pub fn on(
        mut self,
        media_type: &'a str,
        form: impl FnOnce(ServerResponse) -> Sent + 'a,
    ) -> Self {
        self.types.push(media_type);
        self.forms.push(Box::new(form));
        self
    }

    /// The type that the client prefers, as it was given to [`on`](Self::on). `None` if it accepts none.
    #[must_use]
    pub fn chosen(&self) -> Option<&'a str> {
        self.res.accepts(&self.types)
    }

    /// Ends the response with the representation that the client prefers; with a 406 that lists the media types if it accepts none.
    pub fn end(self) -> Sent {
        let types: Vec<_> = self.types.iter().map(|of| fields::media_type(of)).collect();
        let text = format!("expected an Accept field with one of {}", types.join(", "));
        self.or_else(|res| res.fail(Failure::new(406, text).with_code("not_acceptable")))
    }

    /// As [`end`](Self::end), with another answer for a client that accepts none: the `default` of Express.
    pub fn or_else(mut self, other: impl FnOnce(ServerResponse) -> Sent) -> Sent {
        let chosen = self.chosen();
        let at = self.types.iter().position(|of| Some(*of) == chosen);
        let Some(at) = at else {
            return other(self.res);
        };
        let typed = has_type(&self.res);
        let res = match typed {
            true => self.res,
            false => self.res.content_type(self.types[at]),
        };
        self.forms.swap_remove(at)(res)
    }
}

impl fmt::Debug for Format<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Format")
            .field("types", &self.types)
            .finish_non_exhaustive()
    }
}

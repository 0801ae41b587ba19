//! The cookies of a request as an argument of a handler.
//!
//! Here: [`Cookies`]. Not here: reading them in place (`IncomingMessage::cookies`), setting one (`ServerResponse::cookie`).

use super::{Extract, HeadOnly};
use hearken_http::{Failure, IncomingMessage, ServerResponse};
use percent_encoding::percent_decode_str;
use std::borrow::Cow;

/// The cookies of a request, as an argument of a handler: those of
/// [`IncomingMessage::cookies`](hearken_http::IncomingMessage::cookies), in a value of its own.
///
/// ```
/// use hearken::app::{App, Cookies, extract};
/// let mut app = App::new();
/// app.get("/", extract(async |cookies: Cookies| cookies.get("theme").unwrap_or("light").to_owned()));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cookies {
    pairs: Vec<(String, String)>,
}

impl Cookies {
    /// The value of the first cookie with this name, as sent.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter()
            .find(|(own, _)| *own == name)
            .map(|(_, value)| value)
    }

    /// As [`get`](Self::get), percent-decoded. `None` also when the result is not UTF-8.
    #[must_use]
    pub fn get_decoded(&self, name: &str) -> Option<Cow<'_, str>> {
        percent_decode_str(self.get(name)?).decode_utf8().ok()
    }

    /// Names and values, as sent.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.pairs
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

#[diagnostic::do_not_recommend]
impl Extract for Cookies {
    type Reads = HeadOnly;

    async fn extract(req: &IncomingMessage, _res: &ServerResponse) -> Result<Self, Failure> {
        let cookies = req.cookies();
        let pairs = cookies
            .iter()
            .map(|(name, value)| (name.to_owned(), value.to_owned()));
        Ok(Self {
            pairs: pairs.collect(),
        })
    }
}

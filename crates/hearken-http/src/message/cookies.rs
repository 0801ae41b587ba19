//! Cookies of a server (RFC 6265): read from a request, set by a response.
//!
//! Here: [`Cookies`], [`IncomingMessage::cookies`], [`ServerResponse::cookie`]. Not here: building one (`cookies/cookie.rs`), the
//! cookies of a client (`fetch/cookies.rs`).

mod cookie;

pub use cookie::{Cookie, SameSite};

use crate::error::Error;
use crate::message::incoming::IncomingMessage;
use crate::message::response::ServerResponse;
use hearken_proto::Misuse;
use percent_encoding::percent_decode_str;
use serde_core::de::DeserializeOwned;
use std::borrow::Cow;

/// The cookies of a request: the pairs of its Cookie fields, in order. Nothing is allocated, and a lookup reads the fields.
///
/// Pairs are split at semicolons and trimmed of spaces and tabs, and nothing more is interpreted: names are compared byte by
/// byte, quotation marks belong to the value. A pair without `=` or without a name, and one that is not UTF-8, is left out.
///
/// ```
/// use hearken::Server;
/// let server = Server::new(async |req, res| match req.cookies().get("theme") {
///     Some("dark") => res.end("dark\n"),
///     _ => res.end("light\n"),
/// });
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Cookies<'a> {
    fields: hearken_proto::FieldsRef<'a>,
}

impl<'a> Cookies<'a> {
    /// The value of the first cookie with this name: browsers send the one with the longest path first. As sent.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&'a str> {
        self.iter()
            .find(|(own, _)| *own == name)
            .map(|(_, value)| value)
    }

    /// As [`get`](Self::get), percent-decoded: for cookies that were set by [`Cookie::encoded`] or by Express. `None` also when the
    /// result is not UTF-8.
    #[must_use]
    pub fn get_decoded(&self, name: &str) -> Option<Cow<'a, str>> {
        percent_decode_str(self.get(name)?).decode_utf8().ok()
    }

    /// The value of a cookie that was set by [`Cookie::json`] or by Express from an object: `j:` and JSON, percent-encoded. `None` also
    /// when it is not the JSON of a `T`: a client can send anything.
    #[must_use]
    pub fn get_json<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        let text = self.get_decoded(name)?;
        serde_json::from_str(text.strip_prefix("j:")?).ok()
    }

    /// Names and values, as sent.
    pub fn iter(&self) -> impl Iterator<Item = (&'a str, &'a str)> + use<'a> {
        self.fields.get_all("cookie").flat_map(|line| {
            line.split(|&byte| byte == b';').filter_map(|pair| {
                let pair = std::str::from_utf8(pair).ok()?;
                let (name, value) = pair.split_once('=')?;
                let (name, value) = (trim(name), trim(value));
                (!name.is_empty()).then_some((name, value))
            })
        })
    }
}

/// Trims spaces and tabs only: trimming more would let another name pass for this one.
fn trim(text: &str) -> &str {
    text.trim_matches([' ', '\t'])
}

impl IncomingMessage {
    /// The cookies of the request.
    #[must_use]
    pub fn cookies(&self) -> Cookies<'_> {
        Cookies {
            fields: self.raw_headers(),
        }
    }
}

impl ServerResponse {
    /// Adds a Set-Cookie field. A cookie with an illegal name, value or attribute turns the response into a 500, and the
    /// reason is logged; [`Cookie::to_field`] returns it instead. Several cookies make several fields.
    ///
    /// ```
    /// use hearken::Server;
    /// use hearken::message::Cookie;
    /// use std::time::Duration;
    /// let server = Server::new(async |_req, res| {
    ///     let cookie = Cookie::new("theme", "dark").max_age(Duration::from_secs(86_400));
    ///     res.cookie(cookie).end("dark from now on\n")
    /// });
    /// ```
    #[expect(
        clippy::needless_pass_by_value,
        reason = "a cookie is built for one response"
    )]
    #[must_use]
    pub fn cookie(self, cookie: Cookie) -> Self {
        let secure = self.is_secure();
        match cookie.field(secure) {
            Ok(value) => self.append("Set-Cookie", value),
            Err(error) => self.refuse_cookie(&error),
        }
    }

    /// Removes a cookie from the client: sets it with an expiry in the past. Path and domain must be those it was set with, which
    /// this takes from `cookie`; its value is ignored.
    ///
    /// ```
    /// use hearken::Server;
    /// use hearken::message::Cookie;
    /// let server = Server::new(async |_req, res| {
    ///     res.clear_cookie(Cookie::new("theme", "")).end("forgotten\n")
    /// });
    /// ```
    #[must_use]
    pub fn clear_cookie(self, cookie: Cookie) -> Self {
        self.cookie(cookie.removal())
    }

    /// Whether the connection of the client is TLS.
    fn is_secure(&self) -> bool {
        #[cfg(feature = "tls")]
        {
            let state = self.exchange.state();
            state.peer.as_ref().is_some_and(|peer| peer.tls().is_some())
        }
        #[cfg(not(feature = "tls"))]
        false
    }

    #[cold]
    fn refuse_cookie(self, error: &Error) -> Self {
        tracing::error!(%error, "a cookie cannot be set");
        let mut state = self.exchange.state();
        state.outgoing.reject(Misuse::FieldValue); // the response becomes a 500
        drop(state);
        self
    }
}

#[cfg(test)]
mod tests;

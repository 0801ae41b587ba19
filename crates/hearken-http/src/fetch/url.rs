//! The URLs that fetching accepts.
//!
//! Here: [`ToUrl`], and [`parse`] with errors that name what was expected. The crate `url` parses and joins, by the WHATWG URL
//! standard. Not here: server and target of a URL (`client/target.rs`).

use crate::client::{split_zone, without_password};
use std::fmt;
use std::sync::Arc;
pub use url::Url;

/// Conversion into an absolute `http` or `https` URL, from a text, a [`Url`] or an [`http::Uri`].
///
/// ```
/// use hearken_http::fetch::ToUrl;
/// assert_eq!("HTTP://Example.com/a/../b".to_url()?.as_str(), "http://example.com/b");
/// let error = "example.com".to_url().unwrap_err();
/// assert_eq!(error.to_string(), "expected a URL such as https://example.com/path, got \"example.com\": it has no scheme");
/// # Ok::<(), hearken_http::fetch::UrlError>(())
/// ```
pub trait ToUrl {
    /// The URL.
    ///
    /// # Errors
    /// When it is not a URL, or its scheme is neither `http` nor `https`.
    fn to_url(&self) -> Result<Url, UrlError>;

    /// The zone of its IPv6 address (RFC 6874: `http://[fe80::1%25eth0]/`), which a [`Url`] has no place for: the interface to
    /// connect by. It is never sent. Default: none.
    fn zone(&self) -> Option<Arc<str>> {
        None
    }
}

/// A text that is not a URL of http or https.
///
/// ```
/// use hearken_http::fetch::ToUrl;
/// let error = "ftp://example.com".to_url().unwrap_err();
/// assert!(error.to_string().contains("http or https"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UrlError {
    text: String,
    why: Why,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Why {
    NoScheme,
    OtherScheme(String),
    Syntax(String),
}

/// Parses an absolute `http` or `https` URL.
pub(crate) fn parse(text: &str) -> Result<Url, UrlError> {
    let error = |why| UrlError {
        text: text.to_owned(),
        why,
    };
    let (bare, _) = split_zone(text).map_err(|why| error(Why::Syntax(why)))?;
    match Url::parse(&bare) {
        // `localhost:3000` is parsed as a URL with the scheme `localhost`.
        Ok(url) if url.cannot_be_a_base() && !matches!(url.scheme(), "data" | "mailto") => {
            Err(error(Why::NoScheme))
        }
        Ok(url) => check(url).map_err(|scheme| error(Why::OtherScheme(scheme))),
        Err(url::ParseError::RelativeUrlWithoutBase) => Err(error(Why::NoScheme)),
        Err(other) => Err(error(Why::Syntax(other.to_string()))),
    }
}

/// # Errors
/// The scheme, if it is neither http nor https.
fn check(url: Url) -> Result<Url, String> {
    match url.scheme() {
        "http" | "https" => Ok(url),
        other => Err(other.to_owned()),
    }
}

impl fmt::Display for UrlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = without_password(&self.text);
        let shown: String = text.chars().take(SHOWN).collect();
        let cut = if shown.len() < text.len() { "…" } else { "" };
        write!(
            f,
            "expected a URL such as https://example.com/path, got {shown:?}{cut}: "
        )?;
        match &self.why {
            Why::NoScheme => f.write_str("it has no scheme"),
            Why::OtherScheme(scheme) => {
                write!(f, "its scheme is {scheme}, expected http or https")
            }
            Why::Syntax(text) => f.write_str(text),
        }
    }
}

impl std::error::Error for UrlError {}

impl ToUrl for str {
    fn to_url(&self) -> Result<Url, UrlError> {
        parse(self)
    }

    fn zone(&self) -> Option<Arc<str>> {
        split_zone(self).ok()?.1
    }
}

impl ToUrl for String {
    fn to_url(&self) -> Result<Url, UrlError> {
        parse(self)
    }

    fn zone(&self) -> Option<Arc<str>> {
        self.as_str().zone()
    }
}

impl ToUrl for Url {
    fn to_url(&self) -> Result<Url, UrlError> {
        check(self.clone()).map_err(|scheme| UrlError {
            text: self.to_string(),
            why: Why::OtherScheme(scheme),
        })
    }
}

impl ToUrl for http::Uri {
    fn to_url(&self) -> Result<Url, UrlError> {
        parse(&self.to_string())
    }

    fn zone(&self) -> Option<Arc<str>> {
        self.to_string().zone()
    }
}

impl<T: ToUrl + ?Sized> ToUrl for &T {
    fn to_url(&self) -> Result<Url, UrlError> {
        (**self).to_url()
    }

    fn zone(&self) -> Option<Arc<str>> {
        (**self).zone()
    }
}

/// How many characters of an invalid text an error repeats.
const SHOWN: usize = 100;

crate::error::from_others!(UrlError);

#[cfg(test)]
mod tests;

//! Content in one piece, with its type and its entity tag.

use super::{ResponseExt, has_type};
use hearken_http::{Bytes, OutgoingMessage, Sent, ServerResponse};

/// Content for [`ResponseExt::send`], and whether it is text.
///
/// ```
/// use hearken::app::{Content, IntoContent};
/// assert_eq!("a".into_content(), Content::Text("a".into()));
/// assert_eq!([1, 2].into_content(), Content::Bytes(vec![1, 2].into()));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Content {
    /// UTF-8.
    Text(Bytes),
    /// Anything.
    Bytes(Bytes),
}

/// What [`ResponseExt::send`] takes: text and bytes. Implement it for types of your own.
///
/// ```
/// use hearken::app::{App, Content, IntoContent, prelude::*};
/// struct Page { title: &'static str }
/// impl IntoContent for Page {
///     fn into_content(self) -> Content {
///         Content::Text(format!("<title>{}</title>", self.title).into())
///     }
/// }
/// let mut app = App::new();
/// app.get("/", async |_req, res| res.send(Page { title: "Hello" }));
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be sent by `res.send(…)`",
    label = "expected text or bytes",
    note = "send a value as JSON by `res.json(&value)`"
)]
pub trait IntoContent {
    /// The content.
    fn into_content(self) -> Content;
}

macro_rules! into_content {
    ($($type:ty => $kind:ident by $make:expr;)*) => {$(
        impl IntoContent for $type {
            fn into_content(self) -> Content {
                Content::$kind(($make)(self))
            }
        }
    )*};
}

into_content! {
    String => Text by Bytes::from;
    &String => Text by |text: &String| Bytes::copy_from_slice(text.as_bytes());
    &str => Text by |text: &str| Bytes::copy_from_slice(text.as_bytes());
    Box<str> => Text by |text: Box<str>| Bytes::from(String::from(text));
    std::borrow::Cow<'_, str> => Text by |text: std::borrow::Cow<'_, str>| Bytes::from(text.into_owned());
    char => Text by |c: char| Bytes::from(c.to_string());
    Bytes => Bytes by |bytes| bytes;
    Vec<u8> => Bytes by Bytes::from;
    &[u8] => Bytes by Bytes::copy_from_slice;
}

impl<const N: usize> IntoContent for [u8; N] {
    fn into_content(self) -> Content {
        Content::Bytes(Bytes::copy_from_slice(&self))
    }
}

impl<const N: usize> IntoContent for &[u8; N] {
    fn into_content(self) -> Content {
        Content::Bytes(Bytes::copy_from_slice(self))
    }
}

/// See [`ResponseExt::send`].
pub(super) fn send(res: ServerResponse, content: Content) -> Sent {
    let (kind, content) = match content {
        Content::Text(text) => ("html", text),
        Content::Bytes(bytes) => ("bin", bytes),
    };
    let res = match (has_type(&res), kind) {
        (false, _) => res.content_type(kind),
        (true, "html") => with_charset(res),
        (true, _) => res,
    };
    send_typed(res, content)
}

/// Says that text is UTF-8, unless its type names another charset.
fn with_charset(res: ServerResponse) -> ServerResponse {
    let Some(of) = res.get_header("content-type") else {
        return res;
    };
    let lower = of.to_ascii_lowercase();
    if !lower.starts_with(b"text/") || lower.windows(8).any(|text| text == b"charset=") {
        return res;
    }
    res.set("Content-Type", [&of[..], b"; charset=utf-8"].concat())
}

/// As [`send`], of content whose type is set. The tag and the 304 come with the end of the response: `tag_content`.
pub(crate) fn send_typed(res: ServerResponse, content: Bytes) -> Sent {
    let status = res.status_code().as_u16();
    if matches!(status, 204 | 205 | 304) {
        res.remove_header("Content-Type");
        return res.end("");
    }
    res.end(content)
}

/// The Last-Modified that the handler has set.
pub(crate) fn last_modified(res: &ServerResponse) -> Option<hearken_http::HttpDate> {
    let field = res.get_header("last-modified")?;
    hearken_http::HttpDate::parse(field, std::time::SystemTime::now().into())
}

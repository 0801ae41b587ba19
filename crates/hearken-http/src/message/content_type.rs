//! What a body is, as Content-Type says.
//!
//! Here: [`IncomingMessage::is`]. Not here: which type a client accepts (`message/accept.rs`), the type of a file (`message/media_type.rs`).

use crate::message::incoming::IncomingMessage;
use crate::message::media_type::media_type_of_ending;

impl IncomingMessage {
    /// The first of these types that the body of the request has, as given; `None` if it has another, or if there is no body. The
    /// Content-Type field decides; its parameters do not count, and the body is not looked at.
    ///
    /// | type | matches |
    /// |---|---|
    /// | `text/html` | this type |
    /// | `text/*`, `*/*` | any subtype, any type |
    /// | `html`, `json` | the type of a file with this ending |
    /// | `+json`, `*/*+json` | types with this suffix: `application/problem+json` |
    /// | `urlencoded` | `application/x-www-form-urlencoded` |
    /// | `multipart` | `multipart/*` |
    ///
    /// A malformed field matches nothing.
    ///
    /// ```
    /// use hearken::{Failure, Server};
    /// let server = Server::new(async |mut req, res| match req.is(&["json", "+json", "urlencoded"]) {
    ///     Some("urlencoded") => Ok(res.end(format!("{:?}\n", req.form::<Vec<(String, String)>>().await?))),
    ///     Some(_) => Ok(res.end(format!("{}\n", req.json::<serde_json::Value>().await?))),
    ///     None => Err(Failure::new(415, "expected JSON or a form")),
    /// });
    /// ```
    #[must_use]
    pub fn is<'a>(&self, types: &[&'a str]) -> Option<&'a str> {
        // RFC 9112 §6.3: one of the two fields announces a body, an empty one too.
        let fields = self.raw_headers();
        fields
            .get("transfer-encoding")
            .or_else(|| fields.get("content-length"))?;
        let own = essence(self.header("content-type")?)?;
        let matching = types.iter().find(|wanted| matches(&own, wanted));
        matching.copied()
    }
}

/// Type and subtype, in lower case, without parameters. `None` for a malformed value.
fn essence(field: &str) -> Option<String> {
    let essence = field.split(';').next().unwrap_or_default();
    let essence = essence.trim_matches([' ', '\t']).to_ascii_lowercase();
    let (kind, subtype) = essence.split_once('/')?;
    let is_name = |name: &str| {
        let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&byte);
        !name.is_empty() && name.bytes().all(legal) // RFC 6838 §4.2
    };
    (is_name(kind) && is_name(subtype)).then_some(essence)
}

/// Whether a type in lower case is the wanted one.
fn matches(own: &str, wanted: &str) -> bool {
    let wanted = wanted.to_ascii_lowercase();
    let wanted = match wanted.as_str() {
        "urlencoded" => "application/x-www-form-urlencoded",
        "multipart" => "multipart/*",
        suffix if suffix.starts_with('+') => return own.ends_with(suffix),
        ending if !ending.contains('/') => match media_type_of_ending(ending) {
            Some(known) => known.split(';').next().unwrap_or_default(),
            None => return false,
        },
        whole => whole,
    };
    let (Some((kind, subtype)), Some((wanted_kind, wanted_subtype))) =
        (own.split_once('/'), wanted.split_once('/'))
    else {
        return false;
    };
    let subtypes_match = match wanted_subtype.strip_prefix('*') {
        Some("") => true,
        Some(suffix) => suffix.starts_with('+') && subtype.ends_with(suffix),
        None => subtype == wanted_subtype,
    };
    (wanted_kind == "*" || wanted_kind == kind) && subtypes_match
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_match_by_name_ending_suffix_and_range() {
        for (field, wanted, expected) in [
            ("application/json", "json", true),
            ("application/json", "application/json", true),
            ("Application/JSON ; charset=utf-8", "json", true),
            ("application/json", "application/*", true),
            ("application/json", "*/*", true),
            ("application/json", "*/json", true),
            ("application/json", "text/*", false),
            ("application/json", "html", false),
            ("application/json", "+json", false),
            ("application/problem+json", "+json", true),
            ("application/problem+json", "*/*+json", true),
            ("application/problem+json", "application/*+json", true),
            ("application/problem+json", "text/*+json", false),
            ("application/problem+json", "json", false),
            ("text/html; charset=utf-8", "HTML", true),
            ("application/x-www-form-urlencoded", "urlencoded", true),
            ("multipart/form-data; boundary=x", "multipart", true),
            ("text/html", "no-such-ending", false),
            ("text/html", "", false),
            ("text/html", "*ml", false),
            ("text/html", "text/*ml", false),
        ] {
            let own = essence(field).unwrap_or_else(|| panic!("{field}"));
            assert_eq!(matches(&own, wanted), expected, "{field} as {wanted}");
        }
    }

    #[test]
    fn a_malformed_field_is_no_type() {
        for field in [
            "",
            "json",
            "text/",
            "/html",
            "text/html/x",
            "text html",
            "te xt/html",
            "text/html, text/plain",
        ] {
            assert_eq!(essence(field), None, "{field}");
        }
    }
}

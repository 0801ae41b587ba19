//! How values are written as JSON: spaces and escapes.
//!
//! Here: [`JsonStyle`]. Not here: the response (`message/answer.rs`).

use serde_core::Serialize;
use serde_json::Serializer;
use serde_json::ser::PrettyFormatter;

/// How the values of an exchange are written as JSON, where that is not the shortest form. Attached to an exchange
/// ([`ServerResponse::extend`](crate::ServerResponse::extend)), it holds for [`ServerResponse::json`](crate::ServerResponse::json) and
/// for [`Json`](crate::Json) alike.
///
/// ```
/// use hearken::Server;
/// use hearken::message::JsonStyle;
/// let server = Server::new(async |_req, res| {
///     res.extend(JsonStyle::new().spaces(2));
///     res.json(&[1, 2]) // each on its line
/// });
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct JsonStyle {
    spaces: usize,
    escape: bool,
}

impl JsonStyle {
    /// In one line, without escapes that JSON does not need.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            spaces: 0,
            escape: false,
        }
    }

    /// Indents by this number of spaces, at most 10, as in JavaScript. 0: everything in one line.
    #[must_use]
    pub const fn spaces(mut self, spaces: usize) -> Self {
        self.spaces = if spaces < SPACES.len() {
            spaces
        } else {
            SPACES.len()
        };
        self
    }

    /// Whether `<`, `>` and `&` are written as escapes, so that no browser takes the JSON for HTML.
    #[must_use]
    pub const fn escape(mut self, escape: bool) -> Self {
        self.escape = escape;
        self
    }

    /// Whether this is the shortest form.
    #[must_use]
    pub fn is_default(&self) -> bool {
        *self == Self::new()
    }

    /// A value in this style.
    ///
    /// # Errors
    /// When it has no JSON form.
    ///
    /// ```
    /// use hearken::message::JsonStyle;
    /// assert_eq!(JsonStyle::new().escape(true).write("<a>")?, br#""\u003ca\u003e""#);
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    pub fn write<T: Serialize + ?Sized>(&self, value: &T) -> Result<Vec<u8>, serde_json::Error> {
        let mut json = Vec::with_capacity(JSON_BYTES);
        match self.spaces {
            0 => serde_json::to_writer(&mut json, value)?,
            spaces => {
                let formatter = PrettyFormatter::with_indent(&SPACES[..spaces]);
                value.serialize(&mut Serializer::with_formatter(&mut json, formatter))?;
            }
        }
        Ok(if self.escape { escaped(&json) } else { json })
    }
}

const SPACES: &[u8; 10] = b"          ";

/// Initial capacity: most JSON responses fit without growing the buffer.
const JSON_BYTES: usize = 1024;

/// These bytes stand in strings only.
fn escaped(json: &[u8]) -> Vec<u8> {
    let mut escaped = Vec::with_capacity(json.len() + json.len() / 8);
    for &byte in json {
        match byte {
            b'<' => escaped.extend_from_slice(b"\\u003c"),
            b'>' => escaped.extend_from_slice(b"\\u003e"),
            b'&' => escaped.extend_from_slice(b"\\u0026"),
            byte => escaped.push(byte),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spaces_and_escapes_do_not_change_the_value() {
        let value = serde_json::json!({ "a": [1, "<b> & c"], "d": {} });
        for (style, expected) in [
            (JsonStyle::new(), r#"{"a":[1,"<b> & c"],"d":{}}"#),
            (
                JsonStyle::new().escape(true),
                r#"{"a":[1,"\u003cb\u003e \u0026 c"],"d":{}}"#,
            ),
            (
                JsonStyle::new().spaces(2),
                "{\n  \"a\": [\n    1,\n    \"<b> & c\"\n  ],\n  \"d\": {}\n}",
            ),
        ] {
            let json = style.write(&value).unwrap();
            assert_eq!(String::from_utf8_lossy(&json), expected);
            let read: serde_json::Value = serde_json::from_slice(&json).unwrap();
            assert_eq!(read, value);
        }
        let wide = JsonStyle::new().spaces(99).write(&[1]).unwrap();
        assert_eq!(String::from_utf8_lossy(&wide), "[\n          1\n]");
    }
}

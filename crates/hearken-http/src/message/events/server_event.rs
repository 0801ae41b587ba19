//! One server-sent event as text.
//!
//! Here: [`ServerEvent`]. Not here: the stream (`message/events.rs`).

use crate::error::Error;
use bytes::Bytes;
use serde_core::Serialize;
use std::fmt::Write;
use std::time::Duration;

/// A server-sent event: data, and perhaps a name, an id, a retry time and a comment. Texts convert into one.
///
/// ```
/// use hearken::message::ServerEvent;
/// let event = ServerEvent::new("two\nlines").name("news").id("7");
/// assert_eq!(event.to_text()?, "event: news\nid: 7\ndata: two\ndata: lines\n\n");
/// # Ok::<(), hearken::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServerEvent {
    data: Option<String>,
    name: Option<String>,
    id: Option<String>,
    retry: Option<Duration>,
    comment: Option<String>,
}

impl ServerEvent {
    /// An event with this text. Each of its lines, whether it ends with LF, CR or both, becomes a line of data, which the client
    /// joins by LF.
    #[must_use]
    pub fn new(data: impl Into<String>) -> Self {
        Self {
            data: Some(data.into()),
            ..Self::default()
        }
    }

    /// An event with a value as JSON.
    ///
    /// # Errors
    /// When the value has no JSON form.
    ///
    /// ```
    /// use hearken::message::ServerEvent;
    /// assert_eq!(ServerEvent::json(&[1, 2])?.to_text()?, "data: [1,2]\n\n");
    /// # Ok::<(), hearken::Error>(())
    /// ```
    pub fn json<T: Serialize + ?Sized>(value: &T) -> Result<Self, Error> {
        let json = serde_json::to_string(value).map_err(|error| {
            Error::new(500, format!("expected a value with a JSON form: {error}"))
        })?;
        Ok(Self::new(json))
    }

    /// A comment, which clients ignore. With line ends it makes several lines.
    #[must_use]
    pub fn comment(text: impl Into<String>) -> Self {
        Self {
            comment: Some(text.into()),
            ..Self::default()
        }
    }

    /// Only the time after which the client connects again when the stream has ended, in whole milliseconds.
    ///
    /// ```
    /// use hearken::message::ServerEvent;
    /// use std::time::Duration;
    /// let event = ServerEvent::retry_after(Duration::from_secs(2));
    /// assert_eq!(event.to_text()?, "retry: 2000\n\n");
    /// # Ok::<(), hearken::Error>(())
    /// ```
    #[must_use]
    pub fn retry_after(time: Duration) -> Self {
        Self::default().retry(time)
    }

    /// Sets the name, by which a script listens: `source.addEventListener(name, …)`. Without one it is `message`.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Sets the id, which the client sends when it connects again. An empty one resets it.
    #[must_use]
    pub fn id(mut self, id: impl Into<String>) -> Self {
        self.id = Some(id.into());
        self
    }

    /// Sets the time after which the client connects again when the stream has ended, in whole milliseconds.
    #[must_use]
    pub fn retry(mut self, time: Duration) -> Self {
        self.retry = Some(time);
        self
    }

    /// The event as it is sent.
    ///
    /// # Errors
    /// With status 500 when the name or the id has a line end or a NUL.
    pub fn to_text(&self) -> Result<String, Error> {
        let mut text = String::new();
        let lines = |text: &mut String, name: &str, value: &str| {
            for line in lines(value) {
                let _ = match line {
                    "" => writeln!(text, "{name}:"),
                    line => writeln!(text, "{name}: {line}"),
                };
            }
        };
        if let Some(comment) = &self.comment {
            lines(&mut text, "", comment);
        }
        for (field, value) in [("event", &self.name), ("id", &self.id)] {
            let Some(value) = value else { continue };
            if value.contains(['\n', '\r', '\0']) {
                let why = format!(
                    "expected the {field} of a server-sent event on one line, not {value:?}"
                );
                return Err(Error::new(500, why));
            }
            lines(&mut text, field, value);
        }
        if let Some(retry) = self.retry {
            let _ = writeln!(text, "retry: {}", retry.as_millis());
        }
        if let Some(data) = &self.data {
            lines(&mut text, "data", data);
        }
        text.push('\n');
        Ok(text)
    }

    pub(super) fn into_bytes(self) -> Result<Bytes, Error> {
        Ok(self.to_text()?.into())
    }
}

impl From<String> for ServerEvent {
    fn from(data: String) -> Self {
        Self::new(data)
    }
}

impl From<&str> for ServerEvent {
    fn from(data: &str) -> Self {
        Self::new(data)
    }
}

/// The lines of a text as the client splits them: at LF, CR and CRLF.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        let Some(at) = text.find(['\n', '\r']) else {
            rest = None;
            return Some(text);
        };
        let (line, behind) = text.split_at(at);
        rest = Some(behind.strip_prefix("\r\n").unwrap_or_else(|| &behind[1..]));
        Some(line)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_written_field_by_field() {
        for (event, expected) in [
            (ServerEvent::new("a"), "data: a\n\n"),
            (ServerEvent::new(""), "data:\n\n"),
            (ServerEvent::new(" a"), "data:  a\n\n"), // a client removes one space
            (
                ServerEvent::new("a\nb\r\nc\rd"),
                "data: a\ndata: b\ndata: c\ndata: d\n\n",
            ),
            (ServerEvent::new("a\n"), "data: a\ndata:\n\n"),
            (ServerEvent::new("\n\r"), "data:\ndata:\ndata:\n\n"),
            (ServerEvent::new("a: b"), "data: a: b\n\n"),
            (ServerEvent::comment("hi\nthere"), ": hi\n: there\n\n"),
            (ServerEvent::comment(""), ":\n\n"),
            (ServerEvent::new("x").id(""), "id:\ndata: x\n\n"),
            (
                ServerEvent::new("x")
                    .name("n")
                    .id("i")
                    .retry(Duration::from_micros(1500)),
                "event: n\nid: i\nretry: 1\ndata: x\n\n",
            ),
        ] {
            assert_eq!(event.to_text().unwrap(), expected, "{event:?}");
        }
    }

    #[test]
    fn a_name_and_an_id_stay_on_one_line() {
        for text in ["a\nb", "a\rb", "a\0b", "a\r\ndata: forged"] {
            let by_name = ServerEvent::new("x").name(text).to_text();
            let by_id = ServerEvent::new("x").id(text).to_text();
            for result in [by_name, by_id] {
                assert_eq!(result.unwrap_err().status(), 500, "{text:?}");
            }
        }
    }
}

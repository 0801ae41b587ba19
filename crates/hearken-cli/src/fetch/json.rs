//! JSON for a terminal: indented and coloured while it streams.
//!
//! Here: [`Formatter`]. It looks at tokens only and keeps their bytes, so that numbers and the order of names stay as they are, and a
//! body of any size needs no memory. Input that is not JSON is passed on unchanged from the first wrong byte. Not here: whether a
//! body is JSON (`exchange.rs`).

/// Formats one body, or several values in a row.
#[derive(Debug)]
pub(crate) struct Formatter {
    coloured: bool,
    state: State,
    /// The open objects (true) and arrays (false).
    open: Vec<bool>,
    /// The next string in an object is a name.
    expects_name: bool,
    /// The last token was an opening bracket, whose line has not ended yet.
    just_opened: bool,
    /// A value has ended outside of all brackets.
    after_value: bool,
    /// There was a byte.
    any: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Between,
    /// In a string; a backslash came last.
    Text {
        escaped: bool,
    },
    /// In a number, or in true, false or null.
    Word,
    /// This is not JSON.
    Raw,
}

/// Deeper nesting is not indented further.
const DEPTH_MAX: usize = 64;

impl Formatter {
    pub(crate) const fn new(coloured: bool) -> Self {
        Self {
            coloured,
            state: State::Between,
            open: Vec::new(),
            expects_name: false,
            just_opened: false,
            after_value: false,
            any: false,
        }
    }

    /// Formats the next piece.
    pub(crate) fn format(&mut self, piece: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(piece.len() * 2);
        self.any |= !piece.is_empty();
        for &byte in piece {
            self.push(byte, &mut out);
        }
        out
    }

    /// Ends the last line, for the prompt that follows.
    pub(crate) fn finish(&mut self) -> Vec<u8> {
        let mut out = Vec::new();
        if self.state == State::Word {
            self.colour(PLAIN, &mut out);
        }
        if self.any && self.state != State::Raw {
            out.push(b'\n');
        }
        out
    }

    fn push(&mut self, byte: u8, out: &mut Vec<u8>) {
        match self.state {
            State::Raw => out.push(byte),
            State::Text { escaped } => self.text(byte, escaped, out),
            State::Word if is_word(byte) => out.push(byte),
            State::Word => {
                self.colour(PLAIN, out);
                self.state = State::Between;
                self.after_value = self.open.is_empty();
                self.between(byte, out);
            }
            State::Between => self.between(byte, out),
        }
    }

    fn text(&mut self, byte: u8, escaped: bool, out: &mut Vec<u8>) {
        match byte {
            // Not legal in JSON, and an escape sequence for the terminal.
            0..=0x1f | 0x7f => out.extend_from_slice(format!("\\u{byte:04x}").as_bytes()),
            _ => out.push(byte),
        }
        self.state = State::Text {
            escaped: byte == b'\\' && !escaped,
        };
        if byte == b'"' && !escaped {
            self.colour(PLAIN, out);
            self.state = State::Between;
            self.after_value = self.open.is_empty();
        }
    }

    fn between(&mut self, byte: u8, out: &mut Vec<u8>) {
        match byte {
            b' ' | b'\t' | b'\r' | b'\n' => {}
            b'{' | b'[' => {
                self.value_begins(out);
                self.open.push(byte == b'{');
                self.expects_name = byte == b'{';
                self.just_opened = true;
                out.push(byte);
            }
            b'}' | b']' if self.open.last() == Some(&(byte == b'}')) => {
                self.open.pop();
                if !std::mem::take(&mut self.just_opened) {
                    self.new_line(out);
                }
                out.push(byte);
                self.expects_name = false;
                self.after_value = self.open.is_empty();
            }
            b',' if !self.open.is_empty() => {
                out.push(byte);
                self.new_line(out);
                self.expects_name = self.open.last() == Some(&true);
            }
            b':' if self.open.last() == Some(&true) => {
                out.extend_from_slice(b": ");
                self.expects_name = false;
            }
            b'"' => {
                self.value_begins(out);
                let colour = if self.expects_name { NAME } else { TEXT };
                self.colour(colour, out);
                out.push(byte);
                self.state = State::Text { escaped: false };
            }
            b'-' | b'0'..=b'9' | b't' | b'f' | b'n' => {
                self.value_begins(out);
                self.colour(WORD, out);
                out.push(byte);
                self.state = State::Word;
            }
            _ => {
                out.push(byte);
                self.state = State::Raw;
            }
        }
    }

    /// The first value behind an opening bracket, and the next one outside of all brackets, begin a line.
    fn value_begins(&mut self, out: &mut Vec<u8>) {
        if std::mem::take(&mut self.just_opened) || std::mem::take(&mut self.after_value) {
            self.new_line(out);
        }
    }

    fn new_line(&self, out: &mut Vec<u8>) {
        out.push(b'\n');
        let depth = self.open.len().min(DEPTH_MAX);
        out.resize(out.len() + 2 * depth, b' ');
    }

    fn colour(&self, colour: &str, out: &mut Vec<u8>) {
        if self.coloured {
            out.extend_from_slice(colour.as_bytes());
        }
    }
}

/// A byte of a number, or of true, false and null.
const fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.')
}

/// Whether the media type is JSON: `application/json`, or a suffix `+json` (RFC 6839), or one value for each line.
pub(crate) fn is_json(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    let essence = essence.to_ascii_lowercase();
    matches!(
        &*essence,
        "application/json" | "text/json" | "application/x-ndjson" | "application/jsonl"
    ) || essence.ends_with("+json")
}

const NAME: &str = "\u{1b}[1;34m";
const TEXT: &str = "\u{1b}[32m";
const WORD: &str = "\u{1b}[36m";
const PLAIN: &str = "\u{1b}[0m";

#[cfg(test)]
mod tests;

//! Requests as a server sees them, parsed without the code under test: httparse for heads and chunk sizes, the rest
//! here. Lenient where possible: it records requests and does not judge them.

/// A request, possibly incomplete.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// As sent.
    pub method: String,
    /// As sent.
    pub target: String,
    /// The fields in their order and case.
    pub fields: Vec<(String, String)>,
    /// The content without its framing, the first megabyte of it.
    pub content: Vec<u8>,
    /// Length of the content so far, in bytes.
    pub content_bytes: u64,
    /// The trailers.
    pub trailers: Vec<(String, String)>,
    /// Whether it is complete.
    pub complete: bool,
}

impl Seen {
    /// The value of a field; the first, if there are several.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&str> {
        let mut named = self.fields.iter();
        let found = named.find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    fn take(&mut self, content: &[u8]) {
        self.content_bytes += content.len() as u64;
        let room = KEPT_BYTES.saturating_sub(self.content.len());
        self.content
            .extend_from_slice(&content[..content.len().min(room)]);
    }
}

/// Recorded bytes per content and per connection.
pub(super) const KEPT_BYTES: usize = 1 << 20;

/// The requests of one connection.
#[derive(Debug, Default)]
pub(super) struct Reader {
    rest: Vec<u8>,
    state: State,
    /// Requests whose head is complete; all but the last are complete.
    pub(super) requests: Vec<Seen>,
}

#[derive(Clone, Copy, Debug, Default)]
enum State {
    #[default]
    Head,
    Length(u64),
    ChunkSize,
    Chunk(u64),
    ChunkEnd,
    Trailers,
    /// Another protocol, or unreadable bytes.
    Raw,
}

impl Reader {
    pub(super) fn hear(&mut self, bytes: &[u8]) {
        self.rest.extend_from_slice(bytes);
        while self.step().is_some() {}
    }

    /// Whether the request with this number is that far.
    pub(super) fn has_head(&self, number: usize) -> bool {
        self.requests.len() > number
    }

    pub(super) fn has_whole(&self, number: usize) -> bool {
        self.requests.get(number).is_some_and(|seen| seen.complete)
    }

    /// Advances one step, if enough bytes are there.
    fn step(&mut self) -> Option<()> {
        match self.state {
            State::Head => self.head(),
            State::Length(left) => {
                let taken = self.content(left)?;
                self.state = State::Length(left - taken);
                if left == taken {
                    self.end();
                }
                Some(())
            }
            State::ChunkSize => match httparse::parse_chunk_size(&self.rest) {
                Ok(httparse::Status::Complete((used, size))) => {
                    self.rest.drain(..used);
                    self.state = if size == 0 {
                        State::Trailers
                    } else {
                        State::Chunk(size)
                    };
                    Some(())
                }
                Ok(httparse::Status::Partial) => None,
                Err(_) => self.give_up(),
            },
            State::Chunk(0) => {
                self.state = State::ChunkEnd;
                Some(())
            }
            State::Chunk(left) => {
                let taken = self.content(left)?;
                self.state = State::Chunk(left - taken);
                Some(())
            }
            State::ChunkEnd => {
                let end = self.rest.get(..2)?;
                if end != b"\r\n" {
                    return self.give_up();
                }
                self.rest.drain(..2);
                self.state = State::ChunkSize;
                Some(())
            }
            State::Trailers => self.trailers(),
            State::Raw => {
                self.rest.clear();
                None
            }
        }
    }

    fn head(&mut self) -> Option<()> {
        let mut fields = [httparse::EMPTY_HEADER; 512];
        let mut request = httparse::Request::new(&mut fields);
        let used = match request.parse(&self.rest) {
            Ok(httparse::Status::Complete(used)) => used,
            Ok(httparse::Status::Partial) => return None,
            Err(_) => return self.give_up(),
        };
        let seen = Seen {
            method: request.method.unwrap_or_default().to_owned(),
            target: request.path.unwrap_or_default().to_owned(),
            fields: pairs(request.headers),
            ..Seen::default()
        };
        self.rest.drain(..used);
        self.state = framing(&seen);
        self.requests.push(seen);
        if matches!(self.state, State::Head | State::Raw) {
            let after = self.state;
            self.end();
            self.state = after;
        }
        Some(())
    }

    fn trailers(&mut self) -> Option<()> {
        let mut fields = [httparse::EMPTY_HEADER; 512];
        match httparse::parse_headers(&self.rest, &mut fields) {
            Ok(httparse::Status::Complete((used, found))) => {
                let found = pairs(found);
                self.rest.drain(..used);
                if let Some(last) = self.requests.last_mut() {
                    last.trailers = found;
                }
                self.end();
                Some(())
            }
            Ok(httparse::Status::Partial) => None,
            Err(_) => self.give_up(),
        }
    }

    /// Moves at most `left` bytes to the content. None if there are none to move.
    fn content(&mut self, left: u64) -> Option<u64> {
        let count = usize::try_from(left)
            .unwrap_or(usize::MAX)
            .min(self.rest.len());
        if count == 0 && left > 0 {
            return None;
        }
        if let Some(last) = self.requests.last_mut() {
            last.take(&self.rest[..count]);
        }
        self.rest.drain(..count);
        Some(count as u64)
    }

    fn end(&mut self) {
        self.state = State::Head;
        if let Some(last) = self.requests.last_mut() {
            last.complete = true;
        }
    }

    fn give_up(&mut self) -> Option<()> {
        self.state = State::Raw;
        Some(())
    }
}

/// How the content is framed. [`State::Head`] if there is none, [`State::Raw`] if the next bytes are no request.
fn framing(seen: &Seen) -> State {
    if seen.method == "CONNECT" || seen.field("upgrade").is_some() {
        return State::Raw;
    }
    if seen.field("transfer-encoding").is_some() {
        return State::ChunkSize;
    }
    let length = seen.field("content-length").map(str::parse::<u64>);
    match length {
        None | Some(Ok(0)) => State::Head,
        Some(Ok(length)) => State::Length(length),
        Some(Err(_)) => State::Raw,
    }
}

fn pairs(fields: &[httparse::Header<'_>]) -> Vec<(String, String)> {
    let text = |field: &httparse::Header<'_>| {
        let value = String::from_utf8_lossy(field.value).into_owned();
        (field.name.to_owned(), value)
    };
    fields.iter().map(text).collect()
}

//! Content codings for responses (RFC 9110 §8.4): gzip, br, zstd and deflate as a layer around a handler.
//!
//! Here: [`Compression`], which decides whether and how. Not here: the encoders (`compress/encoder.rs`), weights
//! (`message/accept.rs`), how hooks and filters run (`conn/layering.rs`), decoding (`message/decode.rs`).

mod encoder;

use crate::conn::layers::ResponseHead;
use crate::message::accept::best_coding;
use crate::message::conditional::EntityTag;
use crate::message::incoming::IncomingMessage;
use crate::message::response::ServerResponse;
use encoder::Encoder;
use hearken_proto::list_members;
use std::fmt;
use std::sync::Arc;

/// Compresses the content of responses for clients that accept it. Feature `compress`.
///
/// A response is compressed when all of this holds:
///
/// - The client accepts a coding, by the weights of Accept-Encoding. Of equal weights the order of
///   [`codings`](Self::codings) decides: zstd (feature `compress-zstd`), br, gzip, deflate.
/// - The Content-Type is worth it: text, JSON, XML, JavaScript, SVG, WebAssembly, fonts; see [`types`](Self::types). A response
///   without the field is not compressed.
/// - The content has at least [`threshold`](Self::threshold) bytes, 1,024 by default, or is a stream of unknown length.
/// - It has no Content-Encoding, no Content-Range, no digest, and no `Cache-Control: no-transform`.
/// - It is not a response to HEAD, and its status is neither 204, 205, 206 nor 304.
///
/// The response then gets Content-Encoding, its Content-Length is that of the compressed content or it is chunked, a strong ETag
/// becomes weak, since other bytes are sent under it, and Accept-Ranges is removed. `Vary: Accept-Encoding` is added to every
/// response that would have been compressed for another client.
///
/// A client that refuses content without a coding (`identity;q=0`) gets a coding of any type and length, if there is one that it
/// accepts; otherwise the response is sent as it is.
///
/// **Streams stay streams**: what was written leaves when the handler waits, or at [`flush`](ServerResponse::flush), so events of
/// `text/event-stream` arrive one by one. Content is compressed in pieces of
/// at most 32 KiB, with the turns of other connections in between, and no faster than the client takes it. One encoder takes about 270 KiB of memory
/// for gzip and deflate, and 1 to 2 MiB for br and zstd, until the response has ended.
///
/// **Secrets.** A response that contains both a secret and text from the request can betray the secret by its compressed length
/// (BREACH). Send such responses with `Cache-Control: no-transform`.
///
/// ```
/// use hearken::Server;
/// use hearken::message::Compression;
/// let compression = Compression::new();
/// let server = Server::new(async move |req, res| {
///     compression.layer(&req, &res); // before the response begins
///     res.set("Content-Type", "text/plain; charset=utf-8").end("hello ".repeat(1000))
/// });
/// ```
#[derive(Clone, Debug, Default)]
pub struct Compression {
    settings: Arc<Settings>,
}

/// Decides about a Content-Type.
type Worth = dyn Fn(&str) -> bool + Send + Sync;

#[derive(Clone)]
struct Settings {
    threshold: u64,
    codings: Vec<ContentCoding>,
    levels: Vec<(ContentCoding, u32)>,
    worth: Arc<Worth>,
}

/// A content coding that this server can apply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ContentCoding {
    /// `gzip` (RFC 1952), level 6.
    Gzip,
    /// `deflate`: the zlib format (RFC 1950), level 6.
    Deflate,
    /// `br` (RFC 7932), quality 4, a window of 512 KiB.
    Br,
    /// `zstd` (RFC 8878), level 3, a window of 512 KiB. Feature `compress-zstd`.
    #[cfg(feature = "compress-zstd")]
    Zstd,
}

impl ContentCoding {
    /// Its name in Content-Encoding.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Deflate => "deflate",
            Self::Br => "br",
            #[cfg(feature = "compress-zstd")]
            Self::Zstd => "zstd",
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            threshold: 1024,
            codings: vec![
                #[cfg(feature = "compress-zstd")]
                ContentCoding::Zstd,
                ContentCoding::Br,
                ContentCoding::Gzip,
                ContentCoding::Deflate,
            ],
            levels: Vec::new(),
            worth: Arc::new(is_compressible),
        }
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("threshold", &self.threshold)
            .field("codings", &self.codings)
            .finish_non_exhaustive()
    }
}

impl Compression {
    /// With the defaults above. Make it once and use it for all requests: it is cheap to clone.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Content of a known length is compressed from this number of bytes on. Default 1,024: less hardly shrinks.
    #[must_use]
    pub fn threshold(mut self, bytes: u64) -> Self {
        Arc::make_mut(&mut self.settings).threshold = bytes;
        self
    }

    /// The codings to use, in the order of preference.
    #[must_use]
    pub fn codings(mut self, codings: impl IntoIterator<Item = ContentCoding>) -> Self {
        Arc::make_mut(&mut self.settings).codings = codings.into_iter().collect();
        self
    }

    /// The level of a coding: how hard it tries. Less is faster, more is smaller. A level out of range counts as the nearest.
    ///
    /// | coding | levels | default |
    /// |---|---|---|
    /// | gzip, deflate | 1 to 9 | 6 |
    /// | br | 0 to 11 | 4 |
    /// | zstd | 1 to 19 | 3 |
    ///
    /// ```
    /// use hearken::message::{Compression, ContentCoding};
    /// let compression = Compression::new().level(ContentCoding::Gzip, 1);
    /// ```
    #[must_use]
    pub fn level(mut self, coding: ContentCoding, level: u32) -> Self {
        let levels = &mut Arc::make_mut(&mut self.settings).levels;
        levels.retain(|(known, _)| *known != coding);
        levels.push((coding, level));
        self
    }

    /// Decides by the media type, in lower case and without parameters, whether content is compressed.
    ///
    /// ```
    /// use hearken::message::Compression;
    /// let compression = Compression::new().types(|media_type| media_type == "application/json");
    /// ```
    #[must_use]
    pub fn types(mut self, worth: impl Fn(&str) -> bool + Send + Sync + 'static) -> Self {
        Arc::make_mut(&mut self.settings).worth = Arc::new(worth);
        self
    }

    /// Puts the layer around this response. Call it before the response begins; later it has no effect. Layers that are added
    /// after it, an ETag for example, see the content before it is compressed.
    pub fn layer(&self, req: &IncomingMessage, res: &ServerResponse) {
        let settings = Arc::clone(&self.settings);
        let lines = req.raw_headers();
        let mut offers: Vec<_> = settings
            .codings
            .iter()
            .map(|coding| coding.name())
            .collect();
        offers.push("identity");
        let chosen = best_coding(lines.get_all("accept-encoding"), &offers);
        let coding = chosen.and_then(|chosen| {
            let mut codings = settings.codings.iter().copied();
            codings.find(|coding| coding.name() == chosen)
        });
        let plain = best_coding(lines.get_all("accept-encoding"), &["identity"]);
        let asked = Asked {
            coding,
            must: plain.is_none(),
            head_only: req.head().method_bytes() == b"HEAD",
        };
        res.on_head(move |head| settings.apply(head, asked));
    }
}

/// What the request says.
#[derive(Clone, Copy)]
struct Asked {
    /// The coding of ours that the client prefers.
    coding: Option<ContentCoding>,
    /// The client refuses content without a coding: `identity;q=0`.
    must: bool,
    head_only: bool,
}

impl Settings {
    fn level_of(&self, coding: ContentCoding) -> Option<u32> {
        let mut levels = self.levels.iter();
        let set = levels.find(|(known, _)| *known == coding)?;
        Some(set.1)
    }

    fn apply(&self, head: &mut ResponseHead<'_>, asked: Asked) {
        if head.status().as_u16() == 304 {
            return self.apply_to_not_modified(head, asked.coding);
        }
        let must = asked.must && asked.coding.is_some();
        if !may_change(head) || !(must || self.is_worth(head)) {
            return;
        }
        vary(head);
        let length = head.content().map(|content| content.len() as u64);
        let length = length.or_else(|| number(head.get("content-length")?));
        let small = length.is_some_and(|length| length < self.threshold.max(1));
        let small = small && !(must && length != Some(0));
        let Some(coding) = asked.coding.filter(|_| !small && !asked.head_only) else {
            return;
        };
        // Names of codings are legal values.
        let _ = head.set("Content-Encoding", coding.name());
        weaken(head);
        head.remove("accept-ranges"); // ranges would count in bytes of the other coding
        head.filter(Encoder::new(coding, self.level_of(coding)));
    }

    /// A 304 has the ETag and Vary of the 200 that it stands for (RFC 9110 §15.4.5). Its type is not known; a weak tag stands for
    /// both (RFC 9111 §4.3.4).
    fn apply_to_not_modified(&self, head: &mut ResponseHead<'_>, coding: Option<ContentCoding>) {
        if head.get("content-type").is_some() && !self.is_worth(head) {
            return;
        }
        vary(head);
        if coding.is_some() {
            weaken(head);
        }
    }

    fn is_worth(&self, head: &ResponseHead<'_>) -> bool {
        let Some(content_type) = head.get("content-type") else {
            return false;
        };
        let end = content_type.iter().position(|&byte| byte == b';');
        let media_type = content_type[..end.unwrap_or(content_type.len())].trim_ascii();
        std::str::from_utf8(media_type)
            .is_ok_and(|media_type| (self.worth)(&media_type.to_ascii_lowercase()))
    }
}

/// Whether the content may get a coding.
fn may_change(head: &ResponseHead<'_>) -> bool {
    let status = head.status().as_u16();
    if status < 200 || matches!(status, 204..=206) {
        return false;
    }
    let described = [
        "content-range",
        "content-digest",
        "repr-digest",
        "digest",
        "content-md5",
    ];
    if described.iter().any(|name| head.get(name).is_some()) {
        return false;
    }
    let identity = |coding: &[u8]| coding.trim_ascii().eq_ignore_ascii_case(b"identity");
    if head
        .get("content-encoding")
        .is_some_and(|coding| !identity(coding))
    {
        return false;
    }
    let no_transform = |line| {
        let mut members = list_members(line);
        members.any(|member| member.eq_ignore_ascii_case(b"no-transform"))
    };
    !head.fields().get_all("cache-control").any(no_transform)
}

/// Text, and formats that are text or have no compression of their own.
fn is_compressible(media_type: &str) -> bool {
    const OTHERS: [&str; 18] = [
        "application/ecmascript",
        "application/graphql",
        "application/javascript",
        "application/json",
        "application/json5",
        "application/jsonl",
        "application/rtf",
        "application/sql",
        "application/toml",
        "application/vnd.ms-fontobject",
        "application/wasm",
        "application/x-javascript",
        "application/x-ndjson",
        "application/x-www-form-urlencoded",
        "application/xml",
        "application/yaml",
        "image/bmp",
        "image/vnd.microsoft.icon",
    ];
    media_type.starts_with("text/")
        || media_type.ends_with("+json")
        || media_type.ends_with("+xml")
        || media_type.ends_with("+text")
        || matches!(
            media_type,
            "font/ttf" | "font/otf" | "font/collection" | "image/x-icon"
        )
        || OTHERS.binary_search(&media_type).is_ok()
}

/// Adds Accept-Encoding to Vary, unless it is a member or covered by `*`.
fn vary(head: &mut ResponseHead<'_>) {
    let covers = |line| {
        let mut members = list_members(line);
        members.any(|member| member == b"*" || member.eq_ignore_ascii_case(b"accept-encoding"))
    };
    if !head.fields().get_all("vary").any(covers) {
        let _ = head.append("Vary", "Accept-Encoding"); // a legal value
    }
}

fn weaken(head: &mut ResponseHead<'_>) {
    if let Some(tag) = head.get("etag").and_then(EntityTag::parse)
        && !tag.is_weak()
    {
        let _ = head.set("ETag", tag.weakened().as_bytes()); // legal, as it was
    }
}

fn number(value: &[u8]) -> Option<u64> {
    std::str::from_utf8(value).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests;

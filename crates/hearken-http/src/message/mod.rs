//! Requests and responses as users hold them: Node's `IncomingMessage`, `OutgoingMessage` and `ServerResponse`.
//!
//! | to | use |
//! |---|---|
//! | read a query, path segments, a form | [`IncomingMessage::query`], [`path_segments`](IncomingMessage::path_segments), [`form`](IncomingMessage::form) |
//! | receive files of a form | `IncomingMessage::multipart` (feature `multipart`) |
//! | read and set cookies | [`IncomingMessage::cookies`], [`ServerResponse::cookie`] with a [`Cookie`] |
//! | redirect, send JSON, offer a download | [`ServerResponse::redirect`], [`json`](ServerResponse::json), [`attachment`](ServerResponse::attachment) |
//! | send a file | [`ServerResponse::send_file`] with a [`SendFile`]; [`media_type_of`] its name |
//! | answer conditional requests | [`IncomingMessage::preconditions`] with [`Validators`]; [`HttpDate`](crate::HttpDate) |
//! | negotiate | [`IncomingMessage::accepts`], [`accepts_encodings`](IncomingMessage::accepts_encodings), [`accepts_languages`](IncomingMessage::accepts_languages); [`is`](IncomingMessage::is) for what the body is |
//! | know the client behind proxies | [`IncomingMessage::client_addr`], [`client_scheme`](IncomingMessage::client_scheme), [`client_host`](IncomingMessage::client_host) with [`TrustedProxies`] |
//! | send events, JSON lines | [`ServerResponse::events`], [`json_lines`](ServerResponse::json_lines) |
//! | compress, and decode compressed bodies | `Compression` (feature `compress`), [`IncomingMessage::decoded_bytes`] (feature `decompress`) |
//! | tag responses, and answer 304 | [`ServerResponse::tag_content`] |

// Here: [`IncomingMessage`] with its body and fields; [`ServerResponse`], values that become responses, and their content:
// buffers, readers, files.
//
// May know: exchanges and the layers below them (`conn`, `event`, `net`, `date`, `error`).
//
// Must not know: what drives an exchange (`pump`, `server`, `client`, `session`).

pub(crate) mod accept;
pub(crate) mod answer;
pub(crate) mod body;
pub(crate) mod collect;
#[cfg(feature = "compress")]
mod compress;
pub(crate) mod conditional;
mod content_type;
mod cookies;
#[cfg(any(feature = "client", feature = "decompress"))]
pub(crate) mod decode;
pub(crate) mod deferred;
mod end_hold;
mod events;
pub(crate) mod headers;
pub(crate) mod incoming;
#[cfg(feature = "decompress")]
mod inflate;
mod interim;
mod json_lines;
mod json_style;
pub(crate) mod layers;
mod media_type;
#[cfg(feature = "multipart")]
mod multipart;
#[doc(hidden)]
pub mod outgoing;
pub(crate) mod pipe;
mod proxies;
mod query;
pub(crate) mod ranges;
mod redirect;
pub(crate) mod response;
pub(crate) mod send_file;
#[doc(hidden)]
pub mod source;
mod switch;

pub use crate::error::Status;
pub use crate::event::complete::CompleteMessage;
pub use crate::net::upgraded::Upgrading;
pub use answer::{Answer, Json};
#[cfg(feature = "compress")]
pub use compress::{Compression, ContentCoding};
pub use conditional::{Conditions, ContentTag, EntityTag, Precondition, Validators};
pub use cookies::{Cookie, Cookies, SameSite};
pub use deferred::Deferred;
pub use end_hold::EndHold;
pub use events::{EventStream, ServerEvent};
pub use headers::{Duplicates, MergedHeaders};
pub use incoming::IncomingMessage;
pub use json_lines::JsonLines;
pub use json_style::JsonStyle;
pub use layers::{ContentFilter, ResponseHead};
pub use media_type::media_type_of;
#[cfg(feature = "multipart")]
pub use multipart::{Multipart, MultipartLimits, Part};
pub use outgoing::OutgoingMessage;
pub use proxies::{ForwardedField, TrustedProxies};
pub use ranges::Ranges;
pub use redirect::encode_url;
pub use response::{Sent, ServerResponse};
pub use send_file::SendFile;
pub use source::{ServerSource, Source};

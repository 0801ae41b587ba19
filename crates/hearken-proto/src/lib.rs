//! HTTP/1.1 and HTTP/1.0 without I/O: bytes in, events out; orders in, bytes out.
//!
//! **In scope:** the grammar and the connection rules of RFC 9112 and the parts of RFC 9110 that decide about framing,
//! for both roles, incremental at every byte, strict: ambiguous input is rejected, never guessed.
//! **Out of scope:** sockets, clocks, threads, logs, random numbers; what a method or a status means to an application.
//!
//! Start at [`Connection`]. Its parts are public too, as building blocks: [`ChunkedDecoder`],
//! [`Fields`], [`BodyLength`].
//!
//! ```
//! use hearken::proto::{Connection, Event, Limits, Role};
//! let mut server = Connection::new(Role::Server, &Limits::default());
//! let (_, event) = server.receive(b"GET /hello HTTP/1.1\r\nHost: a\r\n\r\n")?;
//! assert!(matches!(event, Some(Event::Head { .. })));
//! assert_eq!(server.head().url(), "/hello");
//! # Ok::<(), hearken::proto::Error>(())
//! ```
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod body_length;
mod chunked;
mod connection;
mod date;
mod declared;
mod encoder;
mod error;
mod facts;
mod fast_path;
mod fault;
mod field_line;
mod fields;
mod fold;
mod half;
mod head;
mod head_builder;
mod head_decoder;
mod head_input;
mod limits;
mod outgoing;
mod receiver;
mod response_encoder;
mod semantics;
mod special;
mod status;
mod syntax;

mod wire;

pub use body_length::BodyLength;
pub use chunked::{Chunk, ChunkError, ChunkedDecoder, chunk_head};
pub use connection::{Connection, Role};
pub use date::Date;
pub use error::{Error, Misuse};
pub use fault::{Answer, Fault};
pub use fields::{Fields, FieldsRef};
pub use half::{Half, half_diagram};
pub use head::{Head, RequestTarget, Version};
pub use limits::{BodyLimits, ConnectionLimits, HeadLimits, Limit, Limits, TimeLimits};
pub use outgoing::{Length, Request, Response, Without};
pub use receiver::Event;
pub use status::reason_phrase;
pub use syntax::{is_token, list_members};

//! Message body length: which rule of RFC 9112 §6.3 applies. Decided once per message, never revised.
//!
//! Here: [`BodyLength`]. Why so strict: recipients that disagree about it allow request smuggling (§11.2). Not here: decoding chunks
//! (`chunked.rs`); what an early close means (`connection.rs`).

use crate::head::Head;

/// How a body is framed.
///
/// ```
/// use hearken::proto::{BodyLength, Connection, Event, Limits, Role};
/// let mut connection = Connection::new(Role::Server, &Limits::default());
/// let input = b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc";
/// let (_, event) = connection.receive(input).unwrap();
/// assert_eq!(event, Some(Event::Head { body: BodyLength::Length(3) }));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "RFC 9112 §6.3 defines no other")]
pub enum BodyLength {
    /// No body at all.
    None,
    /// This many bytes.
    Length(u64),
    /// Chunked transfer coding.
    Chunked,
    /// All bytes until the sender closes; responses only.
    UntilClose,
}

/// Rules 6 and 4: a request has a body if and only if it declares one, whatever its method.
#[inline]
pub(crate) fn of_request(head: &Head) -> BodyLength {
    match head.facts.content_length {
        _ if head.facts.chunked => BodyLength::Chunked,
        Some(length) => BodyLength::Length(length),
        None => BodyLength::None,
    }
}

/// Rules 1, 2, 4, 6 and 8: for a response the method of the request and the status take precedence.
pub(crate) fn of_response(head: &Head, to_head: bool, to_connect: bool) -> BodyLength {
    let bodyless = to_head || head.status < 200 || matches!(head.status, 204 | 304);
    let tunnel = to_connect && (200..300).contains(&head.status);
    match head.facts.content_length {
        _ if bodyless || tunnel => BodyLength::None,
        _ if head.facts.chunked => BodyLength::Chunked,
        Some(length) => BodyLength::Length(length),
        None => BodyLength::UntilClose,
    }
}

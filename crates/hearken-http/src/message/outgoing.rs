//! What all outgoing messages have in common: Node's `OutgoingMessage`.
//!
//! Here: [`OutgoingMessage`], the header methods of responses and requests. Not here: what is sent and when
//! (`message/response.rs`, `session/message.rs`, `client/`), the field lines (hearken-proto).

use crate::message::headers::map_of;
use bytes::Bytes;
use hearken_proto::{Fields, Misuse};
use http::HeaderMap;

#[doc(hidden)]
pub mod sealed {
    //! Keeps the set of messages closed.

    use hearken_proto::Fields;

    /// A message whose fields can be changed until its head is sent.
    pub trait Outgoing {
        /// Calls `edit` with the fields.
        fn edit_fields(&self, edit: &mut dyn FnMut(&mut Fields));

        /// Stops sending this field by default, if it is such a field.
        fn remove_default(&self, _name: &str) {}
    }
}

/// The header methods of an outgoing message: a [`ServerResponse`](crate::ServerResponse), a request of the client
/// ([`ClientRequest`](crate::client::ClientRequest)), or a message of a [`Session`](crate::Session). They read and change
/// the fields that were set, until the head is sent; later calls have no effect on the wire. Names are compared without
/// case; order and case are sent as set.
///
/// Code that adds fields to requests and responses alike can be generic over this trait:
///
/// ```
/// use hearken_http::{Error, Misuse, OutgoingMessage, Server, ServerResponse};
///
/// /// Adds a trace id, and keeps one that is there.
/// fn trace(message: &impl OutgoingMessage, id: &str) -> Result<(), Misuse> {
///     if message.has_header("X-Trace-Id") {
///         return Ok(());
///     }
///     message.set_header("X-Trace-Id", id)
/// }
///
/// let server = Server::new(async |req, res: ServerResponse| {
///     let id = req.header("x-trace-id").unwrap_or("none");
///     let upstream = hearken_http::request("GET", "http://127.0.0.1:3000/")?;
///     trace(&upstream, id)?;
///     trace(&res, id)?;
///     let answer = upstream.end("").await?;
///     Ok(res.end(format!("upstream says {}\n", answer.status())))
/// });
/// ```
pub trait OutgoingMessage: sealed::Outgoing {
    /// Sets a field and removes all others with its name.
    ///
    /// # Errors
    /// When the name or value cannot be sent (CR, LF, NUL, …). The fields are unchanged then.
    #[doc(alias = "setHeader")]
    fn set_header(&self, name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Result<(), Misuse> {
        with(self, |fields| fields.set(&name, &value))
    }

    /// Adds a field line after the others.
    ///
    /// # Errors
    /// As [`set_header`](Self::set_header).
    #[doc(alias = "appendHeader")]
    fn append_header(&self, name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Result<(), Misuse> {
        with(self, |fields| fields.append(&name, &value))
    }

    /// Calls [`set_header`](Self::set_header) for each of these fields.
    ///
    /// # Errors
    /// As [`set_header`](Self::set_header); the fields before the rejected one are set.
    #[doc(alias = "setHeaders")]
    fn set_headers<N: AsRef<[u8]>, V: AsRef<[u8]>>(
        &self,
        headers: impl IntoIterator<Item = (N, V)>,
    ) -> Result<(), Misuse> {
        let mut headers = headers.into_iter();
        headers.try_for_each(|(name, value)| self.set_header(name, value))
    }

    /// The first value of a field that was set.
    #[doc(alias = "getHeader")]
    fn get_header(&self, name: &str) -> Option<Bytes> {
        with(self, |fields| {
            fields.view().get(name).map(Bytes::copy_from_slice)
        })
    }

    /// All fields that were set, as a new map of the `http` crate.
    #[doc(alias = "getHeaders")]
    fn get_headers(&self) -> HeaderMap {
        with(self, |fields| map_of(fields.view()))
    }

    /// All fields that were set, as they will be sent: order, case and duplicates kept.
    fn raw_headers(&self) -> Fields {
        with(self, |fields| fields.clone())
    }

    /// The names of the fields that were set, in lower case, each once, in order.
    #[doc(alias = "getHeaderNames")]
    fn header_names(&self) -> Vec<String> {
        let mut names = self.raw_header_names();
        names
            .iter_mut()
            .for_each(|name| name.make_ascii_lowercase());
        let mut seen = std::collections::HashSet::new();
        names.retain(|name| seen.insert(name.clone()));
        names
    }

    /// The name of each field line as it will be sent.
    #[doc(alias = "getRawHeaderNames")]
    fn raw_header_names(&self) -> Vec<String> {
        with(self, |fields| {
            let names = fields.view().iter().map(|(name, _)| name.to_vec());
            // A field name is a token, so it is ASCII.
            names
                .filter_map(|name| String::from_utf8(name).ok())
                .collect()
        })
    }

    /// Whether a field was set.
    #[doc(alias = "hasHeader")]
    fn has_header(&self, name: &str) -> bool {
        with(self, |fields| fields.view().get(name).is_some())
    }

    /// Removes all fields with this name; returns whether there was one. On a response this also stops the field from being
    /// sent by default, until it is set again:
    ///
    /// - `Date`: none is sent.
    /// - `Content-Length`: the content is chunked. Without `Transfer-Encoding` as well, it ends when the connection closes.
    /// - `Connection`: none is sent; the connection still closes when it must.
    #[doc(alias = "removeHeader")]
    fn remove_header(&self, name: &str) -> bool {
        sealed::Outgoing::remove_default(self, name);
        with(self, |fields| fields.remove(name))
    }
}

/// Calls `edit` through the object-safe method, and returns its result.
fn with<M: sealed::Outgoing + ?Sized, T>(message: &M, edit: impl FnOnce(&mut Fields) -> T) -> T {
    let (mut edit, mut result) = (Some(edit), None);
    message.edit_fields(&mut |fields| {
        if let Some(edit) = edit.take() {
            result = Some(edit(fields));
        }
    });
    // A message whose session was dropped has no fields: `edit` gets an empty list.
    match (result, edit) {
        (Some(result), _) => result,
        (None, Some(edit)) => edit(&mut Fields::new()),
        (None, None) => unreachable!("`edit` was called, so there is a result"),
    }
}

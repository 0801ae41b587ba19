//! What every message that goes out has in common: Node's `OutgoingMessage`.
//!
//! Here: [`OutgoingMessage`], the header methods of responses and requests, written once. Not here: what is sent and when
//! (`message/response.rs`, `session/message.rs`, `client/`), the field lines (hearken-proto).

use crate::message::incoming::map_of;
use bytes::Bytes;
use hearken_proto::{Fields, Misuse};
use http::HeaderMap;

#[doc(hidden)]
pub mod sealed {
    //! Keeps the set of messages closed.

    use hearken_proto::Fields;

    /// A message whose fields can be changed until its head is out.
    pub trait Outgoing {
        /// Calls `edit` with the fields.
        fn edit_fields(&self, edit: &mut dyn FnMut(&mut Fields));

        /// A field was removed; if it is one that is sent by default, that is switched off.
        fn remove_default(&self, _name: &str) {}
    }
}

/// The header methods of a message that goes out: a [`ServerResponse`](crate::ServerResponse) or a request of a client. After
/// the head is out they change nothing that is sent.
///
/// ```
/// use hearken_http::{OutgoingMessage, Server, ServerResponse};
/// fn stamp(message: &impl OutgoingMessage) -> Result<(), hearken_http::Misuse> {
///     message.set_header("X-Stamp", "1")?;
///     message.append_header("Link", "</a>")?;
///     message.append_header("Link", "</b>")?;
///     assert_eq!(message.header_names(), ["x-stamp", "link"]);
///     Ok(())
/// }
/// let server = Server::new(async |_req, res: ServerResponse| {
///     stamp(&res)?;
///     Ok(res.end("hi"))
/// });
/// ```
pub trait OutgoingMessage: sealed::Outgoing {
    /// Sets a field in the place of all with this name. Node's `setHeader`.
    ///
    /// # Errors
    /// When the name or value cannot be sent; nothing has changed then.
    fn set_header(&self, name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Result<(), Misuse> {
        with(self, |fields| fields.set(&name, &value))
    }

    /// Adds a field line after the others. Node's `appendHeader`.
    ///
    /// # Errors
    /// As [`set_header`](Self::set_header).
    fn append_header(&self, name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Result<(), Misuse> {
        with(self, |fields| fields.append(&name, &value))
    }

    /// Sets each of these fields in the place of all with its name. Node's `setHeaders`.
    ///
    /// # Errors
    /// As [`set_header`](Self::set_header); those before the one that cannot be sent are set.
    fn set_headers<N: AsRef<[u8]>, V: AsRef<[u8]>>(
        &self,
        headers: impl IntoIterator<Item = (N, V)>,
    ) -> Result<(), Misuse> {
        let mut headers = headers.into_iter();
        headers.try_for_each(|(name, value)| self.set_header(name, value))
    }

    /// The first value of a field that was set, compared without case.
    fn get_header(&self, name: &str) -> Option<Bytes> {
        with(self, |fields| {
            fields.view().get(name).map(Bytes::copy_from_slice)
        })
    }

    /// All that was set, as a map of the `http` crate, made on each call. Node's `getHeaders`.
    fn get_headers(&self) -> HeaderMap {
        with(self, |fields| map_of(fields.view()))
    }

    /// The fields as they will be sent: order, case and duplicates kept.
    fn raw_headers(&self) -> Fields {
        with(self, |fields| fields.clone())
    }

    /// Names that were set, in lower case, each once, in order. Node's `getHeaderNames`.
    fn header_names(&self) -> Vec<String> {
        let mut names = self.raw_header_names();
        names
            .iter_mut()
            .for_each(|name| name.make_ascii_lowercase());
        let mut seen = std::collections::HashSet::new();
        names.retain(|name| seen.insert(name.clone()));
        names
    }

    /// The name of each field line as it will be sent. Node's `getRawHeaderNames`.
    fn raw_header_names(&self) -> Vec<String> {
        with(self, |fields| {
            let names = fields.view().iter().map(|(name, _)| name.to_vec());
            // A name is a token, and that is ASCII.
            names
                .filter_map(|name| String::from_utf8(name).ok())
                .collect()
        })
    }

    /// Whether a field was set.
    fn has_header(&self, name: &str) -> bool {
        with(self, |fields| fields.view().get(name).is_some())
    }

    /// Removes all fields with this name; tells whether there was one. Node's `removeHeader`: of a response that removes
    /// what is sent by default, too. Without `Date` there is none. Without `Content-Length` content goes in chunks, without
    /// `Transfer-Encoding` as well it goes on until the connection closes. Without `Connection` nothing is said about the
    /// connection, which closes all the same when it must. A field that is set later is sent.
    fn remove_header(&self, name: &str) -> bool {
        sealed::Outgoing::remove_default(self, name);
        with(self, |fields| fields.remove(name))
    }
}

/// Calls `edit`, which gives something, through a method that an object can have.
fn with<M: sealed::Outgoing + ?Sized, T>(message: &M, edit: impl FnOnce(&mut Fields) -> T) -> T {
    let (mut edit, mut result) = (Some(edit), None);
    message.edit_fields(&mut |fields| {
        if let Some(edit) = edit.take() {
            result = Some(edit(fields));
        }
    });
    // A message whose session is gone has no fields any more: what is done to none of them changes nothing.
    match (result, edit) {
        (Some(result), _) => result,
        (None, Some(edit)) => edit(&mut Fields::new()),
        (None, None) => unreachable!("an edit that was called has given its result"),
    }
}

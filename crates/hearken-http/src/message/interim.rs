//! Interim responses (RFC 9110 §15.2), which precede the final one.
//!
//! Here: `write_continue`, `write_processing`, `write_early_hints`, `write_information`. Not here: the automatic 100 on the
//! first read of a body (`conn/orders.rs`), switching protocols (101).

use crate::error::Status;
use crate::message::response::ServerResponse;
use hearken_proto::{Fields, Misuse};

impl ServerResponse {
    /// Sends `100 Continue`: the client may send its body. Rarely needed, since the first read of the body sends it to a
    /// client that waits for it.
    ///
    /// # Errors
    /// As [`write_information`](Self::write_information).
    #[doc(alias = "writeContinue")]
    pub fn write_continue(&self) -> Result<(), Misuse> {
        self.write_information(100, &Fields::new())
    }

    /// Sends `102 Processing`: the response takes its time.
    ///
    /// # Errors
    /// As [`write_information`](Self::write_information).
    #[doc(alias = "writeProcessing")]
    pub fn write_processing(&self) -> Result<(), Misuse> {
        self.write_information(102, &Fields::new())
    }

    /// Sends `103 Early Hints` with a Link field for each of `links`, which the client may load while it waits. For other
    /// fields use [`write_information`](Self::write_information).
    ///
    /// # Errors
    /// As [`write_information`](Self::write_information), and for a link that cannot be a field value.
    ///
    /// ```
    /// use hearken_http::Server;
    /// let server = Server::new(async |_req, res| {
    ///     res.write_early_hints(["</style.css>; rel=preload; as=style"])?;
    ///     Ok(res.end("<link rel=stylesheet href=/style.css>"))
    /// });
    /// ```
    #[doc(alias = "writeEarlyHints")]
    pub fn write_early_hints<L: AsRef<[u8]>>(
        &self,
        links: impl IntoIterator<Item = L>,
    ) -> Result<(), Misuse> {
        let mut fields = Fields::new();
        for link in links {
            fields.append("Link", link)?;
        }
        self.write_information(103, &fields)
    }

    /// Queues an interim response with any status from 100 to 199 except 101. An HTTP/1.0 client receives none
    /// (RFC 9110 §15.2).
    ///
    /// # Errors
    /// [`Misuse::Status`] for another status, [`Misuse::InterimLate`] when the head is out or the exchange is over,
    /// [`Misuse::InterimTooMany`] from the 65th on. Nothing is sent then.
    #[doc(alias = "writeInformation")]
    pub fn write_information(
        &self,
        status: impl Into<Status>,
        fields: &Fields,
    ) -> Result<(), Misuse> {
        let status = status.into().0;
        self.exchange
            .order(|state, _| state.send_interim(status, fields))
    }
}

//! Interim responses (RFC 9110 §15.2): what a server says before it answers.
//!
//! Here: `write_continue`, `write_processing`, `write_early_hints`, `write_information`. Not here: the 100 that is sent by
//! itself when a body is asked for (`conn/orders.rs`), switching protocols (101).

use crate::message::response::{ServerResponse, Status};
use hearken_proto::{Fields, Misuse};

impl ServerResponse {
    /// Tells the client to go on with its body, `100 Continue`. Needed by nobody who reads the body: the first read of it
    /// sends this to a client that waits. Node's `writeContinue`.
    ///
    /// # Errors
    /// As [`write_information`](Self::write_information).
    pub fn write_continue(&self) -> Result<(), Misuse> {
        self.write_information(100, &Fields::new())
    }

    /// Tells the client that the answer takes its time, `102 Processing`. Node's `writeProcessing`.
    ///
    /// # Errors
    /// As [`write_information`](Self::write_information).
    pub fn write_processing(&self) -> Result<(), Misuse> {
        self.write_information(102, &Fields::new())
    }

    /// Tells the client what it may load while it waits, `103 Early Hints` with a Link field for each of `links`. Node's
    /// `writeEarlyHints`; further fields go by [`write_information`](Self::write_information).
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

    /// Sends an interim response with any status from 100 to 199 but 101, and goes out with the next turn. A client of
    /// HTTP/1.0 knows none and gets none. Node's `writeInformation`.
    ///
    /// # Errors
    /// [`Misuse::Status`] for another status, [`Misuse::InterimLate`] after the head of the answer is out or the exchange is
    /// over, [`Misuse::InterimTooMany`] from the 65th on: nothing is sent then.
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

//! The events of a message.
//!
//! Here: their names, the arguments and the list of their listeners. Not here: when they are emitted (`conn/notify.rs`).

use crate::error;
use crate::event::complete::CompleteMessage;
use crate::event::declare::events;
use bytes::Bytes;
use hearken_proto::Head;

events! {
    /// An event of a message, for `on` of a request or response. Its listeners run on the thread of the message.
    trait MessageEvent;
    listeners MessageListeners: [FnMut];

    /// The start line of an incoming message is complete.
    LineReady, line_ready, <'a> &'a Head = "&Head";
    /// The head of an incoming message is complete.
    HeaderReady, header_ready, <'a> &'a Head = "&Head";
    /// Bytes of an incoming body have arrived. A listener takes the body, which then flows as fast as it arrives.
    #[doc(alias = "data")]
    DataReady, data_ready, <'a> &'a Bytes = "&Bytes";
    /// An incoming message is complete. Without a listener for [`DataReady`] it has the whole body, up to
    /// `limits.body.buffered_bytes_max`.
    #[doc(alias = "end")]
    Ready, ready, <'a> &'a CompleteMessage<'a> = "&CompleteMessage";
    /// The transport has taken the head of an outgoing message.
    HeaderDone, header_done, <'a> () = "()";
    /// The transport has taken a piece of an outgoing body, of this many bytes. For a file it is emitted for each part that the
    /// transport takes, so that a listener sees its progress.
    DataDone, data_done, <'a> usize = "usize";
    /// The transport has taken the last byte of an outgoing message.
    #[doc(alias = "finish")]
    Done, done, <'a> () = "()";
    /// There is room to write again, after `write` has returned false.
    Drain, drain, <'a> () = "()";
    /// The exchange has failed. The incoming message emits only [`Closed`] after it.
    #[doc(alias = "aborted")]
    Failed, failed, <'a> &'a error::Error = "&Error";
    /// The last event of both messages, with the reason. Emitted always, and once.
    ///
    /// ```
    /// use hearken::{Server, event};
    /// let server = Server::new(async |_req, res| {
    ///     res.on(event::Closed, |why| println!("{why}"));
    ///     res.end("hi")
    /// });
    /// ```
    #[doc(alias = "close")]
    Closed, closed, <'a> error::Closed = "Closed";
}

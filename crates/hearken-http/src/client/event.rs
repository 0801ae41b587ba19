//! Every event of a request by its type: `request.on(client::event::Response, |head| …)`. Node's events of `ClientRequest`.
//!
//! One order, drawn in docs/events.md: `Socket`, then `Continue`, `Information`, `Drain` and `Timeout` as they come,
//! `Finish`, then `Response`, `Upgrade` or `Connect`; at last `Close`. A failed exchange emits `Error` right before `Close`,
//! and an aborted one `Abort` before `Error`. The task that awaits the response, its body, or room to write calls the
//! listeners, between two steps of the exchange.

use crate::client::info::ConnectionInfo;
use hearken_proto::Head;
use std::collections::VecDeque;
use std::fmt;

/// An event of a [`ClientRequest`](crate::client::ClientRequest).
pub trait ClientEvent: sealed::Sealed {}

#[doc(hidden)]
pub mod sealed {
    //! Closes the set of events.

    use crate::client::event::Listeners;

    /// The argument of an event's listeners, and the list of them.
    pub trait Sealed {
        /// The argument of a listener.
        type Args<'a>;
        /// Adds a listener.
        fn add(
            self,
            listener: impl for<'a> FnMut(Self::Args<'a>) + Send + 'static,
            listeners: &mut Listeners,
        );
    }
}

/// Declares the events with their arguments, and the struct with their listeners.
macro_rules! client_events {
    ($($(#[$doc:meta])* $name:ident, $field:ident, <$l:lifetime> $args:ty = $shown:literal;)*) => {
        $(
            $(#[$doc])*
            #[doc = ""]
            #[doc = concat!("The argument of its listeners is a `", $shown, "`.")]
            #[derive(Clone, Copy, Debug, PartialEq, Eq)]
            #[expect(clippy::exhaustive_structs, reason = "a name without data")]
            pub struct $name;

            impl ClientEvent for $name {}

            impl sealed::Sealed for $name {
                type Args<$l> = $args;
                fn add(self, listener: impl for<$l> FnMut($args) + Send + 'static, listeners: &mut Listeners) {
                    listeners.$field.push(Box::new(listener));
                }
            }
        )*

        /// The listeners of a request.
        #[derive(Default)]
        #[doc(hidden)]
        pub struct Listeners {
            $(pub(crate) $field: Vec<Box<dyn for<$l> FnMut($args) + Send>>,)*
        }

        impl Listeners {
            /// Appends listeners.
            pub(crate) fn absorb(&mut self, mut new: Self) {
                $(self.$field.append(&mut new.$field);)*
            }
        }
    };
}

client_events! {
    /// The request has a connection.
    Socket, socket, <'a> &'a ConnectionInfo = "&ConnectionInfo";
    /// The server asks for the content: `100 Continue`. Emitted before [`Information`].
    Continue, continues, <'a> () = "()";
    /// An interim response: every 1xx but 101, `100` included.
    Information, information, <'a> &'a Head = "&Head";
    /// There is room to write again.
    Drain, drain, <'a> () = "()";
    /// The transport has taken the whole request.
    Finish, finish, <'a> () = "()";
    /// No byte has moved in either direction for as long as [`timeout`](crate::client::ClientRequest::timeout) allows. With a
    /// listener the exchange continues; without one it fails.
    Timeout, timeout, <'a> () = "()";
    /// The head of the response is complete.
    Response, response, <'a> &'a Head = "&Head";
    /// The server has switched protocols: 101. Instead of [`Response`].
    Upgrade, upgrade, <'a> &'a Head = "&Head";
    /// The tunnel is open: 2xx to CONNECT. Instead of [`Response`].
    Connect, connect, <'a> &'a Head = "&Head";
    /// The exchange was aborted on this side: by an abort handle or by dropping it.
    Abort, abort, <'a> () = "()";
    /// The exchange has failed. At most once.
    Error, error, <'a> &'a crate::error::Error = "&Error";
    /// The exchange is over: the response was read to its end or dropped, or the exchange has failed. Always emitted, once, as the
    /// last event.
    Close, close, <'a> () = "()";
}

/// An event in the queue.
#[derive(Debug)]
pub(crate) enum Event {
    Socket(ConnectionInfo),
    Continue,
    Information(Head),
    Drain,
    Finish,
    Timeout,
    Response(Box<Head>),
    Upgrade(Box<Head>),
    Connect(Box<Head>),
    Abort,
    Error(crate::error::Error),
    Close,
}

/// The listeners of one request, and the events that they have not seen yet. Allocates nothing without a listener.
#[derive(Debug, Default)]
pub(crate) struct EventQueue {
    /// `None` while they are being called.
    listeners: Option<Box<Listeners>>,
    /// Whether a listener was ever added.
    pub(crate) any: bool,
    /// The same for interim responses.
    pub(crate) interims: bool,
    /// The same for `Timeout`.
    pub(crate) timeout: bool,
    calling: bool,
    queue: VecDeque<Event>,
}

impl EventQueue {
    pub(crate) fn add<E: ClientEvent>(
        &mut self,
        event: E,
        listener: impl for<'a> FnMut(<E as sealed::Sealed>::Args<'a>) + Send + 'static,
    ) {
        let mut new = Listeners::default();
        event.add(listener, &mut new);
        self.any = true;
        self.interims |= !new.information.is_empty() || !new.continues.is_empty();
        self.timeout |= !new.timeout.is_empty();
        self.listeners.get_or_insert_default().absorb(new);
    }

    pub(crate) fn push(&mut self, event: impl FnOnce() -> Event) {
        if self.any {
            self.queue.push_back(event());
        }
    }

    /// Whether listeners are being called.
    pub(crate) const fn is_calling(&self) -> bool {
        self.calling
    }

    /// The queued events and the listeners to call with them. The caller gives the listeners to [`put_back`](Self::put_back).
    pub(crate) fn take(&mut self) -> Option<(Box<Listeners>, VecDeque<Event>)> {
        if self.queue.is_empty() {
            return None;
        }
        self.calling = true;
        let listeners = self.listeners.take().unwrap_or_default();
        Some((listeners, std::mem::take(&mut self.queue)))
    }

    /// Takes the listeners back; a listener may have added others meanwhile.
    pub(crate) fn put_back(&mut self, mut listeners: Box<Listeners>) {
        self.calling = false;
        if let Some(added) = self.listeners.take() {
            listeners.absorb(*added);
        }
        self.listeners = Some(listeners);
    }

    /// Ends all delivery. The caller drops the listeners without a lock.
    pub(crate) fn clear(&mut self) -> Option<Box<Listeners>> {
        self.queue.clear();
        self.listeners.take()
    }
}

/// Calls the listeners of an event.
pub(crate) fn call(listeners: &mut Listeners, event: &Event) {
    /// Each in turn, with the same argument.
    macro_rules! all {
        ($field:ident, $argument:expr) => {
            listeners
                .$field
                .iter_mut()
                .for_each(|listener| listener($argument))
        };
    }
    match event {
        Event::Socket(socket) => all!(socket, socket),
        Event::Continue => all!(continues, ()),
        Event::Information(head) => all!(information, head),
        Event::Drain => all!(drain, ()),
        Event::Finish => all!(finish, ()),
        Event::Timeout => all!(timeout, ()),
        Event::Response(head) => all!(response, head),
        Event::Upgrade(head) => all!(upgrade, head),
        Event::Connect(head) => all!(connect, head),
        Event::Abort => all!(abort, ()),
        Event::Error(error) => all!(error, error),
        Event::Close => all!(close, ()),
    }
}

impl fmt::Debug for Listeners {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Listeners")
    }
}

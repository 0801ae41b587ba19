//! Every event of a request by its type: `request.on(client::event::Response, |head| …)`. Node's events of `ClientRequest`.
//!
//! One order, drawn in docs/events.md: `Socket`, then `Continue`, `Information`, `Drain` and `Timeout` as they come,
//! `Finish`, then `Response`, `Upgrade` or `Connect`; at last `Close`, with `Error`, and before it `Abort`, right
//! before where it went wrong. Listeners are called by whoever awaits the response, its body, or room to write, between
//! two steps of that.

use crate::client::info::Connected;
use hearken_proto::Head;
use std::collections::VecDeque;
use std::fmt;

/// An event of a [`ClientRequest`](crate::client::ClientRequest).
pub trait ClientEvent: sealed::Event {}

#[doc(hidden)]
pub mod sealed {
    //! Keeps the set of events closed.

    use super::Listeners;

    /// What the listeners of an event are given, and where they go.
    pub trait Event {
        /// The argument of a listener.
        type Args<'a>;
        /// Keeps a listener.
        fn add(
            self,
            listener: impl for<'a> FnMut(Self::Args<'a>) + Send + 'static,
            listeners: &mut Listeners,
        );
    }
}

/// Declares the events with their arguments, and the struct that keeps their listeners.
macro_rules! client_events {
    ($($(#[$doc:meta])* $name:ident, $field:ident, <$l:lifetime> $args:ty;)*) => {
        $(
            $(#[$doc])*
            #[doc = ""]
            #[doc = concat!("Its listeners are given a `", stringify!($args), "`.")]
            #[derive(Clone, Copy, Debug, PartialEq, Eq)]
            #[expect(clippy::exhaustive_structs, reason = "a name, nothing more")]
            pub struct $name;

            impl ClientEvent for $name {}

            impl sealed::Event for $name {
                type Args<$l> = $args;
                fn add(self, listener: impl for<$l> FnMut($args) + Send + 'static, listeners: &mut Listeners) {
                    listeners.$field.push(Box::new(listener));
                }
            }
        )*

        /// Who listens to a request.
        #[derive(Default)]
        #[doc(hidden)]
        pub struct Listeners {
            $(pub(crate) $field: Vec<Box<dyn for<$l> FnMut($args) + Send>>,)*
        }

        impl Listeners {
            /// Adds listeners behind those that are there.
            pub(crate) fn absorb(&mut self, mut new: Self) {
                $(self.$field.append(&mut new.$field);)*
            }
        }
    };
}

client_events! {
    /// The request has a connection.
    Socket, socket, <'a> &'a Connected;
    /// The server wants the body: 100. Told before [`Information`].
    Continue, go_on, <'a> ();
    /// An interim response, every 1xx but 101, `100` included.
    Information, information, <'a> &'a Head;
    /// There is room to write again.
    Drain, drain, <'a> ();
    /// The transport has taken the whole request.
    Finish, finish, <'a> ();
    /// Nothing has come or gone for as long as [`timeout`](crate::client::ClientRequest::timeout) says. With a listener that is
    /// all; without one the request fails.
    Timeout, timeout, <'a> ();
    /// The head of the response is complete.
    Response, response, <'a> &'a Head;
    /// The server has switched protocols: 101. Instead of [`Response`].
    Upgrade, upgrade, <'a> &'a Head;
    /// The tunnel is there: 2xx to CONNECT. Instead of [`Response`].
    Connect, connect, <'a> &'a Head;
    /// The exchange was given up on this side: by an abort handle or by dropping it.
    Abort, abort, <'a> ();
    /// The exchange has failed. At most once.
    Error, error, <'a> &'a crate::Error;
    /// The exchange is over: the response was read to its end or dropped, or it has failed. Always, once, the last one.
    Close, close, <'a> ();
}

/// Something that is to be told.
#[derive(Debug)]
pub(crate) enum Told {
    Socket(Connected),
    Continue,
    Information(Head),
    Drain,
    Finish,
    Timeout,
    Response(Box<Head>),
    Upgrade(Box<Head>),
    Connect(Box<Head>),
    Abort,
    Error(crate::Error),
    Close,
}

/// The listeners of one request, and what they are to be told. Nothing here costs memory while nobody listens.
#[derive(Debug, Default)]
pub(crate) struct Heard {
    /// `None` while they are out, being called.
    listeners: Option<Box<Listeners>>,
    /// Somebody listens, or did.
    pub(crate) any: bool,
    /// Somebody listens to interim responses.
    pub(crate) interims: bool,
    /// Somebody listens to `Timeout`.
    pub(crate) timeout: bool,
    calling: bool,
    queue: VecDeque<Told>,
}

impl Heard {
    pub(crate) fn add<E: ClientEvent>(
        &mut self,
        event: E,
        listener: impl for<'a> FnMut(<E as sealed::Event>::Args<'a>) + Send + 'static,
    ) {
        let mut new = Listeners::default();
        event.add(listener, &mut new);
        self.any = true;
        self.interims |= !new.information.is_empty() || !new.go_on.is_empty();
        self.timeout |= !new.timeout.is_empty();
        self.listeners.get_or_insert_default().absorb(new);
    }

    pub(crate) fn tell(&mut self, told: impl FnOnce() -> Told) {
        if self.any {
            self.queue.push_back(told());
        }
    }

    /// Whether listeners are being called.
    pub(crate) const fn is_calling(&self) -> bool {
        self.calling
    }

    /// What is to be told next, and to whom; to be put back.
    pub(crate) fn take(&mut self) -> Option<(Box<Listeners>, VecDeque<Told>)> {
        if self.queue.is_empty() {
            return None;
        }
        self.calling = true;
        let listeners = self.listeners.take().unwrap_or_default();
        Some((listeners, std::mem::take(&mut self.queue)))
    }

    /// The listeners are back; some may have been added meanwhile.
    pub(crate) fn put_back(&mut self, mut listeners: Box<Listeners>) {
        self.calling = false;
        if let Some(added) = self.listeners.take() {
            listeners.absorb(*added);
        }
        self.listeners = Some(listeners);
    }

    /// Nobody is told anything any more. The listeners are to be dropped where no lock is held.
    pub(crate) fn clear(&mut self) -> Option<Box<Listeners>> {
        self.queue.clear();
        self.listeners.take()
    }
}

/// Calls whoever listens.
pub(crate) fn call(listeners: &mut Listeners, told: &Told) {
    /// Each in turn, with the same argument.
    macro_rules! all {
        ($field:ident, $argument:expr) => {
            listeners
                .$field
                .iter_mut()
                .for_each(|listener| listener($argument))
        };
    }
    match told {
        Told::Socket(socket) => all!(socket, socket),
        Told::Continue => all!(go_on, ()),
        Told::Information(head) => all!(information, head),
        Told::Drain => all!(drain, ()),
        Told::Finish => all!(finish, ()),
        Told::Timeout => all!(timeout, ()),
        Told::Response(head) => all!(response, head),
        Told::Upgrade(head) => all!(upgrade, head),
        Told::Connect(head) => all!(connect, head),
        Told::Abort => all!(abort, ()),
        Told::Error(error) => all!(error, error),
        Told::Close => all!(close, ()),
    }
}

impl fmt::Debug for Listeners {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Listeners")
    }
}

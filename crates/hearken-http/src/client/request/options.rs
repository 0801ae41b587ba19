//! Options of a request: Node's options of `http.request`.
//!
//! Here: the methods of [`ClientRequest`] that have no effect after its first wait. Not here: options of the agent
//! (`client/agent/options.rs`).

use crate::client::agent::options::{Connect, Family, Route};
use crate::client::request::ClientRequest;
use crate::conn::limits::{MAX_DURATION, clamp_all};
use hearken_proto::Limits;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

impl ClientRequest {
    /// Fails when no byte has moved in either direction for this long. With a listener for
    /// [`Timeout`](crate::client::event::Timeout) it only emits that event, as Node always does. Default: none, because every
    /// phase has a time-out of its own.
    #[must_use]
    pub fn timeout(self, time: Duration) -> Self {
        self.exchange
            .change(|state| state.parts.options.inactivity = Some(MAX_DURATION.min(time)));
        self
    }

    /// Fails when the whole exchange, from its first wait to the last byte of the response, takes longer than this.
    /// Default: none.
    #[must_use]
    pub fn deadline(self, time: Duration) -> Self {
        self.exchange
            .change(|state| state.parts.deadline = Some(time));
        self
    }

    /// As [`deadline`](Self::deadline), but at a moment: the end of the time `whole`, which began before this request.
    pub(crate) fn deadline_at(self, at: Instant, whole: Duration) -> Self {
        self.exchange
            .change(|state| state.plan.until = Some((at, whole)));
        self
    }

    /// From the last byte of the request to the end of the head of the response. Overrides the option of the agent.
    #[must_use]
    pub fn response_timeout(self, time: Duration) -> Self {
        self.exchange
            .change(|state| state.parts.options.response = MAX_DURATION.min(time));
        self
    }

    /// Sends `Expect: 100-continue` and holds the content back until the server asks for it, or until
    /// [`continue_timeout`](crate::client::AgentOptions::continue_timeout) has passed (RFC 9110 §10.1.1). If the server sends
    /// a final response first, the content is not sent. Setting the field by any other method does the same. Without content
    /// the field is not sent.
    #[must_use]
    pub fn expect_continue(self) -> Self {
        self.set("Expect", "100-continue")
    }

    /// The request target to send instead of path and query of the URL: `*` for OPTIONS, `host:port` for CONNECT.
    #[must_use]
    pub fn path(self, target: &str) -> Self {
        let connect = self.method() == http::Method::CONNECT;
        let this = if connect {
            self.set("Host", target)
        } else {
            self
        };
        this.exchange
            .change(|state| state.parts.path = Some(target.into()));
        this
    }

    /// Whether Host is set from the URL. Default true. Set it yourself otherwise: a request without Host fails.
    #[doc(alias = "setHost")]
    #[must_use]
    pub fn set_host(self, set: bool) -> Self {
        self.exchange.change(|state| {
            state.parts.fields.remove("Host");
            if set {
                // The host of a URL is a legal value.
                let _ = state
                    .parts
                    .fields
                    .append("Host", state.plan.target.host_field());
            }
        });
        self
    }

    /// Changes limits for this response alone, starting from those of the agent.
    ///
    /// ```
    /// let request = hearken::request("GET", "http://127.0.0.1:9/events")?
    ///     .limits(|limits| {
    ///         limits.time.body_idle = std::time::Duration::from_secs(300);
    ///         limits.head.fields_max = 10_000;
    ///     });
    /// # Ok::<(), hearken::Error>(())
    /// ```
    #[doc(alias = "maxHeadersCount")]
    #[doc(alias = "maxHeaderSize")]
    #[must_use]
    pub fn limits(self, change: impl FnOnce(&mut Limits)) -> Self {
        self.exchange.change(|state| {
            let limits = Arc::make_mut(&mut state.parts.limits);
            change(limits);
            clamp_all(limits);
        });
        self
    }

    /// Connects to this Unix socket; Host and path still come from the URL.
    #[doc(alias = "socketPath")]
    #[must_use]
    pub fn socket_path(self, path: impl Into<PathBuf>) -> Self {
        self.route(|route| route.unix = Some(path.into()))
    }

    /// Connects from this address; only addresses of its family are tried.
    #[doc(alias = "localAddress")]
    #[must_use]
    pub fn local_address(self, address: IpAddr) -> Self {
        self.route(|route| route.local = Some(address))
    }

    /// Connects only to addresses of this family.
    #[must_use]
    pub fn family(self, family: Family) -> Self {
        self.route(|route| route.family = Some(family))
    }

    fn route(self, change: impl FnOnce(&mut Route)) -> Self {
        self.exchange
            .change(|state| change(Arc::make_mut(state.plan.route.get_or_insert_default())));
        self
    }

    /// Opens a transport by this for this request alone. For https, the TLS handshake follows on it.
    #[doc(alias = "createConnection")]
    ///
    /// ```
    /// use hearken::request;
    /// use hearken::client::Destination;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), hearken::Error> {
    /// let (here, there) = tokio::io::duplex(1024);
    /// drop(there); // a server that closes at once
    /// let stream = std::sync::Mutex::new(Some(here));
    /// let error = request("GET", "http://memory/")?
    ///     .create_connection(move |_: Destination| {
    ///         let stream = stream.lock().unwrap().take();
    ///         async move { stream.ok_or_else(|| std::io::Error::other("once")) }
    ///     })
    ///     .end("")
    ///     .await
    ///     .unwrap_err();
    /// assert!(error.is_closed());
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn create_connection(self, connector: impl Connect) -> Self {
        self.exchange
            .change(|state| state.plan.connector = Some(Arc::new(connector)));
        self
    }
}

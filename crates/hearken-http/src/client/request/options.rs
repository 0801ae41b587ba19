//! What a request may ask for before it is sent: Node's options of `http.request`.
//!
//! Here: the methods of [`ClientRequest`] that take effect with its first wait and do nothing after it. Not here: what an
//! agent decides for all its requests (`options.rs`).

use crate::client::agent::options::{Connect, Family, Route};
use crate::client::request::ClientRequest;
use crate::conn::limits::{MAX_DURATION, clamp_all};
use hearken_proto::Limits;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

impl ClientRequest {
    /// Fails when nothing has come or gone for this long, or, with a listener for
    /// [`Timeout`](crate::client::event::Timeout), only tells so. Default: none, for every phase has its own. Node's
    /// `timeout`, which always only tells.
    #[must_use]
    pub fn timeout(self, time: Duration) -> Self {
        self.change(|core| core.draft.terms.inactivity = Some(MAX_DURATION.min(time)));
        self
    }

    /// Fails when the whole exchange, from its first wait to the last byte of the response, takes longer than this.
    /// Default: none.
    #[must_use]
    pub fn deadline(self, time: Duration) -> Self {
        self.change(|core| core.draft.time = Some(time));
        self
    }

    /// As [`deadline`](Self::deadline), at a moment: the end of the time `whole`, which has begun before this request.
    pub(crate) fn until(self, at: Instant, whole: Duration) -> Self {
        self.change(|core| core.plan.until = Some((at, whole)));
        self
    }

    /// From the last byte of the request to the end of the head of the response, instead of what the agent says.
    #[must_use]
    pub fn response_timeout(self, time: Duration) -> Self {
        self.change(|core| core.draft.terms.response = MAX_DURATION.min(time));
        self
    }

    /// Sends `Expect: 100-continue` and waits with the content until the server asks for it, or
    /// [`continue_timeout`](crate::client::AgentOptions::continue_timeout) is over (RFC 9110 §10.1.1). If the server answers at once, the
    /// content is not sent. Without content nothing is expected.
    #[must_use]
    pub fn expect_continue(self) -> Self {
        let this = self.set("Expect", "100-continue");
        this.change(|core| {
            core.draft.terms.hold = Some(core.plan.agent.inner.options.continue_timeout);
        });
        this
    }

    /// The request target as it is to be sent, instead of path and query of the URL: `*` for OPTIONS, `host:port` for
    /// CONNECT. Node's `path`.
    #[must_use]
    pub fn path(self, target: &str) -> Self {
        let connect = self.method() == http::Method::CONNECT;
        let this = if connect {
            self.set("Host", target)
        } else {
            self
        };
        this.change(|core| core.draft.path = Some(target.into()));
        this
    }

    /// Whether Host is set from the URL. Default true. Without it one has to be set otherwise: no request goes out
    /// without. Node's `setHost`.
    #[must_use]
    pub fn set_host(self, set: bool) -> Self {
        self.change(|core| {
            core.draft.fields.remove("Host");
            if set {
                // The host of a URL can be sent.
                let _ = core
                    .draft
                    .fields
                    .append("Host", core.plan.target.host_field());
            }
        });
        self
    }

    /// Changes limits for this response alone.
    ///
    /// ```
    /// let request = hearken_http::request("GET", "http://127.0.0.1:9/events")?
    ///     .limits(|limits| limits.time.body_idle = std::time::Duration::from_secs(300));
    /// # Ok::<(), hearken_http::Error>(())
    /// ```
    #[must_use]
    pub fn limits(self, change: impl FnOnce(&mut Limits)) -> Self {
        self.change(|core| {
            let limits = Arc::make_mut(&mut core.draft.limits);
            change(limits);
            clamp_all(limits);
        });
        self
    }

    /// How many fields the response may have. Node's `maxHeadersCount`, which drops what is more; here it is an error.
    #[must_use]
    pub fn max_headers_count(self, fields: u32) -> Self {
        self.limits(|limits| limits.head.fields_max = fields)
    }

    /// Connects to this Unix socket; the URL still says Host and path. Node's `socketPath`.
    #[must_use]
    pub fn socket_path(self, path: impl Into<PathBuf>) -> Self {
        self.route(|route| route.unix = Some(path.into()))
    }

    /// Connects from this address; only addresses of its family are tried. Node's `localAddress`.
    #[must_use]
    pub fn local_address(self, address: IpAddr) -> Self {
        self.route(|route| route.local = Some(address))
    }

    /// Connects to addresses of this family alone. Node's `family`.
    #[must_use]
    pub fn family(self, family: Family) -> Self {
        self.route(|route| route.family = Some(family))
    }

    fn route(self, change: impl FnOnce(&mut Route)) -> Self {
        self.change(|core| change(Arc::make_mut(core.plan.route.get_or_insert_default())));
        self
    }

    /// Makes the connection by this, which no other request will use. Node's `createConnection`. For https, TLS is spoken on it.
    ///
    /// ```
    /// use hearken_http::request;
    /// use hearken_http::client::Destination;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), hearken_http::Error> {
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
        self.change(|core| core.plan.connector = Some(Arc::new(connector)));
        self
    }
}

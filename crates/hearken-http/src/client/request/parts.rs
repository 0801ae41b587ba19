//! A request before it is sent, and afterwards for a second attempt.
//!
//! Here: [`RequestParts`]. Not here: where it goes (`client/connect/plan.rs`), its encoding (`state.rs`).

use crate::client::agent::Agent;
use crate::client::target::TargetUri;
use crate::conn::client::ExchangeOptions;
use crate::conn::hold::expects_continue;
use bytes::Bytes;
use hearken_proto::{Fields, Length, Limits, Misuse};
use http::Method;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

/// See the module.
pub(crate) struct RequestParts {
    pub(crate) method: Method,
    /// The request target, if it is not that of the URL.
    pub(crate) path: Option<Box<str>>,
    pub(crate) fields: Fields,
    pub(crate) options: ExchangeOptions,
    /// The time for the whole exchange, counted from the first wait.
    pub(crate) deadline: Option<Duration>,
    /// Content that was written before there was a connection.
    pub(crate) pieces: VecDeque<Bytes>,
    pub(crate) pieces_bytes: usize,
    /// The last content, with trailers. `None` until `end`, and if the end came when there was a connection.
    pub(crate) end: Option<(Bytes, Option<Box<Fields>>)>,
    /// Content was written piece by piece, so its length is unknown when the head is sent.
    pub(crate) streamed: bool,
    pub(crate) hold: HeadHold,
    pub(crate) limits: Arc<Limits>,
}

/// Why the head is not sent yet, or went without content.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct HeadHold {
    /// A reader or a stream is piped, and neither a piece nor the end has come.
    pub(crate) source: bool,
    /// A wait has left the other futures of its task one turn to write, to end, or to pipe.
    pub(crate) yielded: bool,
    /// Waits for the source with a deadline and without a connection.
    pub(crate) timed: bool,
    /// The head was sent for a method that defines no content, before there was any: none can follow.
    pub(crate) bare: bool,
}

impl RequestParts {
    /// With the fields that a client adds: Host, Authorization from the URL, and `Connection: close` if the agent keeps no
    /// connections. Removes the credentials from the target.
    pub(crate) fn new(
        agent: &Agent,
        method: Method,
        target: &mut TargetUri,
    ) -> Result<Self, Misuse> {
        let options = agent.options();
        let mut fields = Fields::with_capacity(256, 8);
        fields.append("Host", target.host_field())?;
        if let Some(auth) = target.basic_auth() {
            fields.append("Authorization", auth)?;
            target.strip_auth();
        }
        if !options.keep_alive {
            fields.append("Connection", "close")?;
        }
        Ok(Self {
            options: ExchangeOptions {
                response: options.response_timeout,
                inactivity: None,
                inactivity_told: false,
                until: None,
                hold: None,
                idempotent: method.is_idempotent(),
                interims: false,
            },
            method,
            path: None,
            fields,
            deadline: None,
            pieces: VecDeque::new(),
            pieces_bytes: 0,
            end: None,
            streamed: false,
            hold: HeadHold::default(),
            limits: Arc::clone(&agent.shared.limits),
        })
    }

    /// The length of the content, as far as it is known when the head is sent.
    pub(crate) fn length(&self) -> Length {
        match &self.end {
            Some((content, trailers))
                if self.pieces.is_empty() && no_fields(trailers.as_deref()) =>
            {
                Length::Known(content.len() as u64)
            }
            None if self.pieces.is_empty() && self.lacks_content() => Length::Known(0),
            _ => Length::Unknown,
        }
    }

    /// Whether the method defines no content (RFC 9110 §9.3), and no field announces some.
    pub(crate) fn lacks_content(&self) -> bool {
        let method = self.method.as_str();
        let defines_none = matches!(
            method,
            "GET" | "HEAD" | "DELETE" | "OPTIONS" | "TRACE" | "CONNECT"
        );
        defines_none && !self.announces_content()
    }

    /// Whether a field decides how the content is framed.
    pub(crate) fn announces_content(&self) -> bool {
        let fields = self.fields.view();
        let mut names = ["Content-Length", "Transfer-Encoding", "Trailer"].into_iter();
        names.any(|name| fields.get(name).is_some())
    }

    /// Whether the content waits for `100 Continue` (RFC 9110 §10.1.1).
    pub(crate) fn expects_continue(&self) -> bool {
        expects_continue(self.fields.view())
    }
}

/// Whether there are no trailers, so that the request need not be chunked.
pub(crate) fn no_fields(trailers: Option<&Fields>) -> bool {
    trailers.is_none_or(|trailers| trailers.view().is_empty())
}

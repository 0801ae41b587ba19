//! A request before it is sent, and afterwards for a second attempt.
//!
//! Here: [`RequestParts`]. Not here: where it goes (`client/connect/plan.rs`), its encoding (`state.rs`).

use crate::client::agent::Agent;
use crate::client::target::TargetUri;
use crate::conn::client::ExchangeOptions;
use bytes::Bytes;
use hearken_proto::{Fields, Limits, Misuse};
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
    pub(crate) limits: Arc<Limits>,
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
            limits: Arc::clone(&agent.shared.limits),
        })
    }
}

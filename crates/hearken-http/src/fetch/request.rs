//! A request as it is put together and sent, once for each redirect.
//!
//! Here: [`Request`], [`Options`]. Not here: the calls that fill it in (`builder.rs`), sending it (`send.rs`).

use super::body::Body;
use super::cookies::CookieJar;
use super::redirect::Redirects;
use crate::client::Agent;
use hearken_proto::{Fields, Limits};
use http::Method;
use std::sync::Arc;
use std::time::Duration;
use url::Url;

/// See the module.
pub(super) struct Request {
    pub(super) agent: Agent,
    pub(super) method: Method,
    pub(super) url: Url,
    /// The zone of the address in the URL.
    pub(super) zone: Option<Arc<str>>,
    pub(super) fields: Fields,
    pub(super) body: Body,
    pub(super) options: Options,
}

impl Request {
    /// The same request again. `None` if its body can be sent once only.
    pub(super) fn try_clone(&self) -> Option<Self> {
        Some(Self {
            agent: self.agent.clone(),
            method: self.method.clone(),
            url: self.url.clone(),
            zone: self.zone.clone(),
            fields: self.fields.clone(),
            body: self.body.try_clone()?,
            options: self.options.clone(),
        })
    }
}

/// A change of limits that can be made for each request of a chain.
pub(super) type ChangeLimits = Arc<dyn Fn(&mut Limits) + Send + Sync>;

/// How to treat the response.
#[derive(Clone)]
pub(super) struct Options {
    pub(super) deadline: Option<Duration>,
    pub(super) redirects: Redirects,
    pub(super) decompress: bool,
    pub(super) cookies: Option<CookieJar>,
    pub(super) body_max: Option<u64>,
    /// Changes of the agent's limits, in order.
    pub(super) limits: Vec<ChangeLimits>,
    pub(super) read_timeout: Option<Duration>,
    /// How often it may be sent again.
    pub(super) retries: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            deadline: None,
            redirects: Redirects::default(),
            decompress: true,
            cookies: None,
            body_max: None,
            limits: Vec::new(),
            read_timeout: None,
            retries: 0,
        }
    }
}

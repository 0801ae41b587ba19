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
    pub(super) fields: Fields,
    pub(super) body: Body,
    pub(super) options: Options,
}

/// How to treat the response.
pub(super) struct Options {
    pub(super) deadline: Option<Duration>,
    pub(super) redirects: Redirects,
    pub(super) decompress: bool,
    pub(super) cookies: Option<CookieJar>,
    pub(super) body_max: Option<u64>,
    /// Changes of the agent's limits, in order.
    pub(super) limits: Vec<Arc<dyn Fn(&mut Limits) + Send + Sync>>,
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
        }
    }
}

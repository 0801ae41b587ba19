//! The lines of `--json`: one for each URL.
//!
//! Here: [`Line`], whose fields are the documented ones in their order (docs/fetch.md).

use serde::Serialize;

/// The result for one URL. Unknown values are left out.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Line {
    /// The URL as requested.
    pub(crate) url: String,
    #[serde(flatten)]
    pub(crate) response: Option<ResponseReport>,
    /// Bytes of the body received, decompressed with `--compressed`.
    pub(crate) body_bytes: u64,
    /// SHA-256 of the body, if it is complete.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) sha256: Option<String>,
    pub(crate) timings: Timings,
    /// The URLs that redirected, in order.
    pub(crate) redirects: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<ErrorReport>,
}

/// The head of the response, and its connection.
#[derive(Debug, Serialize)]
pub(crate) struct ResponseReport {
    /// The URL after the last redirect.
    pub(crate) final_url: String,
    pub(crate) status: u16,
    pub(crate) reason: String,
    pub(crate) version: &'static str,
    /// Name and value of each field line as received. Bytes that are not UTF-8 become U+FFFD.
    pub(crate) headers: Vec<(String, String)>,
    /// Whether the connection had carried a request before.
    pub(crate) reused: bool,
    pub(crate) remote_address: Option<String>,
    pub(crate) local_address: Option<String>,
}

/// Milliseconds; except for `total`, those of the last request after redirects. 0 for a phase that did not happen.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Timings {
    pub(crate) resolve: f64,
    pub(crate) connect: f64,
    pub(crate) proxy: f64,
    pub(crate) tls: f64,
    /// To send the request.
    pub(crate) send: f64,
    /// Until the response began.
    pub(crate) wait: f64,
    /// Until the response ended.
    pub(crate) receive: f64,
    /// From the first request to the end of the last response.
    pub(crate) total: f64,
}

/// A failure.
#[derive(Debug, Serialize)]
pub(crate) struct ErrorReport {
    /// The phase of the exchange; `null` where there is none: a redirect, a status, a file.
    pub(crate) phase: Option<String>,
    /// A short name of the kind; for faults of the protocol, the code in docs/errors.md.
    pub(crate) code: String,
    /// The exit code.
    pub(crate) exit: u8,
    pub(crate) message: String,
}

/// Rounded to microseconds.
pub(crate) fn milliseconds(time: std::time::Duration) -> f64 {
    (time.as_secs_f64() * 1e6).round() / 1e3
}

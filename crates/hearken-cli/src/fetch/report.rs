//! The lines of `--json`: one for each URL.
//!
//! Here: [`Line`], whose fields are the documented ones in their order (docs/fetch.md).

use serde::Serialize;

/// What became of one URL. What is not known is not there.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Line {
    /// As it was asked for.
    pub(crate) url: String,
    #[serde(flatten)]
    pub(crate) answer: Option<Answer>,
    /// Bytes of the body that came, decompressed if that was asked for.
    pub(crate) body_bytes: u64,
    /// SHA-256 of them, if all came.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) sha256: Option<String>,
    pub(crate) timings: Timings,
    /// The URLs that redirected, in order.
    pub(crate) redirects: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<Problem>,
}

/// The head of the answer, and what carried it.
#[derive(Debug, Serialize)]
pub(crate) struct Answer {
    /// Where it comes from: that of the last redirect.
    pub(crate) final_url: String,
    pub(crate) status: u16,
    pub(crate) reason: String,
    pub(crate) version: &'static str,
    /// Name and value of each line as it came. Bytes that are not UTF-8 are U+FFFD.
    pub(crate) headers: Vec<(String, String)>,
    /// Whether the connection had carried a request before.
    pub(crate) reused: bool,
    pub(crate) remote_address: Option<String>,
    pub(crate) local_address: Option<String>,
}

/// Milliseconds, those of the last request if there were redirects, but for `total`. What did not happen took none.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Timings {
    pub(crate) resolve: f64,
    pub(crate) connect: f64,
    pub(crate) proxy: f64,
    pub(crate) tls: f64,
    /// The request.
    pub(crate) send: f64,
    /// Until the answer began.
    pub(crate) wait: f64,
    /// Until its end.
    pub(crate) receive: f64,
    /// From the first request to the end of the last answer.
    pub(crate) total: f64,
}

/// What went wrong.
#[derive(Debug, Serialize)]
pub(crate) struct Problem {
    /// In which phase of the exchange; `null` for what has none: a redirect, a status, a file.
    pub(crate) phase: Option<String>,
    /// A short name for the kind; for faults of the protocol, that of docs/errors.md.
    pub(crate) code: String,
    /// The exit code that it means.
    pub(crate) exit: u8,
    pub(crate) message: String,
}

/// Rounded to microseconds: more would be noise.
pub(crate) fn milliseconds(time: std::time::Duration) -> f64 {
    (time.as_secs_f64() * 1e6).round() / 1e3
}

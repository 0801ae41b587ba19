//! The lines of `--json`: one for each URL.
//!
//! Here: [`Line`], whose fields are the documented ones in their order (docs/fetch.md).

use super::shown::shown;
use hearken::Fetched;
use serde::Serialize;
use std::net::SocketAddr;

/// The result for one URL. Unknown values are left out.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Line {
    /// The URL as requested, without its password.
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
    /// Name and value of each field line as received. A value that is not UTF-8 is read as ISO 8859-1.
    pub(crate) headers: Vec<(String, String)>,
    /// Whether the connection had carried a request before.
    pub(crate) reused: bool,
    pub(crate) remote_address: Option<String>,
    pub(crate) local_address: Option<String>,
}

/// Milliseconds; except for `total`, those of the last request after redirects. 0 for a phase that did not happen.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Timings {
    /// Until there was a connection; that of the next four.
    #[serde(skip)]
    pub(crate) queue: f64,
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

impl Line {
    /// Copies the head of the response, its connection and its timings.
    pub(crate) fn record(&mut self, fetched: &Fetched) {
        let headers = fetched.raw_headers();
        let connection = fetched.response().connection();
        let address = |address: Option<SocketAddr>| address.map(|address| address.to_string());
        self.response = Some(ResponseReport {
            final_url: shown(fetched.url().as_str()),
            status: fetched.status().as_u16(),
            reason: fetched.status_message(),
            version: version(fetched),
            headers: headers
                .iter()
                .map(|(name, value)| (text_of(name), text_of(value)))
                .collect(),
            reused: connection.reused(),
            remote_address: address(connection.remote_address()),
            local_address: address(connection.local_address()),
        });
        let history = fetched.history().iter();
        self.redirects = history.map(|url| shown(url.as_str())).collect();
        let timings = fetched.response().timings();
        self.timings = Timings {
            queue: milliseconds(timings.queue),
            resolve: milliseconds(timings.resolve),
            connect: milliseconds(timings.connect),
            proxy: milliseconds(timings.proxy),
            tls: milliseconds(timings.tls),
            send: milliseconds(timings.send),
            wait: milliseconds(timings.wait),
            receive: 0.0,
            total: 0.0,
        };
    }
}

/// Values are octets: those that are not UTF-8 are ISO 8859-1, so that none is lost.
pub(crate) fn text_of(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().copied().map(char::from).collect(),
    }
}

pub(crate) fn version(fetched: &Fetched) -> &'static str {
    if fetched.version() == hearken::Version::HTTP_10 {
        "HTTP/1.0"
    } else {
        "HTTP/1.1"
    }
}

/// Rounded to microseconds.
pub(crate) fn milliseconds(time: std::time::Duration) -> f64 {
    (time.as_secs_f64() * 1e6).round() / 1e3
}

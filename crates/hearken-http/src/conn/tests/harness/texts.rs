//! Requests and responses as bytes.

/// Replaces the value of `Date`, which depends on the wall clock.
pub(crate) fn without_dates(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("\r\nDate: ") {
        let (_, after) = after.split_once("\r\n").expect("a whole Date field");
        out += before;
        out += "\r\nDate: now\r\n";
        rest = after;
    }
    out + rest
}

/// The response that `res.end(body)` sends.
pub(crate) fn ok(body: &str) -> String {
    answer("200 OK", "", body)
}

/// A response with a Content-Length; `fields` stand before Date, each with its line end.
pub(crate) fn answer(status: &str, fields: &str, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\n{fields}Date: now\r\nContent-Length: {length}\r\n\r\n{body}")
}

/// An error response of the server itself, which closes the connection.
pub(crate) fn refusal(status: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/plain; charset=utf-8\r\nX-Content-Type-Options: nosniff\r\n\
         Date: now\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )
}

pub(crate) fn get(target: &str) -> String {
    format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n")
}

pub(crate) fn post(body: &str) -> String {
    let length = body.len();
    format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n{body}")
}

/// A head that announces this much body.
pub(crate) fn post_head(length: usize) -> String {
    format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n")
}

pub(crate) const CHUNKED: &str = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";

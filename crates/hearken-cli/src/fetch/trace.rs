//! `-v`: the steps of an exchange with their times, and all fields, on stderr while they happen.
//!
//! Here: [`Trace`] and the form of its lines. Times are milliseconds from the beginning of the URL. `*` marks the connection, `>`
//! what was sent, `<` what came. Not here: the failure of a fetch (`run.rs`).

use super::report::text_of;
use super::shown::{MASK, shown};
use hearken::observe::{Observation, Step};
use hearken::{Head, Url};
use std::fmt::Write as _;
use std::io::Write as _;
use std::time::{Duration, Instant, SystemTime};

/// See the module.
pub(crate) struct Trace {
    /// Redirects are followed.
    follows: bool,
    start: Instant,
    /// The URL of the running request. `None` if it cannot be parsed.
    url: Option<Url>,
    /// Where the last answer redirects to.
    next: Option<Url>,
    redirects: u32,
    method: String,
    /// Time of the TLS handshake, shown with its result.
    tls: Duration,
    /// When the request was sent.
    sent: Option<Instant>,
}

/// What a line is about; the mark in front of its text.
#[derive(Clone, Copy)]
enum Mark {
    Connection,
    Sent,
    Came,
}

impl Trace {
    pub(crate) fn new(follows: bool) -> Self {
        Self {
            follows,
            start: Instant::now(),
            url: None,
            next: None,
            redirects: 0,
            method: String::new(),
            tls: Duration::ZERO,
            sent: None,
        }
    }

    pub(crate) fn begin(&mut self, method: &str, url: &str, start: Instant) {
        *self = Self {
            start,
            url: Url::parse(url).ok(),
            method: method.to_owned(),
            ..Self::new(self.follows)
        };
        self.line(Mark::Connection, start, &format!("{method} {}", shown(url)));
    }

    pub(crate) fn done(&self, status: u16, bytes: u64, now: Instant) {
        self.line(
            Mark::Connection,
            now,
            &format!("done: {status}, {bytes} bytes"),
        );
    }

    pub(crate) fn step(&mut self, seen: &Observation<'_>) {
        let at = seen.at;
        match seen.step {
            Step::Connected { .. } | Step::Reused => {
                self.redirect(at);
                self.connection(seen);
            }
            Step::RequestHead { .. } => self.request(&seen.step, at),
            Step::HeadFlushed => self.line(Mark::Sent, at, "head sent"),
            Step::LastByteFlushed { content, .. } => {
                self.sent = Some(at);
                if content > 0 {
                    self.line(Mark::Sent, at, &format!("body sent, {content} bytes"));
                }
            }
            Step::FirstByte => self.line(Mark::Came, at, &self.first_byte(at)),
            Step::Interim { status } => self.line(Mark::Came, at, &format!("interim {status}")),
            Step::Head { head } => self.response(head, at),
            Step::FirstBodyByte => self.line(Mark::Came, at, "first byte of the body"),
            Step::BodyEnd { bytes } => {
                self.line(Mark::Came, at, &format!("body done, {bytes} bytes"));
            }
            Step::Failed { error } => {
                let phase = error.phase().map(|phase| format!(" in {phase}"));
                let text = format!("failed{}", phase.unwrap_or_default());
                self.line(Mark::Connection, at, &text);
            }
            Step::Upgraded { protocol } => {
                let text = format!("switched to {}", protocol.unwrap_or("a tunnel"));
                self.line(Mark::Connection, at, &text);
            }
            ref step => self.secured(step, at),
        }
    }

    /// The first step of the request behind a redirect.
    fn redirect(&mut self, at: Instant) {
        let Some(next) = self.next.take() else {
            return;
        };
        self.redirects += 1;
        let text = format!("redirect {}: {}", self.redirects, shown(next.as_str()));
        self.line(Mark::Connection, at, &text);
        self.url = Some(next);
    }

    /// The steps of connecting, whose times are known when all are done.
    fn connection(&mut self, seen: &Observation<'_>) {
        let address = seen.peer.remote_address();
        let peer = address.map_or_else(|| "a local socket".to_owned(), |at| at.to_string());
        let Step::Connected {
            resolve,
            connect,
            proxy,
            tls,
        } = seen.step
        else {
            self.line(Mark::Connection, seen.at, &format!("reuse: {peer}"));
            return;
        };
        self.tls = tls;
        let connected = seen.at - tls - proxy;
        let host = self.url.as_ref().and_then(Url::domain);
        if let Some(host) = host {
            let text = format!("resolve: {host} in {}", ms(resolve));
            self.line(Mark::Connection, connected - connect, &text);
        }
        let own = seen.peer.local_address();
        let from = own.map(|own| format!(" from {own}")).unwrap_or_default();
        let text = format!("connect: {peer}{from} in {}", ms(connect));
        self.line(Mark::Connection, connected, &text);
        if !proxy.is_zero() {
            let text = format!("proxy: tunnel in {}", ms(proxy));
            self.line(Mark::Connection, connected + proxy, &text);
        }
    }

    fn secured(&self, step: &Step<'_>, at: Instant) {
        let Step::Secured { tls } = step else { return };
        let mut text = format!("TLS: {} {}", tls.version(), tls.cipher_suite());
        for part in [tls.key_exchange().map(str::to_owned), tls.alpn()] {
            text.extend(part.map(|part| format!(" {part}")));
        }
        if tls.is_resumed() {
            text.push_str(" resumed");
        }
        // Writing to a string cannot fail.
        let _ = write!(text, " in {}", ms(self.tls));
        self.line(Mark::Connection, at, &text);
        let Some(certificate) = tls.peer_certificate() else {
            return;
        };
        let left = certificate.not_after().duration_since(SystemTime::now());
        let left = left.map_or_else(
            |_| "expired".to_owned(),
            |left| format!("valid for {} days", left.as_secs() / 86_400),
        );
        let names = certificate.names().join(", ");
        let text = format!("for {names}, issued by {}, {left}", certificate.issuer());
        self.more(Mark::Connection, &[text]);
    }

    fn request(&mut self, step: &Step<'_>, at: Instant) {
        let Step::RequestHead {
            method,
            target,
            fields,
            length,
        } = *step
        else {
            return;
        };
        self.method = method.to_owned();
        self.sent = None;
        self.line(Mark::Sent, at, "head");
        let mut lines = vec![format!("{method} {target} HTTP/1.1")];
        let framed = |name: &[u8]| {
            name.eq_ignore_ascii_case(b"content-length")
                || name.eq_ignore_ascii_case(b"transfer-encoding")
        };
        let others = fields.iter().filter(|(name, _)| !framed(name));
        lines.extend(others.map(|(name, value)| field_line(name, value)));
        lines.extend(framing(
            method,
            length,
            fields.get("transfer-encoding").is_some(),
        ));
        self.more(Mark::Sent, &lines);
    }

    fn first_byte(&self, at: Instant) -> String {
        match self.sent {
            Some(sent) => format!(
                "first byte, {} after the request",
                ms(at.saturating_duration_since(sent))
            ),
            None => "first byte, before the end of the request".to_owned(),
        }
    }

    fn response(&mut self, head: &Head, at: Instant) {
        let bytes = head.as_bytes().len();
        self.line(Mark::Came, at, &format!("head done, {bytes} bytes"));
        let version = if head.version() == hearken::proto::Version::Http10 {
            "HTTP/1.0"
        } else {
            "HTTP/1.1"
        };
        let reason = text_of(head.reason());
        let mut lines = vec![
            format!("{version} {} {reason}", head.status())
                .trim_end()
                .to_owned(),
        ];
        lines.extend(
            head.fields()
                .iter()
                .map(|(name, value)| field_line(name, value)),
        );
        self.more(Mark::Came, &lines);
        let redirects = matches!(head.status(), 301 | 302 | 303 | 307 | 308);
        if self.follows && redirects {
            let location = head
                .fields()
                .get("location")
                .and_then(|value| std::str::from_utf8(value).ok());
            let url = self.url.as_ref().zip(location);
            self.next = url.and_then(|(url, location)| url.join(location).ok());
        }
    }

    /// A line with its time.
    fn line(&self, mark: Mark, at: Instant, text: &str) {
        let time = at.saturating_duration_since(self.start).as_secs_f64() * 1e3;
        write(&format!("{DIM}{time:>9.3} ms{PLAIN}"), mark, text);
    }

    /// Lines that belong to the one above.
    fn more(&self, mark: Mark, lines: &[String]) {
        for line in lines {
            write("            ", mark, line);
        }
    }
}

/// The field that the encoder adds for the content.
fn framing(method: &str, length: Option<u64>, chunked: bool) -> Option<String> {
    let declares_none = !matches!(method, "POST" | "PUT" | "PATCH");
    match length {
        Some(0) if declares_none => None,
        Some(length) if !chunked => Some(format!("Content-Length: {length}")),
        _ => Some("Transfer-Encoding: chunked".to_owned()),
    }
}

/// A field without its credentials: the scheme of authentication stays.
fn field_line(name: &[u8], value: &[u8]) -> String {
    let (name, value) = (text_of(name), text_of(value));
    let secret = ["authorization", "proxy-authorization"];
    if !secret
        .iter()
        .any(|secret| name.eq_ignore_ascii_case(secret))
    {
        return format!("{name}: {value}");
    }
    match value.split_once(' ') {
        Some((scheme, _)) => format!("{name}: {scheme} {MASK}"),
        None => format!("{name}: {MASK}"),
    }
}

fn write(front: &str, mark: Mark, text: &str) {
    let (colour, mark) = match mark {
        Mark::Connection => (DIM, '*'),
        Mark::Sent => (CYAN, '>'),
        Mark::Came => (GREEN, '<'),
    };
    // A server cannot send escape sequences to the terminal.
    let text: String = text
        .chars()
        .map(|c| {
            if c.is_control() && c != '\t' {
                '\u{fffd}'
            } else {
                c
            }
        })
        .collect();
    // The fetch goes on even if stderr is closed.
    let _ = writeln!(
        anstream::stderr().lock(),
        "{front} {colour}{mark}{PLAIN} {text}"
    );
}

fn ms(time: Duration) -> String {
    format!("{:.3} ms", time.as_secs_f64() * 1e3)
}

const DIM: &str = "\u{1b}[2m";
const GREEN: &str = "\u{1b}[32m";
const CYAN: &str = "\u{1b}[36m";
const PLAIN: &str = "\u{1b}[0m";

//! One line of the log, from its request to its end.
//!
//! Here: [`Line`], which takes what the request knows at once, since the request is gone at the end. Not here: when that is
//! (`mod.rs`).

use super::format::{DateForm, Format, Item, Token};
use super::{LogValues, LoggedRequest, Options};
use crate::middleware::timing::millis;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use hearken_http::message::ResponseHead;
use hearken_http::{HttpDate, IncomingMessage};
use std::fmt::Write;
use std::time::Duration;

/// See the module.
pub(super) struct Line {
    pub(super) request: LoggedRequest,
    began: HttpDate,
    /// The values of tokens that are known, one after the other; the end of each, by its place in the format.
    known: String,
    ends: Vec<usize>,
    /// Fields of the response, in the order of the format.
    fields: Vec<Option<String>>,
}

impl Line {
    pub(super) fn new(options: &Options, req: &IncomingMessage) -> Self {
        let head = req.head();
        let mut line = Self {
            request: LoggedRequest {
                method: String::from_utf8_lossy(head.method_bytes()).into_owned(),
                url: req.url().to_owned(),
                status: None,
                length: None,
                response_time: None,
                total_time: Duration::ZERO,
                closed: None,
            },
            began: req.now(),
            known: String::new(),
            ends: Vec::with_capacity(options.format.0.len()),
            fields: Vec::new(),
        };
        for item in &options.format.0 {
            if let Item::Token(token) = item {
                push_of_request(&mut line.known, token, options, req);
            }
            line.ends.push(line.known.len());
        }
        line
    }

    /// Keeps the fields of the response that the format names.
    pub(super) fn take_fields(&mut self, format: &Format, head: &ResponseHead<'_>) {
        for item in &format.0 {
            if let Item::Token(Token::Res(name)) = item {
                let value = head.get(name).map(String::from_utf8_lossy);
                self.fields.push(value.map(std::borrow::Cow::into_owned));
            }
        }
    }

    /// The whole line, with its end.
    pub(super) fn finish(&self, format: &Format, values: &LogValues) -> String {
        let mut text = String::with_capacity(self.known.len() + 128);
        let (mut from, mut field) = (0, 0);
        for (item, &end) in format.0.iter().zip(&self.ends) {
            let known = &self.known[from..end];
            from = end;
            match item {
                Item::Text(literal) => text.push_str(literal),
                Item::Colour => text.push_str(colour_of(self.request.status)),
                Item::Token(_) if !known.is_empty() => text.push_str(known),
                Item::Token(Token::Res(name)) => {
                    let length = || self.request.length.clone();
                    let value = self.fields.get(field).cloned().flatten();
                    field += 1;
                    let value = match name.eq_ignore_ascii_case("content-length") {
                        true => value.or_else(length),
                        false => value,
                    };
                    push(&mut text, value.as_deref());
                }
                Item::Token(token) => self.push_of_end(&mut text, token, values),
            }
        }
        text.push('\n');
        text
    }

    /// A token whose value is known at the end.
    fn push_of_end(&self, text: &mut String, token: &Token, values: &LogValues) {
        let request = &self.request;
        let written = match token {
            Token::Date(form) => {
                let seconds = i64::try_from(request.total_time.as_secs()).unwrap_or(0);
                let now = HttpDate::from_unix_seconds(self.began.unix_seconds() + seconds);
                push_date(text, *form, now);
                return;
            }
            Token::Status => request.status.map(|status| write!(text, "{status}")),
            Token::ResponseTime(digits) => request
                .response_time
                .map(|time| write!(text, "{:.*}", *digits, millis(time))),
            Token::TotalTime(digits) => request
                .closed
                .map(|_| write!(text, "{:.*}", *digits, millis(request.total_time))),
            Token::Pid => Some(write!(text, "{}", std::process::id())),
            Token::Own(name) => return values.with(name, |value| push(text, value)),
            _ => None,
        };
        if written.is_none() {
            text.push('-');
        }
    }
}

/// A token whose value the request knows. Writes nothing for the others, and for a value that is missing.
fn push_of_request(text: &mut String, token: &Token, options: &Options, req: &IncomingMessage) {
    let escape = |text: &mut String, value: Option<&str>| {
        if let Some(value) = value {
            push_escaped(text, value);
        }
    };
    match token {
        Token::Method => push_escaped(text, &String::from_utf8_lossy(req.head().method_bytes())),
        Token::Url => push_escaped(text, req.url()),
        Token::HttpVersion => text.push_str(match req.version() {
            http::Version::HTTP_10 => "1.0",
            http::Version::HTTP_2 => "2.0",
            _ => "1.1",
        }),
        Token::RemoteAddr => {
            if let Some(client) = options.client_of(req) {
                let _ = write!(text, "{client}");
            }
        }
        Token::RemoteUser => escape(text, user_of(req).as_deref()),
        Token::Req(name) => {
            let lines: Vec<_> = req.raw_headers().get_all(name).collect();
            let value = lines.join(&b", "[..]);
            escape(
                text,
                (!lines.is_empty())
                    .then(|| String::from_utf8_lossy(&value))
                    .as_deref(),
            );
        }
        Token::Own(name) => {
            let mut tokens = options.tokens.iter();
            let own = tokens.find(|(known, _)| known == name);
            escape(text, own.and_then(|(_, value)| value(req)).as_deref());
        }
        _ => {}
    }
}

/// The name of Basic authentication (RFC 7617).
fn user_of(req: &IncomingMessage) -> Option<String> {
    let (scheme, credentials) = req.header("authorization")?.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = BASE64_STANDARD.decode(credentials.trim()).ok()?;
    let end = decoded.iter().position(|&byte| byte == b':')?;
    Some(String::from_utf8_lossy(&decoded[..end]).into_owned())
}

fn push(text: &mut String, value: Option<&str>) {
    match value {
        Some(value) if !value.is_empty() => push_escaped(text, value),
        _ => text.push('-'),
    }
}

/// Writes a value so that it cannot end the line, close a quotation or change a terminal.
fn push_escaped(text: &mut String, value: &str) {
    for c in value.chars() {
        let _ = match c {
            '\0'..='\x1f' | '"' | '\\' | '\x7f' => write!(text, "\\x{:02x}", u32::from(c)),
            // Controls of C1, separators of lines, and marks that change the direction of text.
            '\u{80}'..='\u{9f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}'
            | '\u{200e}'
            | '\u{200f}'
            | '\u{feff}' => write!(text, "\\u{{{:x}}}", u32::from(c)),
            c => {
                text.push(c);
                continue;
            }
        };
    }
}

const fn colour_of(status: Option<u16>) -> &'static str {
    match status {
        Some(500..) => "\x1b[31m",
        Some(400..) => "\x1b[33m",
        Some(300..) => "\x1b[36m",
        Some(200..) => "\x1b[32m",
        _ => "\x1b[0m",
    }
}

fn push_date(text: &mut String, form: DateForm, date: HttpDate) {
    const MONTHS: &str = "JanFebMarAprMayJunJulAugSepOctNovDec";
    let web = date.to_string(); // `Fri, 27 Nov 2026 18:07:51 GMT`
    let part = |from: usize, to: usize| web.get(from..to).unwrap_or_default();
    let (day, month, year, time) = (part(5, 7), part(8, 11), part(12, 16), part(17, 25));
    let _ = match form {
        DateForm::Web => write!(text, "{web}"),
        DateForm::Clf => write!(text, "{day}/{month}/{year}:{time} +0000"),
        DateForm::Iso => {
            let number = MONTHS.find(month).unwrap_or(0) / 3 + 1;
            write!(text, "{year}-{number:02}-{day}T{time}Z")
        }
    };
}

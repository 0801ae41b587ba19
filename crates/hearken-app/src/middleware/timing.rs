//! How long a response took, in fields of the response.
//!
//! Here: [`ResponseTime`], [`ServerTiming`] and [`Timings`]. Not here: lines of a log (`logger/`).

use super::Middleware;
use crate::next::Next;
use hearken_http::server::Handling;
use hearken_http::{IncomingMessage, ServerResponse};
use std::cell::RefCell;
use std::fmt::Write;
use std::rc::Rc;
use std::time::Duration;
use tokio::time::Instant;

/// Sets X-Response-Time: the milliseconds from here to the head of the response. Express: the package `response-time`.
///
/// | option | `response-time` | default |
/// |---|---|---|
/// | [`header`](Self::header) | `header` | `X-Response-Time` |
/// | [`digits`](Self::digits) | `digits` | 3 |
/// | [`suffix`](Self::suffix) | `suffix` | on: `1.234ms` |
///
/// A response that has the field already keeps it.
///
/// ```
/// use hearken::app::{App, ResponseTime};
/// let mut app = App::new();
/// app.with(ResponseTime::new().digits(1));
/// ```
#[derive(Clone, Debug)]
pub struct ResponseTime {
    header: Box<str>,
    digits: usize,
    suffix: bool,
}

impl Default for ResponseTime {
    fn default() -> Self {
        Self::new()
    }
}

impl ResponseTime {
    /// With the defaults above.
    #[must_use]
    pub fn new() -> Self {
        Self {
            header: "X-Response-Time".into(),
            digits: 3,
            suffix: true,
        }
    }

    /// The name of the field.
    #[must_use]
    pub fn header(mut self, name: &str) -> Self {
        self.header = name.into();
        self
    }

    /// Decimals of the milliseconds, at most 9.
    #[must_use]
    pub fn digits(mut self, digits: usize) -> Self {
        self.digits = digits.min(9);
        self
    }

    /// Whether the unit `ms` follows the number.
    #[must_use]
    pub fn suffix(mut self, suffix: bool) -> Self {
        self.suffix = suffix;
        self
    }
}

impl Middleware for ResponseTime {
    fn handle(&self, req: IncomingMessage, res: ServerResponse, next: Next) -> Handling {
        let (began, options) = (Instant::now(), self.clone());
        res.on_head(move |head| {
            if head.get(&options.header).is_some() {
                return;
            }
            let unit = if options.suffix { "ms" } else { "" };
            let value = format!("{:.*}{unit}", options.digits, millis(began.elapsed()));
            let _ = head.set(&*options.header, value); // a name that is none sets nothing
        });
        next.run(req, res)
    }
}

pub(super) fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

/// Sets Server-Timing (W3C): the total time up to the head of the response, and what code behind it has measured: [`Timings`]. Browsers
/// show it beside the request. It reveals how long your parts take; leave it out where that is a secret.
///
/// ```
/// use hearken::app::{App, ServerTiming, Timings, prelude::*};
/// let mut app = App::new();
/// app.with(ServerTiming::new());
/// app.get("/", async |req, res| {
///     let timings = req.extension::<Timings>().expect("set above");
///     let rows = timings.measure("db", async { vec![1, 2, 3] }).await;
///     res.end(format!("{} rows", rows.len())) // Server-Timing: db;dur=0.012, total;dur=0.034
/// });
/// ```
#[derive(Clone, Debug, Default)]
pub struct ServerTiming(());

impl ServerTiming {
    /// There are no options.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl Middleware for ServerTiming {
    fn handle(&self, req: IncomingMessage, res: ServerResponse, next: Next) -> Handling {
        let (began, timings) = (Instant::now(), Rc::new(Timings::default()));
        res.attach(Rc::clone(&timings));
        res.on_head(move |head| {
            let mut value = timings.text.borrow().clone();
            push_metric(&mut value, "total", began.elapsed(), None);
            let _ = head.append("Server-Timing", value); // made of legal characters
        });
        next.run(req, res)
    }
}

/// What parts of a handler took, for [`ServerTiming`]. What is added after the head of the response has left is lost.
///
/// ```
/// use hearken::app::Timings;
/// use std::time::Duration;
/// let timings = Timings::default();
/// timings.add("cache", Duration::from_millis(3), Some("lookup of the user"));
/// ```
#[derive(Debug, Default)]
pub struct Timings {
    text: RefCell<String>,
}

impl Timings {
    /// Adds a metric. Characters of the name that no token has become `_`.
    pub fn add(&self, name: &str, duration: Duration, description: Option<&str>) {
        push_metric(&mut self.text.borrow_mut(), name, duration, description);
    }

    /// Waits for a future, and adds how long it took.
    pub async fn measure<T>(&self, name: &str, future: impl Future<Output = T>) -> T {
        let began = Instant::now();
        let value = future.await;
        self.add(name, began.elapsed(), None);
        value
    }
}

fn push_metric(text: &mut String, name: &str, duration: Duration, description: Option<&str>) {
    if !text.is_empty() {
        text.push_str(", ");
    }
    let is_token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    text.extend(name.chars().map(|c| if is_token(c) { c } else { '_' }));
    if let Some(description) = description {
        text.push_str(";desc=\"");
        for c in description.chars() {
            match c {
                '"' | '\\' => text.extend(['\\', c]),
                ' '..='~' => text.push(c),
                _ => text.push('?'),
            }
        }
        text.push('"');
    }
    let _ = write!(text, ";dur={:.3}", millis(duration));
}

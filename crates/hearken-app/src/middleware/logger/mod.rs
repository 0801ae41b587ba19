//! One line for each request, in the formats of Express's `morgan`.
//!
//! Here: [`Logger`] and its options, and when a line is written. Not here: formats and tokens (`format.rs`), the line itself
//! (`line.rs`), the log of failures (hearken-http).

mod format;
mod line;

use super::Middleware;
use crate::next::Next;
use crate::request::chain;
use format::Format;
use hearken_http::error::Closed;
use hearken_http::message::{ResponseHead, TrustedProxies};
use hearken_http::server::Handling;
use hearken_http::{IncomingMessage, ServerResponse, event};
use line::Line;
use std::cell::RefCell;
use std::fmt;
use std::io;
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// Writes one line for each request, when its last byte is sent or its client has left: Express's `morgan`.
///
/// | format | line |
/// |---|---|
/// | [`combined`](Self::combined) | `:remote-addr - :remote-user [:date[clf]] ":method :url HTTP/:http-version" :status :res[content-length] ":referrer" ":user-agent"` |
/// | [`common`](Self::common) | as `combined`, up to the length |
/// | [`dev`](Self::dev) | `:method :url :status :response-time ms - :res[content-length]`, the status in colour |
/// | [`short`](Self::short) | `:remote-addr :remote-user :method :url HTTP/:http-version :status :res[content-length] - :response-time ms` |
/// | [`tiny`](Self::tiny) | `:method :url :status :res[content-length] - :response-time ms` |
/// | [`new`](Self::new) | any text with tokens |
///
/// | token | value |
/// |---|---|
/// | `:date[clf]`, `[iso]`, `[web]` | when the line is written, in UTC; without an argument as `web` |
/// | `:http-version`, `:method`, `:url` | of the request line |
/// | `:remote-addr` | the address of the client, as [`Settings::trust_proxy`](crate::Settings::trust_proxy) says |
/// | `:remote-user` | the name of Basic authentication, which nothing has checked |
/// | `:referrer`, `:user-agent`, `:req[name]` | a field of the request |
/// | `:res[name]` | a field of the response; the length also where the library sets it |
/// | `:status` | of the response |
/// | `:response-time[digits]` | milliseconds from here to the head of the response; 3 digits |
/// | `:total-time[digits]` | milliseconds from here to the end |
/// | `:pid` | of this process |
/// | `:id` | of [`RequestIds`](crate::RequestIds) |
/// | any other | of [`token`](Self::token), or set by the handler through [`LogValues`] |
///
/// A value that is missing is `-`; so are status and length when the client left before the head was sent. Control characters, quotation
/// marks and backslashes of values are escaped as `\x0a`, other characters that could change a terminal or a line as `\u{2028}`: a request
/// cannot forge a line.
///
/// | option | `morgan` | default |
/// |---|---|---|
/// | [`immediate`](Self::immediate) | `immediate` | off |
/// | [`skip`](Self::skip) | `skip` | nothing is skipped |
/// | [`to`](Self::to), [`to_writer`](Self::to_writer) | `stream` | stdout |
/// | [`trust`](Self::trust) | | as the settings say |
///
/// ```
/// use hearken::app::{App, Logger};
/// let mut app = App::new();
/// app.with(Logger::combined().skip(|request| request.status() < Some(400)));
/// app.with(Logger::new(":method :url :status :user").token("host", |req| req.header("host").map(str::to_owned)));
/// ```
#[derive(Clone)]
pub struct Logger {
    options: Arc<Options>,
}

#[derive(Clone)]
struct Options {
    format: Format,
    tokens: Vec<(Box<str>, Arc<OwnToken>)>,
    skip: Option<Arc<Skip>>,
    immediate: bool,
    write: Arc<dyn Fn(&str) + Send + Sync>,
    trust: Option<TrustedProxies>,
}

pub(super) type OwnToken = dyn Fn(&IncomingMessage) -> Option<String> + Send + Sync;
type Skip = dyn Fn(&LoggedRequest) -> bool + Send + Sync;

/// A request that is to be logged: what [`Logger::skip`] decides by.
///
/// ```
/// use hearken::app::Logger;
/// let logger = Logger::tiny().skip(|request| request.path() == "/health" && request.status() == Some(200));
/// ```
#[derive(Clone, Debug)]
pub struct LoggedRequest {
    pub(super) method: String,
    pub(super) url: String,
    pub(super) status: Option<u16>,
    pub(super) length: Option<String>,
    pub(super) response_time: Option<Duration>,
    pub(super) total_time: Duration,
    pub(super) closed: Option<Closed>,
}

impl LoggedRequest {
    /// The method.
    #[must_use]
    pub fn method(&self) -> &str {
        &self.method
    }

    /// The request target as sent.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The request target up to its query.
    #[must_use]
    pub fn path(&self) -> &str {
        self.url.split('?').next().unwrap_or_default()
    }

    /// The status of the response. `None` when the client left before its head was sent, and with
    /// [`immediate`](Logger::immediate).
    #[must_use]
    pub const fn status(&self) -> Option<u16> {
        self.status
    }

    /// The time up to the head of the response.
    #[must_use]
    pub const fn response_time(&self) -> Option<Duration> {
        self.response_time
    }

    /// The time up to now.
    #[must_use]
    pub const fn total_time(&self) -> Duration {
        self.total_time
    }

    /// How the exchange ended. `None` with [`immediate`](Logger::immediate).
    #[must_use]
    pub const fn closed(&self) -> Option<Closed> {
        self.closed
    }
}

/// Values that a handler adds to the line of its request: tokens of a format, by their names.
///
/// ```
/// use hearken::app::{App, LogValues, Logger};
/// let mut app = App::new();
/// app.with(Logger::new(":method :url :status :user"));
/// app.get("/", async |req, res| {
///     if let Some(values) = req.extension::<LogValues>() {
///         values.set("user", "ada");
///     }
///     res.end("hello")
/// });
/// ```
#[derive(Debug, Default)]
pub struct LogValues {
    values: RefCell<Vec<(Box<str>, String)>>,
}

impl LogValues {
    /// Sets the value of a token. The second call replaces the first.
    pub fn set(&self, token: &str, value: impl Into<String>) {
        let mut values = self.values.borrow_mut();
        values.retain(|(known, _)| **known != *token);
        values.push((token.into(), value.into()));
    }

    pub(super) fn with<T>(&self, token: &str, read: impl FnOnce(Option<&str>) -> T) -> T {
        let values = self.values.borrow();
        let known = values.iter().find(|(known, _)| **known == *token);
        read(known.map(|(_, value)| value.as_str()))
    }
}

impl Logger {
    /// A logger with a format of your own: text with the tokens of the table above.
    #[must_use]
    pub fn new(format: &str) -> Self {
        Self::of(Format::parse(format))
    }

    fn of(format: Format) -> Self {
        Self {
            options: Arc::new(Options {
                format,
                tokens: Vec::new(),
                skip: None,
                immediate: false,
                write: Arc::new(|line| {
                    let _ = io::Write::write_all(&mut io::stdout().lock(), line.as_bytes());
                }),
                trust: None,
            }),
        }
    }

    /// Apache's combined format.
    #[must_use]
    pub fn combined() -> Self {
        Self::new(format::COMBINED)
    }

    /// Apache's common format.
    #[must_use]
    pub fn common() -> Self {
        Self::new(format::COMMON)
    }

    /// Short lines, in colour by the status, for development.
    #[must_use]
    pub fn dev() -> Self {
        Self::of(Format::dev())
    }

    /// A short format with the client.
    #[must_use]
    pub fn short() -> Self {
        Self::new(format::SHORT)
    }

    /// The shortest format.
    #[must_use]
    pub fn tiny() -> Self {
        Self::new(format::TINY)
    }

    fn change(mut self, change: impl FnOnce(&mut Options)) -> Self {
        change(Arc::make_mut(&mut self.options));
        self
    }

    /// Defines a token by the request, as it comes to the logger. For what is known later there is [`LogValues`].
    #[must_use]
    pub fn token(
        self,
        name: &str,
        value: impl Fn(&IncomingMessage) -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        self.change(|options| {
            options.tokens.retain(|(known, _)| **known != *name);
            options.tokens.push((name.into(), Arc::new(value)));
        })
    }

    /// Writes no line for requests for which this is true.
    #[must_use]
    pub fn skip(self, skip: impl Fn(&LoggedRequest) -> bool + Send + Sync + 'static) -> Self {
        self.change(|options| options.skip = Some(Arc::new(skip)))
    }

    /// Writes the line when the request comes, without what is known of the response. A crash loses no line then.
    #[must_use]
    pub fn immediate(self, immediate: bool) -> Self {
        self.change(|options| options.immediate = immediate)
    }

    /// Hands each line, with its line end, to a function. It is called on the thread of the connection, which waits for it.
    #[must_use]
    pub fn to(self, write: impl Fn(&str) + Send + Sync + 'static) -> Self {
        self.change(|options| options.write = Arc::new(write))
    }

    /// Writes each line into a writer: a file, or one that hands lines to a thread. What it refuses is lost.
    ///
    /// ```
    /// use hearken::app::Logger;
    /// let file = tempfile::tempfile()?;
    /// let logger = Logger::combined().to_writer(std::io::LineWriter::new(file));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[must_use]
    pub fn to_writer(self, writer: impl io::Write + Send + 'static) -> Self {
        let writer = Mutex::new(writer);
        self.to(move |line| {
            let mut writer = writer.lock().unwrap_or_else(PoisonError::into_inner);
            let _ = writer.write_all(line.as_bytes());
        })
    }

    /// The proxies whose word about the address of the client counts.
    #[must_use]
    pub fn trust(self, proxies: TrustedProxies) -> Self {
        self.change(|options| options.trust = Some(proxies))
    }
}

impl Options {
    pub(super) fn client_of(&self, req: &IncomingMessage) -> Option<std::net::IpAddr> {
        if let Some(proxies) = &self.trust {
            return req.client_addr(proxies);
        }
        match chain(req) {
            Some(chain) => req.client_addr(&chain.app.shared.settings.trust_proxy),
            None => req.client_addr(&TrustedProxies::none()),
        }
    }
}

/// A request between its head and its end.
struct Pending {
    options: Arc<Options>,
    began: Instant,
    values: Rc<LogValues>,
    line: RefCell<Line>,
}

impl Pending {
    fn head_is_leaving(&self, head: &ResponseHead<'_>) {
        let mut line = self.line.borrow_mut();
        line.request.status = Some(head.status().as_u16());
        line.request.response_time = Some(self.began.elapsed());
        line.request.length = length_of(head);
        line.take_fields(&self.options.format, head);
    }

    fn write(&self, closed: Option<Closed>) {
        let mut line = self.line.borrow_mut();
        line.request.total_time = self.began.elapsed();
        line.request.closed = closed;
        let skipped = self.options.skip.as_ref();
        if !skipped.is_some_and(|skip| skip(&line.request)) {
            let text = line.finish(&self.options.format, &self.values);
            (self.options.write)(&text);
        }
    }
}

/// The length of the content as it is sent, if it is known with the head.
fn length_of(head: &ResponseHead<'_>) -> Option<String> {
    if let Some(length) = head.get("content-length") {
        return Some(String::from_utf8_lossy(length).into_owned());
    }
    let sends = !matches!(head.status().as_u16(), 204 | 304) && !head.has_filters();
    let content = head.content().filter(|_| sends)?;
    Some(content.len().to_string())
}

impl Middleware for Logger {
    fn handle(&self, req: IncomingMessage, res: ServerResponse, next: Next) -> Handling {
        let values = Rc::new(LogValues::default());
        let pending = Rc::new(Pending {
            options: Arc::clone(&self.options),
            began: Instant::now(),
            values: Rc::clone(&values),
            line: RefCell::new(Line::new(&self.options, &req)),
        });
        if self.options.immediate {
            pending.write(None);
            return next.run(req, res);
        }
        if let Some(id) = req.extension::<super::RequestId>() {
            values.set("id", id.as_str());
        }
        res.attach(values);
        let at_head = Rc::clone(&pending);
        res.on_head(move |head| at_head.head_is_leaving(head));
        res.on(event::Closed, move |closed| pending.write(Some(closed)));
        next.run(req, res)
    }
}

impl fmt::Debug for Logger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Logger")
            .field("format", &self.options.format)
            .field("immediate", &self.options.immediate)
            .finish_non_exhaustive()
    }
}

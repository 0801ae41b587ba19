//! Five layers around a handler, each written with a hook on the head of the response or a filter on its content: a
//! response-time header, `Server-Timing`, a session cookie, an ETag with 304, and a compressor.
//!
//! ```sh
//! cargo run --example layers
//! curl -i --compressed http://127.0.0.1:3000/    # then again with -H 'If-None-Match: …' of its ETag
//! curl -N --compressed http://127.0.0.1:3000/events
//! ```

use flate2::Compression;
use flate2::write::GzEncoder;
use hearken::message::{ContentFilter, Cookie, EntityTag, Precondition, ResponseHead, Validators};
use hearken::prelude::*;
use hearken::{Fields, StatusCode};
use std::cell::RefCell;
use std::io::Write as _;
use std::rc::Rc;
use std::time::{Duration, Instant};

/// How long the request took until the head left.
fn response_time(res: &ServerResponse) {
    let began = Instant::now();
    res.on_head(move |head| {
        set(head, "X-Response-Time", &format!("{:?}", began.elapsed()));
    });
}

/// Named spans of time, which the handler adds to and the client's developer tools show.
#[derive(Clone, Default)]
struct ServerTiming(Rc<RefCell<Vec<String>>>);

impl ServerTiming {
    fn layer(res: &ServerResponse) -> Self {
        let timing = Self::default();
        let spans = timing.clone();
        res.on_head(move |head| set(head, "Server-Timing", &spans.0.borrow().join(", ")));
        timing
    }

    fn add(&self, name: &str, time: Duration) {
        let millis = time.as_secs_f64() * 1000.0;
        self.0.borrow_mut().push(format!("{name};dur={millis:.3}"));
    }
}

/// A counter that lives in a cookie: read from the request, written back with the head if it has changed.
#[derive(Clone)]
struct Visits(Rc<RefCell<u32>>);

impl Visits {
    fn layer(req: &IncomingMessage, res: &ServerResponse) -> Self {
        let value = req.cookies().get("visits");
        let before = value.and_then(|value| value.parse().ok()).unwrap_or(0);
        let visits = Self(Rc::new(RefCell::new(before)));
        let now = visits.clone();
        res.on_head(move |head| {
            let now = *now.0.borrow();
            if now != before {
                let cookie = Cookie::new("visits", now.to_string());
                let cookie = cookie.to_field().expect("digits are legal");
                head.append("Set-Cookie", cookie).expect("a legal field");
            }
        });
        visits
    }
}

/// An ETag of content that is there as a whole, and 304 if the client has it (RFC 9110 §13.1.2).
fn etag(res: &ServerResponse) {
    res.on_head(move |head| {
        let Some(content) = head.content().filter(|_| head.status() == StatusCode::OK) else {
            return;
        };
        let validators = Validators::new().etag(EntityTag::of_content(content));
        head.validators(&validators);
        if let Precondition::NotModified(_) = head.preconditions(&validators) {
            head.set_not_modified();
        }
    });
}

/// Compresses text for clients that take gzip. What is written while the handler waits goes out at once. A sketch of how a filter
/// works: `message::Compression` of the feature `compress` is complete.
fn compress(req: &IncomingMessage, res: &ServerResponse) {
    let accepts = req.accepts_encodings(&["gzip", "identity"]) == Some("gzip");
    res.on_head(move |head| {
        set(head, "Vary", "Accept-Encoding");
        let text = head
            .get("content-type")
            .is_some_and(|value| value.starts_with(b"text/"));
        let small = head.content().is_some_and(|content| content.len() < 256);
        if accepts && text && !small && head.status() == StatusCode::OK {
            set(head, "Content-Encoding", "gzip");
            head.filter(Gzip(GzEncoder::new(Vec::new(), Compression::fast())));
        }
    });
}

struct Gzip(GzEncoder<Vec<u8>>);

impl Gzip {
    fn take(&mut self, out: &mut Vec<Bytes>) {
        let bytes = std::mem::take(self.0.get_mut());
        if !bytes.is_empty() {
            out.push(bytes.into());
        }
    }
}

impl ContentFilter for Gzip {
    fn write(&mut self, piece: Bytes, out: &mut Vec<Bytes>) {
        self.0.write_all(&piece).expect("memory takes all");
        self.take(out);
    }

    fn flush(&mut self, out: &mut Vec<Bytes>) {
        self.0.flush().expect("memory takes all");
        self.take(out);
    }

    fn end(&mut self, out: &mut Vec<Bytes>) {
        self.0.try_finish().expect("memory takes all");
        self.take(out);
    }
}

fn set(head: &mut ResponseHead<'_>, name: &str, value: &str) {
    head.set(name, value).expect("a legal field");
}

async fn handle(req: IncomingMessage, res: ServerResponse) -> Result<Sent, Failure> {
    response_time(&res);
    let timing = ServerTiming::layer(&res);
    let visits = Visits::layer(&req, &res);
    compress(&req, &res); // its hook runs after that of the ETag, which is of the content before compression
    etag(&res);

    res.set_route(if req.path() == "/events" {
        "/events"
    } else {
        "/"
    });
    let res = res.set("Content-Type", "text/plain");
    if req.path() == "/events" {
        for number in 0..5 {
            res.write(format!("event {number}\n"));
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        let mut trailers = Fields::new();
        trailers.append("X-Events", "5")?;
        return Ok(res.end_with_trailers(&trailers));
    }
    let began = Instant::now();
    *visits.0.borrow_mut() += 1;
    let text = "All work and no play makes Jack a dull boy.\n".repeat(20);
    timing.add("write", began.elapsed());
    Ok(res.end(text))
}

fn main() -> Result<(), Error> {
    let address = std::env::args().nth(1);
    let server = Server::new(handle);
    let listening = server.listen(address.as_deref().unwrap_or("127.0.0.1:3000"))?;
    println!("{}", listening.address());
    listening.run()
}

//! Files as content: ranges, their fields, and files that change (RFC 9110 §14).

use super::harness::{Link, file, get, ok, serve, without_dates};
use crate::conn::Ending;
use crate::message::SendFile;
use crate::{Closed, Sent, ServerResponse, event};
use std::fs::File;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

const TEXT: &[u8] = b"0123456789abcdefghijklmnopqrstuvwxyz";

/// A server that sends this file, with the ranges of the request.
fn serving(content: &[u8]) -> Link {
    let file = Rc::new(file(content));
    serve(async move |_req, res| {
        let copy = SendFile::from(file.try_clone()?).conditional();
        let res = res.set("Content-Type", "text/plain").set("ETag", "\"v1\"");
        res.send_file(copy).await
    })
    .connect()
}

const BASE: &str = "Content-Type: text/plain\r\nETag: \"v1\"\r\nAccept-Ranges: bytes\r\n";

fn whole() -> String {
    super::harness::answer("200 OK", BASE, std::str::from_utf8(TEXT).unwrap())
}

#[test]
fn a_file_is_sent_whole() {
    let mut link = serving(TEXT);
    assert_eq!(link.ask("GET", &[]), whole());
    let head = link.ask("HEAD", &[]);
    assert_eq!(
        head,
        whole().replace(std::str::from_utf8(TEXT).unwrap(), "")
    );
    // Only GET asks for ranges.
    let range = ("Range", "bytes=0-1");
    assert_eq!(link.ask("HEAD", &[range]), head);
    assert_eq!(link.ask("POST", &[range]), whole());
}

#[test]
fn one_range() {
    let mut link = serving(TEXT);
    let part = |range: &str, text: &str| {
        let fields = format!("{BASE}Content-Range: bytes {range}/36\r\n");
        super::harness::answer("206 Partial Content", &fields, text)
    };
    for (asked, range, text) in [
        ("bytes=0-0", "0-0", "0"),
        ("bytes=10-12", "10-12", "abc"),
        ("bytes=33-", "33-35", "xyz"),
        ("bytes=-2", "34-35", "yz"),
        ("bytes=30-99", "30-35", "uvwxyz"),
        ("bytes=50-,1-2", "1-2", "12"),
    ] {
        assert_eq!(
            link.ask("GET", &[("Range", asked)]),
            part(range, text),
            "{asked}"
        );
    }
    for ignored in ["lines=1-2", "bytes=2-1", "bytes=0-9,5-6"] {
        assert_eq!(link.ask("GET", &[("Range", ignored)]), whole(), "{ignored}");
    }
    let twice = [("Range", "bytes=0-0"), ("Range", "bytes=1-1")];
    assert_eq!(link.ask("GET", &twice), whole());
}

#[test]
fn an_unsatisfiable_range_is_416() {
    let mut link = serving(TEXT);
    let fields = "Accept-Ranges: bytes\r\nContent-Range: bytes */36\r\n";
    let none = super::harness::answer("416 Range Not Satisfiable", fields, "");
    assert_eq!(link.ask("GET", &[("Range", "bytes=36-")]), none);
    let empty = super::harness::answer("200 OK", BASE, "");
    assert_eq!(serving(b"").ask("GET", &[("Range", "bytes=0-")]), empty);
}

#[test]
fn several_ranges_are_a_multipart() {
    let mut link = serving(TEXT);
    let heard = link.ask("GET", &[("Range", "bytes=10-12, 0-0, -1")]);
    let (head, body) = heard.split_once("\r\n\r\n").unwrap();
    let (_, boundary) = head.split_once("multipart/byteranges; boundary=").unwrap();
    let (boundary, _) = boundary.split_once("\r\n").unwrap();
    assert_eq!(boundary.len(), 32);
    let part = |range: &str, text: &str| {
        format!(
            "\r\n--{boundary}\r\nContent-Type: text/plain\r\nContent-Range: bytes {range}/36\r\n\r\n{text}"
        )
    };
    let expected = part("10-12", "abc") + &part("0-0", "0") + &part("35-35", "z");
    assert_eq!(body, format!("{expected}\r\n--{boundary}--\r\n"));
    assert_eq!(
        head,
        format!(
            "HTTP/1.1 206 Partial Content\r\nETag: \"v1\"\r\nAccept-Ranges: bytes\r\n\
             Content-Type: multipart/byteranges; boundary={boundary}\r\nDate: now\r\nContent-Length: {}",
            body.len()
        )
    );
    let again = link.ask("GET", &[("Range", "bytes=10-12, 0-0, -1")]);
    assert!(!again.contains(boundary), "it must not be predictable");
}

#[test]
fn if_range_decides_whether_range_counts() {
    let mut link = serving(TEXT);
    let range = ("Range", "bytes=0-1");
    let same = link.ask("GET", &[range, ("If-Range", "\"v1\"")]);
    assert!(same.starts_with("HTTP/1.1 206 "), "{same}");
    for other in ["\"v2\"", "W/\"v1\"", "Sun, 06 Nov 1994 08:49:37 GMT", ""] {
        assert_eq!(
            link.ask("GET", &[range, ("If-Range", other)]),
            whole(),
            "{other}"
        );
    }
    let twice = [range, ("If-Range", "\"v1\""), ("If-Range", "\"v1\"")];
    assert_eq!(link.ask("GET", &twice), whole());
    assert!(
        link.ask("GET", &[("If-Range", "\"v1\"")])
            .starts_with("HTTP/1.1 200 ")
    );
}

#[test]
fn validators_come_from_the_file() {
    let changed = SystemTime::UNIX_EPOCH + Duration::from_millis(784_111_777_250);
    let file = file(TEXT);
    file.set_modified(changed).unwrap();
    let file = Rc::new(file);
    let mut link = serve(async move |_req, res| {
        let copy = SendFile::from(file.try_clone()?).with_validators();
        res.send_file(copy).await
    })
    .connect();
    let heard = link.ask("GET", &[]);
    let tag = format!("\"{:x}-24\"", 784_111_777_250_u128 * 1_000_000);
    let date = "Sun, 06 Nov 1994 08:49:37 GMT";
    assert!(
        heard.contains(&format!("Last-Modified: {date}\r\nETag: {tag}\r\n")),
        "{heard}"
    );
    for condition in [tag.as_str(), date] {
        let asked = [("Range", "bytes=0-1"), ("If-Range", condition)];
        let heard = link.ask("GET", &asked);
        assert!(heard.starts_with("HTTP/1.1 206 "), "{condition}: {heard}");
    }
}

/// The response with this file.
fn one(content: &[u8], handler: impl AsyncFn(ServerResponse, File) -> Sent + 'static) -> String {
    let file = Rc::new(file(content));
    let mut link = serve(async move |_req, res| {
        let copy = file.try_clone().unwrap();
        handler(res, copy).await
    })
    .connect();
    link.send(get("/"));
    assert!(link.is_open());
    link.heard()
}

#[test]
fn a_part_is_the_whole_for_the_client() {
    let heard = one(TEXT, async |res, file| {
        res.send_file(SendFile::from(file).part(10..13))
            .await
            .unwrap()
    });
    assert_eq!(heard, ok("abc"));
    let file = Rc::new(file(TEXT));
    let mut link = serve(async move |_req, res| {
        let part = SendFile::from(file.try_clone()?).part(10..13).conditional();
        res.send_file(part).await
    })
    .connect();
    let heard = link.ask("GET", &[("Range", "bytes=1-9")]);
    assert!(heard.contains("Content-Range: bytes 1-2/3\r\n"), "{heard}");
    assert!(heard.ends_with("\r\n\r\nbc"));
}

#[test]
fn a_file_is_content_like_any_other() {
    // Chunked, after content written before, and with trailers.
    let heard = one(b"file", async |res, file| {
        res.write("before ");
        res.add_trailers(&{
            let mut trailers = crate::Fields::new();
            trailers.append("X-Sum", "1").unwrap();
            trailers
        });
        res.send_file(file).await.unwrap()
    });
    let (_, body) = heard.split_once("\r\n\r\n").unwrap();
    assert_eq!(body, "7\r\nbefore \r\n4\r\nfile\r\n0\r\nX-Sum: 1\r\n\r\n");
    // With another status ranges are ignored and not advertised.
    let rc = Rc::new(file(b"gone"));
    let mut link = serve(async move |_req, res| {
        let file = SendFile::from(rc.try_clone()?).conditional();
        res.status(404).send_file(file).await
    })
    .connect();
    let heard = link.ask("GET", &[("Range", "bytes=0-0")]);
    assert_eq!(heard, super::harness::answer("404 Not Found", "", "gone"));
    // A Content-Length that was set must be that of the file.
    let heard = one(b"file", async |res, file| {
        res.set("Content-Length", "5")
            .send_file(file)
            .await
            .unwrap()
    });
    assert!(heard.starts_with("HTTP/1.1 500 "), "{heard}");
}

#[test]
fn a_directory_or_a_bad_part_is_an_error() {
    let mut link = serve(async |_req, res| res.send_file(File::open("/")?).await).connect();
    link.send(get("/"));
    assert!(link.heard().starts_with("HTTP/1.1 500 "));
    let file = Rc::new(file(TEXT));
    let mut link = serve(async move |_req, res| {
        let parts = [0..37, 37..37, std::ops::Range { start: 2, end: 1 }];
        for part in parts {
            let sent = SendFile::from(file.try_clone()?).part(part);
            assert!(choose(sent).await.is_err());
        }
        res.send_file(SendFile::from(file.try_clone()?).part(36..36))
            .await
    })
    .connect();
    link.send(get("/"));
    assert_eq!(link.heard(), ok(""));
}

/// Whether `send_file` accepts this file.
async fn choose(file: SendFile) -> Result<(), crate::Failure> {
    let env = serve(async |_req, res| res.end("")).open().env;
    let exchange = crate::conn::exchange::Exchange::of_server(&env.exchange);
    ServerResponse::new(exchange)
        .send_file(file)
        .await
        .map(drop)
}

#[test]
fn a_file_is_sent_as_the_client_reads_and_the_next_request_waits() {
    let content: Vec<u8> = (0..1_000_000_u32).map(|at| (at % 251) as u8).collect();
    let file = Rc::new(file(&content));
    let begun = Arc::new(Mutex::new(0));
    let count = Arc::clone(&begun);
    let mut link = serve(async move |_req, res| res.send_file(file.try_clone()?).await)
        .on(event::Request, move |_| *count.lock().unwrap() += 1)
        .connect();
    link.room = 1000;
    link.send(get("/") + &get("/") + &get("/"));
    assert_eq!(
        *begun.lock().unwrap(),
        1,
        "no file is opened before the last one has left"
    );
    link.take = 777;
    link.give_room(400_000);
    assert_eq!(*begun.lock().unwrap(), 1);
    link.give_room(usize::MAX / 2);
    assert_eq!(*begun.lock().unwrap(), 3);
    let heard = link.heard_bytes();
    let head = heard
        .windows(4)
        .position(|four| four == b"\r\n\r\n")
        .unwrap()
        + 4;
    assert_eq!(heard.len(), 3 * (head + content.len()));
    for one in heard.chunks(head + content.len()) {
        assert!(one[head..] == content[..]);
    }
    assert!(link.is_open());
}

#[test]
fn a_file_that_became_shorter_cuts_the_connection() {
    let content = vec![b'x'; 1_000_000];
    let file = Rc::new(file(&content));
    let short = Rc::clone(&file);
    let why = Arc::new(Mutex::new(None));
    let seen_why = Arc::clone(&why);
    let mut link = serve(async move |_req, res| res.send_file(file.try_clone()?).await)
        .on(event::Disconnected, move |(_, why)| {
            *seen_why.lock().unwrap() = Some(why)
        })
        .connect();
    link.room = 1000;
    link.send(get("/"));
    short.set_len(500_000).unwrap();
    link.give_room(usize::MAX / 2);
    assert_eq!(link.ended(), Some(Ending::Cut));
    assert_eq!(*why.lock().unwrap(), Some(Closed::Aborted));
    let heard = without_dates(&String::from_utf8(link.heard_bytes()).unwrap());
    let head = heard.find("\r\n\r\n").unwrap() + 4;
    assert_eq!(
        heard.len() - head,
        500_000,
        "the bytes that exist, without padding"
    );
    assert!(heard.contains("Content-Length: 1000000\r\n"));
}

#[test]
fn content_written_after_a_file_is_bounded() {
    // A queued file takes no memory, so it does not count towards the bound, but there is no room before it is sent.
    let content = vec![b'x'; 1_000_000];
    let file = Rc::new(file(&content));
    let mut link = serve(async move |_req, res| {
        let sent = res.again();
        let done = res.send_file(file.try_clone()?).await?;
        assert!(sent.needs_drain() && sent.queued_bytes() > 1_000_000);
        Ok(done)
    })
    .limits(|limits| limits.body.write_queue_bytes_max = 100)
    .connect();
    link.send(get("/"));
    assert!(link.is_open());
    assert!(link.heard_len() > 1_000_000);
}

#[test]
fn a_file_reports_its_progress() {
    let content = vec![b'x'; 1_000_000];
    let file = Rc::new(file(&content));
    let parts = Rc::new(std::cell::RefCell::new(Vec::new()));
    let (seen, done) = (Rc::clone(&parts), Rc::new(std::cell::Cell::new(0)));
    let total = Rc::clone(&done);
    let mut link = serve(async move |_req, res| {
        let (parts, total, sum) = (Rc::clone(&parts), Rc::clone(&total), Rc::clone(&parts));
        res.on(event::DataDone, move |bytes| parts.borrow_mut().push(bytes));
        res.on(event::Done, move |()| total.set(sum.borrow().iter().sum()));
        res.send_file(file.try_clone()?).await
    })
    .connect();
    link.take = 100_000;
    link.room = 250_000;
    link.send(get("/"));
    let halfway = seen.borrow().clone();
    assert!(halfway.len() >= 2, "{halfway:?}");
    let sum = halfway.iter().sum::<usize>();
    assert!((200_000..250_000).contains(&sum), "{halfway:?}");
    assert_eq!(done.get(), 0);
    link.give_room(usize::MAX / 2);
    assert!(seen.borrow().len() >= 10, "{:?}", seen.borrow());
    assert_eq!(done.get(), content.len(), "all parts come before Done");
}

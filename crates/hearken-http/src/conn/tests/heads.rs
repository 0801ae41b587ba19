//! The head of a request, as the request, the response and errors share it.

use super::harness::{Log, get, ok, serve};
use crate::error::Closed;
use crate::{IncomingMessage, ServerResponse, event};
use std::cell::RefCell;
use std::rc::Rc;

#[test]
fn a_response_reads_the_head_of_its_own_request() {
    let mut link = serve(async |req: IncomingMessage, res: ServerResponse| {
        drop(req);
        let head = res.request_head();
        let tag = head.fields().get("x-tag").unwrap_or_default();
        let text = format!("{} {} {}", head.method(), head.url(), tag.escape_ascii());
        res.end(text)
    })
    .connect();
    let first = "GET /a HTTP/1.1\r\nHost: a\r\nX-Tag: one\r\n\r\n";
    let second = "DELETE /b?c HTTP/1.1\r\nHost: a\r\nX-Tag: two\r\n\r\n";
    link.send(format!("{first}{second}"));
    assert_eq!(link.heard(), ok("GET /a one") + &ok("DELETE /b?c two"));
    link.send(get("/c"));
    assert_eq!(link.heard(), ok("GET /c "));
}

#[test]
fn handles_that_are_kept_keep_their_head() {
    let kept = Rc::new(RefCell::new((Vec::new(), Vec::new())));
    let keep = Rc::clone(&kept);
    let mut link = serve(async move |req: IncomingMessage, res: ServerResponse| {
        let again = res.again();
        let sent = res.end(req.url().to_owned());
        keep.borrow_mut().0.push(req);
        keep.borrow_mut().1.push(again);
        sent
    })
    .connect();
    link.send(get("/1") + &get("/2")).send(get("/3"));
    assert_eq!(link.heard(), ok("/1") + &ok("/2") + &ok("/3"));
    let kept = kept.take();
    let requests: Vec<_> = kept.0.iter().map(|req| req.url()).collect();
    assert_eq!(requests, ["/1", "/2", "/3"]);
    let responses: Vec<_> = kept.1.iter().map(|res| res.request_head().url()).collect();
    assert_eq!(responses, ["/1", "/2", "/3"]);
}

#[test]
fn an_exchange_that_something_else_owns_is_left_when_its_head_comes() {
    let mut link = serve(async |req: IncomingMessage, res| res.end(req.url().to_owned())).connect();
    link.send("POST /a HTTP/1.1\r\nHost: a\r\n");
    let owned = link.drive.served.exchange.clone().unwrap();
    link.send("Content-Length: 2\r\n\r\nok");
    assert_eq!(link.heard(), ok("/a"));
    assert_eq!(owned.state().closed, Some(Closed::Done));
    assert_eq!(owned.head().url(), "");
    link.send(get("/b"));
    assert_eq!(link.heard(), ok("/b"));
}

/// The memory of an exchange goes from one connection to the next.
#[test]
fn an_error_before_the_first_head_names_no_request_of_another_connection() {
    let log = Log::default();
    let seen = log.clone();
    let open = serve(async |_req, res| res.end(""))
        .on(event::HandlerFailed, move |failure| {
            let request = failure.request().unwrap();
            assert!(request.head().is_none());
            seen.add(format!("{request}: {failure}"));
        })
        .open();
    let mut first = open.connect();
    first.send(get("/secret"));
    assert_eq!(first.heard(), ok(""));
    let mut second = open.connect();
    second.send("GET /");
    let error = std::io::Error::other("a file");
    second.drive.served.report_cut(&error);
    assert_eq!(log.take().len(), 1);
}

#[test]
fn a_failure_has_the_head_of_its_request_while_the_handler_holds_it() {
    let log = Log::default();
    let seen = log.clone();
    let mut link = serve(async |req: IncomingMessage, res: ServerResponse| {
        let held = Rc::new(req);
        let holds = Rc::clone(&held);
        held.on(event::DataReady, move |_| drop(Rc::clone(&holds)));
        res.status(if held.url() == "/status" { 42 } else { 200 })
            .set("X-A", "a\nb")
            .end("")
    })
    .on(event::HandlerFailed, move |failure| {
        let request = failure.request().unwrap();
        let target = request.head().unwrap().url().len();
        let (method, kept) = (request.method().unwrap(), request.url().unwrap().len());
        seen.add(format!(
            "{method} {target} {kept} {:?}",
            request.header("x-tag")
        ));
    })
    .connect();
    let long = format!("/{}", "a".repeat(2000));
    link.send(format!(
        "POST {long} HTTP/1.1\r\nHost: a\r\nX-Tag: t\r\nContent-Length: 0\r\n\r\n"
    ));
    assert_eq!(log.take(), [r#"POST 2001 1024 Some("t")"#]);
    assert!(link.heard().starts_with("HTTP/1.1 500 "));
    link.send(get("/status"));
    assert_eq!(log.take(), ["GET 7 7 None"]);
}

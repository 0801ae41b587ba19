//! Several exchanges on one connection: order, reuse, versions (RFC 9112 §9.3).

use super::harness::{Log, answer, get, ok, post, serve, serve_with_gate};
use crate::conn::Ending;

#[test]
fn one_exchange_after_the_other() {
    let mut link = serve(async |req, res| res.end(req.url().to_owned())).connect();
    for target in ["/1", "/2", "/3"] {
        link.send(get(target));
        assert_eq!(link.heard(), ok(target));
    }
    assert!(link.is_open());
}

#[test]
fn sixteen_requests_in_one_buffer_are_answered_in_order() {
    let mut link = serve(async |req, res| res.end(req.url().to_owned())).connect();
    let targets: Vec<_> = (0..16).map(|n| format!("/{n}")).collect();
    link.send(targets.iter().map(|target| get(target)).collect::<String>());
    let expected: String = targets.iter().map(|target| ok(target)).collect();
    assert_eq!(link.heard(), expected);
    assert!(link.is_open());
}

#[test]
fn the_second_handler_starts_after_the_first_has_ended() {
    let log = Log::default();
    let seen = log.clone();
    let (server, gate) = serve_with_gate(async move |req, res, gate| {
        seen.add(format!("start {}", req.url()));
        if req.url() == "/1" {
            gate.wait().await;
        }
        seen.add(format!("end {}", req.url()));
        res.end("")
    });
    let mut link = server.connect();
    link.send(get("/1") + &get("/2"));
    assert_eq!(log.take(), ["start /1"]);
    assert_eq!(link.heard(), "");
    gate.open();
    link.go();
    assert_eq!(log.take(), ["end /1", "start /2", "end /2"]);
    assert_eq!(link.heard(), ok("") + &ok(""));
}

#[test]
fn a_handler_that_runs_after_its_response_delays_the_next_request() {
    let (server, gate) = serve_with_gate(async |req, res, gate| {
        let sent = res.end(req.url().to_owned());
        if req.url() == "/1" {
            gate.wait().await;
        }
        sent
    });
    let mut link = server.connect();
    link.send(get("/1") + &get("/2"));
    assert_eq!(link.heard(), ok("/1"));
    gate.open();
    link.go();
    assert_eq!(link.heard(), ok("/2"));
}

#[test]
fn close_ends_the_connection_and_what_follows_is_not_read() {
    let log = Log::default();
    let seen = log.clone();
    let mut link = serve(async move |req, res| {
        seen.add(req.url());
        res.end("x")
    })
    .connect();
    link.send("GET /1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".to_owned() + &get("/2"));
    assert_eq!(
        link.heard(),
        "HTTP/1.1 200 OK\r\nDate: now\r\nContent-Length: 1\r\nConnection: close\r\n\r\nx"
    );
    assert_eq!(link.ended(), Some(Ending::Linger));
    assert_eq!(log.take(), ["/1"]);
}

#[test]
fn a_handler_may_close() {
    let mut link = serve(async |_req, res| res.set("Connection", "close").end("x")).connect();
    link.send(get("/") + &get("/"));
    let expected =
        "HTTP/1.1 200 OK\r\nConnection: close\r\nDate: now\r\nContent-Length: 1\r\n\r\nx";
    assert_eq!(link.heard(), expected);
    assert_eq!(link.ended(), Some(Ending::Linger));
}

#[test]
fn http_1_0_closes_unless_it_asks_for_more() {
    let mut link = serve(async |_req, res| res.end("x")).connect();
    link.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    assert_eq!(
        link.heard(),
        "HTTP/1.1 200 OK\r\nDate: now\r\nContent-Length: 1\r\nConnection: keep-alive\r\n\r\nx"
    );
    assert!(link.is_open());
    link.send("GET / HTTP/1.0\r\n\r\n");
    assert_eq!(
        link.heard(),
        "HTTP/1.1 200 OK\r\nDate: now\r\nContent-Length: 1\r\nConnection: close\r\n\r\nx"
    );
    assert_eq!(link.ended(), Some(Ending::Linger));
}

#[test]
fn a_body_ends_before_the_next_request_begins() {
    let mut link = serve(async |mut req, res| {
        let text = req.text().await?;
        Ok(res.end(format!("{} {text}", req.method())))
    })
    .connect();
    link.send(post("one") + &get("/") + &post("two"));
    assert_eq!(link.heard(), ok("POST one") + &ok("GET ") + &ok("POST two"));
}

#[test]
fn empty_lines_before_a_request_are_ignored() {
    let mut link = serve(async |_req, res| res.end("x")).connect();
    link.send(get("/")).send("\r\n").send(get("/"));
    assert_eq!(link.heard(), ok("x") + &ok("x"));
}

/// Nothing that one exchange sets may show in the next, which reuses its memory.
#[test]
fn an_exchange_leaves_nothing_for_the_next() {
    let mut link = serve(async |mut req, res| {
        let body = req.text().await?;
        let known = format!(
            "{:?} {body} {}",
            req.header("x-a"),
            req.trailers().view().len()
        );
        if req.url() == "/1" {
            let res = res.status(201).reason("Fine").set("X-B", "1");
            res.send_date(false);
            return Ok(res.end(known));
        }
        Ok(res.end(known))
    })
    .connect();
    let first = "POST /1 HTTP/1.1\r\nHost: a\r\nX-A: 1\r\nTransfer-Encoding: chunked\r\n\r\n\
                 3\r\nabc\r\n0\r\nX-T: 1\r\n\r\n";
    link.send(first.to_owned() + &get("/2"));
    let fine = "HTTP/1.1 201 Fine\r\nX-B: 1\r\nContent-Length: 15\r\n\r\nSome(\"1\") abc 1";
    assert_eq!(link.heard(), fine.to_owned() + &ok("None  0"));
}

#[test]
fn exchanges_are_numbered() {
    let log = Log::default();
    let mut link = serve(async |_req, res| res.end("x"))
        .observe(&log)
        .connect();
    link.send(get("/") + &get("/")).send(get("/"));
    let starts: Vec<_> = log
        .take()
        .into_iter()
        .filter(|line| line.ends_with("FirstByte") || line.ends_with("HandlerStart"))
        .collect();
    let expected = [
        "1 FirstByte",
        "1 HandlerStart",
        "2 FirstByte",
        "2 HandlerStart",
        "3 FirstByte",
        "3 HandlerStart",
    ];
    assert_eq!(starts, expected);
}

#[test]
fn an_old_connection_ends_with_its_exchange() {
    let mut link = serve(async |_req, res| res.end("x")).connect();
    for _ in 0..300 {
        link.send(get("/")).secs(12);
    }
    link.heard();
    assert!(link.is_open());
    link.send(get("/"));
    assert_eq!(
        link.heard(),
        answer("200 OK", "", "x").replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n")
    );
    assert_eq!(link.ended(), Some(Ending::Linger));
}

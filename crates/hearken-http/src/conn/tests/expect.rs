//! `Expect: 100-continue` and other expectations (RFC 9110 §10.1.1).

use super::harness::{answer, get, ok, post_head, serve, serve_gated};
use crate::conn::Ending;
use crate::event;

/// `POST` with `Expect: 100-continue` and this Content-Length.
fn expecting(length: usize) -> String {
    post_head(length).replace("\r\n\r\n", "\r\nExpect: 100-continue\r\n\r\n")
}

const CONTINUE: &str = "HTTP/1.1 100 Continue\r\n\r\n";

#[test]
fn continue_is_sent_on_the_first_read_of_the_body() {
    let (server, gate) = serve_gated(async |mut req, res| Ok(res.end(req.bytes().await?)));
    let mut link = server.connect();
    link.send(expecting(2));
    assert_eq!(link.heard(), "", "the body is not read yet");
    gate.open();
    link.go();
    assert_eq!(link.heard(), CONTINUE);
    link.send("h");
    assert_eq!(link.heard(), "", "once");
    link.send("i");
    assert_eq!(link.heard(), ok("hi"));
    assert!(link.is_open());
}

#[test]
fn continue_is_not_sent_for_a_received_or_empty_body_or_to_http_1_0() {
    let mut link = serve(async |mut req, res| Ok(res.end(req.bytes().await?))).connect();
    link.send(expecting(2) + "hi");
    assert_eq!(link.heard(), ok("hi"));
    link.send(expecting(0));
    assert_eq!(link.heard(), ok(""));
    link.send("POST / HTTP/1.0\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
    assert_eq!(link.heard(), "");
    link.send("hi");
    assert!(link.heard().starts_with("HTTP/1.1 200 OK\r\n"));
}

#[test]
fn listeners_for_the_body_send_continue_too() {
    let mut link = serve(async |req, res| {
        let (sent, answer) = res.defer();
        req.on(event::Ready, move |whole| answer.end(whole.body.clone()));
        sent
    })
    .connect();
    link.send(expecting(2));
    assert_eq!(link.heard(), CONTINUE);
    link.send("hi");
    assert_eq!(link.heard(), ok("hi"));
}

#[test]
fn a_response_instead_of_continue_closes() {
    let mut link = serve(async |_req, res| res.status(413).end("no")).connect();
    link.send(expecting(2));
    let refused = answer("413 Content Too Large", "", "no");
    let refused = refused.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n");
    assert_eq!(link.heard(), refused);
    assert_eq!(link.ended(), Some(Ending::Linger));
}

/// RFC 9110 §10.1.1: a client may send its body without waiting; then the connection can be reused.
#[test]
fn a_body_sent_without_waiting_for_continue_keeps_the_connection() {
    let (server, gate) = serve_gated(async |_req, res| res.end("x"));
    let mut link = server.connect();
    link.send(expecting(2)).send("hi");
    gate.open();
    link.go();
    assert_eq!(link.heard(), ok("x"));
    link.send(get("/"));
    assert_eq!(link.heard(), ok("x"));
}

#[test]
fn another_expectation_is_417() {
    let mut link = serve(async |_req, res| res.end("x")).connect();
    link.send("GET / HTTP/1.1\r\nHost: a\r\nExpect: 200-ok\r\n\r\n".to_owned() + &get("/"));
    let heard = link.heard();
    assert!(
        heard.starts_with("HTTP/1.1 417 Expectation Failed\r\n"),
        "{heard}"
    );
    assert!(heard.contains("\r\nConnection: close\r\n"), "{heard}");
    assert_eq!(heard.matches("HTTP/1.1").count(), 1);
    assert_eq!(link.ended(), Some(Ending::Linger));
}

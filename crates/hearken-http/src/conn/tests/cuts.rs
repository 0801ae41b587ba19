//! The same conversations, cut at every place: the responses must not depend on how the bytes of either side are cut.

use super::harness::{CHUNKED, Link, Open, get, post, serve, spawn};
use crate::conn::Ending;
use crate::{Failure, event};

/// The server of all conversations: each path is one way to respond.
fn server() -> Open {
    let setup = serve(async |mut req, res| {
        let path = req.path().to_owned();
        match path.as_str() {
            "/early" => return Ok(res.end("early")),
            "/let-go" => {
                drop(req);
                return Ok(res.status(202).end("gone"));
            }
            "/pieces" => {
                let body = req.text().await?;
                for piece in body.as_bytes().chunks(2) {
                    res.write(piece.to_vec());
                }
                return Ok(res.end(""));
            }
            "/events" => {
                let (sent, answer) = res.defer();
                req.on(event::Ready, move |whole| {
                    answer.end(format!("{:?} {}", whole.body, whole.trailers.len()));
                });
                return Ok(sent);
            }
            "/task" => {
                let (sent, answer) = res.defer();
                spawn(async move {
                    let body = req.bytes().await.unwrap_or_default();
                    answer.end(format!("task {body:?}"));
                });
                return Ok(sent);
            }
            "/big" => return Ok(res.end(vec![b'.'; 70_000])),
            "/panic" => panic!("on purpose"),
            "/error" => return Err(Failure::new(418, "no coffee")),
            _ => {}
        }
        let body = req.text().await?;
        let trailers = req.trailers().view().len();
        let text = format!("{} {} {body} {trailers}", req.method(), req.url());
        Ok(res.set("X-Path", path).end(text))
    });
    setup.open()
}

fn to(path: &str, request: &str) -> String {
    request.replacen(" / ", &format!(" {path} "), 1)
}

const BODY: &str = "3\r\nabc\r\n5;x=y\r\ndefgh\r\n0\r\nX-T: 1\r\n\r\n";

fn conversations() -> Vec<String> {
    let chunked = CHUNKED.to_owned() + BODY;
    let old = "GET /old HTTP/1.0\r\nConnection: keep-alive\r\n\r\n";
    let closing = "GET /last HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    vec![
        get("/1") + &get("/2") + &get("/3"),
        post("hello") + &get("/") + &post("") + &post("again"),
        chunked.clone() + &get("/") + &chunked + &get("/end"),
        to("/early", &post("unread")) + &to("/early", &chunked) + &get("/"),
        to("/let-go", &post("unread")) + &to("/let-go", &chunked) + &get("/"),
        to("/pieces", &post("pieces")) + &to("/pieces", &chunked) + &get("/pieces"),
        to("/events", &post("events")) + &to("/events", &chunked) + &get("/events"),
        to("/task", &post("task")) + &to("/task", &chunked) + &get("/task"),
        get("/panic") + &to("/panic", &post("unread")) + &get("/error") + &get("/"),
        "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n".to_owned()
            + &to("/pieces", "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n")
            + &get("/"),
        old.to_owned() + old + "GET /end HTTP/1.0\r\n\r\n",
        "\r\n".to_owned() + &get("/") + "\r\n" + &get("/"),
        get("/") + closing + &get("/never"),
        get("/") + "GET /bad HTTP/1.1\r\nHost : a\r\n\r\n" + &get("/never"),
        get("/") + &post("x").replace("Length: 1", "Length: 01") + &get("/never"),
        get("/") + CHUNKED + "3\r\nabc\r\nX" + &get("/never"),
        get("/") + &to("/pieces", CHUNKED) + "3\r\nabcX\r\n0\r\n\r\n" + &get("/never"),
        get("/") + "CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n" + &get("/never"),
        get("/")
            + "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n"
            + &get("/"),
        get("/") + "GET /unfinished HTTP/1.1\r\nHo",
        get("/") + &post("unfinished")[..55],
        get("/") + CHUNKED + "3\r\nab",
    ]
}

/// Ends the input; returns all output, and how the connection ended.
fn hear(link: &mut Link) -> (String, Option<Ending>) {
    link.end_input();
    let mut heard = link.heard();
    while link.is_open() && link.deadline_in().is_some() {
        link.secs(1);
        heard += &link.heard();
    }
    (heard, link.ended())
}

fn whole(server: &Open, text: &str) -> (String, Option<Ending>) {
    let mut link = server.connect();
    link.send(text);
    hear(&mut link)
}

#[test]
fn cut_into_pieces_of_every_size() {
    let server = server();
    for text in conversations() {
        let expected = whole(&server, &text);
        assert!(expected.0.starts_with("HTTP/1.1 "), "{text}");
        for cut in (1..20).chain([50, 100]) {
            let mut link = server.connect();
            link.cut = cut;
            link.send(&text);
            assert_eq!(hear(&mut link), expected, "pieces of {cut}: {text}");
        }
    }
}

#[test]
fn cut_in_two_at_every_place() {
    let server = server();
    for text in conversations() {
        let expected = whole(&server, &text);
        for at in 1..text.len() {
            let mut link = server.connect();
            link.send(&text[..at]).send(&text[at..]);
            assert_eq!(hear(&mut link), expected, "cut at {at}: {text}");
        }
    }
}

#[test]
fn output_taken_byte_by_byte() {
    let server = server();
    for text in conversations() {
        let expected = whole(&server, &text);
        let mut link = server.connect();
        link.take = 1;
        link.cut = 1;
        link.send(&text);
        assert_eq!(hear(&mut link), expected, "{text}");
        // As above, with a transport that takes one byte at a time.
        let mut link = server.connect();
        link.room = 0;
        link.send(&text);
        let mut heard = String::new();
        for _ in 0..expected.0.len() + 1000 {
            link.give_room(1);
        }
        link.room = usize::MAX;
        let (rest, ended) = hear(&mut link);
        heard += &rest;
        assert_eq!((heard, ended), expected, "{text}");
    }
}

#[test]
fn in_owned_buffers() {
    let server = server();
    for text in conversations() {
        let expected = whole(&server, &text);
        for cut in [1, 10, usize::MAX] {
            let mut link = server.connect();
            link.owned = true;
            link.cut = cut;
            link.send(&text);
            assert_eq!(hear(&mut link), expected, "{text}");
        }
    }
}

/// Many clients share the memory of a worker: bytes of one must never reach another.
#[test]
fn many_connections_at_once() {
    let server = server();
    let texts = conversations();
    let expected: Vec<_> = texts.iter().map(|text| whole(&server, text)).collect();
    let mut links: Vec<_> = texts.iter().map(|_| server.connect()).collect();
    for at in 0..texts.iter().map(String::len).max().unwrap() {
        for (link, text) in links.iter_mut().zip(&texts) {
            if at < text.len() {
                link.send(&text[at..=at]);
            }
        }
    }
    for ((link, expected), text) in links.iter_mut().zip(&expected).zip(&texts) {
        assert_eq!(&hear(link), expected, "{text}");
    }
}

#[test]
fn large_responses_taken_slowly_are_complete_and_in_order() {
    let server = server();
    let text = get("/big") + &get("/1") + &get("/big") + &get("/2");
    let expected = whole(&server, &text).0;
    let mut link = server.connect();
    link.room = 0;
    link.send(&text);
    while link.heard_len() < expected.len() - 10 {
        link.give_room(997);
    }
    link.give_room(10_000);
    assert_eq!(hear(&mut link).0, expected);
}

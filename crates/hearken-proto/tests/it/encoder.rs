//! Encoding (RFC 9112 §6, RFC 9110 §8.6): the choice of framing. Rejected calls: `misuse.rs`.

use hearken_proto::{
    BodyLength, Connection, Date, Fields, Half, Length, Limits, Misuse, Response, Role,
};
use hearken_testkit::{Say, Talk, escape, talk};

pub(crate) fn requested(version: &str) -> Talk {
    talk(Role::Server)
        .hear(format!("POST / HTTP/{version}\r\nHost: a\r\n\r\n"))
        .event("request POST /")
        .event("end")
}

pub(crate) fn server(request: &str) -> Connection {
    let mut server = Connection::new(Role::Server, &Limits::default());
    let mut rest = request.as_bytes();
    while let (consumed, Some(_)) = server.receive(rest).expect("a legal request") {
        rest = &rest[consumed..];
    }
    server
}

#[test]
fn a_known_length() {
    requested("1.1")
        .say(
            Say::Head(200, Length::Known(5)),
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n",
        )
        .say(Say::Content("he"), "he")
        .say(Say::Content(""), "")
        .say(Say::Content("llo"), "llo")
        .say(Say::End, "")
        .both(Half::Idle);
}

#[test]
fn an_unknown_length_is_chunked() {
    requested("1.1")
        .say(
            Say::Head(200, Length::Unknown),
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        )
        .say(
            Say::Content("hello, world; hello"),
            "13\r\nhello, world; hello\r\n",
        )
        .say(Say::Content(""), "") // an empty chunk would be the last chunk
        .say(
            Say::Trailers(&[("X-Sum", "1"), ("x-b", "2")]),
            "0\r\nX-Sum: 1\r\nx-b: 2\r\n\r\n",
        )
        .both(Half::Idle);
}

#[test]
fn an_unknown_length_to_http10_lasts_until_close() {
    requested("1.0")
        .say(
            Say::Head(200, Length::Unknown),
            "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n",
        )
        .say(Say::Content("abc"), "abc")
        .refuse(Say::Trailers(&[("X", "y")]), Misuse::TrailersNotAllowed)
        .say(Say::End, "")
        .finished();
    // The same if the caller sets chunked: HTTP/1.0 does not have it.
    requested("1.0").say(
        Say::HeadWith(200, Length::Unknown, &[("Transfer-Encoding", "chunked")]),
        "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n",
    );
}

#[test]
fn a_content_length_of_the_caller_is_used_where_it_is_legal() {
    let five = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n";
    requested("1.1")
        .say(
            Say::HeadWith(200, Length::Unknown, &[("content-length", "5")]),
            five,
        )
        .say(Say::Content("hello"), "hello")
        .say(Say::End, "")
        .both(Half::Idle);
    requested("1.1").say(
        Say::HeadWith(200, Length::Known(5), &[("Content-Length", "5")]),
        five,
    );
}

#[test]
fn content_length_is_left_out_beside_transfer_encoding() {
    for length in [Length::Unknown, Length::Known(5)] {
        requested("1.1")
            .say(
                Say::HeadWith(
                    200,
                    length,
                    &[
                        ("Content-Length", "5"),
                        ("X", "y"),
                        ("Transfer-Encoding", "Chunked"),
                    ],
                ),
                "HTTP/1.1 200 OK\r\nX: y\r\nTransfer-Encoding: chunked\r\n\r\n",
            )
            .say(Say::End, "0\r\n\r\n")
            .both(Half::Idle);
    }
}

#[test]
fn a_length_that_does_not_match() {
    let head = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n";
    requested("1.1")
        .say(Say::Head(200, Length::Known(5)), head)
        .refuse(Say::Content("hello!"), Misuse::BodyTooLong)
        .say(Say::Content("hell"), "hell")
        .refuse(Say::Content("o!"), Misuse::BodyTooLong)
        .refuse(Say::End, Misuse::BodyTooShort)
        .with(|it| {
            assert!(
                !it.persistent(),
                "the peer cannot be told where the next one begins"
            )
        })
        .halves(Half::Done, Half::Body)
        .say(Say::Content("o"), "o")
        .refuse(Say::Content("!"), Misuse::BodyTooLong)
        .say(Say::End, "")
        .finished();
    for (length, misuse) in [(4, Misuse::BodyTooShort), (6, Misuse::BodyTooLong)] {
        requested("1.1")
            .refuse(
                Say::HeadWith(200, Length::Known(length), &[("Content-Length", "5")]),
                misuse,
            )
            .halves(Half::Done, Half::Idle);
    }
    talk(Role::Client)
        .refuse(
            Say::RequestWith("PUT", "/", Length::Known(4), &[("Content-Length", "5")]),
            Misuse::BodyTooShort,
        )
        .both(Half::Idle);
}

#[test]
fn fields_keep_their_order_and_case() {
    requested("1.1").say(
        Say::HeadWith(
            404,
            Length::Known(0),
            &[("b", "1"), ("A", "2"), ("Connection", "x"), ("b", ""), ("Date", "now")],
        ),
        "HTTP/1.1 404 Not Found\r\nb: 1\r\nA: 2\r\nConnection: x\r\nb: \r\nDate: now\r\nContent-Length: 0\r\n\r\n",
    );
}

#[test]
fn date_is_added_unless_it_is_set() {
    let date = Date::new(b"Sun, 06 Nov 1994 08:49:37 GMT").expect("29 legal bytes");
    for (own, expected) in [
        (
            false,
            "HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Length: 0\r\n\r\n",
        ),
        (
            true,
            "HTTP/1.1 200 OK\r\ndate: mine\r\nContent-Length: 0\r\n\r\n",
        ),
    ] {
        let mut fields = Fields::new();
        if own {
            fields.append("date", "mine").expect("a legal field");
        }
        let mut response = Response::new(200, &fields, Length::Known(0));
        response.date = Some(&date);
        let mut out = Vec::new();
        let mut server = server("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        server
            .send_response(&response, &mut out)
            .expect("a legal response");
        assert_eq!(escape(&out), escape(expected.as_bytes()));
    }
}

#[test]
fn a_reason_phrase_of_the_caller() {
    let (fields, mut out) = (Fields::new(), Vec::new());
    let mut response = Response::new(299, &fields, Length::Known(0));
    response.reason = Some(b"Fine\tand \xe9");
    let mut server = server("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    server
        .send_response(&response, &mut out)
        .expect("a legal response");
    assert_eq!(
        out,
        b"HTTP/1.1 299 Fine\tand \xe9\r\nContent-Length: 0\r\n\r\n"
    );
}

#[test]
fn requests_are_framed_by_method_and_length() {
    for (method, length, expected) in [
        ("GET", Length::Known(0), "GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
        (
            "POST",
            Length::Known(0),
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n",
        ),
        (
            "PUT",
            Length::Known(3),
            "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n",
        ),
        (
            "PATCH",
            Length::Unknown,
            "PATCH / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
        ),
        (
            "GET",
            Length::Known(3),
            "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n",
        ),
    ] {
        talk(Role::Client).say(Say::Request(method, "/", length), expected);
    }
}

#[test]
fn a_host_that_contradicts_the_target_is_rejected() {
    let host = |target: &'static str, hosts: &'static [(&'static str, &'static str)]| {
        Say::RequestWith("GET", target, Length::Known(0), hosts)
    };
    for (target, hosts) in [
        ("/", &[("Host", "a"), ("Host", "a")][..]),
        ("/", &[("Host", "a b")]),
        ("/", &[("Host", "u@a")]),
        ("http://a/", &[("Host", "b")]),
        ("http://a/", &[("Host", "")]),
    ] {
        talk(Role::Client)
            .refuse(host(target, hosts), Misuse::Host)
            .both(Half::Idle);
    }
    for (target, hosts) in [
        ("/", &[("Host", "")][..]),
        ("http://a:80/x", &[("Host", "A")]),
        ("/", &[("Host", "[::1]:8080")]),
    ] {
        let (_, value) = hosts[0];
        let expected = format!("GET {target} HTTP/1.1\r\nHost: {value}\r\n\r\n");
        talk(Role::Client).say(host(target, hosts), &expected);
    }
    talk(Role::Client).say(
        Say::RequestWith("CONNECT", "a:443", Length::Known(0), &[("Host", "a")]),
        "CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n",
    );
}

#[test]
fn framing_for_content_that_the_caller_writes() {
    let mut server = server("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    let (fields, mut out) = (Fields::new(), Vec::new());
    let body = server
        .send_response(&Response::new(200, &fields, Length::Unknown), &mut out)
        .expect("a legal response");
    assert_eq!(body, BodyLength::Chunked);
    out.clear();
    let behind = server
        .frame_content(300, &mut out)
        .expect("content may come");
    assert_eq!((&out[..], behind), (&b"12c\r\n"[..], &b"\r\n"[..]));
}

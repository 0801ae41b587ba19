//! Messages without a body: HEAD, 204, 205, 304, interim (RFC 9112 §6.3 rule 1; RFC 9110 §8.6, §9.3.2, §15).

use hearken_proto::{Half, Length, Misuse, Role};
use hearken_testkit::{Say, Talk, talk};

fn requested(method: &str) -> Talk {
    talk(Role::Server)
        .hear(format!("{method} / HTTP/1.1\r\nHost: a\r\n\r\n"))
        .event(&format!("request {method} /"))
        .event("end")
}

#[test]
fn head_declares_the_length_and_sends_no_content() {
    requested("HEAD")
        .say(
            Say::Head(200, Length::Known(5)),
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n",
        )
        .with(|it| assert!(!it.can_send_content()))
        .refuse(Say::Content("hello"), Misuse::BodyNotAllowed)
        .say(Say::Content(""), "")
        .refuse(Say::Trailers(&[("X", "y")]), Misuse::TrailersNotAllowed)
        .say(Say::End, "")
        .both(Half::Idle);
}

#[test]
fn head_without_a_known_length_declares_none() {
    requested("HEAD")
        .say(Say::Head(200, Length::Unknown), "HTTP/1.1 200 OK\r\n\r\n")
        .refuse(Say::Content("x"), Misuse::BodyNotAllowed)
        .say(Say::End, "")
        .both(Half::Idle);
    requested("HEAD")
        .say(
            Say::HeadWith(200, Length::Known(0), &[("Transfer-Encoding", "chunked")]),
            "HTTP/1.1 200 OK\r\n\r\n",
        )
        .say(Say::End, "")
        .both(Half::Idle);
    requested("HEAD")
        .say(
            Say::HeadWith(200, Length::Known(0), &[("Content-Length", "77")]),
            "HTTP/1.1 200 OK\r\nContent-Length: 77\r\n\r\n",
        )
        .say(Say::End, "");
}

#[test]
fn head_with_empty_content_does_not_declare_a_length_of_zero() {
    requested("HEAD")
        .say(Say::Head(200, Length::Known(0)), "HTTP/1.1 200 OK\r\n\r\n")
        .say(Say::End, "")
        .both(Half::Idle);
    requested("HEAD")
        .say(
            Say::HeadWith(200, Length::Known(0), &[("Content-Length", "7")]),
            "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n",
        )
        .say(Say::End, "")
        .both(Half::Idle);
}

#[test]
fn head_over_http10_keeps_the_connection_without_a_known_length() {
    talk(Role::Server)
        .hear("HEAD / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        .event("request HEAD /")
        .event("end")
        .say(
            Say::Head(200, Length::Unknown),
            "HTTP/1.1 200 OK\r\nConnection: keep-alive\r\n\r\n",
        )
        .say(Say::End, "")
        .both(Half::Idle);
}

#[test]
fn status_204_has_neither_content_nor_length() {
    for length in [Length::Known(0), Length::Known(5), Length::Unknown] {
        requested("GET")
            .say(
                Say::HeadWith(
                    204,
                    length,
                    &[
                        ("Content-Length", "5"),
                        ("X", "y"),
                        ("Transfer-Encoding", "chunked"),
                    ],
                ),
                "HTTP/1.1 204 No Content\r\nX: y\r\n\r\n",
            )
            .refuse(Say::Content("x"), Misuse::BodyNotAllowed)
            .say(Say::End, "")
            .both(Half::Idle);
    }
}

#[test]
fn status_304_may_declare_a_length() {
    let plain = "HTTP/1.1 304 Not Modified\r\n\r\n";
    let length = "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n";
    requested("GET")
        .say(Say::Head(304, Length::Known(0)), plain)
        .say(Say::End, "");
    requested("GET")
        .say(Say::Head(304, Length::Unknown), plain)
        .say(Say::End, "");
    requested("GET")
        .say(Say::Head(304, Length::Known(5)), length)
        .say(Say::End, "");
    requested("GET")
        .say(
            Say::HeadWith(304, Length::Known(0), &[("content-length", "5")]),
            length,
        )
        .refuse(Say::Content("hello"), Misuse::BodyNotAllowed)
        .say(Say::End, "")
        .both(Half::Idle);
}

#[test]
fn status_205_declares_a_length_of_zero() {
    let reset = "HTTP/1.1 205 Reset Content\r\nContent-Length: 0\r\n\r\n";
    for length in [Length::Known(0), Length::Unknown] {
        requested("POST")
            .say(Say::Head(205, length), reset)
            .refuse(Say::Content("x"), Misuse::BodyNotAllowed)
            .say(Say::End, "")
            .both(Half::Idle);
    }
    requested("POST")
        .refuse(Say::Head(205, Length::Known(1)), Misuse::BodyNotAllowed)
        .halves(Half::Done, Half::Idle);
}

#[test]
fn a_malformed_head_request_gets_a_response_without_content() {
    talk(Role::Server)
        .hear("HEAD / HTTP/1.1\r\n\r\n")
        .error("H1_HOST_MISSING", 17)
        .say(
            Say::Head(400, Length::Known(9)),
            "HTTP/1.1 400 Bad Request\r\nContent-Length: 9\r\nConnection: close\r\n\r\n",
        )
        .refuse(Say::Content("what HEAD"), Misuse::BodyNotAllowed)
        .say(Say::End, "")
        .finished()
        .halves(Half::Failed, Half::MustClose);
}

#[test]
fn a_malformed_http10_request_gets_no_chunks() {
    talk(Role::Server)
        .hear("GET / HTTP/1.0\r\nHost : a\r\n\r\n")
        .error("H1_SPACE_BEFORE_COLON", 20)
        .say(
            Say::Head(400, Length::Unknown),
            "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n",
        )
        .say(Say::Content("why"), "why")
        .say(Say::End, "")
        .halves(Half::Failed, Half::MustClose);
}

//! Ends: half-closed peers, unfinished messages, responses without a request (RFC 9112 §8, §9.5, §9.6).

use hearken_proto::{Half, Length, Misuse, Role};
use hearken_testkit::{Say, talk};

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
const OK_CLOSE: &str = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

#[test]
fn the_end_between_exchanges_ends_both_directions() {
    for role in [Role::Server, Role::Client] {
        talk(role)
            .eof("eof")
            .finished()
            .halves(Half::Closed, Half::MustClose);
        talk(role)
            .eof("eof")
            .eof("eof")
            .halves(Half::Closed, Half::MustClose);
    }
}

#[test]
fn a_half_closed_client_gets_its_response() {
    talk(Role::Server)
        .hear(GET)
        .event("request GET /")
        .event("end")
        .eof("eof")
        .lives()
        .halves(Half::Closed, Half::Idle)
        .with(|it| assert!(!it.persistent()))
        .say(Say::Final(200), OK_CLOSE)
        .finished()
        .halves(Half::Closed, Half::MustClose);
}

#[test]
fn a_half_closed_client_gets_its_response_before_the_end_event_of_its_request() {
    talk(Role::Server)
        .hear(GET)
        .event("request GET /")
        .eof("eof")
        .event("end")
        .say(Say::Final(200), OK_CLOSE)
        .finished()
        .both(Half::MustClose);
}

#[test]
fn end_of_input_in_the_middle_of_a_response() {
    talk(Role::Server)
        .hear(GET)
        .event("request GET /")
        .event("end")
        .say(
            Say::Head(200, Length::Known(2)),
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n",
        )
        .eof("eof")
        .lives()
        .say(Say::Content("ok"), "ok")
        .say(Say::End, "")
        .finished()
        .halves(Half::Closed, Half::MustClose);
}

#[test]
fn end_of_input_in_a_head_or_body_gets_a_response() {
    for (bytes, code) in [
        ("GET / HT", "H1_TRUNCATED_HEAD"),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n",
            "H1_TRUNCATED_BODY",
        ),
    ] {
        let mut talk = talk(Role::Server).hear(bytes);
        talk = if code == "H1_TRUNCATED_HEAD" {
            talk.nothing()
        } else {
            talk.event("request POST /")
        };
        talk.eof(code)
            .eof(code)
            .halves(Half::Failed, Half::Idle)
            .say(
                Say::Final(400),
                "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
            )
            .finished()
            .halves(Half::Failed, Half::MustClose);
    }
}

#[test]
fn an_empty_line_is_no_head() {
    talk(Role::Server)
        .hear("\r\n")
        .nothing()
        .with(|it| assert!(!it.in_head()))
        .eof("eof")
        .halves(Half::Closed, Half::MustClose);
    talk(Role::Server)
        .hear("\r\nG")
        .nothing()
        .with(|it| assert!(it.in_head()))
        .eof("H1_TRUNCATED_HEAD")
        .halves(Half::Failed, Half::Idle);
}

#[test]
fn a_response_without_a_request_ends_the_connection() {
    let timeout = "HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    talk(Role::Server)
        .say(Say::Final(408), timeout)
        .finished()
        .hear(GET)
        .nothing()
        .rest("")
        .both(Half::MustClose);
    // The rest of a head that arrives too late is ignored, even while the response is being sent.
    talk(Role::Server)
        .hear("GET / HTTP/1.1\r\n")
        .nothing()
        .say(Say::Head(408, Length::Known(0)), timeout)
        .hear("Host: a\r\n\r\n")
        .nothing()
        .rest("")
        .say(Say::End, "")
        .finished()
        .both(Half::MustClose);
    talk(Role::Server)
        .refuse(Say::Interim(103), Misuse::OutOfOrder)
        .both(Half::Idle);
}

#[test]
fn after_the_last_message_nothing_is_sent() {
    talk(Role::Server)
        .hear("GET / HTTP/1.0\r\n\r\n")
        .event("request GET /")
        .event("end")
        .say(Say::Final(200), OK_CLOSE)
        .refuse(Say::Head(200, Length::Known(0)), Misuse::OutOfOrder)
        .refuse(Say::Interim(100), Misuse::OutOfOrder)
        .refuse(Say::Content("x"), Misuse::OutOfOrder)
        .refuse(Say::End, Misuse::OutOfOrder)
        .eof("eof")
        .halves(Half::Closed, Half::MustClose);
}

#[test]
fn bytes_after_the_end_are_counted_and_dropped() {
    talk(Role::Server)
        .hear("GET / HTTP/1.0\r\n\r\nmore")
        .event("request GET /")
        .event("end")
        .say(Say::Final(200), OK_CLOSE)
        .nothing()
        .with(|it| assert_eq!(it.offset(), 22))
        .hear("and more")
        .nothing()
        .rest("")
        .with(|it| assert_eq!(it.offset(), 30))
        .finished();
}

#[test]
fn a_malformed_head_can_be_formatted() {
    talk(Role::Server)
        .hear("GET /path HTTP/1.1\r\nHost: a\r\nX : y\r\n\r\n")
        .error("H1_SPACE_BEFORE_COLON", 30)
        .with(|it| {
            let head = it.head();
            assert_eq!((head.method(), head.url()), ("GET", "/path"));
            assert_eq!(head.fields().get("host"), Some(&b"a"[..]));
            assert_eq!(head.as_bytes(), b"GET /path HTTP/1.1\r\nHost: a\r\nX ");
        })
        .halves(Half::Failed, Half::Idle);
}

#[test]
fn a_request_cannot_get_two_responses() {
    talk(Role::Server)
        .hear("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n")
        .event("request POST /")
        .say(Say::Final(200), OK)
        .refuse(Say::Head(500, Length::Known(0)), Misuse::OutOfOrder)
        .halves(Half::Body, Half::Done);
}

//! Persistence of HTTP/1.0 and 1.1 (RFC 9112 §9.3) and pipelining (§9.3.2), in the server role.

use hearken_proto::{Connection, Fields, Half, Length, Limits, Response, Role};
use hearken_testkit::{Say, talk};

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
const OK_CLOSE: &str = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

#[test]
fn http11_persists() {
    talk(Role::Server)
        .hear(GET)
        .event("request GET /")
        .event("end")
        .say(Say::Final(200), OK)
        .lives()
        .hear(GET)
        .event("request GET /")
        .event("end")
        .say(Say::Final(200), OK)
        .both(Half::Idle);
}

#[test]
fn the_next_request_waits_for_the_response() {
    talk(Role::Server)
        .hear(format!("{GET}DELETE /2 HTTP/1.1\r\nHost: a\r\n\r\n"))
        .event("request GET /")
        .event("end")
        .nothing()
        .nothing()
        .say(
            Say::Head(200, Length::Known(1)),
            "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n",
        )
        .nothing()
        .say(Say::Content("x"), "x")
        .nothing()
        .say(Say::End, "")
        .event("request DELETE /2")
        .event("end")
        .say(Say::Final(200), OK)
        .both(Half::Idle);
}

#[test]
fn the_response_may_end_before_the_end_event_of_the_request() {
    talk(Role::Server)
        .hear(GET)
        .event("request GET /")
        .say(Say::Final(200), OK)
        .halves(Half::Body, Half::Done);
    talk(Role::Server)
        .hear(format!("{GET}{GET}"))
        .event("request GET /")
        .say(Say::Final(200), OK)
        .event("end")
        .event("request GET /")
        .event("end")
        .say(Say::Final(200), OK)
        .both(Half::Idle);
}

#[test]
fn http10_closes_and_declares_it() {
    talk(Role::Server)
        .hear("GET / HTTP/1.0\r\n\r\nGET /2 HTTP/1.0\r\n\r\n")
        .event("request GET /")
        .event("end")
        .say(Say::Final(200), OK_CLOSE)
        .nothing()
        .rest("")
        .finished()
        .both(Half::MustClose);
}

#[test]
fn http10_with_keep_alive_persists_and_declares_it() {
    let keep = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n";
    talk(Role::Server)
        .hear("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        .event("request GET /")
        .event("end")
        .say(Say::Final(200), keep)
        .lives()
        .hear("GET / HTTP/1.0\r\n\r\n")
        .event("request GET /")
        .event("end")
        .say(Say::Final(200), OK_CLOSE)
        .both(Half::MustClose);
}

#[test]
fn http10_with_keep_alive_closes_when_the_body_ends_at_close() {
    talk(Role::Server)
        .hear("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        .event("request GET /")
        .event("end")
        .say(
            Say::Head(200, Length::Unknown),
            "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n",
        )
        .say(Say::Content("abc"), "abc")
        .say(Say::End, "")
        .finished()
        .both(Half::MustClose);
}

#[test]
fn the_next_request_does_not_inherit_from_the_last_one() {
    talk(Role::Server)
        .hear("HEAD / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        .event("request HEAD /")
        .event("end")
        .say(
            Say::Final(200),
            "HTTP/1.1 200 OK\r\nConnection: keep-alive\r\n\r\n",
        )
        .hear(GET)
        .event("request GET /")
        .event("end")
        .say(
            Say::Head(200, Length::Unknown),
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        )
        .say(Say::Content("x"), "1\r\nx\r\n")
        .say(Say::End, "0\r\n\r\n")
        .both(Half::Idle);
}

#[test]
fn the_server_closes_on_its_own_decision() {
    talk(Role::Server)
        .hear(format!("{GET}{GET}"))
        .event("request GET /")
        .event("end")
        .say(
            Say::HeadWith(200, Length::Known(0), &[("Connection", "x, Close")]),
            "HTTP/1.1 200 OK\r\nConnection: x, Close\r\nContent-Length: 0\r\n\r\n",
        )
        .say(Say::End, "")
        .nothing()
        .rest("") // the second request is consumed and ignored (RFC 9112 §9.6)
        .both(Half::MustClose);
}

#[test]
fn must_close_before_during_and_after() {
    // Between exchanges: at once.
    talk(Role::Server)
        .with(|it| it.must_close())
        .finished()
        .both(Half::MustClose);
    // In the middle of a head or an exchange: after it, and the response carries `close`.
    talk(Role::Server)
        .hear("GET / HT")
        .nothing()
        .with(|it| it.must_close())
        .lives()
        .hear("TP/1.1\r\nHost: a\r\n\r\n")
        .event("request GET /")
        .with(|it| assert!(!it.persistent()))
        .event("end")
        .say(Say::Final(200), OK_CLOSE)
        .both(Half::MustClose);
    // An empty line is no part of a request: the connection closes at once.
    talk(Role::Server)
        .hear("\r\n")
        .nothing()
        .with(|it| it.must_close())
        .finished()
        .both(Half::MustClose);
    // Once the head is sent the connection closes without declaring it.
    talk(Role::Server)
        .hear(GET)
        .event("request GET /")
        .event("end")
        .say(Say::Head(200, Length::Known(0)), OK)
        .with(|it| it.must_close())
        .lives()
        .say(Say::End, "")
        .finished()
        .both(Half::MustClose);
}

#[test]
fn positions_of_errors_count_from_the_start_of_the_connection() {
    talk(Role::Server)
        .hear(format!("{GET}\r\n{GET}GET / HTTP/1.1\r\nHost : a\r\n"))
        .event("request GET /")
        .event("end")
        .say(Say::Final(200), OK)
        .event("request GET /")
        .event("end")
        .say(Say::Final(200), OK)
        .with(|it| assert_eq!(it.offset(), 27 + 29))
        .error("H1_SPACE_BEFORE_COLON", 27 + 29 + 20)
        .error("H1_SPACE_BEFORE_COLON", 27 + 29 + 20);
}

#[test]
fn reset_restarts_at_another_offset() {
    talk(Role::Server)
        .hear("GET / HTTP/1.1\r\nHost : a\r\n")
        .error("H1_SPACE_BEFORE_COLON", 20)
        .with(|it| {
            it.reset(1000);
            assert_eq!(
                (it.offset(), it.persistent(), it.in_head()),
                (1000, true, false)
            );
            assert!(it.head().fields().is_empty() && it.trailers().is_empty());
        })
        .both(Half::Idle);
    talk(Role::Server)
        .hear("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx")
        .event("request POST /")
        .event("content x")
        .with(|it| it.reset(1000))
        .hear("\nGET")
        .error("H1_BARE_LF", 1000);
}

/// Sent in responses after which the connection persists, and listed in Connection, once.
#[test]
fn keep_alive_timeout_is_sent() {
    let answer = |request: &str, fields: &[(&str, &str)]| {
        let mut server = Connection::new(Role::Server, &Limits::default());
        let (used, _) = server.receive(request.as_bytes()).unwrap();
        server.receive(&request.as_bytes()[used..]).unwrap();
        let mut all = Fields::new();
        for (name, value) in fields {
            all.append(name, value).unwrap();
        }
        server.tell_keep_alive(Some(15));
        let response = Response::new(204, &all, Length::Known(0));
        let mut out = Vec::new();
        server.send_response(&response, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    };
    let told =
        "HTTP/1.1 204 No Content\r\nConnection: keep-alive\r\nKeep-Alive: timeout=15\r\n\r\n";
    assert_eq!(answer("GET / HTTP/1.1\r\nHost: a\r\n\r\n", &[]), told);
    let persistent = "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n";
    assert_eq!(answer(persistent, &[]), told);
    assert_eq!(answer(persistent, &[("Connection", "keep-alive")]), told);
    let closes = "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n";
    assert_eq!(answer("GET / HTTP/1.0\r\n\r\n", &[]), closes);
    let request = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    assert_eq!(answer(request, &[("Connection", "close")]), closes);
}

//! Keep-alive of 1.0 and 1.1 (RFC 9112 §9.3) and pipelining (§9.3.2), from the server's end.

use hearken_proto::{Connection, Fields, Half, Length, Limits, Response, Role};
use hearken_testkit::{Say, talk};

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
const OK_CLOSE: &str = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

#[test]
fn http11_goes_on() {
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
fn the_next_request_waits_for_the_answer() {
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
fn the_answer_may_end_before_the_end_of_the_request_is_asked_for() {
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
fn http10_ends_and_says_so() {
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
fn http10_with_keep_alive_goes_on_and_says_so() {
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
fn http10_with_keep_alive_ends_when_only_the_end_tells_the_length() {
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
fn a_fresh_request_forgets_what_the_last_one_asked() {
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
fn the_server_closes_by_its_own_will() {
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
        .rest("") // the second request is swallowed, not parsed (RFC 9112 §9.6)
        .both(Half::MustClose);
}

#[test]
fn must_close_before_during_and_after() {
    // Between exchanges: at once.
    talk(Role::Server)
        .with(|it| it.must_close())
        .finished()
        .both(Half::MustClose);
    // In the middle of a head, and of an exchange: after it, and the response says so.
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
    // An empty line is no request: there is nothing to wait for.
    talk(Role::Server)
        .hear("\r\n")
        .nothing()
        .with(|it| it.must_close())
        .finished()
        .both(Half::MustClose);
    // After the head is out it can only be done, not said.
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
fn the_places_of_errors_count_from_the_beginning_of_the_connection() {
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
fn reset_begins_anew_at_another_offset() {
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

/// Told on answers after which the connection lives on, and named in Connection, once.
#[test]
fn how_long_a_connection_lives_on_is_told() {
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

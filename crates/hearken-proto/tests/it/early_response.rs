//! Responses before the end of the request (RFC 9112 §9.5, §9.6; RFC 9110 §10.1.1), in both roles.

use hearken_proto::{Connection, Event, Half, Length, Limits, Role};
use hearken_testkit::{Say, talk};

const POST: &str = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n";
const WAITS: &str =
    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n";
const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

#[test]
fn the_rest_of_the_body_is_read_and_the_connection_persists() {
    talk(Role::Server)
        .hear(POST)
        .event("request POST /")
        .hear("ab")
        .event("content ab")
        .say(
            Say::Final(403),
            "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n",
        )
        .halves(Half::Body, Half::Done)
        .lives()
        .with(|it| assert_eq!(it.body_left(), Some(2)))
        .hear("cdGET / HTTP/1.1\r\nHost: a\r\n\r\n")
        .event("content cd")
        .event("end")
        .both(Half::Idle);
}

#[test]
fn the_rest_of_the_body_is_too_long_and_the_connection_ends() {
    talk(Role::Server)
        .hear(POST)
        .event("request POST /")
        .say(
            Say::Final(403),
            "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n",
        )
        .lives()
        .with(|it| it.must_close())
        .finished()
        .halves(Half::Body, Half::MustClose)
        // The rest of the body is still content; bytes after it are ignored.
        .hear("abcdGET / HTTP/1.1\r\nHost: a\r\n\r\n")
        .event("content abcd")
        .event("end")
        .nothing()
        .rest("")
        .both(Half::MustClose);
}

#[test]
fn a_fault_in_the_body_after_the_response_ends_the_connection() {
    talk(Role::Server)
        .hear("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
        .event("request POST /")
        .say(Say::Final(200), OK)
        .lives()
        .hear("zz\r\n")
        .error("H1_CHUNK_SIZE", 56)
        .finished()
        .halves(Half::Failed, Half::MustClose);
}

#[test]
fn a_fault_in_the_body_while_the_response_is_being_sent() {
    talk(Role::Server)
        .hear("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
        .event("request POST /")
        .say(
            Say::Head(200, Length::Unknown),
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        )
        .hear("zz\r\n")
        .error("H1_CHUNK_SIZE", 56)
        .halves(Half::Failed, Half::Body)
        .say(Say::Content("x"), "1\r\nx\r\n")
        .say(Say::End, "0\r\n\r\n")
        .finished()
        .halves(Half::Failed, Half::MustClose);
}

#[test]
fn the_server_sends_100_and_the_client_continues() {
    talk(Role::Server)
        .hear(WAITS)
        .event("request POST /")
        .with(|it| assert!(it.head().expects_continue()))
        .nothing()
        .say(Say::Interim(100), "HTTP/1.1 100 Continue\r\n\r\n")
        .hear("hi")
        .event("content hi")
        .event("end")
        .say(Say::Final(200), OK)
        .both(Half::Idle);
}

#[test]
fn the_server_sends_417_and_the_client_sends_no_body() {
    talk(Role::Server)
        .hear(WAITS)
        .event("request POST /")
        .with(|it| it.must_close())
        .say(
            Say::Final(413),
            "HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        )
        .finished()
        .halves(Half::Body, Half::MustClose);
}

#[test]
fn http10_gets_no_interim_response() {
    talk(Role::Server)
        .hear("POST / HTTP/1.0\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n")
        .event("request POST /")
        .with(|it| assert!(!it.head().expects_continue()))
        .say(Say::Interim(100), "")
        .say(Say::Interim(103), "")
        .hear("hi")
        .event("content hi")
        .event("end");
}

#[test]
fn interim_responses_before_the_final_one_only() {
    talk(Role::Server)
        .hear("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        .event("request GET /")
        .say(Say::Interim(102), "HTTP/1.1 102 Processing\r\n\r\n")
        .say(
            Say::HeadWith(
                103,
                Length::Unknown,
                &[("Link", "</a>"), ("Content-Length", "3")],
            ),
            "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n",
        )
        .say(Say::Head(200, Length::Known(0)), OK)
        .refuse(Say::Interim(102), hearken_proto::Misuse::InterimLate);
}

#[test]
fn the_client_receives_the_response_while_it_is_sending() {
    let head = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n";
    talk(Role::Client)
        .say(Say::Request("POST", "/", Length::Known(4)), head)
        .say(Say::Content("ab"), "ab")
        .hear(OK)
        .event("response 200")
        .event("end")
        .halves(Half::Done, Half::Body)
        .say(Say::Content("cd"), "cd")
        .say(Say::End, "")
        .both(Half::Idle)
        .lives();
}

#[test]
fn the_client_receives_close_while_it_is_sending() {
    let head = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n";
    talk(Role::Client)
        .say(Say::Request("POST", "/", Length::Known(4)), head)
        .hear("HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
        .event("response 413")
        .event("end")
        .with(|it| assert!(!it.persistent()))
        .halves(Half::Done, Half::Body)
        .eof("eof")
        .halves(Half::Closed, Half::Body)
        .say(Say::Content("abcd"), "abcd")
        .say(Say::End, "")
        .finished()
        .halves(Half::Closed, Half::MustClose);
}

/// The caller handles unknown expectations; `100-continue` beside them is still recognised.
#[test]
fn an_unknown_expectation_can_be_left_to_the_caller() {
    let request = |version: &str, fields: &str| {
        let mut server = Connection::new(Role::Server, &Limits::default());
        server.pass_expectations(true);
        let request = format!("GET / HTTP/{version}\r\nHost: a\r\n{fields}\r\n");
        let (_, event) = server.receive(request.as_bytes()).unwrap();
        assert!(matches!(event, Some(Event::Head { .. })));
        let head = server.head();
        let other = head
            .expectation()
            .map(|value| String::from_utf8_lossy(value).into_owned());
        (other, head.expects_continue(), head.asks_more())
    };
    assert_eq!(request("1.1", ""), (None, false, false));
    assert_eq!(
        request("1.1", "Expect: 100-continue\r\n"),
        (None, true, true)
    );
    let both = "Expect: 100-continue\r\nExpect: Fame\r\nExpect: y\r\n";
    assert_eq!(request("1.1", both), (Some("Fame".to_owned()), true, true));
    assert_eq!(request("1.0", both), (None, false, true));
}

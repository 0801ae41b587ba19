//! The client role: interim responses, unsolicited bytes, responses until close (RFC 9112 §9.2, §6.3).

use hearken_proto::{Half, Length, Misuse, Role};
use hearken_testkit::{Say, Talk, talk};

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

fn requested() -> Talk {
    talk(Role::Client).say(Say::Get("/"), GET)
}

#[test]
fn exchanges_follow_one_another() {
    requested().halves(Half::Idle, Half::Done);
    requested()
        .hear(OK)
        .event("response 200")
        .event("end")
        .lives()
        .say(Say::Get("/2"), "GET /2 HTTP/1.1\r\nHost: a\r\n\r\n")
        .hear("HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno")
        .event("response 404")
        .event("content no")
        .event("end")
        .both(Half::Idle);
}

#[test]
fn one_request_at_a_time() {
    requested()
        .refuse(Say::Get("/2"), Misuse::OutOfOrder)
        .halves(Half::Idle, Half::Done);
    requested()
        .hear("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n")
        .event("response 200")
        .refuse(Say::Get("/2"), Misuse::OutOfOrder)
        .halves(Half::Body, Half::Done);
}

#[test]
fn interim_responses_have_their_own_fields() {
    requested()
        .hear("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")
        .event("interim 100")
        .event("interim 103")
        .with(|it| assert_eq!(it.head().fields().get("link"), Some(&b"</a>"[..])))
        .nothing()
        .hear(OK)
        .event("response 200")
        .with(|it| assert_eq!(it.head().fields().get("link"), None))
        .event("end")
        .both(Half::Idle);
}

#[test]
fn a_final_response_replaces_100() {
    talk(Role::Client)
        .say(
            Say::RequestWith("PUT", "/", Length::Known(2), &[("Expect", "100-continue")]),
            "PUT / HTTP/1.1\r\nExpect: 100-continue\r\nHost: a\r\nContent-Length: 2\r\n\r\n",
        )
        .hear("HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        .event("response 417")
        .event("end")
        .halves(Half::Done, Half::Body);
}

#[test]
fn bytes_before_a_request_are_a_fault() {
    talk(Role::Client)
        .hear(OK)
        .error("H1_UNSOLICITED", 0)
        .finished()
        .halves(Half::Failed, Half::MustClose);
    requested()
        .hear(format!("{OK}\r\n"))
        .event("response 200")
        .event("end")
        .error("H1_UNSOLICITED", OK.len() as u64)
        .finished()
        .refuse(Say::Get("/"), Misuse::OutOfOrder)
        .halves(Half::Failed, Half::MustClose);
}

#[test]
fn an_unrequested_switch_is_a_fault() {
    let switch = "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n";
    requested()
        .hear(switch)
        .error("H1_STATUS_UNEXPECTED", switch.len() as u64 - 2)
        .halves(Half::Failed, Half::MustClose);
    // Upgrade without the connection option is no offer.
    talk(Role::Client)
        .say(
            Say::RequestWith(
                "GET",
                "/",
                Length::Known(0),
                &[("Host", "a"), ("Upgrade", "x")],
            ),
            "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: x\r\n\r\n",
        )
        .say(Say::End, "")
        .hear(switch)
        .error("H1_STATUS_UNEXPECTED", switch.len() as u64 - 2)
        .finished();
}

#[test]
fn until_close() {
    requested()
        .hear("HTTP/1.1 200 OK\r\n\r\nab")
        .event("response 200")
        .with(|it| assert!(!it.persistent()))
        .event("content ab")
        .nothing()
        .with(|it| assert_eq!(it.body_left(), None))
        .hear("c")
        .event("content c")
        .eof("end")
        .finished()
        .both(Half::MustClose);
}

#[test]
fn a_response_until_close_while_the_request_is_being_sent() {
    talk(Role::Client)
        .say(
            Say::Request("POST", "/", Length::Unknown),
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
        )
        .hear("HTTP/1.1 200 OK\r\n\r\nab")
        .event("response 200")
        .event("content ab")
        .eof("end")
        .halves(Half::Done, Half::Body)
        .say(Say::End, "0\r\n\r\n")
        .finished()
        .both(Half::MustClose);
}

#[test]
fn the_server_closes_before_its_response() {
    requested()
        .eof("H1_TRUNCATED_HEAD")
        .finished()
        .halves(Half::Failed, Half::MustClose);
    talk(Role::Client)
        .say(
            Say::Request("POST", "/", Length::Known(2)),
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n",
        )
        .eof("H1_TRUNCATED_HEAD")
        .refuse(Say::Content("ab"), Misuse::OutOfOrder)
        .halves(Half::Failed, Half::MustClose);
}

#[test]
fn the_client_sends_close() {
    talk(Role::Client)
        .say(
            Say::RequestWith(
                "GET",
                "/",
                Length::Known(0),
                &[("Host", "a"), ("Connection", "close")],
            ),
            "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        )
        .say(Say::End, "")
        .lives()
        .halves(Half::Idle, Half::Done);
    talk(Role::Client)
        .say(
            Say::RequestWith(
                "GET",
                "/",
                Length::Known(0),
                &[("Host", "a"), ("Connection", "close")],
            ),
            "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        )
        .say(Say::End, "")
        .hear(OK) // the server did not declare it
        .event("response 200")
        .event("end")
        .finished()
        .both(Half::MustClose);
}

#[test]
fn must_close_of_a_client_still_receives_the_response() {
    requested()
        .with(|it| it.must_close())
        .lives()
        .hear("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        .event("response 200")
        .event("content ok")
        .event("end")
        .finished()
        .both(Half::MustClose);
    talk(Role::Client)
        .with(|it| it.must_close())
        .finished()
        .both(Half::MustClose);
}

#[test]
fn a_role_rejects_calls_of_the_other_role() {
    talk(Role::Client)
        .refuse(Say::Head(200, Length::Known(0)), Misuse::OutOfOrder)
        .both(Half::Idle);
    talk(Role::Server)
        .refuse(Say::Get("/"), Misuse::OutOfOrder)
        .both(Half::Idle);
}

//! Switches to another protocol: Upgrade (RFC 9110 §7.8) and CONNECT (§9.3.6), with bytes that arrived already.

use hearken_proto::{Connection, Event, Half, Length, Limits, Misuse, Role};
use hearken_testkit::{Say, Talk, talk};

const UPGRADE: &str =
    "GET /chat HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n";
const SWITCH: &str =
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\n";

fn upgrade() -> Say<'static> {
    Say::HeadWith(101, Length::Known(0), &[("Upgrade", "echo")])
}

fn requested(bytes: &str) -> Talk {
    talk(Role::Server).hear(bytes)
}

#[test]
fn an_upgrade_with_bytes_of_the_new_protocol() {
    requested(&format!("{UPGRADE}\u{1}frame"))
        .event("request GET /chat")
        .with(|it| assert_eq!(it.head().upgrade(), Some(&b"echo"[..])))
        .event("end")
        .nothing()
        .say(upgrade(), SWITCH)
        .nothing()
        .rest("\u{1}frame")
        .both(Half::Switched);
}

#[test]
fn an_upgrade_before_the_end_event_of_the_request() {
    requested(&format!("{UPGRADE}frame"))
        .event("request GET /chat")
        .say(upgrade(), SWITCH)
        .nothing()
        .rest("frame")
        .both(Half::Switched);
}

#[test]
fn nothing_can_be_sent_as_http_after_the_switch() {
    requested(UPGRADE)
        .event("request GET /chat")
        .event("end")
        .say(upgrade(), SWITCH)
        .refuse(Say::Content("x"), Misuse::OutOfOrder)
        .refuse(Say::End, Misuse::OutOfOrder)
        .refuse(Say::Head(200, Length::Known(0)), Misuse::OutOfOrder)
        .refuse(Say::Interim(103), Misuse::OutOfOrder)
        .lives()
        .with(|it| it.must_close())
        .eof("eof")
        .both(Half::Switched);
}

#[test]
fn the_caller_may_set_the_connection_field() {
    requested(UPGRADE)
        .event("request GET /chat")
        .say(
            Say::HeadWith(
                101,
                Length::Unknown,
                &[
                    ("connection", "upgrade"),
                    ("Upgrade", "echo"),
                    ("Content-Length", "5"),
                ],
            ),
            "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nUpgrade: echo\r\n\r\n",
        )
        .both(Half::Switched);
}

#[test]
fn an_unrequested_switch_is_rejected() {
    for request in [
        "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: echo\r\n\r\n",
        "GET / HTTP/1.0\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: \r\n\r\n",
    ] {
        requested(request)
            .event("request GET /")
            .with(|it| assert_eq!(it.head().upgrade(), None))
            .event("end")
            .refuse(upgrade(), Misuse::SwitchNotAsked)
            .halves(Half::Done, Half::Idle);
    }
}

#[test]
fn a_declined_upgrade_is_an_ordinary_request() {
    requested(&format!("{UPGRADE}GET /next HTTP/1.1\r\nHost: a\r\n\r\n"))
        .event("request GET /chat")
        .event("end")
        .say(
            Say::Final(200),
            "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        )
        .event("request GET /next")
        .event("end")
        .refuse(upgrade(), Misuse::SwitchNotAsked)
        .halves(Half::Done, Half::Idle);
}

#[test]
fn the_upgrade_of_the_last_request_does_not_carry_over() {
    requested(UPGRADE)
        .event("request GET /chat")
        .event("end")
        .say(
            Say::Final(200),
            "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        )
        .refuse(upgrade(), Misuse::SwitchNotAsked)
        .hear("GET / HTTP/1.1\r\nHost : a\r\n")
        .error("H1_SPACE_BEFORE_COLON", UPGRADE.len() as u64 + 20)
        .refuse(upgrade(), Misuse::SwitchNotAsked)
        .halves(Half::Failed, Half::Idle);
}

#[test]
fn a_client_that_closed_its_direction_can_still_be_switched() {
    requested(UPGRADE)
        .event("request GET /chat")
        .event("end")
        .eof("eof")
        .halves(Half::Closed, Half::Idle)
        .say(upgrade(), SWITCH)
        .both(Half::Switched);
}

#[test]
fn a_tunnel() {
    for status in [200, 204, 299] {
        let expected = match status {
            200 => "HTTP/1.1 200 OK\r\n\r\n",
            204 => "HTTP/1.1 204 No Content\r\n\r\n",
            _ => "HTTP/1.1 299 \r\n\r\n",
        };
        requested("CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n\u{16}\u{3}")
            .event("request CONNECT a:443")
            .event("end")
            .nothing()
            .say(
                Say::HeadWith(
                    status,
                    Length::Known(9),
                    &[("Content-Length", "9"), ("Transfer-Encoding", "chunked")],
                ),
                expected,
            )
            .refuse(Say::Content("x"), Misuse::OutOfOrder)
            .rest("\u{16}\u{3}")
            .both(Half::Switched);
    }
}

#[test]
fn a_tunnel_after_the_client_closed_its_direction() {
    requested("CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n")
        .event("request CONNECT a:443")
        .event("end")
        .eof("eof")
        .say(Say::Head(200, Length::Known(0)), "HTTP/1.1 200 OK\r\n\r\n")
        .both(Half::Switched);
}

#[test]
fn a_declined_tunnel_stays_http() {
    requested("CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n")
        .event("request CONNECT a:443")
        .event("end")
        .say(
            Say::Head(403, Length::Known(2)),
            "HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\n",
        )
        .say(Say::Content("no"), "no")
        .say(Say::End, "")
        .event("request GET /")
        .event("end");
}

#[test]
fn the_client_is_switched() {
    let request = "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n";
    let ask = Say::RequestWith(
        "GET",
        "/",
        Length::Known(0),
        &[
            ("Host", "a"),
            ("Connection", "upgrade"),
            ("Upgrade", "echo"),
        ],
    );
    talk(Role::Client)
        .say(ask, request)
        .say(Say::End, "")
        .hear(format!("{SWITCH}frame"))
        .event("switched")
        .nothing()
        .rest("frame")
        .refuse(Say::Get("/"), Misuse::OutOfOrder)
        .eof("eof")
        .both(Half::Switched);
    // The response may arrive before the caller ends a request without content.
    talk(Role::Client)
        .say(ask, request)
        .hear(SWITCH)
        .event("switched")
        .refuse(Say::End, Misuse::OutOfOrder)
        .both(Half::Switched);
}

#[test]
fn the_client_is_not_switched_in_the_middle_of_its_content() {
    let ask = Say::RequestWith(
        "POST",
        "/",
        Length::Known(4),
        &[
            ("Host", "a"),
            ("Connection", "upgrade"),
            ("Upgrade", "echo"),
        ],
    );
    let request = "POST / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: echo\r\nContent-Length: 4\r\n\r\n";
    talk(Role::Client)
        .say(ask, request)
        .say(Say::Content("ab"), "ab")
        .hear(SWITCH)
        .error("H1_STATUS_UNEXPECTED", SWITCH.len() as u64 - 2)
        .finished()
        .halves(Half::Failed, Half::MustClose);
    talk(Role::Client)
        .say(ask, request)
        .say(Say::Content("abcd"), "abcd")
        .say(Say::End, "")
        .hear(SWITCH)
        .event("switched")
        .both(Half::Switched);
}

#[test]
fn the_client_gets_its_tunnel() {
    talk(Role::Client)
        .say(
            Say::RequestWith("CONNECT", "a:443", Length::Known(0), &[("Host", "a:443")]),
            "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n",
        )
        .hear("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\u{16}")
        .event("switched")
        .rest("\u{16}")
        .both(Half::Switched);
}

/// Unconsumed bytes belong to the other protocol.
#[test]
fn hand_over_sends_nothing() {
    let mut server = Connection::new(Role::Server, &Limits::default());
    let input = b"CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\nraw";
    let (used, _) = server.receive(input).unwrap();
    assert_eq!(server.receive(&input[used..]), Ok((0, Some(Event::End))));
    assert_eq!(server.hand_over(), Ok(()));
    assert_eq!(server.hand_over(), Ok(()));
    assert_eq!(server.halves(), (Half::Switched, Half::Switched));
    assert_eq!(server.receive(&input[used..]), Ok((0, None)));
    assert_eq!(&input[used..], b"raw");
}

#[test]
fn a_closing_connection_cannot_be_handed_over() {
    let mut server = Connection::new(Role::Server, &Limits::default());
    server.receive(b"BAD\n").unwrap_err();
    assert_eq!(server.hand_over(), Err(Misuse::OutOfOrder));
    let mut server = Connection::new(Role::Server, &Limits::default());
    server.must_close();
    assert_eq!(server.hand_over(), Err(Misuse::OutOfOrder));
}

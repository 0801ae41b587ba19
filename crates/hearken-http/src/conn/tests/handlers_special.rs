//! Handlers for special kinds of requests, and handing over the transport, as far as it shows without one.

use super::harness::{Log, Setup, get, ok, refusal, serve};
use crate::conn::Ending;
use crate::{IncomingMessage, Sent, ServerResponse, event};

const WAITS: &str =
    "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n";
const EXPECTS: &str = "GET / HTTP/1.1\r\nHost: a\r\nExpect: fame\r\n\r\n";
const UPGRADE: &str =
    "GET /chat HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: echo, other/2\r\n\r\n";
const CONNECT: &str = "CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n";

async fn plain(_req: IncomingMessage, res: ServerResponse) -> Sent {
    res.end("plain")
}

fn taken(name: &'static str) -> impl crate::server::HandlerFn<Sent> + Send + Sync {
    async move |_req, res| res.end(name)
}

/// A handler for every kind.
fn all() -> Setup {
    serve(plain)
        .handle(
            event::CheckContinue,
            async |mut req: IncomingMessage, res: ServerResponse| Ok(res.end(req.bytes().await?)),
        )
        .handle(event::CheckExpectation, taken("expectation"))
        .handle(event::Upgrade, taken("upgrade"))
        .handle(event::Connect, async |_req, res: ServerResponse| {
            res.status(403).end("connect")
        })
}

fn answer_to(setup: Setup, request: &str) -> String {
    let mut link = setup.connect();
    link.send(request);
    link.heard()
}

#[test]
fn each_kind_goes_to_its_handler() {
    assert_eq!(answer_to(all(), &get("/")), ok("plain"));
    assert_eq!(answer_to(all(), EXPECTS), ok("expectation"));
    assert_eq!(answer_to(all(), UPGRADE), ok("upgrade"));
    assert!(answer_to(all(), CONNECT).starts_with("HTTP/1.1 403 "));
    let mut link = all().connect();
    link.send(WAITS);
    assert_eq!(link.heard(), "HTTP/1.1 100 Continue\r\n\r\n");
    link.send("hi");
    assert_eq!(link.heard(), ok("hi"));
    link.send(get("/"));
    assert_eq!(link.heard(), ok("plain"), "the connection stays open");
}

#[test]
fn each_kind_has_a_default_without_a_handler() {
    let serve = || serve(plain);
    assert!(answer_to(serve(), WAITS).contains("\r\nConnection: close\r\n"));
    assert!(answer_to(serve(), EXPECTS).starts_with("HTTP/1.1 417 "));
    assert_eq!(answer_to(serve(), UPGRADE), ok("plain"));
    let refused = refusal("501 Not Implemented", "Not Implemented\n");
    assert_eq!(answer_to(serve(), CONNECT), refused);
}

/// Bytes after CONNECT may be meant for the tunnel. Parsing them as requests would let one client smuggle requests through
/// another that only opens tunnels.
#[test]
fn bytes_after_a_rejected_connect_are_not_parsed() {
    for status in [403_u16, 407, 302, 200] {
        let mut link = serve(async |req: IncomingMessage, res: ServerResponse| {
            assert_eq!(req.url(), "never", "this must not run");
            res.end("plain")
        })
        .handle(event::Connect, async move |_req, res: ServerResponse| {
            res.status(status).end("no")
        })
        .connect();
        link.send(CONNECT.to_owned() + &get("/smuggled"));
        let heard = link.heard();
        assert_eq!(heard.matches("HTTP/1.1 ").count(), 1, "{heard}");
        assert!(heard.starts_with(&format!("HTTP/1.1 {status} ")), "{heard}");
        if status == 200 {
            // A 2xx to CONNECT has no content (RFC 9110 §9.3.6), and there is no tunnel: the connection closes.
            assert_eq!(link.ended(), Some(Ending::Now));
        } else {
            assert!(heard.contains("\r\nConnection: close\r\n"), "{heard}");
            assert_eq!(link.ended(), Some(Ending::Linger));
        }
    }
}

#[test]
fn a_request_of_two_kinds_goes_to_the_first_handler() {
    let head = |fields: &str| format!("GET / HTTP/1.1\r\nHost: a\r\n{fields}\r\n");
    let upgrade = "Connection: upgrade\r\nUpgrade: echo\r\n";
    let both = head(&format!("{upgrade}Expect: fame\r\n"));
    assert_eq!(answer_to(all(), &both), ok("upgrade"));
    let expects = head("Expect: 100-continue\r\nExpect: fame\r\n");
    assert!(answer_to(all(), &expects).ends_with("expectation"));
}

#[test]
fn expect_is_ignored_from_http_1_0() {
    for expectation in ["fame", "100-continue"] {
        let request = format!("GET / HTTP/1.0\r\nExpect: {expectation}\r\n\r\n");
        assert!(answer_to(all(), &request).ends_with("plain"));
        assert!(answer_to(serve(plain), &request).ends_with("plain"));
    }
}

#[test]
fn should_upgrade_decides() {
    let deciding = |chat| all().should_upgrade(move |head| (head.url() == "/chat") == chat);
    assert_eq!(answer_to(deciding(true), UPGRADE), ok("upgrade"));
    assert_eq!(answer_to(deciding(false), UPGRADE), ok("plain"));
    let panics = all().should_upgrade(|_| panic!("on purpose"));
    assert_eq!(answer_to(panics, UPGRADE), ok("plain"));
}

#[test]
fn a_request_with_a_body_is_not_upgraded() {
    let request = "POST / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: echo\r\nContent-Length: 1\r\n\r\nx";
    assert_eq!(answer_to(all(), request), ok("plain"));
}

#[test]
fn a_panic_in_a_special_handler_is_a_500() {
    let setup = serve(plain).handle(event::Upgrade, async |_req, res: ServerResponse| {
        assert!(res.headers_sent(), "on purpose");
        res.end("")
    });
    let mut link = setup.connect();
    link.send(UPGRADE);
    assert!(link.heard().starts_with("HTTP/1.1 500 "));
    link.send(get("/"));
    assert_eq!(link.heard(), ok("plain"), "on the same connection");
}

/// Upgrades to `to`, and drops the transport.
fn switching(to: &'static str) -> Setup {
    serve(async move |_req, res| {
        let (sent, upgrading) = res.set("X-A", "1").upgrade(to)?;
        drop(upgrading);
        Ok(sent)
    })
}

#[test]
fn a_plain_handler_can_upgrade_too() {
    let mut link = switching("Other/2").connect();
    link.send(UPGRADE.to_owned() + "raw");
    let heard = link.heard();
    let expected = "HTTP/1.1 101 Switching Protocols\r\nX-A: 1\r\nUpgrade: Other/2\r\nDate: now\r\n\
                    Connection: Upgrade\r\n\r\n";
    assert_eq!(heard, expected);
    assert_eq!(link.ended(), Some(Ending::HandOver));
}

#[test]
fn only_an_offered_protocol_can_be_upgraded_to() {
    assert!(answer_to(switching("chess"), UPGRADE).starts_with("HTTP/1.1 400 "));
    assert!(answer_to(switching("echo"), &get("/")).starts_with("HTTP/1.1 400 "));
    let tunnel = || serve(async |_req, res| Ok(res.accept_tunnel()?.0));
    assert!(answer_to(tunnel(), &get("/")).starts_with("HTTP/1.1 400 "));
    let late = serve(async |_req, res| {
        res.write("x");
        Ok(res.upgrade("echo")?.0)
    });
    let mut link = late.connect();
    link.send(UPGRADE);
    assert!(link.heard().starts_with("HTTP/1.1 200 "));
    assert_eq!(
        link.ended(),
        Some(Ending::Now),
        "a begun response cannot be replaced"
    );
}

#[test]
fn the_transport_is_handed_over_after_the_101_is_taken() {
    let mut link = switching("echo").connect();
    link.room = 0;
    link.send(UPGRADE);
    assert!(link.is_open());
    link.give_room(10).give_room(1000);
    assert_eq!(link.ended(), Some(Ending::HandOver));
}

#[test]
fn a_client_that_does_not_read_the_101_is_cut() {
    let log = Log::default();
    let seen = log.clone();
    let mut link = serve(async move |_req, res| {
        let (sent, upgrading) = res.upgrade("echo")?;
        if let Err(error) = upgrading.await {
            seen.add(error.to_string());
        }
        Ok(sent)
    })
    .connect();
    link.room = 0;
    link.send(UPGRADE).secs(30);
    assert_eq!(link.ended(), Some(Ending::Cut));
    assert_eq!(log.take(), ["the peer was too slow to receive"]);
}

#[test]
fn into_socket_sends_nothing() {
    let setup = serve(plain).handle(event::Connect, async |_req, res: ServerResponse| {
        res.into_socket().0
    });
    let mut link = setup.connect();
    link.send(CONNECT);
    assert_eq!(link.heard(), "");
    assert_eq!(link.ended(), Some(Ending::HandOver));
}

#[test]
fn into_socket_fails_in_the_middle_of_a_response() {
    let log = Log::default();
    let seen = log.clone();
    let mut link = serve(async move |_req, res| {
        res.write("x");
        let (sent, upgrading) = res.into_socket();
        seen.add(format!("{}", upgrading.await.is_err()));
        sent
    })
    .connect();
    link.send(get("/"));
    assert_eq!(log.take(), ["true"]);
}

#[test]
fn a_connection_stays_small() {
    type Drive = crate::conn::server::ServedConnection<
        crate::server::runner::HandlerRunner<super::harness::Make, super::harness::HandlerFuture>,
    >;
    // The connection without its transport.
    assert!(size_of::<Drive>() <= 80, "{}", size_of::<Drive>());
}

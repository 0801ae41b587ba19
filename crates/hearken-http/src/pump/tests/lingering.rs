//! Reading on after the last response (RFC 9112 §9.6): what is read, for how long, and how fast.

use super::*;

#[test]
fn after_close_the_rest_is_read_until_the_peer_ends() {
    let mut piped = Piped::new(serve(async |_req, res| res.end("x")));
    piped.send(CLOSING);
    assert!(piped.heard().ends_with("\r\n\r\nx"));
    assert!(piped.wire.borrow().shut, "our end is sent at once");
    assert!(!piped.done);
    piped.send("more that the server drops");
    assert!(piped.wire.borrow().sent.is_empty());
    assert!(!piped.done);
    piped.end_input();
    assert!(piped.done);
}

#[test]
fn a_peer_that_never_ends_is_left_after_a_while() {
    let mut piped = Piped::new(serve(async |_req, res| res.end("x")));
    piped.send(CLOSING);
    assert_eq!(
        piped.jump(),
        Duration::from_secs(5),
        "limits.time.linger_idle"
    );
    assert!(piped.done);
}

#[test]
fn a_peer_that_sends_on_is_left_after_the_whole_time() {
    let mut piped = Piped::new(serve(async |_req, res| res.end("x")));
    piped.send(CLOSING);
    for _ in 0..7 {
        piped.pass(Duration::from_secs(4));
        assert!(!piped.done);
        piped.send([b'.'; 1024]);
    }
    assert_eq!(
        piped.jump(),
        Duration::from_secs(2),
        "28 s of limits.time.linger"
    );
    assert!(piped.done);
}

/// Bytes of each of these uploads: more than the server drops to keep a connection.
const MUCH: usize = 1 << 20;

/// What the handler does, the beginning of a request, and the status of its response.
fn early_responses() -> Vec<(&'static str, String, u16)> {
    let length = post_head(MUCH);
    let chunked = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    vec![
        ("reject", length.clone(), 404),
        ("reject", chunked.to_owned() + "100000\r\n", 404),
        (
            "reject",
            "POST / HTTP/1.0\r\nContent-Length: 1048576\r\n\r\n".to_owned(),
            404,
        ),
        (
            "reject",
            length.replace("Host", "Connection: close\r\nHost"),
            404,
        ),
        (
            "reject",
            length.replace("Host", "Expect: 100-continue\r\nHost"),
            404,
        ),
        (
            "reject",
            length.replace("Host", "Upgrade: x\r\nConnection: upgrade\r\nHost"),
            404,
        ),
        ("limit", length.clone(), 413),
        ("limit", chunked.to_owned() + "100000\r\n", 413),
        ("panic", length.clone(), 500),
        ("panic after a piece", length.clone(), 500),
        ("error", length, 503),
        ("read", chunked.to_owned() + "3\r\nabc\r\nzz\r\n", 400),
        ("reject", chunked.to_owned() + "3\r\nabc\r\nzz\r\n", 400),
        (
            "reject",
            format!("GET /{} HTTP/1.1\r\n", "a".repeat(9_000)),
            414,
        ),
        (
            "reject",
            "POST / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n".to_owned(),
            400,
        ),
        (
            "reject",
            "CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n".to_owned(),
            501,
        ),
    ]
}

/// A server whose handler responds before it has read the body.
fn responds_early(handler: &'static str) -> Setup {
    serve(async move |mut req, res| {
        match handler {
            "reject" => return Ok(res.status(404).end("no")),
            "limit" => drop(req.bytes_up_to(1000).await?),
            "read" => drop(req.bytes_up_to(u64::MAX).await?),
            "panic" => panic!("as it is asked for"),
            "panic after a piece" => {
                req.data().await?;
                panic!("as it is asked for")
            }
            _ => return Err(crate::Failure::new(503, "later")),
        }
        Ok(res.end("never"))
    })
}

/// A client that sends all of its request before it reads the response must get it, whatever it sends and however much.
#[test]
fn an_upload_is_read_to_its_end_after_every_early_response() {
    for (handler, head, status) in early_responses() {
        let mut piped = Piped::new(responds_early(handler));
        piped.send(&head);
        for _ in 0..MUCH / 65_536 {
            piped.send([b'.'; 65_536]);
            while !piped.wire.borrow().sent.is_empty() && !piped.done {
                piped.jump(); // the rate is bounded
            }
        }
        let heard = piped.heard();
        assert!(
            heard.starts_with(&format!("HTTP/1.1 {status} ")),
            "{handler} {heard}"
        );
        assert!(piped.wire.borrow().shut, "{handler}: our end is sent");
        assert!(!piped.done, "{handler}: the upload goes on");
        piped.end_input();
        assert!(piped.done, "{handler}");
    }
}

/// Each side would wait for the other one: the client sends all of its request before it reads.
#[test]
fn input_is_dropped_while_a_response_waits_for_room() {
    for head in [
        "POST / HTTP/1.0\r\nContent-Length: 3000000\r\n\r\n".to_owned(),
        post_head(3_000_000),
    ] {
        for streamed in [false, true] {
            let mut piped = Piped::new(serve(async move |req, res| {
                drop(req);
                let mut piece = vec![b'.'; 1_000_000];
                if streamed {
                    let res = res.set("Content-Length", "1000000");
                    for _ in 0..100 {
                        res.write(piece.split_off(piece.len() - 10_000));
                        res.drain().await?;
                    }
                    return Ok(res.end(""));
                }
                Ok(res.end(piece))
            }));
            piped.wire.borrow_mut().room = 1000;
            piped.send(&head);
            for _ in 0..30 {
                piped.send([b'.'; 100_000]);
                while !piped.wire.borrow().sent.is_empty() {
                    assert!(
                        piped.jump() < Duration::from_secs(1),
                        "{streamed}: it is not read"
                    );
                }
            }
            assert!(!piped.wire.borrow().shut && !piped.done);
            piped.give_room(2_000_000);
            assert!(piped.heard().len() > 1_000_000 - 1000);
            assert!(piped.wire.borrow().shut);
            piped.end_input();
            assert!(piped.done);
        }
    }
}

#[test]
fn reading_on_lets_others_have_their_turn_at_a_bounded_rate() {
    let mut piped = Piped::new(serve(async |_req, res| res.end("x")));
    piped.send(CLOSING);
    piped.wire.borrow_mut().flood = Some(vec![b'.'; 4096]);
    let reads = piped.wire.borrow().reads;
    piped.poll(false);
    assert!(piped.wire.borrow().reads - reads < 50 && !piped.done);
    assert!(piped.gave_way());
    let read = |piped: &Piped| piped.wire.borrow().reads - reads;
    piped.go();
    piped.poll(false);
    for round in 1..4 {
        assert_eq!(read(&piped), 512 * round, "2 MiB in pieces of 4 KiB");
        assert_eq!(piped.jump(), Duration::from_millis(25));
    }
    piped.wire.borrow_mut().flood = None;
    piped.jump();
    assert_eq!(
        piped.jump(),
        Duration::from_millis(4975),
        "since the last byte"
    );
    assert!(piped.done);
}

/// A client that is too slow, and a server that stops, do not get the whole time.
#[test]
fn reading_on_is_short_after_a_missed_deadline_and_when_the_server_stops() {
    let mut piped = Piped::new(serve(async |_req, res| res.end("x")));
    piped.send("GET / HT");
    assert_eq!(piped.jump(), Duration::from_secs(10));
    assert!(piped.heard().starts_with("HTTP/1.1 408 "));
    assert_eq!(piped.jump(), Duration::from_secs(2));
    assert!(piped.done);

    let mut piped = Piped::new(serve(async |_req, res| res.end("x")));
    piped.send(CLOSING);
    piped.open.env.exchange.draining.set(true);
    piped.poll(false);
    piped.send("more");
    assert_eq!(piped.jump(), Duration::from_secs(2));
    assert!(piped.done);
}

#[test]
fn a_linger_of_no_time_closes_at_once() {
    for zero in [false, true] {
        let setup = serve(async |_req, res| res.end("x"));
        let mut piped = Piped::new(setup.limits(|limits| {
            let time = &mut limits.time;
            *if zero {
                &mut time.linger
            } else {
                &mut time.linger_idle
            } = Duration::ZERO;
        }));
        piped.send(CLOSING);
        assert!(piped.wire.borrow().shut && piped.done);
    }
}

#[test]
fn the_order_to_stop_now_ends_the_reading_on() {
    let mut piped = Piped::new(serve(async |_req, res| res.end("x")));
    piped.send(CLOSING);
    assert!(!piped.done);
    piped.open.env.close_all();
    piped.poll(false);
    assert!(piped.done);
}

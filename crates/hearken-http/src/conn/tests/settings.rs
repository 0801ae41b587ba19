//! Limits of connections and of one exchange.

use super::harness::{Gate, Log, get, ok, post, post_head, serve, serve_gated};
use crate::conn::Ending;
use crate::event;
use crate::server::wheel::Wheel;
use std::time::Duration;

const MS: Duration = Duration::from_millis(1);

#[test]
fn the_last_request_of_a_connection_is_answered_with_close() {
    let setup = serve(async |_req, res| res.end("x"));
    let mut link = setup
        .limits(|limits| limits.connection.requests_max = 2)
        .connect();
    link.send(get("/"));
    assert_eq!(link.heard(), ok("x"));
    link.send(get("/"));
    assert!(link.heard().contains("\r\nConnection: close\r\n"));
    assert_eq!(link.ended(), Some(Ending::Linger));
}

#[test]
fn requests_beyond_the_last_are_dropped_with_their_bodies() {
    let log = Log::default();
    let seen = log.clone();
    let setup = serve(async |req, res| res.end(req.url().to_owned()))
        .on(event::DropRequest, move |(peer, head)| {
            seen.add(format!("{} {}", peer.id(), head.url()));
        })
        .limits(|limits| limits.connection.requests_max = 1);
    let mut link = setup.connect();
    link.send(get("/1") + &post("body") + &get("/3"));
    let heard = link.heard();
    assert!(heard.starts_with(&ok("/1")), "{heard}");
    assert!(
        heard[ok("/1").len()..].starts_with("HTTP/1.1 503 "),
        "{heard}"
    );
    assert_eq!(
        heard.matches("HTTP/1.1").count(),
        2,
        "the third is not parsed"
    );
    assert_eq!(log.take(), ["1 /"]);
    assert_eq!(link.ended(), Some(Ending::Linger));
}

#[test]
fn the_high_water_mark_is_that_of_the_exchange() {
    let mut link = serve(async |req, res| {
        req.limits(|limits| limits.body.queue_bytes = 8);
        let room = res.write("12345678");
        let mark = res.high_water_mark();
        let text = format!(" {room} {mark} {}", res.needs_drain());
        res.end(text)
    })
    .connect();
    link.send(get("/"));
    assert!(link.heard().contains(" false 8 true"));
}

#[test]
fn keep_alive_announces_its_timeout() {
    let mut link = serve(async |_req, res| res.end("x"))
        .limits(|limits| {
            limits.time.keep_alive = Duration::from_millis(5500);
            limits.time.keep_alive_buffer = Some(Duration::from_secs(1));
        })
        .connect();
    link.send(get("/"));
    let hint = "Connection: keep-alive\r\nKeep-Alive: timeout=5\r\n";
    assert!(link.heard().contains(hint));
    assert_eq!(link.deadline_in(), Some(Duration::from_millis(6500)));
    link.pass(Duration::from_millis(6499));
    assert!(link.is_open());
    link.pass(MS);
    assert_eq!(link.ended(), Some(Ending::Now));
}

#[test]
fn a_keep_alive_field_of_the_handler_is_kept() {
    let mut link = serve(async |_req, res| res.set("Keep-Alive", "max=3").end("x"))
        .limits(|limits| limits.time.keep_alive_buffer = Some(Duration::ZERO))
        .connect();
    link.send(get("/"));
    let heard = link.heard();
    assert_eq!(heard.matches("Keep-Alive").count(), 1, "{heard}");
}

#[test]
fn a_whole_request_has_a_deadline() {
    let mut link = serve(async |mut req, res| Ok(res.end(req.bytes().await?)))
        .limits(|limits| limits.time.request = Duration::from_secs(5))
        .connect();
    link.send(post_head(100));
    for _ in 0..4 {
        link.secs(1).send("abcdefghij");
    }
    assert!(link.is_open());
    link.secs(1);
    let heard = link.heard();
    assert!(heard.starts_with("HTTP/1.1 408 "), "{heard}");
}

/// Counted from the beginning of each request, not of the connection.
#[test]
fn each_request_has_its_own_deadline() {
    let mut link = serve(async |mut req, res| Ok(res.end(req.bytes().await?)))
        .limits(|limits| limits.time.request = Duration::from_secs(5))
        .connect();
    for _ in 0..4 {
        link.send(post_head(2)).secs(3).send("ab");
        assert_eq!(link.heard(), ok("ab"));
        link.secs(4);
    }
}

#[test]
fn a_listener_can_keep_an_inactive_connection() {
    let log = Log::default();
    let seen = log.clone();
    let (server, gate) = serve_gated(async move |_req, res| res.end("x"));
    let mut link = server
        .on(event::Timeout, move |timeout| {
            seen.add(format!("{:?}", timeout.deadline()));
            timeout.keep();
        })
        .limits(|limits| limits.time.inactive = Duration::from_secs(2))
        .connect();
    link.send(get("/")).secs(5);
    assert_eq!(log.take(), ["Inactive", "Inactive"]);
    gate.open();
    link.go();
    assert_eq!(link.heard(), ok("x"));
    link.secs(15);
    assert_eq!(log.take(), ["KeepAlive"], "`KeepAlive` cannot be kept");
    assert_eq!(link.ended(), Some(Ending::Now));
}

#[test]
fn limits_of_one_exchange() {
    let setup = serve(async |mut req, res| {
        if req.url() == "/" {
            req.limits(|limits| limits.body.buffered_bytes_max = 4);
            req.limits(|limits| limits.time.body_idle = Duration::from_secs(1));
        }
        Ok(res.end(req.bytes().await?))
    });
    let mut link = setup.connect();
    link.send(post("abcd"));
    assert_eq!(link.heard(), ok("abcd"));
    link.send(post("abcde"));
    assert!(link.heard().starts_with("HTTP/1.1 413 "));
    link.send("POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nabcde");
    assert_eq!(
        link.heard(),
        ok("abcde"),
        "the next exchange has the server's limits"
    );
    link.send(post_head(2));
    assert_eq!(link.deadline_in(), Some(Duration::from_secs(1)));
    link.secs(1);
    assert!(link.heard().starts_with("HTTP/1.1 408 "));
}

/// Sets one limit.
type Set = fn(&mut hearken_proto::Limits, Duration);

/// Each deadline, at each position between two ticks of the wheel, fires in time and never early.
#[test]
fn every_deadline_fires_within_a_tenth_of_a_second() {
    let cases: [(&str, Set); 6] = [
        ("", |limits, time| limits.time.head = time),
        ("GET / HT", |limits, time| limits.time.head = time),
        ("GET / HTTP/1.1\r\nHost: a\r\n\r\n", |limits, time| {
            limits.time.keep_alive = time;
        }),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n",
            |limits, time| limits.time.body_idle = time,
        ),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n",
            |limits, time| limits.time.request = time,
        ),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n",
            |limits, time| limits.time.inactive = time,
        ),
    ];
    for (bytes, set) in cases {
        for millis in [1, 24, 25, 26, 999, 1013, 26_007] {
            let time = Duration::from_millis(millis);
            let setup = serve(async |mut req, res| Ok(res.end(req.bytes().await?)));
            let mut link = setup
                .limits(|limits| {
                    limits.time.head = Duration::from_secs(100);
                    limits.time.body_rate_min = 0;
                    limits.time.body_idle = Duration::from_secs(100);
                    set(limits, time);
                })
                .connect();
            let mut wheel = Wheel::new(link.now);
            let key = wheel.add();
            link.pass(7 * MS.min(time / 8));
            if !bytes.is_empty() {
                link.send(bytes);
            }
            let due = link.now + link.deadline_in().expect("a deadline");
            wheel.set(key, Some(due));
            let mut now = link.now;
            while now < due {
                now = wheel.next().expect("an entry waits");
                wheel.turn(now);
            }
            let late = now.saturating_duration_since(due);
            assert!(
                late <= Duration::from_millis(100),
                "{bytes:?} {millis} {late:?}"
            );
            link.pass(now - link.now);
            assert!(!link.is_open(), "{bytes:?} {millis}");
        }
    }
}

/// Bytes of the previous exchange do not count for this one.
#[test]
fn inactivity_counts_from_the_request() {
    let setup = serve(async |_req, res| {
        Gate::default().wait().await;
        res.end("x")
    });
    let mut link = setup
        .limits(|limits| limits.time.inactive = Duration::from_secs(3))
        .connect();
    link.secs(2).send("GET / HTTP").secs(2);
    link.send("/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(
        link.deadline_in(),
        Some(Duration::from_secs(1)),
        "from its first byte"
    );
    link.secs(1);
    assert_eq!(link.ended(), Some(Ending::Now));
}

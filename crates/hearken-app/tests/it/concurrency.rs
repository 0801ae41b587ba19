//! Requests at the same time.

use hearken::app::ConcurrencyLimit;
use hearken::app::prelude::*;
use hearken::test::{Connection, Request, TestServer};
use std::time::Duration;

fn test_of(limit: ConcurrencyLimit) -> TestServer {
    let mut app = App::new();
    app.with(limit);
    app.get("/", async |_req, res| {
        tokio::time::sleep(Duration::from_secs(1)).await;
        res.end("done")
    });
    app.get("/later", async |_req, res| {
        let (sent, later) = res.defer();
        tokio::task::spawn_local(async move {
            tokio::time::sleep(Duration::from_secs(1)).await;
            later.end("later");
        });
        sent
    });
    TestServer::new(&app.server().expect("routes"))
}

fn begin(test: &TestServer, path: &str) -> Connection {
    let mut connection = test.connect();
    connection.request(Request::get(path)).expect("sent");
    connection
}

fn status(connection: &mut Connection) -> Option<u16> {
    let response = connection.response_so_far().expect("no fault")?;
    Some(response.status().as_u16())
}

#[test]
fn more_requests_are_rejected_at_once() {
    let test = test_of(ConcurrencyLimit::new(2).retry_after(Duration::from_secs(7)));
    let mut running = [begin(&test, "/"), begin(&test, "/later")];
    let mut third = begin(&test, "/");
    let response = third.response().expect("a response");
    assert_eq!(response.status(), 503);
    assert_eq!(response.header("retry-after"), Some("7"));
    assert!(
        running
            .iter_mut()
            .all(|connection| status(connection).is_none())
    );
    test.advance(Duration::from_secs(1));
    assert!(
        running
            .iter_mut()
            .all(|connection| status(connection) == Some(200))
    );
    third.request(Request::get("/")).expect("sent");
    test.advance(Duration::from_secs(1));
    assert_eq!(third.response().expect("a response").status(), 200);
}

#[test]
fn some_requests_wait_for_their_turn() {
    let test = test_of(ConcurrencyLimit::new(1).queue(2));
    let mut all: Vec<_> = (0..4).map(|_| begin(&test, "/")).collect();
    assert_eq!(status(&mut all[3]), Some(503), "the queue is full");
    for turn in 0..3 {
        test.advance(Duration::from_secs(1));
        let answered: Vec<_> = all[..3]
            .iter_mut()
            .map(|connection| status(connection).is_some())
            .collect();
        let expected: Vec<_> = (0..3).map(|number| number <= turn).collect();
        assert_eq!(answered, expected, "one a second, in the order of arrival");
    }
}

#[test]
fn waiting_has_an_end() {
    let test = test_of(
        ConcurrencyLimit::new(1)
            .queue(1)
            .queue_timeout(Duration::from_millis(400)),
    );
    let mut first = begin(&test, "/");
    let mut second = begin(&test, "/");
    test.advance(Duration::from_millis(400));
    assert_eq!(status(&mut second), Some(503));
    let mut third = begin(&test, "/");
    assert_eq!(
        status(&mut third),
        None,
        "the place in the queue is free again"
    );
    test.advance(Duration::from_millis(600));
    assert_eq!(status(&mut first), Some(200));
}

#[test]
fn a_client_that_leaves_gives_its_slot_back() {
    let test = test_of(ConcurrencyLimit::new(1).queue(1));
    begin(&test, "/").reset();
    begin(&test, "/").reset();
    test.settle();
    let mut third = begin(&test, "/");
    test.advance(Duration::from_secs(1));
    assert_eq!(status(&mut third), Some(200));
}

#[test]
fn two_limits_hold_together() {
    let mut app = App::new();
    let (outer, inner) = (ConcurrencyLimit::new(2), ConcurrencyLimit::new(1));
    app.with(outer.clone());
    app.with(inner.clone());
    app.get("/", async |_req, res| {
        tokio::time::sleep(Duration::from_secs(1)).await;
        res.end("done")
    });
    let test = TestServer::new(&app.server().expect("routes"));
    let mut first = begin(&test, "/");
    assert_eq!(status(&mut begin(&test, "/")), Some(503));
    test.advance(Duration::from_secs(1));
    assert_eq!(status(&mut first), Some(200));
    assert!(
        format!("{outer:?} {inner:?}").starts_with("ConcurrencyLimit { free: 2"),
        "{outer:?} {inner:?}"
    );
    assert!(
        format!("{inner:?}").starts_with("ConcurrencyLimit { free: 1"),
        "{inner:?}"
    );
}

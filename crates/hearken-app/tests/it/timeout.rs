//! The time of a handler.

use hearken::app::Timeout;
use hearken::app::prelude::*;
use hearken::test::{Request, TestServer};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Notes that a handler was dropped.
struct Noted(Arc<AtomicBool>);

impl Drop for Noted {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn server(timeout: Timeout, dropped: &Arc<AtomicBool>) -> hearken::Server {
    let mut app = App::new();
    app.with(timeout);
    let dropped = Arc::clone(dropped);
    app.get("/slow", async move |_req, res| {
        let _noted = Noted(Arc::clone(&dropped));
        tokio::time::sleep(Duration::from_secs(10)).await;
        res.end("slow")
    });
    app.get("/begun", async |_req, res| {
        res.write("a part");
        tokio::time::sleep(Duration::from_secs(10)).await;
        res.end("the rest")
    });
    app.get("/later", async |_req, res| {
        let (sent, later) = res.defer();
        tokio::task::spawn_local(async move {
            tokio::time::sleep(Duration::from_secs(10)).await;
            later.end("later");
        });
        sent
    });
    app.get("/quick", async |_req, res| {
        tokio::time::sleep(Duration::from_secs(1)).await;
        res.end("quick")
    });
    app.server().expect("routes")
}

#[test]
fn a_handler_in_time_answers() {
    let test = TestServer::new(&server(Timeout::new(seconds(2)), &Arc::default()));
    let mut connection = test.connect();
    connection.request(Request::get("/quick")).expect("sent");
    test.advance(seconds(1));
    assert_eq!(connection.response().expect("a response").text(), "quick");
    test.advance(seconds(5));
    assert_eq!(test.elapsed(), seconds(6));
    connection
        .request(Request::get("/quick"))
        .expect("the connection goes on");
    test.advance(seconds(1));
    assert_eq!(connection.response().expect("a response").status(), 200);
}

#[test]
fn a_late_handler_is_dropped_and_answered_for() {
    for (timeout, status, retry) in [
        (Timeout::new(seconds(2)), 503, None),
        (
            Timeout::new(seconds(2))
                .status(504)
                .retry_after(Duration::from_millis(1500)),
            504,
            Some("2"),
        ),
    ] {
        let dropped = Arc::default();
        let test = TestServer::new(&server(timeout, &dropped));
        let mut connection = test.connect();
        connection.request(Request::get("/slow")).expect("sent");
        test.advance(Duration::from_millis(1999));
        assert!(connection.response_so_far().expect("no fault").is_none());
        assert!(!dropped.load(Ordering::Relaxed));
        test.advance(Duration::from_millis(1));
        let response = connection.response().expect("a response");
        assert_eq!(response.status(), status);
        assert_eq!(response.header("retry-after"), retry);
        assert!(
            response.text().contains("not answered in time"),
            "{}",
            response.text()
        );
        assert!(dropped.load(Ordering::Relaxed), "the handler is gone");
        assert_eq!(
            connection
                .inject(Request::get("/nothing"))
                .expect("the connection is kept")
                .status(),
            404
        );
    }
}

#[test]
fn an_answer_from_elsewhere_has_the_same_time() {
    let test = TestServer::new(&server(Timeout::new(seconds(2)), &Arc::default()));
    let mut connection = test.connect();
    connection.request(Request::get("/later")).expect("sent");
    test.advance(seconds(2));
    assert_eq!(connection.response().expect("a response").status(), 503);
    let test = TestServer::new(&server(Timeout::new(seconds(20)), &Arc::default()));
    let mut connection = test.connect();
    connection.request(Request::get("/later")).expect("sent");
    test.advance(seconds(10));
    assert_eq!(connection.response().expect("a response").text(), "later");
}

#[test]
fn a_response_that_has_begun_is_cut() {
    let test = TestServer::new(&server(Timeout::new(seconds(2)), &Arc::default()));
    let mut connection = test.connect();
    connection.request(Request::get("/begun")).expect("sent");
    test.advance(seconds(3));
    let cut = connection
        .response()
        .expect_err("no complete response")
        .to_string();
    assert!(
        cut.contains("200 OK") && cut.contains("a part") && !cut.contains("the rest"),
        "{cut}"
    );
    assert!(!connection.is_open());
}

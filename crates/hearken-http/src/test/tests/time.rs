//! The clock, and handlers that wait.

use super::*;
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::{Arc, Mutex};

#[test]
fn a_jump_over_a_deadline_is_answered_408() {
    let mut limits = hearken_proto::Limits::default();
    limits.time.head = secs(6);
    let test = TestServer::new(&echo().limits(limits));
    let mut connection = test.connect();
    connection.send("GET / HT");
    test.advance(secs(5));
    connection.send("TP/1.1\r\n");
    assert!(connection.is_open() && connection.received().is_empty());
    test.advance(secs(1));
    let received = connection.received();
    assert!(
        received.starts_with("HTTP/1.1 408 Request Timeout\r\n"),
        "{received}"
    );
    assert!(
        received.contains("\r\nDate: Thu, 01 Jan 1970 00:00:06 GMT\r\n"),
        "{received}"
    );
    assert!(!connection.is_open() && !connection.is_cut());
}

#[test]
fn time_passes_only_when_the_test_says_so() {
    let server = Server::new(async |_req, res: ServerResponse| {
        tokio::time::sleep(secs(3600)).await;
        res.end("an hour later")
    });
    let test = TestServer::new(&server);
    test.set_patience(Duration::from_millis(20));
    let mut connection = test.connect();
    let error = connection.inject(Request::get("/slow")).unwrap_err();
    assert!(error.is_waiting() && !error.is_closed(), "{error}");
    let text = error.to_string();
    assert!(
        text.starts_with("no complete response to GET /slow: nothing happened for 20ms."),
        "{text}"
    );
    assert!(text.ends_with("; received: nothing"), "{text}");
    assert_eq!(test.elapsed(), secs(0));
    test.advance(secs(3599));
    assert!(connection.response_so_far().unwrap().is_none());
    test.advance(secs(1));
    assert_eq!(connection.response().unwrap().text(), "an hour later");
    assert_eq!(test.elapsed(), secs(3600));
}

#[test]
fn what_is_due_in_between_happens_in_its_order_and_at_its_time() {
    let log = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&log);
    let server = Server::new(async move |_req, res: ServerResponse| {
        let (noted, start) = (Arc::clone(&noted), tokio::time::Instant::now());
        for step in [3, 1, 2] {
            let noted = Arc::clone(&noted);
            tokio::task::spawn_local(async move {
                tokio::time::sleep(secs(step)).await;
                noted.lock().unwrap().push((step, start.elapsed()));
            });
        }
        tokio::time::sleep(secs(4)).await;
        res.end("done")
    });
    let test = TestServer::new(&server);
    let mut connection = test.connect();
    connection.request(Request::get("/")).unwrap();
    test.advance(secs(10));
    assert_eq!(
        *log.lock().unwrap(),
        [(1, secs(1)), (2, secs(2)), (3, secs(3))]
    );
    assert_eq!(connection.response().unwrap().text(), "done");
}

#[test]
fn a_handler_may_wait_for_another_connection() {
    let notify = Arc::new(tokio::sync::Notify::new());
    let server = Server::new(async move |req, res: ServerResponse| {
        if req.path() == "/wait" {
            notify.notified().await;
        } else {
            notify.notify_one();
        }
        res.end("")
    });
    let test = TestServer::new(&server);
    let (mut one, mut other) = (test.connect(), test.connect());
    one.request(Request::get("/wait")).unwrap();
    assert!(one.response_so_far().unwrap().is_none());
    other.inject(Request::get("/go")).unwrap();
    assert!(one.response().is_ok());
}

#[test]
fn a_response_waits_for_threads_in_real_time() {
    let server = Server::new(async |_req, res: ServerResponse| {
        let slow = || std::thread::sleep(Duration::from_millis(30));
        tokio::task::spawn_blocking(slow).await?;
        let (sent, received) = tokio::sync::oneshot::channel();
        std::thread::spawn(move || {
            slow();
            sent.send("from a thread")
        });
        Ok(res.end(received.await?))
    });
    assert_eq!(
        server.inject(Request::get("/")).unwrap().text(),
        "from a thread"
    );
}

#[test]
fn a_response_streams_as_time_goes_on() {
    let server = Server::new(async |_req, res: ServerResponse| {
        let mut ticks = tokio::time::interval(secs(1));
        for number in 0..3 {
            ticks.tick().await;
            res.write(format!("{number} "));
        }
        res.end("")
    });
    let test = TestServer::new(&server);
    let mut connection = test.connect();
    connection.request(Request::get("/")).unwrap();
    for expected in ["0 ", "0 1 ", "0 1 2 "] {
        let response = connection.response_so_far().unwrap().expect("a head");
        assert_eq!(response.text(), expected);
        assert_eq!(response.is_complete(), expected.len() == 6);
        test.advance(secs(1));
    }
    assert_eq!(connection.response().unwrap().text(), "0 1 2 ");
}

#[test]
fn a_hanging_handler_is_dropped_with_its_server() {
    struct Guard(Rc<RefCell<u32>>);
    impl Drop for Guard {
        fn drop(&mut self) {
            *self.0.borrow_mut() += 1;
        }
    }
    thread_local!(static DROPPED: Rc<RefCell<u32>> = Rc::default());
    let server = Server::new(async |_req, res: ServerResponse| {
        let _guard = Guard(DROPPED.with(Rc::clone));
        std::future::pending::<()>().await;
        res.end("")
    });
    let test = TestServer::new(&server);
    let mut connection = test.connect();
    connection.request(Request::get("/")).unwrap();
    drop((connection, test));
    assert_eq!(DROPPED.with(|dropped| *dropped.borrow()), 1);
}

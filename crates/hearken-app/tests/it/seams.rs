//! What hearken-http offers to middleware: the end of a response that is held, bodies that are put back, methods that are replaced.

use hearken::app::prelude::*;
use hearken::test::{Request, TestServer};
use std::time::Duration;

use crate::support::ask;

/// An application whose responses wait a second before they end, and fail if `fails` is in the query.
fn held() -> App {
    let mut app = App::new();
    app.settings(|settings| settings.development = false);
    app.with(middleware(async |req, res, next| {
        let again = res.again();
        let fails = req.raw_query() == Some("fails");
        res.on_head(|head| head.set("X-Hook", "ran").expect("a legal field"));
        let hold = res.hold_end();
        let second = res.hold_end();
        let sent = next.run(req, res).await;
        hold.asked().await;
        drop(second);
        tokio::time::sleep(Duration::from_secs(1)).await;
        if fails {
            hold.cancel();
            return again.fail(Failure::new(503, "the store is down"));
        }
        sent
    }));
    app.get("/end", async |_req, res| res.set("X-A", "1").end("whole"));
    app.get("/stream", async |_req, res| {
        res.write("a part, ");
        res.end("the rest")
    });
    app.get("/file", async |_req, res| {
        let file = std::fs::File::open(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"))?;
        res.send_file(file).await
    });
    app.get("/later", async |_req, res| {
        let (sent, later) = res.defer();
        tokio::task::spawn_local(async move {
            tokio::time::sleep(Duration::from_secs(3)).await;
            later.end("later");
        });
        sent
    });
    app.get("/twice", async |_req, res| {
        let again = res.again();
        let _first = res.end("first");
        assert!(again.is_ended());
        assert!(!again.write("more"), "a write after the end does nothing");
        again.end("second")
    });
    app.get("/fails-after", async |_req, res| {
        let _sent = res.end("answered");
        Err::<&str, _>(Failure::new(500, "too late"))
    });
    app
}

#[test]
fn an_end_that_is_held_waits_and_then_goes() {
    let server = held().server().expect("routes");
    let test = TestServer::new(&server);
    let mut connection = test.connect();
    for (path, expected) in [
        ("/end", "whole"),
        ("/twice", "first"),
        ("/fails-after", "answered"),
    ] {
        connection.request(Request::get(path)).expect("sent");
        test.advance(Duration::from_millis(999));
        assert!(
            connection.response_so_far().expect("no fault").is_none(),
            "{path}"
        );
        test.advance(Duration::from_millis(1));
        let response = connection.response().expect("a response");
        assert_eq!(
            (response.status().as_u16(), &*response.text()),
            (200, expected),
            "{path}"
        );
        assert_eq!(response.header("x-hook"), Some("ran"), "{path}");
        assert_eq!(
            response.header("content-length"),
            Some(&*expected.len().to_string()),
            "{path}"
        );
    }
}

#[test]
fn a_stream_is_held_at_its_end_alone() {
    let server = held().server().expect("routes");
    let test = TestServer::new(&server);
    let mut connection = test.connect();
    connection.request(Request::get("/stream")).expect("sent");
    let part = connection
        .response_so_far()
        .expect("no fault")
        .expect("a head");
    assert_eq!((&*part.text(), part.is_complete()), ("a part, ", false));
    test.advance(Duration::from_secs(1));
    assert_eq!(
        connection.response().expect("a response").text(),
        "a part, the rest"
    );
}

#[test]
fn a_file_and_a_later_answer_are_held() {
    let server = held().server().expect("routes");
    let test = TestServer::new(&server);
    let mut connection = test.connect();
    connection.request(Request::get("/later")).expect("sent");
    test.advance(Duration::from_millis(3_999));
    assert!(connection.response_so_far().expect("no fault").is_none());
    test.advance(Duration::from_millis(1));
    assert_eq!(connection.response().expect("a response").text(), "later");
    connection.request(Request::get("/file")).expect("sent");
    test.advance(Duration::from_secs(1));
    let file = connection.response().expect("a response");
    assert!(file.text().contains("hearken-app"), "{}", file.text());
}

#[test]
fn an_end_that_is_cancelled_gives_way_to_a_failure() {
    let server = held().server().expect("routes");
    let test = TestServer::new(&server);
    let mut connection = test.connect();
    connection
        .request(Request::get("/end?fails"))
        .expect("sent");
    test.advance(Duration::from_secs(1));
    let response = connection.response().expect("a response");
    assert_eq!(response.status(), 503);
    assert_eq!(
        response.header("x-a"),
        None,
        "the fields of the first response are gone"
    );
    assert_eq!(
        response.header("x-hook"),
        Some("ran"),
        "hooks run for the response that is sent"
    );
    connection
        .request(Request::get("/stream?fails"))
        .expect("sent");
    test.advance(Duration::from_secs(1));
    assert!(
        connection.response().is_err(),
        "a response that has begun is cut"
    );
}

#[test]
fn a_piece_that_was_put_back_is_read_again() {
    let mut app = App::new();
    app.post("/", async |mut req, res| {
        let first = req.data().await?.unwrap_or_default();
        req.put_back(first.slice(1..));
        req.put_back("x");
        let all = req.text().await?;
        req.put_back(all.clone());
        assert_eq!(req.text().await?, all, "also behind the end");
        Ok(res.end(all))
    });
    assert_eq!(ask(&app, Request::post("/").body("abc")).text(), "xbc");
    assert_eq!(
        ask(&app, Request::post("/").chunks(["ab", "c"])).text(),
        "xbc"
    );
}

#[test]
fn a_method_that_was_replaced_is_that_of_this_request_alone() {
    let mut app = App::new();
    app.with(middleware(async |mut req, res, next| {
        if req.header("x-put").is_some() {
            req.set_method(&hearken::Method::PUT);
            assert_eq!((req.method_str(), req.head().method()), ("PUT", "POST"));
        }
        next.run(req, res).await
    }));
    app.put("/", async |req, res| res.end(req.method().to_string()));
    let test = TestServer::new(&app.server().expect("routes"));
    let mut connection = test.connect();
    let put = connection
        .inject(Request::post("/").header("X-Put", "1"))
        .expect("a response");
    assert_eq!(put.text(), "PUT");
    assert_eq!(
        connection
            .inject(Request::post("/"))
            .expect("a response")
            .status(),
        405
    );
}

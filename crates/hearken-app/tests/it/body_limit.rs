//! How large a request body may be.

use hearken::app::BodyLimit;
use hearken::app::prelude::*;
use hearken::test::{Request, TestServer};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::support::ask;

fn app() -> App {
    let mut app = App::new();
    app.route("/collect")
        .with(BodyLimit::new(10))
        .post(async |mut req, res| Ok(res.end(req.bytes().await?)));
    app.route("/stream")
        .with(BodyLimit::new(10))
        .post(async |mut req, res| {
            let mut total = 0;
            while let Some(piece) = req.data().await? {
                total += piece.len();
            }
            Ok(res.end(total.to_string()))
        });
    app.route("/unread")
        .with(BodyLimit::new(10))
        .post(async |_req, res| res.end("unread"));
    app.route("/none")
        .with(BodyLimit::new(0))
        .all(async |mut req, res| Ok(res.end(req.bytes().await?)));
    app.route("/large")
        .with(BodyLimit::new(5 << 20))
        .post(async |mut req, res| Ok(res.end(req.bytes().await?.len().to_string())));
    app
}

#[test]
fn bodies_up_to_the_bound_are_read() {
    let app = app();
    for path in ["/collect", "/stream"] {
        assert_eq!(
            ask(&app, Request::post(path).body("0123456789")).status(),
            200,
            "{path}"
        );
        let chunked = Request::post(path).chunks(["01234", "56789"]);
        assert_eq!(ask(&app, chunked).status(), 200, "{path}");
    }
    assert_eq!(ask(&app, Request::get("/none")).status(), 200);
    let large = vec![b'a'; 4 << 20];
    assert_eq!(
        ask(&app, Request::post("/large").body(large)).text(),
        (4 << 20).to_string(),
        "the bound of collected bodies moves too"
    );
}

#[test]
fn larger_bodies_are_rejected() {
    let app = app();
    for path in ["/collect", "/stream", "/unread", "/none"] {
        let response = ask(&app, Request::post(path).body("0123456789a"));
        assert_eq!(response.status(), 413, "{path}");
    }
    for path in ["/collect", "/stream", "/none"] {
        for pieces in [vec!["01234", "56789", "a"], vec!["0123456789a"]] {
            let response = ask(&app, Request::post(path).chunks(pieces));
            assert_eq!(response.status(), 413, "{path}");
        }
    }
    let json = ask(
        &app,
        Request::post("/collect")
            .header("Accept", "application/json")
            .body("0123456789a"),
    );
    let problem: serde_json::Value = json.json().expect("a problem");
    assert_eq!(problem["code"], "entity.too.large");
}

#[test]
fn a_client_that_asks_first_sends_nothing() {
    let server = app().server().expect("routes");
    let test = TestServer::new(&server);
    let mut connection = test.connect();
    let request = Request::post("/collect")
        .expect_continue()
        .body("0123456789a");
    let response = connection.inject(request).expect("a response");
    assert_eq!(response.status(), 413);
    assert!(response.interim().is_empty(), "no 100 Continue");
}

#[test]
fn an_endless_stream_is_cut_and_not_kept() {
    let seen = Arc::new(AtomicUsize::new(0));
    let mut app = App::new();
    let counted = Arc::clone(&seen);
    app.route("/")
        .with(BodyLimit::new(100_000))
        .post(async move |mut req, res| {
            while let Some(piece) = req.data().await? {
                counted.fetch_add(piece.len(), Ordering::Relaxed);
            }
            Ok(res.end("all"))
        });
    let pieces = vec![vec![b'x'; 10_000]; 200];
    assert_eq!(ask(&app, Request::post("/").chunks(pieces)).status(), 413);
    assert!(
        seen.load(Ordering::Relaxed) <= 100_000,
        "the handler never gets more"
    );
}

#[test]
fn the_bound_of_one_request_is_not_that_of_the_next() {
    let mut app = app();
    app.post(
        "/free",
        async |mut req, res| Ok(res.end(req.bytes().await?)),
    );
    let server = app.server().expect("routes");
    let test = TestServer::new(&server);
    let mut connection = test.connect();
    assert_eq!(
        connection
            .inject(Request::post("/collect").body("short"))
            .expect("a response")
            .status(),
        200
    );
    let free = connection
        .inject(Request::post("/free").body("0123456789abcdef"))
        .expect("a response");
    assert_eq!(
        (free.status().as_u16(), &*free.text()),
        (200, "0123456789abcdef")
    );
}

//! Compression as a middleware: together with ETag, events and HEAD.

use crate::support::ask;
use hearken::Method;
use hearken::app::{Compression, ETag, prelude::*};
use hearken::test::{Request, TestServer};

fn app() -> App {
    let mut app = App::new();
    app.with(Compression::new());
    app.get("/large", async |_req, _res| "hello ".repeat(1000));
    app.get("/small", async |_req, _res| "hello");
    app.get("/empty", async |_req, res| {
        res.set("Content-Type", "text/plain").end("")
    });
    app.get("/image", async |_req, res| {
        res.set("Content-Type", "image/png").end("x".repeat(5000))
    });
    app.get("/kept", async |_req, res| {
        let res = res.set("Cache-Control", "public, no-transform");
        res.set("Content-Type", "text/plain")
            .end("hello ".repeat(1000))
    });
    app.route("/strong")
        .with(ETag::Strong)
        .get(async |_req, _res| "hello ".repeat(1000));
    app
}

fn coding(path: &str, accept: &str) -> Option<String> {
    let response = ask(&app(), Request::get(path).header("Accept-Encoding", accept));
    response.header("content-encoding").map(str::to_owned)
}

#[test]
fn the_client_chooses_by_weight() {
    assert_eq!(coding("/large", "gzip, br").as_deref(), Some("br"));
    assert_eq!(coding("/large", "gzip, br;q=0.5").as_deref(), Some("gzip"));
    assert_eq!(
        coding("/large", "deflate;q=0.2, *;q=0").as_deref(),
        Some("deflate")
    );
    assert_eq!(coding("/large", "identity, gzip;q=0.5"), None);
    assert_eq!(coding("/large", "lzma"), None);
    for path in ["/small", "/image", "/kept"] {
        assert_eq!(coding(path, "gzip, br"), None, "{path}");
    }
}

#[test]
fn a_client_that_refuses_identity_gets_a_coding_of_small_content_too() {
    assert_eq!(
        coding("/small", "gzip, identity;q=0").as_deref(),
        Some("gzip")
    );
    assert_eq!(coding("/image", "br, *;q=0").as_deref(), Some("br"));
    assert_eq!(coding("/empty", "gzip, identity;q=0"), None);
    assert_eq!(coding("/kept", "gzip, identity;q=0"), None);
    assert_eq!(coding("/small", "lzma, identity;q=0"), None);
}

#[test]
fn the_tag_is_that_of_the_content_and_weak() {
    let app = app();
    for path in ["/large", "/strong"] {
        let gzip = || Request::get(path).header("Accept-Encoding", "gzip");
        let response = ask(&app, gzip());
        assert_eq!(response.header("content-encoding"), Some("gzip"));
        assert_eq!(response.header("vary"), Some("Accept-Encoding"));
        let tag = response.header("etag").unwrap();
        assert!(tag.starts_with("W/\"1770-"), "{tag}");
        let again = ask(&app, gzip().header("If-None-Match", tag));
        assert_eq!(again.status(), 304);
        assert_eq!(again.header("etag"), Some(tag));
        assert_eq!(again.header("vary"), Some("Accept-Encoding"));
        assert_eq!(again.header("content-encoding"), None);
        assert_eq!(again.text(), "");
    }
}

#[test]
fn head_has_the_fields_and_no_content() {
    let request = Request::new(Method::HEAD, "/large").header("Accept-Encoding", "gzip");
    let response = ask(&app(), request);
    assert_eq!(response.header("vary"), Some("Accept-Encoding"));
    assert_eq!(response.text(), "");
}

#[test]
fn events_arrive_one_by_one() {
    let mut app = App::new();
    app.with(Compression::new());
    app.get("/events", async |_req, res| {
        let res = res.set("Content-Type", "text/event-stream");
        for number in 0..3 {
            res.write(format!("data: {number}\n\n"));
            tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        }
        res.end("")
    });
    let server = TestServer::new(&app.server().unwrap());
    let mut client = server.connect();
    let request = Request::get("/events").header("Accept-Encoding", "gzip");
    client.request(request).unwrap();
    let mut seen = 0;
    for _ in 0..3 {
        let so_far = client.response_so_far().unwrap().unwrap();
        assert_eq!(so_far.header("content-encoding"), Some("gzip"));
        let bytes = so_far.bytes().len();
        assert!(bytes > seen, "{bytes} after {seen}");
        seen = bytes;
        server.advance(std::time::Duration::from_secs(1));
    }
}

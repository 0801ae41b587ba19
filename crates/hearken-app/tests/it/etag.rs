//! The ETag that responses get by themselves, and the 304 that follows.

use crate::support::ask;
use hearken::Method;
use hearken::app::{ETag, prelude::*};
use hearken::test::{Request, Response};

fn app(etag: ETag) -> App {
    let mut app = App::new();
    app.settings(|settings| settings.etag = etag);
    app.get("/", async |_req, res| {
        let res = res.set("Content-Type", "text/plain; charset=utf-8");
        res.set("Vary", "Accept").end("hello")
    });
    app.get("/json", async |_req, res| res.json(&[1, 2, 3]));
    app.get("/value", async |_req, _res| "hello");
    app.get("/own", async |_req, res| {
        res.set("ETag", "\"own\"").end("hello")
    });
    app.get("/dated", async |_req, res| {
        let res = res.set("Last-Modified", "Thu, 01 Jan 1970 00:00:00 GMT");
        res.end("hello")
    });
    app.get("/created", async |_req, res| res.status(201).end("hello"));
    app.get("/stream", async |_req, res| {
        res.write("hello");
        res.end("")
    });
    app.post("/", async |_req, res| res.end("hello"));
    app.route("/off")
        .with(ETag::Off)
        .get(async |_req, _res| "hello");
    app.route("/strong")
        .with(ETag::Strong)
        .get(async |_req, _res| "hello");
    app
}

fn tag(response: &Response) -> &str {
    response.header("etag").unwrap_or("none")
}

/// XXH3 of 128 bits.
const STRONG: &str = "\"5-b5e9c1ad071b3e7fc779cfaa5e523818\"";

/// XXH3 of 64 bits of `hello`, seed 0, as the reference implementation prints it.
const HELLO: &str = "W/\"5-9555e8555c62dcfd\"";

#[test]
fn responses_in_one_piece_have_a_tag_of_their_content() {
    let app = app(ETag::Weak);
    let get = |path| ask(&app, Request::get(path));
    assert_eq!(tag(&get("/")), HELLO);
    assert_eq!(tag(&get("/value")), HELLO);
    assert!(tag(&get("/json")).starts_with("W/\"7-"));
    assert_eq!(tag(&get("/own")), "\"own\"");
    assert_eq!(tag(&ask(&app, Request::new(Method::HEAD, "/"))), HELLO);
    for path in ["/created", "/stream", "/off", "/nope"] {
        assert_eq!(tag(&get(path)), "none", "{path}");
    }
    assert_eq!(tag(&ask(&app, Request::new(Method::POST, "/"))), "none");
    assert_eq!(tag(&get("/strong")), STRONG);
}

#[test]
fn the_setting_decides_for_the_application() {
    assert_eq!(tag(&ask(&app(ETag::Off), Request::get("/"))), "none");
    assert_eq!(tag(&ask(&app(ETag::Strong), Request::get("/"))), STRONG);
    let conditional = Request::get("/").header("If-None-Match", "*");
    assert_eq!(ask(&app(ETag::Off), conditional).status(), 200);
}

#[test]
fn a_client_that_has_the_content_gets_304_without_it() {
    let app = app(ETag::Weak);
    for value in [HELLO, &HELLO[2..], "*", &format!("\"x\", {HELLO}")] {
        for method in [Method::GET, Method::HEAD] {
            let request = Request::new(method, "/").header("If-None-Match", value);
            let response = ask(&app, request);
            assert_eq!(response.status(), 304, "{value}");
            assert_eq!(response.text(), "");
            assert_eq!(tag(&response), HELLO);
            assert_eq!(response.header("vary"), Some("Accept"));
            assert_eq!(response.header("content-type"), None);
            assert_eq!(response.header("content-length"), None);
        }
    }
    let own = Request::get("/own").header("If-None-Match", "W/\"own\"");
    assert_eq!(ask(&app, own).status(), 304);
    let dated = Request::get("/dated").header("If-Modified-Since", "Thu, 01 Jan 1970 00:00:00 GMT");
    assert_eq!(ask(&app, dated).status(), 304);
}

#[test]
fn other_requests_get_the_content() {
    let app = app(ETag::Weak);
    for (path, name, value) in [
        ("/", "If-None-Match", "\"other\""),
        ("/", "If-None-Match", "broken"),
        ("/", "If-Match", "\"other\""),
        ("/", "If-Modified-Since", "Thu, 01 Jan 2099 00:00:00 GMT"),
        ("/own", "If-None-Match", HELLO),
        ("/created", "If-None-Match", "*"),
        ("/stream", "If-None-Match", "*"),
        ("/off", "If-None-Match", HELLO),
    ] {
        let response = ask(&app, Request::get(path).header(name, value));
        assert!(response.status().is_success(), "{path} {name}: {value}");
        assert_eq!(response.text(), "hello");
    }
    let reload = Request::get("/").header("If-None-Match", HELLO);
    let reload = reload.header("Cache-Control", "no-cache");
    assert_eq!(ask(&app, reload).text(), "hello");
    let post = Request::new(Method::POST, "/").header("If-None-Match", "*");
    assert_eq!(ask(&app, post).text(), "hello");
}

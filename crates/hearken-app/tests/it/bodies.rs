//! Bodies that are read and checked before the handler: limits, codings, charsets, JSON, forms, raw bodies.

use crate::support::ask;
use hearken::app::{Bodies, Charset, prelude::*};
use hearken::test::{Request, Response, TestServer};
use serde_json::{Value, json};
use std::io::Write;

/// An application that returns what it has read, behind some middleware.
fn app(bodies: impl IntoIterator<Item = Bodies>) -> App {
    let mut app = App::new();
    for bodies in bodies {
        app.with(bodies);
    }
    app.post("/json", async |mut req, _res| {
        Ok(Json(req.json::<Value>().await?))
    });
    app.post("/text", async |mut req, res| Ok(res.end(req.text().await?)));
    app.post("/raw", async |req, res| {
        let raw = req
            .raw_body()
            .map_or_else(|| "none".into(), |raw| format!("{raw:?}"));
        res.end(raw)
    });
    app.post("/form", async |mut req, _res| {
        let form: Vec<(String, String)> = req.form().await?;
        Ok(Json(form))
    });
    app.post("/nested", async |mut req, _res| {
        Ok(Json(req.nested_form::<Value>().await?))
    });
    app.get("/", async |_req, res| res.end("hello"));
    app
}

fn post(path: &str, content_type: &str, body: impl Into<Bytes>) -> Request {
    Request::post(path)
        .header("Content-Type", content_type)
        .header("Accept", "application/json")
        .body(body)
}

/// Status and code of a failure.
fn code(response: &Response) -> (u16, String) {
    let problem: Value = response.json().unwrap_or_default();
    let code = problem["code"].as_str().unwrap_or_default().to_owned();
    (response.status().as_u16(), code)
}

#[track_caller]
fn check(app: &App, request: Request, status: u16, expected: &str) {
    assert_eq!(code(&ask(app, request)), (status, expected.to_owned()));
}

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

const JSON: &str = "application/json; charset=utf-8";
const FORM: &str = "application/x-www-form-urlencoded";

#[test]
fn json_is_checked_before_the_handler_runs() {
    let app = app([Bodies::json()]);
    let good = ask(&app, post("/json", JSON, r#" {"a": [1, "\u00e9"]} "#));
    assert_eq!(good.json::<Value>().unwrap(), json!({ "a": [1, "é"] }));
    let vendor = ask(&app, post("/json", "application/vnd.api+json", "[1]"));
    assert_eq!(vendor.text(), "[1]");
    for body in [
        "1",
        "\"a\"",
        "null",
        "{",
        "[1,]",
        "{} x",
        "\u{a0}{}",
        "[\"\u{1}\"]",
    ] {
        // Not the handler: it does not parse what it gets.
        check(&app, post("/text", JSON, body), 400, "entity.parse.failed");
    }
    check(
        &app,
        post("/text", JSON, &b"[\"\xff\"]"[..]),
        400,
        "entity.parse.failed",
    );
    let mark = ask(&app, post("/json", JSON, "\u{feff}[1]"));
    assert_eq!(mark.text(), "[1]");
    assert_eq!(ask(&app, Request::get("/")).text(), "hello");
}

#[test]
fn json_of_any_kind_is_taken_when_not_strict() {
    let app = app([Bodies::json().strict(false)]);
    assert_eq!(ask(&app, post("/json", JSON, "1")).text(), "1");
    check(&app, post("/text", JSON, "x"), 400, "entity.parse.failed");
}

#[test]
fn json_is_nested_at_most_127_levels() {
    let app = app([Bodies::json()]);
    let nested = |levels: usize| "[".repeat(levels) + &"]".repeat(levels);
    assert_eq!(ask(&app, post("/text", JSON, nested(127))).status(), 200);
    check(
        &app,
        post("/text", JSON, nested(128)),
        400,
        "entity.parse.failed",
    );
    let objects = "{\"a\":".repeat(100_000);
    check(
        &app,
        post("/text", JSON, objects),
        400,
        "entity.parse.failed",
    );
}

#[test]
fn the_limit_counts_bytes() {
    let app = app([Bodies::json().limit(10), Bodies::text()]);
    assert_eq!(ask(&app, post("/text", JSON, "[12345678]")).status(), 200);
    check(
        &app,
        post("/text", JSON, "[123456789]"),
        413,
        "entity.too.large",
    );
    let chunked = Request::post("/text")
        .header("Content-Type", JSON)
        .header("Accept", "application/json")
        .chunks(["[12345", "6789]"]);
    check(&app, chunked, 413, "entity.too.large");
    let other = ask(&app, post("/text", "text/plain", "x".repeat(1000)));
    assert_eq!(other.bytes().len(), 1000, "the limit is that of JSON");
    check(
        &app,
        post("/text", "text/plain", "x".repeat((2 << 20) + 1)),
        413,
        "entity.too.large",
    );
}

#[test]
fn without_middleware_failures_have_the_same_codes() {
    let app = app([]);
    check(&app, post("/json", JSON, "{"), 400, "entity.parse.failed");
    check(
        &app,
        post("/text", JSON, &b"\xff"[..]),
        400,
        "entity.parse.failed",
    );
    check(
        &app,
        post("/json", JSON, "x".repeat((2 << 20) + 1)),
        413,
        "entity.too.large",
    );
    check(
        &app,
        post("/form", FORM, "a=1&".repeat(1001)),
        413,
        "parameters.too.many",
    );
    check(
        &app,
        post("/nested", FORM, "a=1&".repeat(1001)),
        413,
        "parameters.too.many",
    );
    assert_eq!(ask(&app, post("/raw", JSON, "[]")).text(), "none");
}

#[test]
fn codings_are_decoded_only_when_asked_for() {
    let coded =
        |body: Vec<u8>, coding: &str| post("/json", JSON, body).header("Content-Encoding", coding);
    let off = app([Bodies::json()]);
    let refused = ask(&off, coded(gzip(b"[1]"), "gzip"));
    assert_eq!(code(&refused), (415, "encoding.unsupported".to_owned()));
    assert_eq!(refused.header("accept-encoding"), Some("identity"));
    assert_eq!(ask(&off, coded(b"[1]".to_vec(), "identity")).text(), "[1]");

    let on = app([Bodies::json().inflate(true)]);
    assert_eq!(ask(&on, coded(gzip(b"[1]"), "GZip")).text(), "[1]");
    assert_eq!(ask(&on, coded(b"[1]".to_vec(), "identity")).text(), "[1]");
    let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    zlib.write_all(b"[2]").unwrap();
    assert_eq!(
        ask(&on, coded(zlib.finish().unwrap(), "deflate")).text(),
        "[2]"
    );
    for coding in ["lzma", "gzip, gzip", "gzip, br"] {
        let refused = ask(&on, coded(gzip(b"[1]"), coding));
        assert_eq!(
            code(&refused),
            (415, "encoding.unsupported".to_owned()),
            "{coding}"
        );
        let known = refused.header("accept-encoding").unwrap();
        assert!(known.contains("gzip") && known.contains("br"), "{known}");
    }
    let mut cut = gzip(b"[1]");
    cut.truncate(cut.len() - 4);
    check(&on, coded(cut, "gzip"), 400, "encoding.invalid");
    check(&on, coded(b"[1]".to_vec(), "gzip"), 400, "encoding.invalid");
    let mut more = gzip(b"[1]");
    more.extend_from_slice(b"[2]");
    check(&on, coded(more, "gzip"), 400, "encoding.invalid");
}

#[test]
fn the_limit_counts_what_comes_out_and_bombs_are_refused() {
    let coded =
        |body: Vec<u8>| post("/text", "text/plain", body).header("Content-Encoding", "gzip");
    let small = app([Bodies::text().inflate(true).limit(1000)]);
    check(&small, coded(gzip(&[b'x'; 1001])), 413, "entity.too.large");
    assert_eq!(ask(&small, coded(gzip(&[b'x'; 1000]))).bytes().len(), 1000);
    let large = app([Bodies::text().inflate(true).limit(1 << 30)]);
    // About 1,000 times smaller, and below the limit.
    check(
        &large,
        coded(gzip(&vec![0; 8 << 20])),
        413,
        "entity.too.large",
    );
    let below = ask(&large, coded(gzip(&vec![b'x'; 1 << 20])));
    assert_eq!(below.bytes().len(), 1 << 20, "the ratio counts after 1 MiB");
    // Members without content: input without output.
    let empty = gzip(b"").repeat(10_000);
    check(&small, coded(empty), 413, "entity.too.large");
}

#[test]
fn charsets_become_utf_8() {
    let app = app([Bodies::json(), Bodies::text(), Bodies::urlencoded()]);
    let utf16: Vec<u8> = "\u{feff}[\"é\"]"
        .encode_utf16()
        .flat_map(u16::to_be_bytes)
        .collect();
    let json = ask(
        &app,
        post("/json", "application/json; charset=utf-16", utf16.clone()),
    );
    assert_eq!(json.text(), "[\"é\"]");
    let raw = ask(
        &app,
        post("/raw", "application/json; charset=utf-16", utf16.clone()),
    );
    assert_eq!(
        raw.text(),
        format!("{:?}", Bytes::from(utf16)),
        "as it came"
    );
    let latin1 = ask(
        &app,
        post("/text", "text/plain; charset=\"ISO-8859-1\"", &b"\xe9"[..]),
    );
    assert_eq!(latin1.text(), "é");
    let form = ask(
        &app,
        post(
            "/form",
            &format!("{FORM}; charset=iso-8859-1"),
            &b"a=%E9\xe9"[..],
        ),
    );
    assert_eq!(form.json::<Value>().unwrap(), json!([["a", "éé"]]));
    for content_type in [
        "application/json; charset=iso-8859-1",
        "application/json; charset=utf-7",
        "text/plain; charset=koi8-r",
        "application/x-www-form-urlencoded; charset=utf-16",
    ] {
        check(
            &app,
            post("/text", content_type, "[]"),
            415,
            "charset.unsupported",
        );
    }
    check(
        &app,
        post("/text", "text/plain; charset=utf-16le", "abc"),
        400,
        "entity.parse.failed",
    );
    let other = self::app([Bodies::text().default_charset(Charset::Latin1)]);
    assert_eq!(
        ask(&other, post("/text", "text/plain", &b"\xe9"[..])).text(),
        "é"
    );
    check(
        &other,
        post("/text", "text/plain; charset=utf-8", &b"\xe9"[..]),
        400,
        "entity.parse.failed",
    );
}

#[test]
fn forms_have_bounds() {
    let app = app([Bodies::urlencoded().parameter_limit(3).depth(2)]);
    let form = ask(&app, post("/form", FORM, "a=1&b=x+y%26&c"));
    assert_eq!(
        form.json::<Value>().unwrap(),
        json!([["a", "1"], ["b", "x y&"], ["c", ""]])
    );
    check(
        &app,
        post("/text", FORM, "a&b&c&d"),
        413,
        "parameters.too.many",
    );
    assert_eq!(ask(&app, post("/form", FORM, "&&a&b&&c&&")).status(), 200);
    check(
        &app,
        post("/text", FORM, "a[b][c][d]=1"),
        400,
        "querystring.parse.rangeError",
    );
    check(
        &app,
        post("/text", FORM, "a%5Bb%5d%5bc][d]=1"),
        400,
        "querystring.parse.rangeError",
    );
    assert_eq!(ask(&app, post("/text", FORM, "a[b][c]=[[[[")).status(), 200);
}

#[test]
fn forms_have_nested_names() {
    let app = app([Bodies::urlencoded()]);
    let nested = |form: &'static str| {
        let response = ask(&app, post("/nested", FORM, form));
        response
            .json::<Value>()
            .unwrap_or_else(|_| panic!("{form}: {}", response.text()))
    };
    assert_eq!(
        nested("a[b]=1&a[c]=x+y"),
        json!({ "a": { "b": "1", "c": "x y" } })
    );
    assert_eq!(nested("a%5Bb%5D=%C3%A9"), json!({ "a": { "b": "é" } }));
    assert_eq!(nested("a[]=1&a[]=2"), json!({ "a": ["1", "2"] }));
    #[derive(serde::Deserialize, serde::Serialize)]
    struct Item {
        name: String,
        count: u32,
    }
    #[derive(serde::Deserialize, serde::Serialize)]
    struct Order {
        items: Vec<Item>,
    }
    let mut typed = App::new();
    typed.post("/", async |mut req, _res| {
        Ok(Json(req.nested_form::<Order>().await?))
    });
    let order = "items[0][name]=tea&items[0][count]=2&items[1][name]=milk&items[1][count]=1";
    let response = ask(&typed, post("/", FORM, order));
    assert_eq!(
        response.json::<Value>().unwrap()["items"][1],
        json!({ "name": "milk", "count": 1 })
    );
    check(
        &typed,
        post("/", FORM, "items[0][name]=tea&items[0][count]=x"),
        400,
        "entity.parse.failed",
    );
    // A list with a large number has no more members than the form.
    let sparse = ask(&app, post("/nested", FORM, "a[4000000000]=1"));
    assert!(sparse.bytes().len() < 1000);
    let deep = format!("a{}=1", "[b]".repeat(33));
    check(
        &app,
        post("/nested", FORM, deep),
        400,
        "querystring.parse.rangeError",
    );
    let deep = format!("a{}=1", "[b]".repeat(32));
    assert_eq!(ask(&app, post("/nested", FORM, deep)).status(), 200);
}

#[test]
fn other_types_are_passed_on_or_refused() {
    let lax = app([Bodies::json()]);
    assert_eq!(
        ask(&lax, post("/text", "text/plain", "hello")).text(),
        "hello"
    );
    let required = app([Bodies::json().required(true)]);
    check(
        &required,
        post("/text", "text/plain", "[]"),
        415,
        "type.unsupported",
    );
    let untyped = Request::post("/text")
        .header("Accept", "application/json")
        .body("[]");
    check(&required, untyped, 415, "type.unsupported");
    assert_eq!(ask(&required, Request::get("/")).text(), "hello");
    assert_eq!(ask(&required, post("/json", JSON, "[]")).text(), "[]");
    let any = app([Bodies::raw().types(["*/*"])]);
    assert_eq!(
        ask(&any, post("/raw", "image/png", &b"\x89P"[..])).text(),
        r#"b"\x89P""#
    );
}

#[test]
fn a_body_is_read_in_middleware_and_in_the_handler() {
    let mut app = App::new();
    app.with(Bodies::json().inflate(true));
    app.with(Bodies::json()); // has nothing to do
    app.with(middleware(async |mut req, res, next| {
        let seen: Value = serde_json::from_slice(&req.peek_bytes(1 << 20).await?)?;
        let raw = req.raw_body().unwrap_or_default();
        let res = res.set("X-Seen", seen.to_string()).set("X-Raw", raw);
        Ok(next.run(req, res).await)
    }));
    app.post("/", async |mut req, res| {
        let first: Value = req.json().await?;
        let again = req.raw_body().unwrap_or_default();
        Ok(res.end(format!("{first} {again:?}")))
    });
    let request = post("/", JSON, gzip(b"[1, 2]")).header("Content-Encoding", "gzip");
    let response = ask(&app, request);
    assert_eq!(response.text(), r#"[1,2] b"[1, 2]""#);
    assert_eq!(response.header("x-seen"), Some("[1,2]"));
    assert_eq!(response.header("x-raw"), Some("[1, 2]"));
}

#[test]
fn signatures_are_verified_before_parsing() {
    let app = app([
        Bodies::json().verify(|req, body| match req.header("x-signature") {
            Some("right") if body.starts_with(b"{") => Ok(()),
            Some(_) => Err(Failure::new(401, "expected another signature")),
            None => Err(Failure::from("no signature")),
        }),
    ]);
    let signed = |value: &str| post("/json", JSON, "{}").header("X-Signature", value);
    assert_eq!(ask(&app, signed("right")).text(), "{}");
    check(&app, signed("wrong"), 401, "");
    let missing = ask(&app, post("/json", JSON, "{"));
    assert_eq!(code(&missing), (403, "entity.verify.failed".to_owned()));
}

#[test]
fn a_client_that_leaves_ends_the_middleware() {
    use std::sync::{Arc, Mutex};
    let codes = Arc::<Mutex<Vec<String>>>::default();
    let seen = Arc::clone(&codes);
    let mut server = app([Bodies::json()]).server().unwrap();
    server.on(hearken::event::HandlerFailed, move |failure: &Failure| {
        let code = failure.code().unwrap_or("none").to_owned();
        seen.lock().unwrap().push(code);
    });
    let server = TestServer::new(&server);
    let mut client = server.connect();
    client.send("POST /json HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n[1,");
    client.reset();
    server.settle();
    let codes = codes.lock().unwrap();
    assert!(
        codes.iter().all(|code| code == "request.aborted"),
        "{codes:?}"
    );
}

#[test]
fn a_client_that_waits_for_100_sends_its_body() {
    let app = app([Bodies::json()]);
    let request = post("/json", JSON, "[1]").expect_continue();
    assert_eq!(ask(&app, request).text(), "[1]");
}

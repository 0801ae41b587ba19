//! Arguments of handlers that are made of the request.

use hearken::app::prelude::*;
use hearken::app::{
    Accepted, Cookies, Created, Extension, Extract, Form, HeadOnly, Headers, Invalid, Multipart,
    NoContent, Path, Query, Valid, WithBody, WithStatus, extract,
};
use hearken::test::{Request, Response};
use hearken::{HeaderMap, Method, Peer, Version};
use serde::{Deserialize, Serialize};
use std::cell::Cell;
use std::collections::HashMap;
use std::rc::Rc;

use crate::support::{ask, text};

/// Status, code and text of a failure.
fn failure(app: &App, request: Request) -> (u16, String, String) {
    let response = ask(app, request.header("Accept", "application/json"));
    assert_eq!(
        response.header("content-type"),
        Some("application/problem+json"),
        "{}",
        response.text()
    );
    let problem: serde_json::Value = response.json().unwrap();
    let member = |name: &str| problem[name].as_str().unwrap_or_default().to_owned();
    (response.status().as_u16(), member("code"), member("detail"))
}

fn json(request: Request, body: &str) -> Request {
    request
        .header("Content-Type", "application/json")
        .body(body.to_owned())
}

fn shown(response: &Response) -> String {
    format!("{} {}", response.status().as_u16(), response.text())
}

#[derive(Debug, Deserialize)]
struct Place {
    article: String,
    number: u32,
    format: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Colour {
    Red,
    Green,
}

#[derive(Debug, Deserialize)]
struct Id(u64);

fn paths() -> App {
    let mut app = App::new();
    app.get(
        "/one/:id",
        extract(async |Path(id): Path<u64>| format!("{id}")),
    );
    app.get(
        "/id/:id",
        extract(async |Path(id): Path<Id>| format!("{}", id.0)),
    );
    app.get(
        "/signed/:n",
        extract(async |Path(n): Path<i8>| format!("{n}")),
    );
    app.get("/text/:t", extract(async |Path(t): Path<String>| t));
    app.get(
        "/flag/:f",
        extract(async |Path(f): Path<bool>| format!("{f}")),
    );
    app.get(
        "/colour/:c",
        extract(async |Path(c): Path<Colour>| format!("{c:?}")),
    );
    app.get(
        "/ip/:ip",
        extract(async |Path(ip): Path<std::net::IpAddr>| format!("{ip}")),
    );
    app.get(
        "/two/:a/:b",
        extract(async |Path((a, b)): Path<(u8, String)>| format!("{a} {b}")),
    );
    app.get(
        "/place/:article/:number{.:format}",
        extract(async |Path(place): Path<Place>| {
            format!("{} {} {:?}", place.article, place.number, place.format)
        }),
    );
    app.get(
        "/map/:a/:b",
        extract(async |Path(map): Path<HashMap<String, String>>| {
            let mut pairs: Vec<_> = map.into_iter().collect();
            pairs.sort();
            format!("{pairs:?}")
        }),
    );
    app.get(
        "/pairs/:a/:b",
        extract(async |Path(pairs): Path<Vec<(String, String)>>| format!("{pairs:?}")),
    );
    app.get(
        "/files/*path",
        extract(async |Path(path): Path<Vec<String>>| format!("{path:?}")),
    );
    app.get(
        "/whole/*path",
        extract(async |Path(path): Path<String>| format!("{path:?}")),
    );
    app.get(
        "/optional{/:page}",
        extract(async |page: Option<Path<u32>>| format!("{page:?}")),
    );
    app.get(
        "/group/:name{.:format}",
        extract(async |Path(all): Path<(String, Option<String>)>| format!("{all:?}")),
    );
    app
}

#[test]
fn parameters_of_the_path_are_read_by_their_type() {
    let app = paths();
    for (path, expected) in [
        ("/one/7", "200 7"),
        ("/id/7", "200 7"),
        ("/signed/-7", "200 -7"),
        ("/text/a%2Fb%20c", "200 a/b c"),
        ("/flag/true", "200 true"),
        ("/colour/green", "200 Green"),
        ("/ip/::1", "200 ::1"),
        ("/two/7/x", "200 7 x"),
        ("/place/rust/3", "200 rust 3 None"),
        ("/place/rust/3.pdf", "200 rust 3 Some(\"pdf\")"),
        ("/map/1/2", r#"200 [("a", "1"), ("b", "2")]"#),
        ("/pairs/1/2", r#"200 [("a", "1"), ("b", "2")]"#),
        ("/files/a/b%2Fc/d", r#"200 ["a", "b/c", "d"]"#),
        ("/whole/a/b", r#"200 "a/b""#),
        ("/optional", "200 None"),
        ("/optional/3", "200 Some(Path(3))"),
        ("/group/a", r#"200 ("a", None)"#),
        ("/group/a.b", r#"200 ("a", Some("b"))"#),
    ] {
        assert_eq!(text(&app, path), expected, "{path}");
    }
}

#[test]
fn a_parameter_that_does_not_parse_is_named() {
    let app = paths();
    for (path, expected) in [
        (
            "/one/x",
            r#"expected a value of type u64 as the parameter "id" of the path, got "x""#,
        ),
        (
            "/signed/200",
            r#"expected a value of type i8 as the parameter "n" of the path, got "200""#,
        ),
        (
            "/two/256/x",
            r#"expected a value of type u8 as the parameter "a" of the path, got "256""#,
        ),
        (
            "/place/rust/x",
            r#"expected a value of type u32 as the parameter "number" of the path, got "x""#,
        ),
        (
            "/colour/blue",
            r#"expected another value of the parameter "c" of the path, got "blue": unknown variant `blue`, expected `red` or `green`"#,
        ),
        (
            "/ip/x",
            r#"expected another value of the parameter "ip" of the path, got "x": invalid IP address syntax"#,
        ),
        (
            "/optional/x",
            r#"expected a value of type u32 as the parameter "page" of the path, got "x""#,
        ),
    ] {
        let expected = (400, "param.invalid".to_owned(), expected.to_owned());
        assert_eq!(failure(&app, Request::get(path)), expected, "{path}");
    }
}

#[test]
fn a_type_that_does_not_fit_the_pattern_is_an_error_of_the_application() {
    let mut app = App::new();
    app.get("/one/:a/:b", extract(async |Path(_): Path<u64>| ""));
    app.get(
        "/three/:a/:b",
        extract(async |Path(_): Path<(u8, u8, u8)>| ""),
    );
    app.get("/struct/:article", extract(async |Path(_): Path<Place>| ""));
    app.get(
        "/group/:a{.:b}",
        extract(async |Path(_): Path<(String, String)>| ""),
    );
    for path in ["/one/1/2", "/three/1/2", "/struct/1", "/group/1"] {
        let (status, code, text) = failure(&app, Request::get(path));
        assert_eq!((status, code.as_str()), (500, "param.mismatch"), "{path}");
        assert_eq!(text, "Internal Server Error", "nothing inner leaks");
    }
}

#[derive(Debug, Deserialize)]
struct Search {
    q: String,
    page: Option<u32>,
    #[serde(default)]
    tag: Vec<String>,
}

#[test]
fn the_query_is_read_by_its_type() {
    let mut app = App::new();
    app.get(
        "/",
        extract(async |Query(search): Query<Search>| {
            format!("{} {:?} {:?}", search.q, search.page, search.tag)
        }),
    );
    app.get(
        "/maybe",
        extract(async |search: Option<Query<Search>>| format!("{}", search.is_some())),
    );
    assert_eq!(
        text(&app, "/?q=caf%C3%A9+noir&tag=a&tag=b&other=1"),
        r#"200 café noir None ["a", "b"]"#
    );
    assert_eq!(text(&app, "/?q=&page=2"), "200  Some(2) []");
    assert_eq!(text(&app, "/maybe"), "200 false");
    assert_eq!(text(&app, "/maybe?"), "200 false");
    assert_eq!(text(&app, "/maybe?q=1"), "200 true");
    for (path, part) in [
        ("/", "missing field `q`"),
        (
            "/?q=1&page=x",
            "page: invalid digit found in string, got \"x\"",
        ),
        ("/maybe?page=1", "missing field `q`"),
    ] {
        let (status, code, text) = failure(&app, Request::get(path));
        assert_eq!((status, code.as_str()), (400, "query.invalid"), "{path}");
        assert!(text.contains(part), "{path}: {text}");
    }
}

#[derive(Debug, Deserialize, Serialize)]
struct New {
    title: String,
    authors: Vec<Author>,
}

#[derive(Debug, Deserialize, Serialize)]
struct Author {
    age: u8,
}

fn bodies() -> App {
    let mut app = App::new();
    app.post("/json", extract(async |Json(new): Json<New>| Json(new)));
    app.post(
        "/maybe",
        extract(async |new: Option<Json<New>>| format!("{}", new.is_some())),
    );
    app.all(
        "/form",
        extract(async |Form(search): Form<Search>| format!("{search:?}")),
    );
    app.post(
        "/bytes",
        extract(async |bytes: Bytes| format!("{}", bytes.len())),
    )
    .limits(|limits| limits.body.buffered_bytes_max = 10);
    app.post("/text", extract(async |text: String| text));
    app.post(
        "/request",
        extract(async |mut req: IncomingMessage| Ok(req.text().await?)),
    );
    app
}

#[test]
fn json_is_read_and_each_fault_has_its_status() {
    let app = bodies();
    let whole = r#"{"title":"t","authors":[{"age":7}]}"#;
    let response = ask(&app, json(Request::post("/json"), whole));
    assert_eq!(shown(&response), format!("200 {whole}"));
    let patch = Request::post("/json")
        .header(
            "Content-Type",
            "Application/Merge-Patch+JSON; charset=utf-8",
        )
        .body(whole);
    assert_eq!(ask(&app, patch).status(), 200);

    for (content_type, body, status, code, part) in [
        (
            "text/plain",
            whole,
            415,
            "media.type.unsupported",
            r#"expected a body with the Content-Type application/json, got "text/plain""#,
        ),
        (
            "application/json",
            "{",
            400,
            "entity.parse.failed",
            "EOF while parsing",
        ),
        (
            "application/json",
            "",
            400,
            "entity.parse.failed",
            "EOF while parsing",
        ),
        (
            "application/json",
            "{}x",
            422,
            "entity.data.invalid",
            "missing field `title`",
        ),
        (
            "application/json",
            r#"{"title":"t","authors":[{"age":7},{"age":256}]}"#,
            422,
            "entity.data.invalid",
            "authors[1].age: invalid value: integer `256`, expected u8",
        ),
        (
            "application/json",
            r#"{"title":7}"#,
            422,
            "entity.data.invalid",
            "title: invalid type: integer `7`, expected a string",
        ),
    ] {
        let request = Request::post("/json")
            .header("Content-Type", content_type)
            .body(body);
        let (came, kind, text) = failure(&app, request);
        assert_eq!((came, kind.as_str()), (status, code), "{body}: {text}");
        assert!(text.contains(part), "{body}: {text}");
    }
    let without = ask(&app, Request::post("/json").body(whole));
    assert_eq!(without.status(), 415);
    assert_eq!(without.header("accept"), Some("application/json"));
}

#[test]
fn a_body_may_be_missing_and_not_malformed() {
    let app = bodies();
    assert_eq!(shown(&ask(&app, Request::post("/maybe"))), "200 false");
    let there = json(Request::post("/maybe"), r#"{"title":"t","authors":[]}"#);
    assert_eq!(shown(&ask(&app, there)), "200 true");
    assert_eq!(ask(&app, json(Request::post("/maybe"), "{")).status(), 400);
    let other = Request::post("/maybe").body("title=t");
    assert_eq!(ask(&app, other).status(), 415);
}

#[test]
fn forms_come_in_the_body_or_in_the_query() {
    let app = bodies();
    let form = |body: &str| {
        Request::post("/form")
            .header(
                "Content-Type",
                "application/x-www-form-urlencoded; charset=UTF-8",
            )
            .body(body.to_owned())
    };
    let expected = r#"200 Search { q: "a", page: Some(1), tag: ["x"] }"#;
    assert_eq!(shown(&ask(&app, form("q=a&page=1&tag=x"))), expected);
    assert_eq!(
        shown(&ask(&app, Request::get("/form?q=a&page=1&tag=x"))),
        expected
    );
    let (status, code, text) = failure(&app, form("q=a&page=-1"));
    assert_eq!((status, code.as_str()), (422, "entity.data.invalid"));
    assert!(
        text.contains("page: invalid digit found in string, got \"-1\""),
        "{text}"
    );
    let latin = Request::post("/form")
        .header(
            "Content-Type",
            "application/x-www-form-urlencoded; charset=\"latin1\"",
        )
        .body("q=a");
    let (status, code, _) = failure(&app, latin);
    assert_eq!((status, code.as_str()), (415, "charset.unsupported"));
    assert_eq!(failure(&app, json(Request::post("/form"), "{}")).0, 415);
}

#[test]
fn bodies_as_they_are() {
    let app = bodies();
    let post = |path: &str, body: &'static [u8]| Request::post(path).body(body);
    assert_eq!(shown(&ask(&app, post("/bytes", b"0123456789"))), "200 10");
    let (status, code, _) = failure(&app, post("/bytes", b"0123456789x"));
    assert_eq!((status, code.as_str()), (413, "entity.too.large"));
    assert_eq!(shown(&ask(&app, post("/text", "é".as_bytes()))), "200 é");
    let (status, code, _) = failure(&app, post("/text", b"\xff"));
    assert_eq!((status, code.as_str()), (400, "entity.parse.failed"));
    assert_eq!(shown(&ask(&app, post("/request", b"whole"))), "200 whole");
}

struct User {
    name: &'static str,
}

#[test]
fn what_the_head_and_code_around_the_handler_have() {
    let mut app = App::new();
    app.state(7_u64);
    app.with(middleware(async |req, res, next| {
        req.extend(User { name: "ada" });
        next.run(req, res).await
    }));
    app.get(
        "/state",
        extract(async |seven: State<u64>| format!("{}", *seven)),
    );
    app.get("/none", extract(async |_: State<u8>| ""));
    app.get(
        "/maybe",
        extract(
            async |none: Option<State<u8>>, some: Option<Extension<User>>| {
                format!("{} {}", none.is_some(), some.is_some())
            },
        ),
    );
    app.get("/user", extract(async |user: Extension<User>| user.name));
    app.get("/no-user", extract(async |_: Extension<String>| ""));
    app.get(
        "/head",
        extract(
            async |Headers(fields): Headers,
                   map: HeaderMap,
                   method: Method,
                   version: Version,
                   peer: Rc<Peer>,
                   own: Peer| {
                assert_eq!(fields, map);
                assert_eq!(peer.local_address(), own.local_address());
                format!("{method} {version:?} {:?}", fields.get("x-a"))
            },
        ),
    );
    app.get(
        "/cookies",
        extract(async |cookies: Cookies| {
            format!(
                "{:?} {:?} {}",
                cookies.get("a"),
                cookies.get_decoded("b"),
                cookies.iter().count()
            )
        }),
    );
    assert_eq!(text(&app, "/state"), "200 7");
    assert_eq!(text(&app, "/maybe"), "200 false true");
    assert_eq!(text(&app, "/user"), "200 ada");
    let with_field = Request::get("/head").header("X-A", "1");
    assert_eq!(
        shown(&ask(&app, with_field)),
        "200 GET HTTP/1.1 Some(\"1\")"
    );
    let with_cookies = Request::get("/cookies").header("Cookie", "a=1; b=%C3%A9; a=2");
    assert_eq!(
        shown(&ask(&app, with_cookies)),
        r#"200 Some("1") Some("é") 3"#
    );
    assert_eq!(failure(&app, Request::get("/none")).1, "state.missing");
    assert_eq!(
        failure(&app, Request::get("/no-user")).1,
        "extension.missing"
    );
}

thread_local! {
    static BODIES_READ: Cell<u32> = const { Cell::new(0) };
}

struct Counted(String);

impl Extract for Counted {
    type Reads = WithBody;

    async fn extract(mut req: IncomingMessage, _res: &ServerResponse) -> Result<Self, Failure> {
        BODIES_READ.set(BODIES_READ.get() + 1);
        Ok(Self(req.text().await?))
    }
}

struct Token;

impl Extract for Token {
    type Reads = HeadOnly;

    async fn extract(req: &IncomingMessage, res: &ServerResponse) -> Result<Self, Failure> {
        let _ = res.again().set("Vary", "Authorization");
        match req.header("authorization") {
            Some(_) => Ok(Self),
            None => Err(Failure::new(401, "expected a token").with_code("token.missing")),
        }
    }
}

#[test]
fn the_body_is_read_last_and_in_any_place() {
    let mut app = App::new();
    app.post(
        "/:id",
        extract(
            async |Counted(body): Counted, Path(id): Path<u8>, _: Token, res: ServerResponse| {
                res.status(201).end(format!("{id} {body}"))
            },
        ),
    );
    let before = BODIES_READ.get();
    let token = |path: &str| {
        Request::post(path)
            .header("Authorization", "x")
            .body("body")
    };
    let response = ask(&app, token("/7"));
    assert_eq!(shown(&response), "201 7 body");
    assert_eq!(response.header("vary"), Some("Authorization"));
    assert_eq!(BODIES_READ.get(), before + 1);
    assert_eq!(ask(&app, token("/x")).status(), 400);
    assert_eq!(
        failure(&app, Request::post("/7").body("body")).1,
        "token.missing"
    );
    assert_eq!(
        BODIES_READ.get(),
        before + 1,
        "a rejected request is not read"
    );
}

#[test]
fn a_handler_may_get_the_rejection() {
    let mut app = App::new();
    app.get(
        "/:id",
        extract(async |id: Result<Path<u8>, Failure>| match id {
            Ok(Path(id)) => format!("{id}"),
            Err(failure) => format!("sorry: {}", failure.code().unwrap_or_default()),
        }),
    );
    assert_eq!(text(&app, "/7"), "200 7");
    assert_eq!(text(&app, "/x"), "200 sorry: param.invalid");
}

#[test]
fn rejections_have_the_form_of_the_application_and_name_the_argument_for_the_log() {
    let mut app = App::new();
    app.get("/:id", extract(async |Path(_): Path<u8>| ""));
    app.error(|failure, _req, res| {
        let causes = failure
            .source()
            .map(ToString::to_string)
            .unwrap_or_default();
        res.end(format!("{} {causes}", failure.code().unwrap_or_default()))
    });
    assert_eq!(
        text(&app, "/x"),
        "400 param.invalid the argument Path<u8> of the handler"
    );
}

#[test]
fn from_no_argument_to_twelve() {
    let mut app = App::new();
    app.get("/0", extract(async || "none"));
    app.get(
        "/12",
        extract(
            async |_: Method,
                   _: Method,
                   _: Method,
                   _: Method,
                   _: Method,
                   _: Method,
                   _: Method,
                   _: Method,
                   _: Method,
                   _: Method,
                   _: Method,
                   body: String| format!("twelve{body}"),
        ),
    );
    async fn named(Path(id): Path<u64>, method: Method) -> Result<String, Failure> {
        Ok(format!("{method} {id}"))
    }
    app.get("/named/:id", extract(named));
    assert_eq!(text(&app, "/0"), "200 none");
    assert_eq!(text(&app, "/12"), "200 twelve");
    assert_eq!(text(&app, "/named/3"), "200 GET 3");
}

#[test]
fn answers_have_the_status_of_their_type() {
    let mut app = App::new();
    app.get("/created", extract(async || Created(Json(1))));
    app.get("/accepted", extract(async || Accepted("later")));
    app.get("/none", extract(async || NoContent));
    app.get("/203", extract(async || WithStatus::<203, _>("copy")));
    app.get(
        "/result/:ok",
        extract(async |Path(ok): Path<bool>| {
            if !ok {
                return Err(Failure::new(404, "there is none"));
            }
            Ok(Created("it"))
        }),
    );
    assert_eq!(text(&app, "/created"), "201 1");
    assert_eq!(text(&app, "/accepted"), "202 later");
    assert_eq!(text(&app, "/none"), "204 ");
    assert_eq!(text(&app, "/203"), "203 copy");
    assert_eq!(text(&app, "/result/true"), "201 it");
    assert_eq!(text(&app, "/result/false"), "404 there is none");
}

#[test]
fn forms_with_files_are_read_part_by_part_within_the_limits_of_the_application() {
    let mut app = App::new();
    let mut limits = hearken::message::MultipartLimits::default();
    limits.parts_max = 2;
    app.state(limits);
    app.post(
        "/",
        extract(async |mut form: Multipart| {
            let mut names = Vec::new();
            while let Some(part) = form.next_part().await? {
                let name = part.name().unwrap_or_default().to_owned();
                names.push(format!("{name}={}", part.text().await?));
            }
            Ok(names.join(" "))
        }),
    );
    let form = |parts: usize| {
        let mut body = String::new();
        for number in 0..parts {
            body += &format!(
                "--b\r\nContent-Disposition: form-data; name=\"n{number}\"\r\n\r\nv{number}\r\n"
            );
        }
        Request::post("/")
            .header("Content-Type", "multipart/form-data; boundary=b")
            .body(body + "--b--\r\n")
    };
    assert_eq!(shown(&ask(&app, form(2))), "200 n0=v0 n1=v1");
    assert_eq!(ask(&app, form(3)).status(), 400);
    assert_eq!(failure(&app, json(Request::post("/"), "{}")).0, 415);
    let unbounded = Request::post("/")
        .header("Content-Type", "multipart/form-data")
        .body("x");
    assert_eq!(failure(&app, unbounded).0, 400);
}

#[derive(Debug, Deserialize, garde::Validate)]
struct Review {
    #[garde(length(min = 1, max = 10))]
    title: String,
    #[garde(range(max = 5))]
    stars: u8,
    #[garde(dive)]
    #[serde(default)]
    tags: Vec<Tag>,
}

#[derive(Debug, Deserialize, garde::Validate)]
struct Tag {
    #[garde(ascii)]
    name: String,
}

fn validating() -> App {
    let mut app = App::new();
    app.post(
        "/json",
        extract(async |Valid(Json(review)): Valid<Json<Review>>| review.title),
    );
    app.post(
        "/form",
        extract(async |Valid(Form(review)): Valid<Form<Review>>| review.title),
    );
    app.get(
        "/query",
        extract(async |Valid(Query(review)): Valid<Query<Review>>| review.title),
    );
    app.get(
        "/maybe",
        extract(async |review: Option<Valid<Query<Review>>>| format!("{}", review.is_some())),
    );
    app
}

#[test]
fn rules_that_do_not_hold_are_answered_422_with_a_line_for_each_field() {
    let app = validating();
    let good = r#"{"title":"good","stars":5}"#;
    assert_eq!(
        shown(&ask(&app, json(Request::post("/json"), good))),
        "200 good"
    );
    let bad = r#"{"title":"","stars":6,"tags":[{"name":"a"},{"name":"é"}]}"#;
    let request = json(Request::post("/json"), bad).header("Accept", "application/json");
    let response = ask(&app, request);
    assert_eq!(response.status(), 422);
    let problem: serde_json::Value = response.json().unwrap();
    assert_eq!(problem["code"], "validation.failed");
    let fields: Vec<_> = problem["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| error["field"].as_str().unwrap())
        .collect();
    assert_eq!(fields, ["stars", "tags[1].name", "title"]);
    assert_eq!(problem["errors"][2]["message"], "length is lower than 1");

    let lines = ask(&app, json(Request::post("/json"), bad));
    assert_eq!(
        lines.header("content-type"),
        Some("text/plain; charset=utf-8")
    );
    let lines = lines.text().into_owned();
    let first: Vec<_> = lines.lines().take(3).collect();
    assert_eq!(
        first,
        [
            "stars: greater than 5",
            "tags[1].name: not ascii",
            "title: length is lower than 1",
        ]
    );
    // What does not even parse is another failure.
    assert_eq!(
        failure(&app, json(Request::post("/json"), "{}")).1,
        "entity.data.invalid"
    );
}

#[test]
fn queries_and_forms_are_validated_too() {
    let app = validating();
    assert_eq!(text(&app, "/query?title=good&stars=1"), "200 good");
    assert_eq!(
        failure(&app, Request::get("/query?title=good&stars=9")).1,
        "validation.failed"
    );
    let form = Request::post("/form")
        .header("Content-Type", "application/x-www-form-urlencoded")
        .body("title=&stars=1");
    assert_eq!(failure(&app, form).2, "title: length is lower than 1");
    assert_eq!(text(&app, "/maybe"), "200 false");
    assert_eq!(failure(&app, Request::get("/maybe?title=&stars=1")).0, 422);
}

#[test]
fn a_handler_can_reject_fields_itself() {
    let mut app = App::new();
    app.get("/", async |_req, _res| -> Result<&str, Failure> {
        Err(Invalid::new([hearken::app::InvalidField::new("email", "is taken")]).into_failure())
    });
    let response = ask(&app, Request::get("/").header("Accept", "application/json"));
    let problem: serde_json::Value = response.json().unwrap();
    assert_eq!(response.status(), 422);
    assert_eq!(
        problem["errors"],
        serde_json::json!([{ "field": "email", "message": "is taken" }])
    );
}

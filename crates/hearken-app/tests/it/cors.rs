//! Which other sites may read responses.

use hearken::Method;
use hearken::app::Cors;
use hearken::app::prelude::*;
use hearken::test::{Request, Response};
use std::time::Duration;

use crate::support::ask;

fn app(cors: Cors) -> App {
    let mut app = App::new();
    app.settings(|settings| settings.development = false);
    app.with(cors);
    app.get("/", async |_req, res| res.set("Vary", "Accept").end("hi"));
    app.get("/fails", async |_req, _res| {
        Err::<&str, _>(Failure::new(418, "no coffee"))
    });
    app.options("/own", async |_req, res| res.end("own"));
    app
}

fn get(app: &App, path: &str, origin: &str) -> Response {
    ask(app, Request::get(path).header("Origin", origin))
}

fn preflight(app: &App, origin: &str) -> Response {
    let request = Request::options("/").header("Origin", origin);
    ask(
        app,
        request
            .header("Access-Control-Request-Method", "PUT")
            .header("Access-Control-Request-Headers", "x-a, x-b"),
    )
}

fn allowed(response: &Response) -> Option<&str> {
    response.header("access-control-allow-origin")
}

fn vary(response: &Response) -> String {
    let headers = response.headers();
    let values = headers
        .get_all("vary")
        .iter()
        .map(|value| value.to_str().unwrap_or("?"));
    values.collect::<Vec<_>>().join(", ")
}

#[test]
fn any_origin_is_a_star_and_depends_on_nothing() {
    let app = app(Cors::new());
    for response in [
        get(&app, "/", "https://a.example"),
        ask(&app, Request::get("/")),
    ] {
        assert_eq!(allowed(&response), Some("*"));
        assert_eq!(vary(&response), "Accept");
        assert_eq!(response.header("access-control-allow-credentials"), None);
    }
}

#[test]
fn a_star_is_never_sent_with_credentials() {
    let app = app(Cors::new().credentials(true));
    for response in [
        get(&app, "/", "https://a.example"),
        preflight(&app, "https://a.example"),
    ] {
        assert_eq!(allowed(&response), Some("*"));
        assert_eq!(response.header("access-control-allow-credentials"), None);
    }
}

#[test]
fn only_listed_origins_are_allowed() {
    let cors = Cors::new().origins([
        "https://a.example",
        "https://*.b.example",
        "http://c.example:8080",
        "https://d.example:443/",
    ]);
    let app = app(cors
        .credentials(true)
        .exposed_headers(["X-Total", "X-Page"]));
    for origin in [
        "https://a.example",
        "https://x.b.example",
        "https://x.y.b.example",
        "http://c.example:8080",
        "https://d.example",
    ] {
        let response = get(&app, "/", origin);
        assert_eq!(allowed(&response), Some(origin));
        assert_eq!(
            response.header("access-control-allow-credentials"),
            Some("true")
        );
        assert_eq!(
            response.header("access-control-expose-headers"),
            Some("X-Total,X-Page")
        );
        assert_eq!(vary(&response), "Accept, Origin");
    }
    for origin in [
        "http://a.example",
        "https://a.example:8443",
        "https://a.example.evil.example",
        "https://evil-a.example",
        "https://b.example",
        "https://evilb.example",
        "https://x.b.example:1",
        "https://evil.example/.b.example",
        "https://evil.example?.b.example",
        "https://u@x.b.example",
        "http://c.example",
        "null",
        "",
        "*",
    ] {
        let response = get(&app, "/", origin);
        assert_eq!(allowed(&response), None, "{origin}");
        assert_eq!(
            response.header("access-control-allow-credentials"),
            None,
            "{origin}"
        );
        assert_eq!(
            vary(&response),
            "Accept, Origin",
            "{origin}: a cache must not mix the answers up"
        );
    }
    let without = ask(&app, Request::get("/"));
    assert_eq!(
        (allowed(&without), &*vary(&without)),
        (None, "Accept, Origin")
    );
}

#[test]
fn two_origin_fields_are_allowed_nothing() {
    let app = app(Cors::new().origins(["https://a.example"]));
    let request = Request::get("/")
        .header("Origin", "https://a.example")
        .header("Origin", "https://b.example");
    assert_eq!(allowed(&ask(&app, request)), None);
}

#[test]
fn predicates_and_reflection_decide_by_origin() {
    let app_of = |cors| app(cors);
    let by_predicate = app_of(
        Cors::new().origins_if(|origin, req| origin.ends_with(".example") && req.path() == "/"),
    );
    assert_eq!(
        allowed(&get(&by_predicate, "/", "https://q.example")),
        Some("https://q.example")
    );
    assert_eq!(
        allowed(&get(&by_predicate, "/fails", "https://q.example")),
        None
    );
    let reflecting = app_of(Cors::new().reflect_origin());
    assert_eq!(
        allowed(&get(&reflecting, "/", "https://any.example")),
        Some("https://any.example")
    );
    let null = get(&reflecting, "/", "null");
    assert_eq!((allowed(&null), &*vary(&null)), (None, "Accept, Origin"));
}

#[test]
fn null_counts_when_it_is_listed() {
    let app = app(Cors::new().origins(["null"]));
    assert_eq!(allowed(&get(&app, "/", "null")), Some("null"));
}

#[test]
fn errors_and_missing_routes_have_the_fields() {
    let app = app(Cors::new().origins(["https://a.example"]));
    for (path, status) in [("/fails", 418), ("/missing", 404)] {
        let response = get(&app, path, "https://a.example");
        assert_eq!(response.status(), status);
        assert_eq!(allowed(&response), Some("https://a.example"), "{path}");
        assert!(vary(&response).contains("Origin"), "{path}");
    }
}

#[test]
fn a_preflight_request_is_answered() {
    let app = app(Cors::new()
        .origins(["https://a.example"])
        .max_age(Duration::from_secs(600)));
    let response = preflight(&app, "https://a.example");
    assert_eq!(response.status(), 204);
    assert_eq!(response.text(), "");
    assert_eq!(allowed(&response), Some("https://a.example"));
    assert_eq!(
        response.header("access-control-allow-methods"),
        Some("GET,HEAD,PUT,PATCH,POST,DELETE")
    );
    assert_eq!(
        response.header("access-control-allow-headers"),
        Some("x-a, x-b")
    );
    assert_eq!(response.header("access-control-max-age"), Some("600"));
    assert_eq!(vary(&response), "Origin, Access-Control-Request-Headers");
    let refused = preflight(&app, "https://evil.example");
    assert_eq!(refused.status(), 204);
    assert_eq!(allowed(&refused), None);
    assert_eq!(refused.header("access-control-allow-methods"), None);
    assert_eq!(vary(&refused), "Origin, Access-Control-Request-Headers");
}

#[test]
fn options_of_a_preflight_answer() {
    let cors = Cors::new()
        .methods([Method::GET, Method::PUT])
        .allowed_headers(["X-Key"])
        .preflight_status(200);
    let response = preflight(&app(cors), "https://a.example");
    assert_eq!(response.status(), 200);
    assert_eq!(
        response.header("access-control-allow-methods"),
        Some("GET,PUT")
    );
    assert_eq!(
        response.header("access-control-allow-headers"),
        Some("X-Key")
    );
    assert_eq!(vary(&response), "");
}

#[test]
fn other_options_requests_reach_the_routes() {
    let app = app(Cors::new());
    let response = ask(
        &app,
        Request::options("/own").header("Origin", "https://a.example"),
    );
    assert_eq!(
        (response.status().as_u16(), &*response.text()),
        (200, "own")
    );
    assert_eq!(allowed(&response), Some("*"));
    assert_eq!(
        ask(&app, Request::options("/")).header("allow"),
        Some("GET, HEAD")
    );
}

#[test]
fn a_preflight_request_can_go_on() {
    let mut app = App::new();
    app.with(Cors::new().preflight_continue(true));
    app.options("/", async |_req, res| res.end("answered by the route"));
    let response = preflight(&app, "https://a.example");
    assert_eq!(response.text(), "answered by the route");
    assert_eq!(
        response.header("access-control-allow-methods"),
        Some("GET,HEAD,PUT,PATCH,POST,DELETE")
    );
}

#[test]
fn what_is_no_origin_is_rejected_at_the_start() {
    for origin in [
        "a.example",
        "https://",
        "https://a.example/path",
        "https://*",
        "https://a.*.example",
        "https://*.",
        "https://a b",
    ] {
        let made = std::panic::catch_unwind(|| Cors::new().origins([origin]));
        assert!(made.is_err(), "{origin}");
    }
}

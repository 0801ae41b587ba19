//! The form of failures that an application has by default.

use hearken::app::prelude::*;
use hearken::test::{Request, Response};
use serde_json::{Value, json};
use std::fmt;

use crate::support::ask;

#[derive(Debug)]
struct Inner;

impl fmt::Display for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("password <secret> was refused")
    }
}

impl std::error::Error for Inner {}

#[derive(Debug)]
struct Outer(Inner);

impl fmt::Display for Outer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no connection to db-2")
    }
}

impl std::error::Error for Outer {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

fn app(development: bool) -> (App, u32) {
    let mut app = App::new();
    app.settings(|settings| settings.development = development);
    let line = line!() + 1;
    app.get("/users/:id", async |req, res| {
        let id: u8 = req.param("id")?;
        if id == 0 {
            return Err(Failure::from(Outer(Inner)));
        }
        let found = (id == 1).then_some("ada").or_fail(404, "no such user")?;
        Ok(res.end(found))
    });
    app.post("/users/:id", async |_req, _res: ServerResponse| {
        let failure = Failure::new(422, "two fields are wrong")
            .with_code("validation")
            .with_member("type", "https://example.com/validation")
            .with_member("errors", vec!["a", "b"]);
        Err::<&str, _>(failure)
    });
    (app, line)
}

fn by(app: &App, accept: &str, path: &str) -> Response {
    ask(app, Request::get(path).header("Accept", accept))
}

fn problem(response: &Response) -> Value {
    assert_eq!(
        response.header("content-type"),
        Some("application/problem+json")
    );
    response.json().unwrap()
}

#[test]
fn in_production_nothing_inside_is_shown() {
    let (app, _) = app(false);
    for (accept, content_type) in [
        ("text/html", "text/html; charset=utf-8"),
        ("application/json", "application/problem+json"),
        ("*/*", "text/plain; charset=utf-8"),
        ("image/png", "text/plain; charset=utf-8"),
    ] {
        let response = by(&app, accept, "/users/0");
        assert_eq!(response.status(), 500);
        assert_eq!(
            response.header("content-type"),
            Some(content_type),
            "{accept}"
        );
        assert_eq!(response.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(response.header("vary"), Some("Accept"));
        for inner in ["db-2", "secret", "/users/:id", ".rs"] {
            assert!(
                !response.text().contains(inner),
                "{accept}: {}",
                response.text()
            );
        }
    }
    let expected = json!({ "type": "about:blank", "title": "Internal Server Error", "status": 500, "detail": "Internal Server Error" });
    assert_eq!(problem(&by(&app, "application/json", "/users/0")), expected);
}

#[test]
fn in_development_the_chain_of_errors_and_the_route_are_shown() {
    let (app, line) = app(true);
    let place = format!("{}:{line}:9", file!());
    let found = problem(&by(&app, "application/problem+json", "/users/0?a=b"));
    assert_eq!(found["request"], "GET /users/0?a=b");
    assert_eq!(found["route"], "/users/:id");
    assert!(
        found["added_at"]
            .as_str()
            .is_some_and(|at| place.ends_with(at)),
        "{found} {place}"
    );
    let errors = json!(["no connection to db-2", "password <secret> was refused"]);
    assert_eq!(found["errors_inside"], errors);
    assert_eq!(
        found["detail"], "Internal Server Error",
        "what the client would see"
    );
    let page = by(&app, "text/html,*/*;q=0.8", "/users/0?a=<b>");
    for part in [
        "GET /users/0?a=&lt;b&gt;",
        "<code>/users/:id</code>",
        "failures.rs:",
        "no connection to db-2",
        "password &lt;secret&gt; was refused",
    ] {
        assert!(page.text().contains(part), "{part}: {}", page.text());
    }
    let text = by(&app, "*/*", "/users/0");
    assert!(
        text.text()
            .contains("\n  no connection to db-2\n  password"),
        "{}",
        text.text()
    );
}

#[test]
fn without_a_route_no_place_is_shown() {
    let (mut app, _) = app(true);
    app.with(middleware(async |req, res, next: Next| {
        next.run(req, res).await
    }));
    let found = problem(&by(&app, "application/json", "/nope"));
    assert_eq!(
        (&found["status"], &found["route"], &found["added_at"]),
        (&json!(404), &Value::Null, &Value::Null)
    );
}

#[test]
fn a_problem_has_the_members_that_were_added() {
    let (app, _) = app(false);
    let request = Request::post("/users/1").header("Accept", "application/json");
    let expected = json!({
        "type": "https://example.com/validation",
        "title": "Unprocessable Entity",
        "status": 422,
        "detail": "two fields are wrong",
        "code": "validation",
        "errors": ["a", "b"],
    });
    assert_eq!(problem(&ask(&app, request)), expected);
}

#[test]
fn what_is_missing_gets_its_status() {
    let (app, _) = app(false);
    let texts = [
        ("/users/1", "200 ada"),
        ("/users/2", "404 no such user\n"),
        (
            "/users/x",
            "400 the parameter \"id\" of the path, \"x\": invalid digit found in string\n",
        ),
    ];
    for (path, expected) in texts {
        let response = by(&app, "*/*", path);
        assert_eq!(
            format!("{} {}", response.status().as_u16(), response.text()),
            expected
        );
    }
    let failure = "x"
        .parse::<u8>()
        .or_fail(400, "expected a number")
        .unwrap_err();
    assert_eq!(failure.status(), 400);
    assert_eq!(
        failure.to_string(),
        "expected a number: invalid digit found in string"
    );
    assert_eq!(failure.public_message(), "expected a number");
}

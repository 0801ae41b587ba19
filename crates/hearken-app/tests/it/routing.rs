//! Which handler a request finds, and with which parameters.

use hearken::Method;
use hearken::app::prelude::*;
use hearken::test::{Request, TestServer};

use crate::support::{ask, text};

/// An application that answers each pattern by its parameters.
fn showing(patterns: &[&str]) -> App {
    let mut app = App::new();
    for pattern in patterns {
        app.get(*pattern, async |req, res| {
            let route = req.route().unwrap_or_else(|| "?".into());
            res.end(format!("{route} {:?}", req.params()))
        });
    }
    app
}

#[test]
fn patterns_give_their_parameters() {
    let app = showing(&[
        "/",
        "/users/:id",
        "/flights/:from-:to",
        "/files/*path",
        "/reports/:name{.:format}",
        "/:\"odd name\"/quoted",
        "/esc\\:aped",
    ]);
    for (path, expected) in [
        ("/", "200 / []"),
        ("/users/7", r#"200 /users/:id [("id", "7")]"#),
        ("/users/7/", r#"200 /users/:id [("id", "7")]"#),
        ("/USERS/7", r#"200 /users/:id [("id", "7")]"#),
        ("/users/a%20b%2Fc", r#"200 /users/:id [("id", "a b/c")]"#),
        ("/users/%25", r#"200 /users/:id [("id", "%")]"#),
        ("/users/%2525", r#"200 /users/:id [("id", "%25")]"#),
        (
            "/flights/LAX-SFO-X",
            r#"200 /flights/:from-:to [("from", "LAX-SFO"), ("to", "X")]"#,
        ),
        (
            "/files/a/b%2Fc/d",
            r#"200 /files/*path [("path", "a/b/c/d")]"#,
        ),
        (
            "/reports/q1",
            r#"200 /reports/:name{.:format} [("name", "q1")]"#,
        ),
        (
            "/reports/q1.pdf",
            r#"200 /reports/:name{.:format} [("name", "q1"), ("format", "pdf")]"#,
        ),
        (
            "/x/quoted",
            r#"200 /:"odd name"/quoted [("odd name", "x")]"#,
        ),
        ("/esc:aped", r"200 /esc\:aped []"),
        ("/files/", "404 Cannot GET /files/"),
        ("/users", "404 Cannot GET /users"),
        ("/users/7/x", "404 Cannot GET /users/7/x"),
        (
            "/users/%ff",
            r#"400 expected a path whose escapes are UTF-8, got "/users/%ff""#,
        ),
        (
            "/users/100%",
            r#"400 expected a path whose escapes are UTF-8, got "/users/100%""#,
        ),
        ("//", "200 / []"), // as in Express
    ] {
        assert_eq!(text(&app, path), expected, "{path}");
    }
}

#[test]
fn case_and_slashes_count_where_they_are_to() {
    let mut app = showing(&["/Users/:id"]);
    app.settings(|settings| {
        settings.case_sensitive_routing = true;
        settings.strict_routing = true;
    });
    assert_eq!(ask(&app, Request::get("/Users/1")).status(), 200);
    assert_eq!(ask(&app, Request::get("/users/1")).status(), 404);
    assert_eq!(ask(&app, Request::get("/Users/1/")).status(), 404);
}

#[test]
fn middleware_and_routes_come_in_the_order_of_adding() {
    let mark = |name: &'static str| {
        middleware(async move |req, res: ServerResponse, next: Next| {
            next.run(req, res.append("X-Way", name)).await
        })
    };
    let mut api = Router::new();
    api.with(mark("api"));
    api.get("/items", async |req, res| {
        res.end(format!("{} {}", req.base_url(), req.path_in_router()))
    });
    let mut app = App::new();
    app.with(mark("first"));
    app.get("/early", async |_req, res| res.end("early"));
    app.with_at("/api", mark("at /api"));
    app.mount("/api/:version", api);
    app.with(mark("late"));
    app.get("/api/:version/other", async |_req, res| res.end("other"));
    let way = |path: &str| {
        let response = ask(&app, Request::get(path));
        let headers = response.headers();
        let way: Vec<_> = headers
            .get_all("x-way")
            .iter()
            .map(|v| v.to_str().unwrap())
            .collect();
        format!("{}: {}", way.join(", "), response.text())
    };
    assert_eq!(way("/early"), "first: early");
    assert_eq!(
        way("/api/v%31/items"),
        "first, at /api, api: /api/v%31 /items"
    );
    assert_eq!(way("/api/v1/other"), "first, at /api, api, late: other");
}

#[test]
fn methods_have_their_answers() {
    let mut app = App::new();
    app.route("/notes")
        .get(async |_req, res| res.set("X-A", "1").end("notes"))
        .post(async |_req, res| res.status(201).end("made"));
    app.on(
        Method::from_bytes(b"PURGE").unwrap(),
        "/notes",
        async |_req, res| res.end("purged"),
    );
    app.all("/any", async |req, res| res.end(req.method().to_string()));
    let head = ask(&app, Request::new(Method::HEAD, "/notes"));
    assert_eq!(
        (
            head.status().as_u16(),
            head.header("x-a"),
            head.bytes().len()
        ),
        (200, Some("1"), 0)
    );
    assert_eq!(head.header("content-length"), Some("5"));
    let options = ask(&app, Request::new(Method::OPTIONS, "/notes"));
    assert_eq!(options.status(), 200);
    assert_eq!(options.header("allow"), Some("GET, HEAD, POST, PURGE"));
    let delete = ask(&app, Request::delete("/notes"));
    assert_eq!(
        (delete.status().as_u16(), delete.header("allow")),
        (405, Some("GET, HEAD, POST, PURGE"))
    );
    assert_eq!(
        ask(
            &app,
            Request::new(Method::from_bytes(b"PURGE").unwrap(), "/notes")
        )
        .text(),
        "purged"
    );
    assert_eq!(
        ask(&app, Request::new(Method::OPTIONS, "/any")).text(),
        "OPTIONS"
    );
}

#[test]
fn middleware_leaves_a_route_or_a_router() {
    let mut inner = Router::new();
    inner.with(middleware(async |req, res, next: Next| {
        if req.header("x-skip").is_some() {
            next.skip_router(req, res).await
        } else {
            next.run(req, res).await
        }
    }));
    inner
        .route("/")
        .with(middleware(async |req, res, next: Next| {
            if req.header("x-other").is_some() {
                next.skip_route(req, res).await
            } else {
                next.run(req, res).await
            }
        }))
        .get(async |_req, res| res.end("first"));
    inner.get("/", async |_req, res| res.end("second"));
    let mut app = App::new();
    app.mount("/in", inner);
    app.get("/in", async |_req, res| res.end("outside"));
    assert_eq!(ask(&app, Request::get("/in")).text(), "first");
    assert_eq!(
        ask(&app, Request::get("/in").header("X-Other", "1")).text(),
        "second"
    );
    assert_eq!(
        ask(&app, Request::get("/in").header("X-Skip", "1")).text(),
        "outside"
    );
}

#[test]
fn handlers_of_parameters_run_once_for_each_value() {
    let mut app = App::new();
    app.param(
        "id",
        async |req, res: ServerResponse, next: Next, value: String| {
            if value == "0" {
                return Err(Failure::new(404, "no such id"));
            }
            Ok(next.run(req, res.append("X-Param", value)).await)
        },
    );
    app.with_at(
        "/users/:id",
        middleware(async |req, res, next: Next| next.run(req, res).await),
    );
    app.get("/users/:id", async |_req, res| res.end("user"));
    let response = ask(&app, Request::get("/users/5"));
    assert_eq!(response.headers().get_all("x-param").iter().count(), 1);
    assert_eq!(text(&app, "/users/0"), "404 no such id");
}

#[test]
fn failures_have_the_form_of_their_router() {
    let mut api = Router::new();
    api.error(|failure, _req, res| {
        res.json(&serde_json::json!({ "api": failure.public_message() }))
    });
    api.get("/fails", async |_req, _res| {
        Err::<Sent, _>(Failure::new(422, "not so"))
    });
    api.get("/panics", async |_req, _res| -> Sent { panic!("inside") });
    let mut app = App::new();
    app.mount("/api", api);
    app.get("/fails", async |_req, _res| {
        Err::<Sent, _>(Failure::new(422, "not so"))
    });
    assert_eq!(text(&app, "/api/fails"), r#"422 {"api":"not so"}"#);
    assert_eq!(
        text(&app, "/api/panics"),
        r#"500 {"api":"Internal Server Error"}"#
    );
    assert_eq!(text(&app, "/fails"), "422 not so");
    assert_eq!(text(&app, "/api/nope"), "404 Cannot GET /api/nope");
}

#[test]
fn error_pages_are_in_the_form_that_the_client_accepts() {
    let mut app = App::new();
    app.settings(|settings| settings.development = false);
    app.get("/", async |_req, _res| {
        let inner = std::io::Error::other("the password is 123");
        Err::<Sent, _>(Failure::new(400, "<b>bad</b>").caused_by(inner))
    });
    let html = ask(
        &app,
        Request::get("/").header("Accept", "text/html,*/*;q=0.8"),
    );
    assert_eq!(
        html.header("content-type"),
        Some("text/html; charset=utf-8")
    );
    assert!(html.text().contains("&lt;b&gt;bad") && !html.text().contains("password"));
    let json = ask(&app, Request::get("/").header("Accept", "application/json"));
    assert_eq!(
        json.header("content-type"),
        Some("application/problem+json")
    );
    assert_eq!(
        json.json::<serde_json::Value>().unwrap()["detail"],
        "<b>bad</b>"
    );
    app.settings(|settings| settings.development = true);
    let text = ask(&app, Request::get("/"));
    assert!(text.text().starts_with("<b>bad</b>\n\nGET /\nroute /\n"));
    assert!(
        text.text()
            .ends_with("\n  <b>bad</b>: the password is 123\n")
    );
}

#[test]
fn values_are_shared() {
    struct Greeting(&'static str);
    let mut app = App::new();
    app.state(Greeting("hello"));
    app.get("/", async |req, res| {
        let greeting: State<Greeting> = req.state();
        res.end(greeting.0)
    });
    app.get("/none", async |req, res| {
        res.end(req.state::<String>().to_string())
    });
    assert_eq!(text(&app, "/"), "200 hello");
    assert_eq!(ask(&app, Request::get("/none")).status(), 500);
}

#[test]
fn requests_on_one_connection_do_not_see_each_other() {
    let server = showing(&["/a/:x", "/b/:y"]).server().unwrap();
    let test = TestServer::new(&server);
    let mut connection = test.connect();
    for (path, expected) in [
        ("/a/1", r#"/a/:x [("x", "1")]"#),
        ("/b/2", r#"/b/:y [("y", "2")]"#),
    ] {
        assert_eq!(
            connection.inject(Request::get(path)).unwrap().text(),
            expected
        );
    }
}

#[test]
fn faults_of_routes_are_found_at_start() {
    let mut app = App::new();
    app.get("/users/:id", async |_req, res| res.end(""));
    app.get("/users/me", async |_req, res| res.end("")); // covered
    app.post("/users/me", async |_req, res| res.end("")); // another method
    app.get("/a{/b}", async |_req, res| res.end(""));
    app.get("/a", async |_req, res| res.end("")); // covered
    app.get("/a/c", async |_req, res| res.end(""));
    app.get("users", async |_req, res| res.end("")); // no slash
    app.get("/(", async |_req, res| res.end("")); // no pattern
    let _ = app.route("/empty");
    app.all("/x/*rest", async |_req, res| res.end(""));
    app.get("/x/:id", async |_req, res| res.end("")); // covered
    let error = app.server().unwrap_err();
    let faults = error.faults();
    assert_eq!(faults.len(), 6, "{error}");
    for (fault, text) in
        faults
            .iter()
            .zip(["users", "'('", "/empty", "/users/me", "\"/a\"", "/x/:id"])
    {
        assert!(
            fault.contains(text) && fault.contains("routing.rs:"),
            "{fault}"
        );
    }
}

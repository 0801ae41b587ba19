//! A POST that stands for another method.

use hearken::app::prelude::*;
use hearken::app::{MethodOverride, OriginalMethod};
use hearken::test::Request;

use crate::support::ask;

fn app(middleware: MethodOverride) -> App {
    let mut app = App::new();
    app.with(middleware);
    app.all("/", async |mut req, res| {
        let came = req.extension::<OriginalMethod>();
        let body = req.text().await?;
        Ok(res.end(format!(
            "{} {:?} {body}",
            req.method(),
            came.map(|came| came.0.clone())
        )))
    });
    app.delete("/notes/:id", async |req, res| {
        Ok(res.end(format!("deleted {}", req.param::<u32>("id")?)))
    });
    app
}

fn posted(app: &App, name: &str, value: &str) -> String {
    ask(app, Request::post("/").header(name, value))
        .text()
        .into_owned()
}

#[test]
fn a_header_names_the_method() {
    let app = app(MethodOverride::new());
    assert_eq!(
        posted(&app, "X-HTTP-Method-Override", "DELETE"),
        "DELETE Some(POST) "
    );
    assert_eq!(
        posted(&app, "x-http-method-override", "patch"),
        "PATCH Some(POST) "
    );
    assert_eq!(
        posted(&app, "X-HTTP-Method-Override", " put , DELETE"),
        "PUT Some(POST) "
    );
    let response = ask(
        &app,
        Request::post("/notes/7").header("X-HTTP-Method-Override", "DELETE"),
    );
    assert_eq!(
        response.text(),
        "deleted 7",
        "the router sees the new method"
    );
    assert_eq!(response.header("vary"), Some("X-HTTP-Method-Override"));
    assert_eq!(ask(&app, Request::post("/notes/7")).status(), 405);
}

#[test]
fn only_a_post_becomes_another_method() {
    let app = app(MethodOverride::new());
    for method in [
        "GET", "HEAD", "CONNECT", "TRACE", "OPTIONS", "POST", "PURGE", "DEL ETE", "",
    ] {
        assert_eq!(
            posted(&app, "X-HTTP-Method-Override", method),
            "POST None ",
            "{method}"
        );
    }
    for request in [Request::get("/"), Request::put("/"), Request::delete("/")] {
        let method = format!("{request:?}")
            .split(' ')
            .next()
            .map(str::to_owned)
            .unwrap_or_default();
        let response = ask(&app, request.header("X-HTTP-Method-Override", "PATCH"));
        assert_eq!(response.text(), format!("{method} None "));
    }
}

#[test]
fn a_form_field_names_the_method_and_the_body_is_read_again() {
    let app = app(MethodOverride::new().form_field("_method"));
    for (body, expected) in [
        ("_method=DELETE&a=1", "DELETE Some(POST) "),
        ("a=1&%5Fmethod=pat%63h", "PATCH Some(POST) "),
        ("a=1", "POST None "),
        ("_method=GET", "POST None "),
        ("_method=PUT&_method=DELETE", "PUT Some(POST) "),
        ("", "POST None "),
        ("%ff=%fe&_method=PUT", "PUT Some(POST) "),
    ] {
        let request = Request::post("/").header(
            "Content-Type",
            "application/x-www-form-urlencoded; charset=utf-8",
        );
        assert_eq!(
            ask(&app, request.body(body)).text(),
            format!("{expected}{body}")
        );
        let request =
            Request::post("/").header("Content-Type", "Application/X-WWW-Form-urlencoded");
        let pieces: Vec<_> = body.bytes().map(|byte| vec![byte]).collect();
        assert_eq!(
            ask(&app, request.chunks(pieces)).text(),
            format!("{expected}{body}")
        );
    }
    let json = Request::post("/")
        .header("Content-Type", "application/json")
        .body("_method=PUT");
    assert_eq!(ask(&app, json).text(), "POST None _method=PUT");
    let both = Request::post("/").header("Content-Type", "application/x-www-form-urlencoded");
    let both = both
        .header("X-HTTP-Method-Override", "PUT")
        .body("_method=DELETE");
    assert_eq!(
        ask(&app, both).text(),
        "PUT Some(POST) _method=DELETE",
        "the header comes first"
    );
}

#[test]
fn a_form_that_is_too_large_is_rejected() {
    let mut app = app(MethodOverride::new().form_field("_method"));
    app.post("/big", async |_req, res| res.end("never"));
    let request = Request::post("/big").header("Content-Type", "application/x-www-form-urlencoded");
    assert_eq!(ask(&app, request.body(vec![b'a'; 3 << 20])).status(), 413);
}

#[test]
fn the_header_can_be_another_one_or_none() {
    let other = app(MethodOverride::new().header("X-Method"));
    assert_eq!(posted(&other, "X-Method", "PUT"), "PUT Some(POST) ");
    assert_eq!(
        posted(&other, "X-HTTP-Method-Override", "PUT"),
        "POST None "
    );
    let none = app(MethodOverride::new().header(None).form_field("m"));
    assert_eq!(posted(&none, "X-HTTP-Method-Override", "PUT"), "POST None ");
}

//! The icon of a site.

use hearken::app::Favicon;
use hearken::app::prelude::*;
use hearken::test::Request;
use std::time::Duration;

use crate::support::ask;

fn app(icon: Favicon) -> App {
    let mut app = App::new();
    app.with(icon);
    app.get("/", async |_req, res| res.end("home"));
    app
}

#[test]
fn the_icon_is_served_with_its_fields() {
    let app = app(Favicon::bytes("an icon"));
    let response = ask(&app, Request::get("/favicon.ico?v=1"));
    assert_eq!(response.text(), "an icon");
    assert_eq!(response.header("content-type"), Some("image/x-icon"));
    assert_eq!(
        response.header("cache-control"),
        Some("public, max-age=31536000")
    );
    let etag = response.header("etag").expect("an ETag").to_owned();
    let head = ask(&app, Request::head("/favicon.ico"));
    assert_eq!(
        (head.header("content-length"), &*head.text()),
        (Some("7"), "")
    );
    let fresh = ask(
        &app,
        Request::get("/favicon.ico").header("If-None-Match", &etag),
    );
    assert_eq!((fresh.status().as_u16(), &*fresh.text()), (304, ""));
    assert_eq!(fresh.header("etag"), Some(&*etag));
    assert_eq!(ask(&app, Request::get("/")).text(), "home");
}

#[test]
fn other_methods_learn_which_are_allowed() {
    let app = app(Favicon::bytes("an icon"));
    for (request, status) in [
        (Request::options("/favicon.ico"), 200),
        (Request::post("/favicon.ico"), 405),
    ] {
        let response = ask(&app, request);
        assert_eq!(response.status(), status);
        assert_eq!(response.header("allow"), Some("GET, HEAD, OPTIONS"));
    }
}

#[test]
fn options_of_the_icon() {
    let icon = Favicon::bytes("<svg/>")
        .path("/icon.svg")
        .content_type("image/svg+xml");
    let app = app(icon.max_age(Duration::from_secs(60)));
    let response = ask(&app, Request::get("/icon.svg"));
    assert_eq!(response.header("content-type"), Some("image/svg+xml"));
    assert_eq!(response.header("cache-control"), Some("public, max-age=60"));
    assert_eq!(ask(&app, Request::get("/favicon.ico")).status(), 404);
    let long = self::app(Favicon::bytes("").max_age(Duration::MAX));
    assert_eq!(
        ask(&long, Request::get("/favicon.ico")).header("cache-control"),
        Some("public, max-age=31536000")
    );
}

#[test]
fn an_icon_comes_from_a_file() {
    let path = std::env::temp_dir().join(format!("hearken-icon-{}.png", std::process::id()));
    std::fs::write(&path, "png").expect("a file");
    let icon = Favicon::file(&path);
    std::fs::remove_file(&path).expect("removed");
    let response = ask(&app(icon.expect("an icon")), Request::get("/favicon.ico"));
    assert_eq!(
        (response.header("content-type"), &*response.text()),
        (Some("image/png"), "png")
    );
    assert!(Favicon::file(&path).is_err());
}

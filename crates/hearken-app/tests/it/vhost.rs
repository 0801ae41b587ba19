//! Routers for a host.

use hearken::app::VhostLabels;
use hearken::app::prelude::*;
use hearken::message::TrustedProxies;
use hearken::test::Request;

use crate::support::ask;

fn app() -> App {
    let mut api = Router::new();
    api.get("/", async |_req, res| res.end("api"));
    api.post("/only-post", async |_req, res| res.end("posted"));
    let mut inner = Router::new();
    inner.get("/", async |req, res| {
        let labels = req.extension::<VhostLabels>();
        res.end(format!("{:?}", labels.map(|labels| labels.0.clone())))
    });
    let mut users = Router::new();
    users.vhost("*.*.example.org", inner);
    users.get("/", async |req, res| {
        let labels = req.extension::<VhostLabels>();
        res.end(format!("user {:?}", labels.map(|labels| labels.0.clone())))
    });
    let mut app = App::new();
    app.settings(|settings| settings.development = false);
    app.vhost("api.example.org", api);
    app.vhost("*.example.org", users);
    app.get("/", async |_req, res| res.end("main"));
    app.get("/about", async |_req, res| res.end("about"));
    app
}

fn of(app: &App, host: &str, path: &str) -> String {
    ask(app, Request::get(path).header("Host", host))
        .text()
        .trim_end()
        .to_owned()
}

#[test]
fn each_host_has_its_router() {
    let app = app();
    for (host, expected) in [
        ("api.example.org", "api"),
        ("API.Example.org:8080", "api"),
        ("ada.example.org", r#"user Some(["ada"])"#),
        ("example.org", "main"),
        ("a.b.example.org", "main"),
        ("api.example.org.evil.example", "main"),
        ("[::1]:80", "main"),
    ] {
        assert_eq!(of(&app, host, "/"), expected, "{host}");
    }
}

#[test]
fn what_a_host_does_not_answer_goes_on() {
    let app = app();
    assert_eq!(of(&app, "api.example.org", "/about"), "about");
    assert_eq!(
        of(&app, "api.example.org", "/only-post"),
        "Cannot GET /only-post: expected one of POST"
    );
    assert_eq!(
        of(&app, "other.example", "/only-post"),
        "Cannot GET /only-post",
        "methods of other hosts are not named"
    );
}

#[test]
fn only_trusted_proxies_choose_the_host() {
    let mut app = app();
    let request = || {
        Request::get("/")
            .header("X-Forwarded-Host", "api.example.org")
            .header("X-Forwarded-For", "192.0.2.1")
    };
    assert_eq!(ask(&app, request()).text(), "main");
    app.settings(|settings| {
        settings.trust_proxy = TrustedProxies::networks(["unix"]).expect("a name")
    });
    assert_eq!(ask(&app, request()).text(), "api");
}

#[test]
fn an_absolute_target_names_the_host() {
    let app = app();
    let request = Request::get("http://api.example.org/").header("Host", "api.example.org");
    assert_eq!(ask(&app, request).text(), "api");
}

#[test]
fn faulty_hosts_are_found_at_start() {
    let mut app = App::new();
    app.vhost("example.org:80", Router::new());
    let error = app.server().expect_err("a port").to_string();
    assert!(
        error.contains("vhost.rs") && error.contains("without a port"),
        "{error}"
    );
}

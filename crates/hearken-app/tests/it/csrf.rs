//! Requests that another site makes a browser send.

use hearken::app::prelude::*;
use hearken::app::{CookieKeys, Csrf, CsrfToken, MethodOverride, Sessions};
use hearken::message::TrustedProxies;
use hearken::test::{Request, TestServer};

use crate::support::ask;

fn keys() -> CookieKeys {
    CookieKeys::new(["a secret of thirty-two bytes and more"]).expect("long enough")
}

fn app(csrf: Csrf) -> App {
    let mut app = App::new();
    app.settings(|settings| settings.development = false);
    app.with(csrf);
    app.with(MethodOverride::new().form_field("_method"));
    app.get("/token", async |req, res| Ok(res.end(CsrfToken::of(&req)?)));
    app.all("/", async |mut req, res| Ok(res.end(req.text().await?)));
    app.post("/hook", async |_req, res| res.end("hooked"));
    app
}

fn status(app: &App, fields: &[(&str, &str)]) -> u16 {
    let request = Request::post("/").header("Host", "shop.example");
    let request = fields.iter().fold(request, |request, (name, value)| {
        request.header(name, value)
    });
    ask(app, request).status().as_u16()
}

#[test]
fn fields_of_browsers_decide() {
    let csrf = Csrf::new().trusted_origins(["https://admin.example/", "http://localhost:3000"]);
    let app = app(csrf);
    for (fields, expected) in [
        (&[("Sec-Fetch-Site", "same-origin")][..], 200),
        (&[("Sec-Fetch-Site", "none")], 200),
        (&[("Sec-Fetch-Site", "same-site")], 403),
        (&[("Sec-Fetch-Site", "cross-site")], 403),
        (&[("Sec-Fetch-Site", "")], 403),
        (&[("Sec-Fetch-Site", "Same-Origin")], 403),
        (
            &[
                ("Sec-Fetch-Site", "same-origin"),
                ("Sec-Fetch-Site", "cross-site"),
            ],
            403,
        ),
        (
            &[
                ("Sec-Fetch-Site", "cross-site"),
                ("Origin", "https://shop.example"),
            ],
            403,
        ),
        (
            &[
                ("Sec-Fetch-Site", "cross-site"),
                ("Origin", "https://admin.example"),
            ],
            200,
        ),
        (
            &[
                ("Sec-Fetch-Site", "same-site"),
                ("Origin", "http://localhost:3000"),
            ],
            200,
        ),
        (&[("Origin", "https://shop.example")], 200),
        (&[("Origin", "HTTPS://SHOP.example:443")], 200),
        (&[("Origin", "https://admin.example")], 200),
        (&[("Origin", "https://shop.example:8443")], 403),
        (&[("Origin", "https://shop.example.evil")], 403),
        (&[("Origin", "https://evil.example")], 403),
        (&[("Origin", "null")], 403),
        (&[("Origin", "")], 403),
        (
            &[
                ("Origin", "https://shop.example"),
                ("Origin", "https://evil.example"),
            ],
            403,
        ),
        (&[("Referer", "https://evil.example/")], 200),
        (&[], 200),
    ] {
        assert_eq!(status(&app, fields), expected, "{fields:?}");
    }
}

#[test]
fn safe_methods_pass_and_others_do_not() {
    let app = app(Csrf::new().skip(|req| req.path() == "/hook"));
    for (request, expected) in [
        (Request::get("/"), 200),
        (Request::head("/"), 200),
        (Request::options("/"), 200),
        (Request::post("/"), 403),
        (Request::put("/"), 403),
        (Request::patch("/"), 403),
        (Request::delete("/"), 403),
        (Request::new("PURGE".parse().expect("a method"), "/"), 403),
        (Request::post("/hook"), 200),
    ] {
        let shown = format!("{request:?}");
        let response = ask(&app, request.header("Sec-Fetch-Site", "cross-site"));
        assert_eq!(response.status(), expected, "{shown}");
    }
    let refused = Request::post("/")
        .header("Origin", "https://evil.example")
        .header("Accept", "application/json");
    let problem: serde_json::Value = ask(&app, refused).json().expect("a problem");
    assert_eq!(problem["code"], "csrf.cross_site");
}

#[test]
fn pages_of_the_same_site_pass_when_they_may() {
    let app = app(Csrf::new().allow_same_site(true));
    assert_eq!(status(&app, &[("Sec-Fetch-Site", "same-site")]), 200);
    assert_eq!(status(&app, &[("Sec-Fetch-Site", "cross-site")]), 403);
}

#[test]
fn the_host_behind_a_trusted_proxy_counts_and_no_other() {
    let fields = [
        ("Origin", "https://public.example"),
        ("X-Forwarded-Host", "public.example"),
        ("X-Forwarded-For", "192.0.2.1"),
    ];
    let mut trusting = app(Csrf::new());
    assert_eq!(
        status(&trusting, &fields),
        403,
        "a client can write the field"
    );
    trusting.settings(|settings| {
        settings.trust_proxy = TrustedProxies::networks(["unix"]).expect("a name")
    });
    assert_eq!(status(&trusting, &fields), 200);
}

#[test]
fn a_token_is_needed_where_the_fields_do_not_decide() {
    let server = app(Csrf::new().double_submit(keys()))
        .server()
        .expect("routes");
    let test = TestServer::new(&server);
    let mut connection = test.connect();
    let page = connection
        .inject(Request::get("/token"))
        .expect("a response");
    let (first, field) = (
        page.text().into_owned(),
        page.header("set-cookie").expect("a cookie").to_owned(),
    );
    assert!(
        field.starts_with("csrf=") && field.ends_with("; Path=/; HttpOnly; SameSite=Lax"),
        "{field}"
    );
    assert_eq!(page.header("cache-control"), Some("private"));
    let cookie = field.split(';').next().unwrap_or_default().to_owned();
    let again = connection
        .inject(Request::get("/token").header("Cookie", &cookie))
        .expect("a response");
    let second = again.text().into_owned();
    assert_ne!(first, second, "the token is masked");
    assert_eq!(again.header("set-cookie"), None);

    let mut post = |cookie: Option<&str>, token: Option<&str>| {
        let mut request = Request::post("/").header("Host", "shop.example");
        if let Some(cookie) = cookie {
            request = request.header("Cookie", cookie);
        }
        if let Some(token) = token {
            request = request.header("X-CSRF-Token", token);
        }
        connection
            .inject(request)
            .expect("a response")
            .status()
            .as_u16()
    };
    assert_eq!(post(Some(&cookie), Some(&first)), 200);
    assert_eq!(post(Some(&cookie), Some(&second)), 200);
    assert_eq!(post(Some(&cookie), None), 403);
    assert_eq!(post(None, Some(&first)), 403);
    assert_eq!(post(None, None), 403);
    for at in [0, 40, 50, 80] {
        let mut changed = first.clone().into_bytes();
        changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(changed).expect("ASCII");
        assert_eq!(post(Some(&cookie), Some(&changed)), 403, "{at}");
    }
    for token in ["", "A", &first[..84], &format!("{first}A"), &"A".repeat(86)] {
        assert_eq!(post(Some(&cookie), Some(token)), 403, "{token}");
    }
    // A host below this one can set cookies here, but none that is signed.
    let tossed = format!("csrf={}", "A".repeat(44 + 43));
    assert_eq!(post(Some(&tossed), Some(&"A".repeat(86))), 403);
}

#[test]
fn a_form_carries_the_token_and_is_read_again() {
    let server = app(Csrf::new().double_submit(keys()).always_token(true))
        .server()
        .expect("routes");
    let test = TestServer::new(&server);
    let mut connection = test.connect();
    let page = connection
        .inject(Request::get("/token"))
        .expect("a response");
    let cookie = page
        .header("set-cookie")
        .and_then(|field| field.split(';').next())
        .unwrap_or_default()
        .to_owned();
    let body = format!("a=1&_csrf={}", page.text());
    let form = |body: &str| {
        let request = Request::post("/")
            .header("Cookie", &cookie)
            .header("Sec-Fetch-Site", "same-origin");
        request
            .header("Content-Type", "application/x-www-form-urlencoded")
            .body(body.to_owned())
    };
    let response = connection.inject(form(&body)).expect("a response");
    assert_eq!(
        (response.status().as_u16(), response.text().into_owned()),
        (200, body.clone())
    );
    assert_eq!(
        connection.inject(form("a=1")).expect("a response").status(),
        403,
        "demanded of each request"
    );
    let overridden = connection
        .inject(form(&format!("{body}&_method=DELETE")))
        .expect("a response");
    assert_eq!(overridden.status(), 200);
    let with_token = form(&body)
        .header("Origin", "https://evil.example")
        .header("Sec-Fetch-Site", "cross-site");
    assert_eq!(
        connection.inject(with_token).expect("a response").status(),
        403,
        "the fields come first"
    );
}

#[test]
fn a_token_lives_in_the_session() {
    let mut app = App::new();
    app.with(Sessions::new(keys()));
    app.with(Csrf::new().session_token());
    app.get("/token", async |req, res| Ok(res.end(CsrfToken::of(&req)?)));
    app.post("/", async |_req, res| res.end("done"));
    let test = TestServer::new(&app.server().expect("routes"));
    let mut connection = test.connect();
    let page = connection
        .inject(Request::get("/token"))
        .expect("a response");
    let cookie = page
        .header("set-cookie")
        .expect("a session")
        .split(';')
        .next()
        .unwrap_or_default()
        .to_owned();
    assert!(cookie.starts_with("sid="));
    let post = |cookie: &str, token: &str| {
        Request::post("/")
            .header("Cookie", cookie)
            .header("X-CSRF-Token", token)
    };
    let token = page.text().into_owned();
    assert_eq!(
        connection
            .inject(post(&cookie, &token))
            .expect("a response")
            .status(),
        200
    );
    assert_eq!(
        connection
            .inject(post("sid=x", &token))
            .expect("a response")
            .status(),
        403
    );
    assert_eq!(
        connection
            .inject(post(&cookie, "x"))
            .expect("a response")
            .status(),
        403
    );
}

#[test]
fn mistakes_of_the_program_are_named() {
    let plain = app(Csrf::new());
    assert_eq!(
        ask(&plain, Request::get("/token")).status(),
        500,
        "no token was asked for"
    );
    let without = app(Csrf::new().session_token());
    assert_eq!(
        ask(&without, Request::get("/token")).status(),
        500,
        "there is no session"
    );
    for origin in [
        "admin.example",
        "https://a.example/path",
        "https://*.example",
        "",
    ] {
        assert!(
            std::panic::catch_unwind(|| Csrf::new().trusted_origins([origin])).is_err(),
            "{origin}"
        );
    }
}

//! HTTP authentication.

use hearken::app::prelude::*;
use hearken::app::{BasicAuth, BasicUser, BearerAuth};
use hearken::test::{Request, Response};

use crate::support::ask;

fn app(middleware: impl Middleware) -> App {
    let mut app = App::new();
    app.with(middleware);
    app.get("/", async |req, res| {
        let user = req.extension::<BasicUser>();
        let tag = req.extension::<u64>();
        res.end(format!(
            "{:?} {tag:?}",
            user.as_deref().map(BasicUser::name)
        ))
    });
    app
}

fn with(app: &App, value: &str) -> Response {
    ask(app, Request::get("/").header("Authorization", value))
}

fn basic(pair: &str) -> String {
    use base64::Engine as _;
    format!(
        "Basic {}",
        base64::engine::general_purpose::STANDARD.encode(pair)
    )
}

#[test]
fn known_users_are_accepted() {
    let app = app(
        BasicAuth::users([("ada", "lövelace"), ("bob", "a:b"), ("empty", "")]).realm("Admin area"),
    );
    for pair in ["ada:lövelace", "bob:a:b", "empty:"] {
        let response = with(&app, &basic(pair));
        assert_eq!(response.status(), 200, "{pair}");
    }
    assert_eq!(
        with(&app, &basic("ada:lövelace")).text(),
        "Some(\"ada\") None"
    );
    assert_eq!(
        with(&app, &basic("bob:a:b").replace("Basic", "bASIC ")).status(),
        200
    );
}

#[test]
fn all_else_is_challenged() {
    let app = app(BasicAuth::users([("ada", "lovelace"), ("bob", "")]).realm("Admin area"));
    let missing = ask(&app, Request::get("/"));
    let mut responses = vec![missing];
    for value in [
        &*basic("ada:wrong"),
        &basic("ada:lovelac"),
        &basic("ada:lovelacelovelace"),
        &basic("bob:lovelace"),
        &basic("ada"),
        &basic(":"),
        &basic("ada:lovelace\0"),
        &basic("ada:lovelace").replace("Basic", "Bearer"),
        "Basic",
        "Basic !!!",
        "Basic YWRhOmxvdmVsYWNl YWRhOmxvdmVsYWNl",
    ] {
        responses.push(with(&app, value));
    }
    let twice = Request::get("/")
        .header("Authorization", basic("ada:lovelace"))
        .header("Authorization", basic("x:y"));
    responses.push(ask(&app, twice));
    for (number, response) in responses.iter().enumerate() {
        assert_eq!(response.status(), 401, "{number}");
        assert_eq!(
            response.header("www-authenticate"),
            Some("Basic realm=\"Admin area\", charset=\"UTF-8\""),
            "{number}"
        );
    }
}

#[test]
fn a_function_decides_about_pairs() {
    let app = app(BasicAuth::check(async |req, name, password| {
        tokio::task::yield_now().await;
        if name == "down" {
            return Err(Failure::new(503, "no database"));
        }
        req.extend(7_u64);
        Ok(name == "ada" && password == "x")
    }));
    assert_eq!(with(&app, &basic("ada:x")).text(), "Some(\"ada\") Some(7)");
    assert_eq!(with(&app, &basic("ada:y")).status(), 401);
    assert_eq!(with(&app, &basic("down:y")).status(), 503);
}

#[test]
fn bearer_tokens_are_compared() {
    let app = app(BearerAuth::tokens(["abc.def-1_~+/==", "second"]).realm("api"));
    assert_eq!(with(&app, "Bearer abc.def-1_~+/==").status(), 200);
    assert_eq!(with(&app, "bearer second").status(), 200);
    for (value, status, challenge) in [
        (None, 401, "Bearer realm=\"api\""),
        (
            Some("Bearer third"),
            401,
            "Bearer realm=\"api\", error=\"invalid_token\"",
        ),
        (
            Some("Bearer secon"),
            401,
            "Bearer realm=\"api\", error=\"invalid_token\"",
        ),
        (
            Some("Bearer secondsecond"),
            401,
            "Bearer realm=\"api\", error=\"invalid_token\"",
        ),
        (
            Some("Bearer"),
            400,
            "Bearer realm=\"api\", error=\"invalid_request\"",
        ),
        (
            Some("Bearer a b"),
            400,
            "Bearer realm=\"api\", error=\"invalid_request\"",
        ),
        (
            Some("Bearer ="),
            400,
            "Bearer realm=\"api\", error=\"invalid_request\"",
        ),
        (
            Some("Basic second"),
            400,
            "Bearer realm=\"api\", error=\"invalid_request\"",
        ),
    ] {
        let response = match value {
            None => ask(&app, Request::get("/")),
            Some(value) => with(&app, value),
        };
        assert_eq!(response.status(), status, "{value:?}");
        assert_eq!(
            response.header("www-authenticate"),
            Some(challenge),
            "{value:?}"
        );
    }
    let in_query = ask(&app, Request::get("/?access_token=second"));
    assert_eq!(in_query.status(), 401);
}

#[test]
fn a_function_decides_about_tokens() {
    let app = app(BearerAuth::check(async |req, token| {
        let Some(id) = token
            .strip_prefix("user-")
            .and_then(|id| id.parse::<u64>().ok())
        else {
            return false;
        };
        req.extend(id);
        true
    }));
    assert_eq!(with(&app, "Bearer user-12").text(), "None Some(12)");
    assert_eq!(with(&app, "Bearer user-x").status(), 401);
}

#[test]
fn faulty_realms_are_rejected_at_the_start() {
    for realm in ["a\"b", "a\\b", "a\r\nb", "ä"] {
        assert!(std::panic::catch_unwind(|| BearerAuth::tokens(["x"]).realm(realm)).is_err());
        assert!(std::panic::catch_unwind(|| BasicAuth::users([("a", "b")]).realm(realm)).is_err());
    }
}

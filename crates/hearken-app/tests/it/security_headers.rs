//! Fields that make browsers stricter.

use hearken::app::prelude::*;
use hearken::app::{Csp, CspNonce, Hsts, SecurityHeaders};
use hearken::test::{Request, Response, TestServer};
use std::time::Duration;

use crate::support::ask;

fn app(headers: SecurityHeaders) -> App {
    let mut app = App::new();
    app.with(headers);
    app.get("/", async |_req, res| res.end("hi"));
    app.get("/own", async |_req, res| {
        res.set("X-Frame-Options", "DENY")
            .set("X-Powered-By", "me")
            .end("hi")
    });
    app.get("/fails", async |_req, _res| {
        Err::<&str, _>(Failure::new(500, "broken"))
    });
    app.get("/panics", async |_req, res| {
        if res.status_code() == 200 {
            panic!("as the test wants");
        }
        res.end("")
    });
    app.get("/nonce", async |req, res| {
        let nonce = req.extension::<CspNonce>().map(|nonce| nonce.to_string());
        res.end(nonce.unwrap_or_default())
    });
    app
}

/// What helmet 8.3.0 sends without options.
const HELMET: [(&str, &str); 12] = [
    (
        "content-security-policy",
        "default-src 'self';base-uri 'self';font-src 'self' https: data:;form-action 'self';frame-ancestors 'self';\
         img-src 'self' data:;object-src 'none';script-src 'self';script-src-attr 'none';\
         style-src 'self' https: 'unsafe-inline';upgrade-insecure-requests",
    ),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("origin-agent-cluster", "?1"),
    ("referrer-policy", "no-referrer"),
    (
        "strict-transport-security",
        "max-age=31536000; includeSubDomains",
    ),
    ("x-content-type-options", "nosniff"),
    ("x-dns-prefetch-control", "off"),
    ("x-download-options", "noopen"),
    ("x-frame-options", "SAMEORIGIN"),
    ("x-permitted-cross-domain-policies", "none"),
    ("x-xss-protection", "0"),
];

fn count(response: &Response, name: &str) -> usize {
    response.headers().get_all(name).iter().count()
}

#[test]
fn the_defaults_are_those_of_helmet() {
    let response = ask(&app(SecurityHeaders::new()), Request::get("/"));
    for (name, value) in HELMET {
        assert_eq!(response.header(name), Some(value), "{name}");
        assert_eq!(count(&response, name), 1, "{name}");
    }
    assert_eq!(response.header("cross-origin-embedder-policy"), None);
}

#[test]
fn error_responses_have_the_fields_once() {
    let app = app(SecurityHeaders::new());
    for path in ["/fails", "/missing", "/panics"] {
        let response = ask(&app, Request::get(path).header("Accept", "text/html"));
        assert!(response.status().as_u16() >= 400, "{path}");
        for (name, _) in HELMET {
            assert_eq!(count(&response, name), 1, "{path} {name}");
        }
        let policy = response
            .header("content-security-policy")
            .unwrap_or_default();
        assert!(
            policy.starts_with("default-src 'none'"),
            "the stricter policy of the error page stays: {policy}"
        );
    }
}

#[test]
fn fields_of_a_handler_stay_and_powered_by_goes() {
    let response = ask(&app(SecurityHeaders::new()), Request::get("/own"));
    assert_eq!(response.header("x-frame-options"), Some("DENY"));
    assert_eq!(count(&response, "x-frame-options"), 1);
    assert_eq!(response.header("x-powered-by"), None);
    let response = ask(
        &app(SecurityHeaders::new().keep_powered_by(true)),
        Request::get("/own"),
    );
    assert_eq!(response.header("x-powered-by"), Some("me"));
}

#[test]
fn each_field_can_be_switched_off() {
    type Change = fn(SecurityHeaders) -> SecurityHeaders;
    let changes: [Change; 12] = [
        |headers| headers.csp(None),
        |headers| headers.opener_policy(None),
        |headers| headers.resource_policy(None),
        |headers| headers.origin_agent_cluster(false),
        |headers| headers.referrer_policy(None),
        |headers| headers.hsts(None),
        |headers| headers.no_sniff(false),
        |headers| headers.dns_prefetch(None),
        |headers| headers.download_options(false),
        |headers| headers.frame_options(None),
        |headers| headers.cross_domain_policies(None),
        |headers| headers.xss_protection(false),
    ];
    for (change, (off, _)) in changes.into_iter().zip(HELMET) {
        let app = app(change(SecurityHeaders::new()));
        let response = ask(&app, Request::get("/"));
        for (name, value) in HELMET {
            assert_eq!(
                response.header(name),
                (name != off).then_some(value),
                "{name} without {off}"
            );
        }
        let failed = ask(&app, Request::get("/fails"));
        let own = ["content-security-policy", "x-content-type-options"]; // the error page has these itself
        assert!(own.contains(&off) || failed.header(off).is_none(), "{off}");
    }
}

#[test]
fn values_can_be_chosen() {
    let headers = SecurityHeaders::new()
        .hsts(
            Hsts::new(Duration::from_secs(60))
                .subdomains(false)
                .preload(true),
        )
        .embedder_policy("require-corp")
        .dns_prefetch(true)
        .frame_options("DENY");
    let response = ask(&app(headers), Request::get("/"));
    assert_eq!(
        response.header("strict-transport-security"),
        Some("max-age=60; preload")
    );
    assert_eq!(
        response.header("cross-origin-embedder-policy"),
        Some("require-corp")
    );
    assert_eq!(response.header("x-dns-prefetch-control"), Some("on"));
    assert_eq!(response.header("x-frame-options"), Some("DENY"));
}

#[test]
fn a_second_one_replaces_the_first() {
    let mut app = app(SecurityHeaders::new());
    app.with_at("/late", SecurityHeaders::new().frame_options("DENY"));
    app.get("/late", async |_req, res| res.end(""));
    let response = ask(&app, Request::get("/late"));
    assert_eq!(response.header("x-frame-options"), Some("DENY"));
    for (name, _) in HELMET {
        assert_eq!(count(&response, name), 1, "{name}");
    }
}

#[test]
fn a_nonce_is_another_one_for_each_request() {
    let csp = Csp::new()
        .nonce("script-src")
        .nonce("style-src-elem")
        .report_only(true);
    let server = app(SecurityHeaders::new().csp(csp))
        .server()
        .expect("routes");
    let test = TestServer::new(&server);
    let mut connection = test.connect();
    let mut seen = Vec::new();
    for _ in 0..3 {
        let response = connection
            .inject(Request::get("/nonce"))
            .expect("a response");
        let nonce = response.text().into_owned();
        assert!(nonce.len() >= 22, "at least 128 bits: {nonce}");
        let policy = response
            .header("content-security-policy-report-only")
            .expect("a policy");
        assert!(
            policy.contains(&format!("script-src 'self' 'nonce-{nonce}';")),
            "{policy}"
        );
        assert!(
            policy.ends_with(&format!("style-src-elem 'nonce-{nonce}'")),
            "{policy}"
        );
        assert_eq!(response.header("content-security-policy"), None);
        assert!(!seen.contains(&nonce));
        seen.push(nonce);
    }
}

#[test]
fn faulty_policies_are_rejected_at_the_start() {
    for (name, value) in [
        ("Script-Src", "'self'"),
        ("script src", "'self'"),
        ("", "'self'"),
        ("script-src", "self"),
        ("script-src", "unsafe-inline"),
        ("script-src", "nonce-abc"),
        ("script-src", "'self'; report-uri /x"),
        ("script-src", "a,b"),
        ("script-src", "a\r\nX: y"),
        ("script-src", ""),
    ] {
        let made = std::panic::catch_unwind(|| Csp::empty().directive(name, [value]));
        assert!(made.is_err(), "{name} {value:?}");
    }
    assert!(std::panic::catch_unwind(|| SecurityHeaders::new().referrer_policy("a\r\nb")).is_err());
}

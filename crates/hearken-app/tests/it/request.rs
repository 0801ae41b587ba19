//! What an application adds to a request.

use hearken::app::prelude::*;
use hearken::message::{ForwardedField, TrustedProxies};
use hearken::test::{Request, TestServer};
use std::collections::BTreeMap;

use crate::support::{ask, text};

/// An application that shows where a request comes from.
fn origin(trust: TrustedProxies) -> App {
    let mut app = App::new();
    app.settings(|settings| settings.trust_proxy = trust);
    app.get("/", async |req, res| {
        let ip = req
            .ip()
            .map_or_else(|| "none".to_owned(), |ip| ip.to_string());
        let host = req.host().unwrap_or_default();
        let (name, ips, subdomains) = (
            req.hostname().unwrap_or_default(),
            req.ips(),
            req.subdomains(),
        );
        let secure = req.secure();
        res.end(format!(
            "{ip} {ips:?} {} {secure} {host} {name} {subdomains:?}",
            req.protocol()
        ))
    });
    app
}

fn shown(app: &App, fields: &[(&str, &str)]) -> String {
    let request = Request::get("/").header("Host", "a.b.shop.example:8080");
    let request = fields.iter().fold(request, |request, (name, value)| {
        request.header(name, value)
    });
    ask(app, request).text().into_owned()
}

#[test]
fn fields_of_proxies_do_not_count_by_default() {
    let app = origin(TrustedProxies::none());
    let fields = [
        ("X-Forwarded-For", "6.6.6.6"),
        ("X-Forwarded-Proto", "https"),
        ("X-Forwarded-Host", "evil.example"),
        ("Forwarded", "for=6.6.6.6;proto=https;host=evil.example"),
    ];
    let expected = r#"none [] http false a.b.shop.example:8080 a.b.shop.example ["b", "a"]"#;
    assert_eq!(shown(&app, &fields), expected);
    assert_eq!(shown(&app, &[]), expected);
}

#[test]
fn each_trusted_proxy_counts_for_one_entry_from_the_right() {
    let one = origin(TrustedProxies::hops(1));
    let two = origin(TrustedProxies::hops(2));
    let fields = [
        ("X-Forwarded-For", "6.6.6.6, 1.1.1.1, 2.2.2.2"),
        ("X-Forwarded-Proto", "ftp, https, http"),
        (
            "X-Forwarded-Host",
            "evil.example, outer.example, inner.example",
        ),
    ];
    assert_eq!(
        shown(&one, &fields),
        "2.2.2.2 [2.2.2.2] http false inner.example inner.example []"
    );
    assert_eq!(
        shown(&two, &fields),
        "1.1.1.1 [1.1.1.1, 2.2.2.2] https true outer.example outer.example []"
    );
    // Proxies that replace the fields.
    let fields = [
        ("X-Forwarded-For", "1.1.1.1, 2.2.2.2"),
        ("X-Forwarded-Proto", "HTTPS"),
        ("X-Forwarded-Host", "outer.example:444"),
    ];
    assert_eq!(
        shown(&two, &fields),
        "1.1.1.1 [1.1.1.1, 2.2.2.2] https true outer.example:444 outer.example []"
    );
}

#[test]
fn forwarded_reports_all_three() {
    let one = origin(TrustedProxies::hops(1));
    let field = |value| shown(&one, &[("Forwarded", value)]);
    assert_eq!(
        field("for=6.6.6.6;host=evil.example, for=1.1.1.1;proto=https;host=\"shop.example:444\""),
        "1.1.1.1 [1.1.1.1] https true shop.example:444 shop.example []"
    );
    assert_eq!(
        field("for=\"[2001:db8::1]:47\";host=\"[::1]:80\""),
        "2001:db8::1 [2001:db8::1] http false [::1]:80 [::1] []"
    );
}

#[test]
fn what_a_proxy_cannot_mean_does_not_count() {
    let one = origin(TrustedProxies::hops(1));
    let own = r#"http false a.b.shop.example:8080 a.b.shop.example ["b", "a"]"#;
    for (name, value) in [
        ("X-Forwarded-Proto", "gopher"),
        ("X-Forwarded-Proto", ""),
        ("X-Forwarded-Proto", "https://"),
        ("X-Forwarded-Host", "user@evil.example"),
        ("X-Forwarded-Host", "evil.example/path"),
        ("X-Forwarded-Host", "a b"),
        ("X-Forwarded-Host", ""),
        ("Forwarded", "proto=https;proto=https"),
        ("Forwarded", "host=\"evil.example"),
    ] {
        assert_eq!(
            shown(&one, &[(name, value)]),
            format!("none [] {own}"),
            "{name}: {value}"
        );
    }
    // Two fields that disagree: one of them may be the client's.
    let both = [
        ("Forwarded", "for=1.1.1.1;proto=https;host=a.example"),
        ("X-Forwarded-For", "2.2.2.2"),
        ("X-Forwarded-Proto", "http"),
        ("X-Forwarded-Host", "b.example"),
    ];
    assert_eq!(shown(&one, &both), format!("none [] {own}"));
    let by_forwarded = origin(TrustedProxies::hops(1).field(ForwardedField::Forwarded));
    assert_eq!(
        shown(&by_forwarded, &both),
        "1.1.1.1 [1.1.1.1] https true a.example a.example []"
    );
}

#[test]
fn an_absolute_url_is_made_of_what_is_configured() {
    let mut app = App::new();
    app.get("/reset", async |req, res| {
        Ok(res.end(req.absolute_url("/reset/1?a=b")?))
    });
    app.get("/bad", async |req, res| {
        Ok(res.end(req.absolute_url("//evil.example")?))
    });
    app.settings(|settings| settings.development = false);
    let by_host = |app: &App, host: &str| {
        let response = ask(app, Request::get("/reset").header("Host", host));
        format!(
            "{} {}",
            response.status().as_u16(),
            response.text().trim_end()
        )
    };
    assert_eq!(by_host(&app, "evil.example"), "500 Internal Server Error");
    app.settings(|settings| {
        settings.trusted_hosts = vec!["shop.example".into(), "*.cdn.example".into()]
    });
    assert_eq!(
        by_host(&app, "shop.example:81"),
        "200 http://shop.example:81/reset/1?a=b"
    );
    assert_eq!(
        by_host(&app, "eu.cdn.example"),
        "200 http://eu.cdn.example/reset/1?a=b"
    );
    assert!(by_host(&app, "evil.example").starts_with("421 "));
    app.settings(|settings| settings.public_url = Some("https://public.example/app/".into()));
    assert_eq!(
        by_host(&app, "evil.example"),
        "200 https://public.example/app/reset/1?a=b"
    );
    assert_eq!(text(&app, "/bad"), "500 Internal Server Error");
}

#[test]
fn scripts_and_the_page_before_are_named_by_fields() {
    let mut app = App::new();
    app.get("/", async |req, res| {
        res.end(format!("{} {:?}", req.xhr(), req.referrer()))
    });
    let by = |name: &str, value: &str| {
        ask(&app, Request::get("/").header(name, value))
            .text()
            .into_owned()
    };
    assert_eq!(by("X-Requested-With", "xmlHTTPrequest"), "true None");
    assert_eq!(by("X-Requested-With", "fetch"), "false None");
    assert_eq!(by("Referer", "/a"), "false Some(\"/a\")");
    assert_eq!(by("Referrer", "/b"), "false Some(\"/b\")");
}

#[test]
fn the_type_of_a_body_decides() {
    let mut app = App::new();
    app.all("/", async |req, res| {
        res.end(format!("{:?}", req.is(&["json", "urlencoded", "text/*"])))
    });
    let by = |content_type: &str, body: &'static str| {
        let request = Request::post("/")
            .header("Content-Type", content_type)
            .body(body);
        ask(&app, request).text().into_owned()
    };
    assert_eq!(
        by("application/json; charset=utf-8", "{}"),
        "Some(\"json\")"
    );
    assert_eq!(
        by("application/x-www-form-urlencoded", "a=b"),
        "Some(\"urlencoded\")"
    );
    assert_eq!(by("text/csv", "a"), "Some(\"text/*\")");
    assert_eq!(by("image/png", "a"), "None");
    let without_body = Request::get("/").header("Content-Type", "application/json");
    assert_eq!(ask(&app, without_body).text(), "None");
    let chunked = Request::post("/")
        .header("Content-Type", "text/csv")
        .chunks(["a"]);
    assert_eq!(ask(&app, chunked).text(), "Some(\"text/*\")");
}

#[test]
fn a_client_that_has_it_is_fresh() {
    // Before 1970, where the clock of the test begins.
    let mut app = App::new();
    app.settings(|settings| settings.etag = hearken::app::ETag::Off); // otherwise the response itself becomes a 304
    app.all("/", async |req, res| {
        let status = req
            .header("x-status")
            .and_then(|status| status.parse().ok())
            .unwrap_or(200_u16);
        let res = res
            .set("ETag", "\"v1\"")
            .set("Last-Modified", "Fri, 01 Jan 1965 00:00:00 GMT")
            .status(status);
        let fresh = req.fresh(&res);
        assert_ne!(fresh, req.stale(&res));
        res.end(fresh.to_string())
    });
    for (expected, request) in [
        (
            "true",
            Request::get("/").header("If-None-Match", "W/\"v1\""),
        ),
        ("true", Request::get("/").header("If-None-Match", "*")),
        (
            "true",
            Request::get("/").header("If-Modified-Since", "Sat, 02 Jan 1965 00:00:00 GMT"),
        ),
        ("false", Request::get("/").header("If-None-Match", "\"v2\"")),
        (
            "false",
            Request::get("/").header("If-Modified-Since", "Thu, 31 Dec 1964 00:00:00 GMT"),
        ),
        ("false", Request::get("/")),
        (
            "false",
            Request::get("/")
                .header("If-None-Match", "*")
                .header("X-Status", "404"),
        ),
        ("false", Request::post("/").header("If-None-Match", "*")),
    ] {
        let what = format!("{request:?}");
        assert_eq!(ask(&app, request).text(), expected, "{what}");
    }
}

#[test]
fn nested_queries_have_structs_lists_and_maps() {
    #[derive(Debug, serde::Deserialize)]
    struct Query {
        #[serde(default)]
        a: Vec<String>,
        user: Option<User>,
        #[serde(default)]
        m: BTreeMap<String, u8>,
    }
    #[derive(Debug, serde::Deserialize)]
    struct User {
        name: String,
        age: Option<u8>,
    }
    let mut app = App::new();
    app.get("/", async |req, res| {
        let Query { a, user, m } = req.nested_query()?;
        let user = user.map(|user| (user.name, user.age));
        Ok(res.end(format!("{a:?} {user:?} {m:?}")))
    });
    for (query, expected) in [
        ("", "200 [] None {}"),
        ("?", "200 [] None {}"),
        ("?a[]=1&a[]=2", r#"200 ["1", "2"] None {}"#),
        ("?a[0]=x&a[1]=y", r#"200 ["x", "y"] None {}"#),
        ("?a=1&a=2", r#"200 ["1", "2"] None {}"#),
        (
            "?user[name]=Ada+L&user[age]=36",
            r#"200 [] Some(("Ada L", Some(36))) {}"#,
        ),
        ("?user%5Bname%5D=%C3%A9", r#"200 [] Some(("é", None)) {}"#),
        ("?m[x]=1&m[y]=2&other=3", r#"200 [] None {"x": 1, "y": 2}"#),
    ] {
        assert_eq!(text(&app, &format!("/{query}")), expected, "{query}");
    }
    for query in ["?user[age]=36", "?m[x]=many", "?user[name]=a&user[age]=300"] {
        assert!(
            text(&app, &format!("/{query}")).starts_with("400 expected another query: "),
            "{query}"
        );
    }
}

#[test]
fn nested_queries_have_limits() {
    let mut app = App::new();
    app.get("/", async |req, res| {
        let all: serde_json::Value = req.nested_query()?;
        Ok(res.json(&all))
    });
    assert_eq!(
        text(&app, "/?a[b][c][d][e][f]=1"),
        r#"200 {"a":{"b":{"c":{"d":{"e":{"f":"1"}}}}}}"#
    );
    for deep in ["/?a[b][c][d][e][f][g]=1", "/?a%5Bb%5D%5bc%5D[d][e][f][g]=1"] {
        assert_eq!(
            text(&app, deep),
            "400 expected at most 5 brackets in a name of the query",
            "{deep}"
        );
    }
    let many: Vec<_> = (0..1000).map(|n| format!("p{n}=1")).collect();
    assert!(text(&app, &format!("/?{}", many.join("&"))).starts_with("200 "));
    let more = format!("/?{}&x=1", many.join("&"));
    assert_eq!(
        text(&app, &more),
        "413 expected at most 1000 parameters in the query"
    );
    app.settings(|settings| {
        settings.nested_query.depth_max = 1;
        settings.nested_query.parameters_max = 1;
    });
    assert!(text(&app, "/?a[b]=1").starts_with("200 "));
    assert!(text(&app, "/?a[b][c]=1").starts_with("400 "));
    assert!(text(&app, "/?a=1&b=1").starts_with("413 "));
}

#[test]
fn outside_of_an_application_the_defaults_hold() {
    let server = hearken::Server::new(async |req, res: ServerResponse| {
        res.send(format!("{} {:?}", req.protocol(), req.ips()))
    });
    let mut connection = TestServer::new(&server).connect();
    let request = Request::get("/").header("X-Forwarded-For", "6.6.6.6");
    assert_eq!(connection.inject(request).unwrap().text(), "http []");
}

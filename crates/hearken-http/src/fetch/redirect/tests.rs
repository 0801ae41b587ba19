//! The rules as tables: a response and its request in, the next request out.

use super::*;

fn url(text: &str) -> Url {
    Url::parse(text).expect(text)
}

/// One response to one request.
struct Case<'a> {
    status: u16,
    method: Method,
    body: BodyState,
    from: &'a str,
    locations: &'a [&'a [u8]],
    rule: Redirects,
}

impl Default for Case<'_> {
    fn default() -> Self {
        Self {
            status: 302,
            method: Method::GET,
            body: BodyState::None,
            from: "http://a/x/y?q#f",
            locations: &[b"/next"],
            rule: Redirects::default(),
        }
    }
}

impl Case<'_> {
    fn next(&self) -> Result<Option<NextRequest>, RedirectError> {
        let history = [url(self.from)];
        next(
            &self.rule,
            &RedirectResponse {
                status: StatusCode::from_u16(self.status).expect("a status"),
                locations: self.locations,
                method: &self.method,
                body: self.body,
                history: &history,
            },
        )
    }

    fn followed(&self) -> NextRequest {
        let moved = self.next().unwrap_or_else(|error| panic!("{error}"));
        moved.expect("it is followed")
    }

    fn error(&self) -> String {
        self.next().expect_err("it cannot be followed").to_string()
    }
}

#[test]
fn methods_and_bodies() {
    use BodyState::{Kept, None as Empty};
    for (status, method, body, then, keeps) in [
        (301, "GET", Empty, "GET", true),
        (301, "HEAD", Empty, "HEAD", true),
        (301, "POST", Kept, "GET", false),
        (301, "PUT", Kept, "PUT", true),
        (302, "POST", Kept, "GET", false),
        (302, "POST", Empty, "GET", false),
        (302, "DELETE", Empty, "DELETE", true),
        (302, "PATCH", Kept, "PATCH", true),
        (302, "QUERY", Kept, "QUERY", true),
        (303, "GET", Empty, "GET", false),
        (303, "GET", Kept, "GET", false),
        (303, "HEAD", Empty, "HEAD", false),
        (303, "HEAD", Kept, "HEAD", false),
        (303, "POST", Kept, "GET", false),
        (303, "PUT", Kept, "GET", false),
        (303, "DELETE", Empty, "GET", false),
        (303, "QUERY", Kept, "GET", false),
        (307, "GET", Empty, "GET", true),
        (307, "POST", Kept, "POST", true),
        (307, "PUT", Kept, "PUT", true),
        (308, "POST", Kept, "POST", true),
        (308, "POST", Empty, "POST", true),
        (308, "OPTIONS", Empty, "OPTIONS", true),
    ] {
        let case = Case {
            status,
            method: method.parse().expect("a method"),
            body,
            ..Case::default()
        };
        let moved = case.followed();
        let seen = (moved.method.as_str(), moved.keeps_body);
        assert_eq!(seen, (then, keeps), "{status} to a {method}");
    }
}

#[test]
fn responses_that_do_not_redirect() {
    for status in [200, 201, 204, 300, 304, 305, 306, 399, 404, 500] {
        let case = Case {
            status,
            ..Case::default()
        };
        assert_eq!(case.next(), Ok(None), "{status}");
    }
    let without = Case {
        locations: &[],
        ..Case::default()
    };
    assert_eq!(without.next(), Ok(None));
    let off = Case {
        rule: Redirects::none(),
        ..Case::default()
    };
    assert_eq!(off.next(), Ok(None));
}

#[test]
fn locations_are_joined() {
    for (location, to) in [
        ("http://b/", "http://b/#f"),
        ("//b/c", "http://b/c#f"),
        ("/c", "http://a/c#f"),
        ("c", "http://a/x/c#f"),
        ("../c", "http://a/c#f"),
        ("?r", "http://a/x/y?r#f"),
        ("/c#g", "http://a/c#g"),
        ("/c d", "http://a/c%20d#f"),
        ("/c%20d", "http://a/c%20d#f"),
        ("https://b:8443/", "https://b:8443/#f"),
        ("\\\\b\\c", "http://b/c#f"),
        ("http://u:p@b/", "http://b/#f"),
        ("http://u:p@a/", "http://a/#f"),
        ("/\u{e4}", "http://a/%C3%A4#f"),
    ] {
        let case = Case {
            locations: &[location.as_bytes()],
            ..Case::default()
        };
        assert_eq!(case.followed().url.as_str(), to, "{location}");
    }
    let latin = Case {
        locations: &[b"/\xe4"],
        ..Case::default()
    };
    assert_eq!(latin.followed().url.as_str(), "http://a/%E4#f");
    let twice = Case {
        locations: &[b"/c", b"/c"],
        ..Case::default()
    };
    assert_eq!(twice.followed().url.as_str(), "http://a/c#f");
}

/// The same request would get the same response.
#[test]
fn a_reference_to_the_same_document_is_no_redirect() {
    for status in [301, 302, 303, 307, 308] {
        for location in ["", " ", "\t", "#", "#g", " #g "] {
            let case = Case {
                status,
                method: Method::POST,
                body: BodyState::Gone,
                locations: &[location.as_bytes()],
                ..Case::default()
            };
            assert_eq!(case.next(), Ok(None), "{status} {location:?}");
        }
    }
}

#[test]
fn fields_of_the_body() {
    for name in [
        "Content-Type",
        "content-md5",
        "CONTENT-RANGE",
        "digest",
        "Expect",
    ] {
        assert!(describes_body(name.as_bytes()), "{name}");
    }
    for name in ["Content", "Accept", "X-Content-Type", ""] {
        assert!(!describes_body(name.as_bytes()), "{name}");
    }
}

#[test]
fn credentials_stay_where_they_belong() {
    for (from, location, same) in [
        ("http://a/", "/b", true),
        ("http://a/", "http://a:80/b", true),
        ("http://a/", "http://A/b", true),
        ("http://a/", "https://a/b", false),
        ("https://a/", "http://a/b", false),
        ("http://a/", "http://a:81/b", false),
        ("http://a/", "http://b/", false),
        ("http://a/", "http://x.a/", false),
        ("http://a/", "http://a./", false),
        ("http://a/", "http://a@b/", false),
    ] {
        let case = Case {
            from,
            locations: &[location.as_bytes()],
            ..Case::default()
        };
        assert_eq!(case.followed().same_origin, same, "{from} to {location}");
    }
}

#[test]
fn unusable_locations() {
    for location in [
        "ftp://b/",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "data:,x",
        "mailto:a@b",
        "http://",
        "http://[::1/",
        "http://b:99999/",
    ] {
        let case = Case {
            locations: &[location.as_bytes()],
            ..Case::default()
        };
        let error = case.error();
        assert!(error.contains(location), "{error}");
        assert!(error.starts_with("http://a/x/y"), "{error}");
    }
    let two = Case {
        locations: &[b"/b", b"/c"],
        ..Case::default()
    };
    assert!(two.error().contains("several places"));
}

#[test]
fn a_body_that_cannot_be_sent_again() {
    for (status, method, from, body, why) in [
        (307, Method::POST, "http://a/", BodyState::Gone, "a stream"),
        (308, Method::PUT, "http://a/", BodyState::Gone, "a stream"),
        (302, Method::PUT, "http://a/", BodyState::Gone, "a stream"),
        (307, Method::POST, "https://a/", BodyState::Kept, "in clear"),
    ] {
        let case = Case {
            status,
            method,
            from,
            body,
            locations: &[b"http://b/"],
            ..Case::default()
        };
        assert!(case.error().contains(why), "{}", case.error());
    }
    // It does not matter where the body is not needed again.
    let rewritten = Case {
        status: 303,
        method: Method::POST,
        body: BodyState::Gone,
        ..Case::default()
    };
    assert_eq!(rewritten.followed().method, Method::GET);
    let in_clear = Case {
        from: "https://a/",
        locations: &[b"http://a/"],
        ..Case::default()
    };
    assert_eq!(in_clear.followed().url.as_str(), "http://a/");
}

fn chain(
    rule: &Redirects,
    asked: &[&str],
    location: &str,
) -> Result<Option<NextRequest>, RedirectError> {
    let history: Vec<Url> = asked.iter().map(|text| url(text)).collect();
    next(
        rule,
        &RedirectResponse {
            status: StatusCode::FOUND,
            locations: &[location.as_bytes()],
            method: &Method::GET,
            body: BodyState::None,
            history: &history,
        },
    )
}

#[test]
fn redirects_are_bounded() {
    let two = Redirects::follow(2);
    assert!(chain(&two, &["http://a/0"], "/1").is_ok());
    assert!(chain(&two, &["http://a/0", "http://a/1"], "/2").is_ok());
    let asked = ["http://u:secret@a/0", "http://a/1", "http://a/2"];
    let error = chain(&two, &asked, "/3").expect_err("one too many");
    assert_eq!(
        error.to_string(),
        "expected an answer within 2 redirects, got one more: \
         http://a/0 -> http://a/1 -> http://a/2 -> http://a/3"
    );
    let none = chain(&Redirects::follow(0), &["http://a/0"], "/1");
    assert!(matches!(none, Err(RedirectError::TooMany { .. })));
}

#[test]
fn the_error_names_a_loop() {
    let error = chain(
        &Redirects::follow(2),
        &["http://a/0", "http://a/1", "http://a/0"],
        "/1",
    );
    let text = error.expect_err("a loop").to_string();
    assert!(
        text.starts_with("redirects go round in a loop, gave up after 2: "),
        "{text}"
    );
    assert!(text.ends_with("http://a/0 -> http://a/1 -> http://a/0 -> http://a/1"));
    let itself = chain(&Redirects::follow(2), &["http://a/0"; 3], "/0");
    assert_eq!(
        itself.expect_err("a loop").to_string(),
        "redirects go round in a loop, gave up after 2: http://a/0, the same URL 4 times"
    );
}

#[test]
fn a_custom_policy() {
    let rule = Redirects::custom(|attempt| {
        assert_eq!(attempt.status(), StatusCode::FOUND);
        assert_eq!(attempt.method(), Method::GET);
        match attempt.url().path() {
            "/go" => RedirectAction::Follow,
            "/stay" => RedirectAction::Stop,
            _ => RedirectAction::Fail(format!("after {}", attempt.history().len())),
        }
    });
    assert!(matches!(chain(&rule, &["http://a/"], "/go"), Ok(Some(_))));
    assert_eq!(chain(&rule, &["http://a/"], "/stay"), Ok(None));
    let error = chain(&rule, &["http://a/"], "/no").expect_err("refused");
    assert_eq!(
        error.to_string(),
        "the redirect to http://a/no was refused: after 1"
    );
    // A custom policy has a bound too.
    let asked = vec!["http://a/"; MAX + 1];
    assert!(matches!(
        chain(&rule, &asked, "/go"),
        Err(RedirectError::TooMany { .. })
    ));
}

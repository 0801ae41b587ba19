//! From requests to actions.

use super::*;

fn get(target: &str) -> Result<Action, Rejection> {
    ask("GET", target)
}

fn ask(method: &str, target: &str) -> Result<Action, Rejection> {
    match target.split_once('?') {
        Some((path, query)) => route(method, path, Some(query)),
        None => route(method, target, None),
    }
}

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

#[test]
fn every_endpoint_has_its_action() {
    let drip = |delay, duration, bytes, status| {
        Action::Drip(Drip {
            delay: millis(delay),
            duration: millis(duration),
            bytes,
            status,
        })
    };
    let text = |text: &str| Action::EchoText(text.to_owned());
    let cut = |bytes, length| Action::Cut(Cut { bytes, length });
    for (target, call) in [
        ("/", Action::Page),
        ("/echo/hi", text("hi")),
        ("/echo/", text("")),
        ("/echo/a/b", text("a/b")),
        ("/echo/a%2Fb%20c+d%25", text("a/b c+d%")),
        ("/echo/%252e", text("%2e")), // decoded once
        ("/echo/%c3%a9?x=1", text("é")),
        ("/headers", Action::Headers),
        ("/headers?a=b", Action::Headers),
        ("/ip", Action::Ip),
        ("/user-agent", Action::UserAgent),
        ("/method", Action::Method),
        ("/status/200", Action::Status(200)),
        ("/status/599", Action::Status(599)),
        ("/status/%34%30%34", Action::Status(404)),
        (
            "/bytes/0",
            Action::Bytes {
                count: 0,
                seed: None,
            },
        ),
        (
            "/bytes/104857600?seed=7",
            Action::Bytes {
                count: 104_857_600,
                seed: Some(7),
            },
        ),
        ("/stream/1000", Action::Stream { lines: 1000 }),
        ("/delay/0", Action::Delay(millis(0))),
        ("/delay/10", Action::Delay(millis(10_000))),
        ("/delay/10.0", Action::Delay(millis(10_000))),
        ("/delay/0.25", Action::Delay(millis(250))),
        ("/drip", drip(0, 2000, 10, 200)),
        (
            "/drip?duration=0.5&numbytes=3&delay=1&code=500",
            drip(1000, 500, 3, 500),
        ),
        ("/drip?duration=1&duration=2", drip(0, 2000, 10, 200)),
        ("/trailers", Action::Trailers),
        ("/cut/5", cut(5, None)),
        ("/cut/0?length=1", cut(0, Some(1))),
        ("/plaintext", Action::Plaintext),
        ("/json", Action::Json),
    ] {
        assert_eq!(get(target), Ok(call.clone()), "{target}");
        assert_eq!(ask("HEAD", target), Ok(call), "HEAD {target}");
    }
    assert_eq!(ask("POST", "/echo"), Ok(Action::Echo));
}

#[test]
fn wrong_parameters_are_rejected_with_the_expected_form() {
    for (target, expected) in [
        ("/status/", "200 to 599"),
        ("/status/199", "200 to 599"),
        ("/status/101", "200 to 599"),
        ("/status/600", "200 to 599"),
        ("/status/0200", "200 to 599"),
        ("/status/+20", "200 to 599"),
        ("/status/20x", "200 to 599"),
        ("/status/200/", "200 to 599"),
        ("/bytes/", "from 0 to 104857600 as n"),
        ("/bytes/104857601", "from 0 to 104857600 as n"),
        ("/bytes/-1", "as n"),
        ("/bytes/99999999999999999999999", "as n"),
        ("/bytes/1?seed=x", "as seed"),
        ("/bytes/1?sed=1", "no other parameters than: seed"),
        ("/stream/1001", "from 0 to 1000 as n"),
        ("/delay/10.001", "from 0 to 10 as seconds"),
        ("/delay/-1", "as seconds"),
        ("/delay/1e1", "as seconds"),
        ("/delay/inf", "as seconds"),
        ("/delay/NaN", "as seconds"),
        ("/delay/.5", "as seconds"),
        ("/delay/1.", "as seconds"),
        ("/drip?duration=11", "as duration"),
        ("/drip?delay=11", "as delay"),
        ("/drip?numbytes=10485761", "from 0 to 10485760 as numbytes"),
        ("/drip?code=100", "as code"),
        ("/drip?numbyte=1", "duration, numbytes, delay, code"),
        ("/cut/65537", "from 0 to 65536 as n"),
        ("/cut/5?length=5", "a length of more than 5"),
        ("/cut/5?size=6", "no other parameters than: length"),
        ("/echo/100%", "two hexadecimal digits"),
        ("/echo/%g0", "two hexadecimal digits"),
        ("/echo/%4", "two hexadecimal digits"),
        ("/echo/%ff", "UTF-8"),
    ] {
        let Err(problem) = get(target) else {
            panic!("{target} was taken")
        };
        assert_eq!(problem.status, 400, "{target}");
        assert!(
            problem.text.contains(expected),
            "{target}: {}",
            problem.text
        );
        assert_eq!(problem.allow, None, "{target}");
    }
}

#[test]
fn what_there_is_not() {
    for target in [
        "",
        "*",
        "/x",
        "/headers/",
        "//",
        "/Echo/a",
        "/status",
        "/%68eaders",
        "/favicon.ico",
    ] {
        for method in ["GET", "POST", "OPTIONS"] {
            if (method, target) != ("OPTIONS", "*") {
                let status = ask(method, target).map_err(|problem| problem.status);
                assert_eq!(status, Err(404), "{method} {target}");
            }
        }
    }
}

#[test]
fn methods() {
    let refused = |method, target| match ask(method, target) {
        Err(Rejection {
            status: 405, allow, ..
        }) => allow,
        other => panic!("{method} {target}: {other:?}"),
    };
    assert_eq!(refused("POST", "/"), Some("GET, HEAD, OPTIONS"));
    assert_eq!(refused("get", "/"), Some("GET, HEAD, OPTIONS"));
    assert_eq!(
        refused("DELETE", "/bytes/wrong"),
        Some("GET, HEAD, OPTIONS")
    );
    assert_eq!(refused("GET", "/echo"), Some("POST, OPTIONS"));
    assert_eq!(refused("HEAD", "/echo"), Some("POST, OPTIONS"));
    for method in ["POST", "PUT", "BREW"] {
        assert_eq!(ask(method, "/method"), Ok(Action::Method));
        assert_eq!(ask(method, "/status/418"), Ok(Action::Status(418)));
    }
}

#[test]
fn options_returns_the_allowed_methods() {
    for (target, allow) in [
        ("/", "GET, HEAD, OPTIONS"),
        ("/echo", "POST, OPTIONS"),
        ("/method", ANY),
        ("*", ANY),
        ("/status/wrong", ANY),
    ] {
        assert_eq!(
            ask("OPTIONS", target),
            Ok(Action::Options(allow)),
            "{target}"
        );
    }
}

#[test]
fn the_document_lists_every_endpoint() {
    let document = include_str!("../../../../../docs/echo.md");
    for endpoint in ENDPOINTS {
        let path = format!("`{}`", endpoint.path);
        assert!(
            document.contains(&path),
            "{path} is missing in docs/echo.md"
        );
    }
}

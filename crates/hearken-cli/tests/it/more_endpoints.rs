//! The endpoints that httpbin has too: redirects, cookies, credentials, validators, ranges, events, CORS.

use super::client::{Answer, Client};
use super::program::Program;
use serde_json::json;

/// Sends a request with content.
fn post(client: &mut Client, target: &str, content_type: &str, content: &str) -> Answer {
    let length = content.len();
    client.send(format!(
        "POST {target} HTTP/1.1\r\nHost: a\r\nContent-Type: {content_type}\r\nContent-Length: {length}\r\n\r\n{content}"
    ));
    client.answer("POST")
}

#[test]
fn anything_shows_the_whole_request() {
    let program = Program::start();
    let mut client = program.connect();
    let answer = client
        .ask("DELETE", "/anything/a%20b?x=1&x=2&y=", "X-A: 1\r\n")
        .json();
    assert_eq!(answer["method"], "DELETE");
    assert_eq!(answer["url"], "http://a/anything/a%20b?x=1&x=2&y=");
    assert_eq!(answer["args"], json!({ "x": ["1", "2"], "y": "" }));
    assert_eq!(answer["headers"], json!({ "Host": "a", "X-A": "1" }));
    assert_eq!(answer["origin"], "127.0.0.1");
    assert_eq!((&answer["data"], &answer["bytes"]), (&json!(""), &json!(0)));

    let form = post(
        &mut client,
        "/anything",
        "application/x-www-form-urlencoded",
        "a=1&b=%C3%A9&a=2",
    )
    .json();
    assert_eq!(form["form"], json!({ "a": ["1", "2"], "b": "é" }));
    let value = post(&mut client, "/anything", "application/json", r#"{"a":[1]}"#).json();
    assert_eq!(value["json"], json!({ "a": [1] }));
    assert_eq!(value["data"], r#"{"a":[1]}"#);
    let parts = "--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--x--\r\n";
    let parts = post(
        &mut client,
        "/anything",
        "multipart/form-data; boundary=x",
        parts,
    )
    .json();
    assert_eq!(parts["form"], json!({ "a": "1" }));
    let large = post(
        &mut client,
        "/anything",
        "text/plain",
        &"x".repeat(3_000_000),
    )
    .json();
    assert_eq!(
        (&large["bytes"], &large["complete"]),
        (&json!(3_000_000), &json!(false))
    );
    assert_eq!(large["data"].as_str().map(str::len), Some(1 << 20));
}

#[test]
fn redirects_lead_to_anything() {
    let program = Program::start();
    let mut client = program.connect();
    for (target, status, location) in [
        ("/redirect/2", 302, "/redirect/1"),
        ("/redirect/1", 302, "/anything"),
        ("/redirect/3?status=308", 308, "/redirect/2?status=308"),
        ("/redirect-to?url=http://b/c%3Fd", 302, "http://b/c?d"),
        ("/redirect-to?url=x&status=303", 303, "x"),
        ("/redirect-to?url=x&status_code=307", 307, "x"),
    ] {
        for method in ["GET", "POST"] {
            let answer = client.ask(method, target, "");
            assert_eq!(
                (answer.status, answer.field("location")),
                (status, Some(location)),
                "{target}"
            );
        }
    }
    for (target, expected) in [
        ("/redirect/0", "from 1 to 100"),
        ("/redirect/101", "from 0 to 100"),
        ("/redirect/1?status=304", "301, 302, 303, 307 or 308"),
        ("/redirect-to", "the parameter url"),
        ("/redirect-to?url=a%0d%0aX:%20y", "visible ASCII"),
        ("/redirect-to?url=%C3%A9", "visible ASCII"),
    ] {
        let answer = client.get(target);
        assert_eq!(answer.status, 400, "{target}");
        assert!(answer.text().contains(expected), "{}", answer.text());
    }
}

#[test]
fn cookies_are_listed_set_and_deleted() {
    let program = Program::start();
    let mut client = program.connect();
    let list = client
        .ask(
            "GET",
            "/cookies",
            "Cookie: a=1; b=x=y; a=2\r\nCookie: c\r\n",
        )
        .json();
    assert_eq!(
        list,
        json!({ "cookies": { "a": "1", "b": "x=y", "": "c" } })
    );
    let set = client.get("/cookies/set?a=1&b=2");
    assert_eq!((set.status, set.field("location")), (302, Some("/cookies")));
    assert!(
        set.head.contains("Set-Cookie: a=1; Path=/\n"),
        "{}",
        set.head
    );
    assert!(
        set.head.contains("Set-Cookie: b=2; Path=/\n"),
        "{}",
        set.head
    );
    let set = client.get("/cookies/set/a%2Db/1%252");
    assert_eq!(set.field("set-cookie"), Some("a-b=1%2; Path=/"));
    let gone = client.get("/cookies/delete?a");
    assert!(
        gone.field("set-cookie")
            .is_some_and(|line| line.starts_with("a=; Path=/; Max-Age=0;"))
    );
    for target in [
        "/cookies/set",
        "/cookies/set?a=b%3B%20Domain=c",
        "/cookies/set?a%0d%0ab=c",
        "/cookies/set?=c",
        "/cookies/set/a",
        "/cookies/delete",
    ] {
        assert_eq!(client.get(target).status, 400, "{target}");
    }
}

#[test]
fn credentials_are_checked() {
    let program = Program::start();
    let mut client = program.connect();
    let mut ask = |target: &str, credentials: &str| {
        let field = match credentials {
            "" => String::new(),
            credentials => format!("Authorization: {credentials}\r\n"),
        };
        let answer = client.ask("GET", target, &field);
        let challenge = answer.field("www-authenticate").map(str::to_owned);
        (answer.status, challenge, answer.json())
    };
    // ada:a b/c
    let basic = ask("/basic-auth/ada/a%20b%2Fc", "basic YWRhOmEgYi9j");
    assert_eq!(
        basic,
        (200, None, json!({ "authenticated": true, "user": "ada" }))
    );
    for wrong in ["", "Basic YWRhOng=", "Basic ?", "Bearer YWRhOmEgYi9j"] {
        let (status, challenge, content) = ask("/basic-auth/ada/a%20b%2Fc", wrong);
        assert_eq!(
            (status, content),
            (401, json!({ "authenticated": false })),
            "{wrong}"
        );
        assert!(challenge.is_some_and(|challenge| challenge.starts_with("Basic realm=")));
    }
    let bearer = ask("/bearer", "Bearer token");
    assert_eq!(
        bearer,
        (
            200,
            None,
            json!({ "authenticated": true, "token": "token" })
        )
    );
    for wrong in ["", "Bearer", "Basic YTpi"] {
        let (status, challenge, _) = ask("/bearer", wrong);
        assert_eq!(
            (status, challenge.as_deref()),
            (401, Some("Bearer realm=\"echo\"")),
            "{wrong}"
        );
    }
    assert_eq!(client.get("/basic-auth/ada").status, 400);
    assert_eq!(client.get("/basic-auth/a%3Ab/c").status, 400);
}

#[test]
fn ranges_of_letters() {
    let program = Program::start();
    let mut client = program.connect();
    let whole = client.get("/range/30");
    assert_eq!(
        (whole.status, whole.text()),
        (200, "abcdefghijklmnopqrstuvwxyzabcd")
    );
    assert_eq!(whole.field("accept-ranges"), Some("bytes"));
    for (fields, status, text, place) in [
        ("Range: bytes=1-3\r\n", 206, "bcd", Some("bytes 1-3/30")),
        ("Range: bytes=-2\r\n", 206, "cd", Some("bytes 28-29/30")),
        (
            "Range: bytes=28-\r\nIf-Range: \"range30\"\r\n",
            206,
            "cd",
            Some("bytes 28-29/30"),
        ),
        ("Range: bytes=30-\r\n", 416, "", Some("bytes */30")),
        (
            "Range: bytes=1-3\r\nIf-Range: \"other\"\r\n",
            200,
            whole.text(),
            None,
        ),
        // Ranges that overlap.
        ("Range: bytes=0-4,4-5\r\n", 200, whole.text(), None),
        ("If-None-Match: W/\"range30\"\r\n", 304, "", None),
        ("If-Match: \"x\"\r\nRange: bytes=1-3\r\n", 412, "", None),
    ] {
        let answer = client.ask("GET", "/range/30", fields);
        assert_eq!((answer.status, answer.text()), (status, text), "{fields}");
        assert_eq!(answer.field("content-range"), place, "{fields}");
    }
    assert_eq!(
        client
            .ask("HEAD", "/range/30", "Range: bytes=1-3\r\n")
            .status,
        200
    );
    assert_eq!(client.get("/range/200000").body.len(), 200_000);
    let several = client.ask("GET", "/range/30", "Range: bytes=4-5, 0-1\r\n");
    assert_eq!(several.status, 206);
    assert_eq!(several.field("content-range"), None);
    let kind = several.field("content-type").unwrap();
    let (_, boundary) = kind.split_once("multipart/byteranges; boundary=").unwrap();
    let part = |place: &str, text: &str| {
        format!(
            "\r\n--{boundary}\r\nContent-Type: application/octet-stream\r\n\
             Content-Range: bytes {place}/30\r\n\r\n{text}"
        )
    };
    let expected = part("4-5", "ef") + &part("0-1", "ab");
    assert_eq!(several.text(), format!("{expected}\r\n--{boundary}--\r\n"));
    let length = several.body.len().to_string();
    assert_eq!(several.field("content-length"), Some(&*length));
}

#[test]
fn validators_and_caches() {
    let program = Program::start();
    let mut client = program.connect();
    for (fields, status) in [
        ("", 200),
        ("If-None-Match: \"v1\"\r\n", 304),
        ("If-None-Match: \"x\", W/\"v1\"\r\n", 304),
        ("If-None-Match: \"x\"\r\n", 200),
        ("If-Match: \"v1\"\r\n", 200),
        ("If-Match: *\r\n", 200),
        ("If-Match: W/\"v1\"\r\n", 412),
        ("If-Match: \"x\"\r\nIf-None-Match: \"v1\"\r\n", 412),
    ] {
        let answer = client.ask("GET", "/etag/v1", fields);
        assert_eq!(
            (answer.status, answer.field("etag")),
            (status, Some("\"v1\"")),
            "{fields}"
        );
    }
    assert_eq!(client.get("/etag/a%22b").status, 400);
    let fresh = client.get("/cache");
    assert_eq!(
        (fresh.status, fresh.field("cache-control")),
        (200, Some("no-cache"))
    );
    assert!(
        fresh
            .field("last-modified")
            .is_some_and(|date| date.ends_with(" GMT"))
    );
    for known in [
        "If-None-Match: \"x\"\r\n",
        "If-Modified-Since: Thu, 01 Jan 1970 00:00:00 GMT\r\n",
    ] {
        assert_eq!(client.ask("GET", "/cache", known).status, 304);
    }
    assert_eq!(
        client.get("/cache/60").field("cache-control"),
        Some("public, max-age=60")
    );
}

#[test]
fn events_have_numbers_and_continue_behind_the_last() {
    let program = Program::start();
    let mut client = program.connect();
    let answer = client.get("/sse?count=3&interval=0.01");
    assert_eq!(answer.field("content-type"), Some("text/event-stream"));
    let event = |id| format!("id: {id}\ndata: {{\"id\":{id},\"of\":3}}\n\n");
    assert_eq!(answer.text(), [1, 2, 3].map(event).concat());
    let rest = client.ask("GET", "/sse?count=3&interval=0.01", "Last-Event-ID: 2\r\n");
    assert_eq!(rest.text(), event(3));
    assert_eq!(
        client
            .ask("GET", "/sse?count=3", "Last-Event-ID: 3\r\n")
            .status,
        204
    );
}

#[test]
fn pages_of_any_origin_may_read() {
    let program = Program::start();
    let mut client = program.connect();
    for target in [
        "/plaintext",
        "/headers",
        "/nothing",
        "/status/204",
        "/bytes/10",
        "/bearer",
        "/",
    ] {
        let answer = client.get(target);
        assert_eq!(
            answer.field("access-control-allow-origin"),
            Some("*"),
            "{target}"
        );
    }
    let origin = "Origin: https://b.example\r\n";
    for target in [
        "/headers",
        "/nothing",
        "/status/204",
        "/bytes/10",
        "/redirect/1",
        "/",
    ] {
        let answer = client.ask("GET", target, origin);
        assert_eq!(
            answer.field("access-control-allow-origin"),
            Some("https://b.example"),
            "{target}"
        );
        assert_eq!(
            answer.field("access-control-allow-credentials"),
            Some("true"),
            "{target}"
        );
        assert!(
            answer
                .field("vary")
                .is_some_and(|vary| vary.contains("Origin")),
            "{target}"
        );
    }
    let asked =
        "Access-Control-Request-Method: PUT\r\nAccess-Control-Request-Headers: x-a, x-b\r\n";
    let preflight = client.ask("OPTIONS", "/anything", &format!("{origin}{asked}"));
    assert_eq!(preflight.status, 204);
    assert_eq!(
        preflight.field("access-control-allow-headers"),
        Some("x-a, x-b")
    );
    assert!(
        preflight
            .field("access-control-allow-methods")
            .is_some_and(|methods| methods.contains("PUT"))
    );
    assert_eq!(preflight.field("access-control-max-age"), Some("3600"));
    assert_eq!(
        preflight.field("access-control-allow-origin"),
        Some("https://b.example")
    );
}

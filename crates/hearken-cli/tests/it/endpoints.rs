//! The endpoints that respond at once. The unit tests of `route.rs` cover rejected requests.

use super::program::Program;
use serde_json::json;

#[test]
fn the_page_is_one_file_that_runs_its_own_script_only() {
    let program = Program::start();
    let answer = program.connect().get("/");
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.field("content-type"),
        Some("text/html; charset=utf-8")
    );
    let policy = answer.field("content-security-policy").expect("a policy");
    assert!(
        policy.starts_with("default-src 'none'; script-src 'sha256-"),
        "{policy}"
    );
    assert!(!policy.contains("unsafe"), "{policy}");
    assert!(answer.text().contains("/user-agent"));
}

#[test]
fn text_is_echoed_decoded_once() {
    let program = Program::start();
    let mut client = program.connect();
    for (target, text) in [
        ("/echo/hello", "hello"),
        ("/echo/a%20b%2fc/d?e=f", "a b/c/d"),
        ("/echo/%3Cscript%3E", "<script>"),
        ("/echo/%2525", "%25"),
        ("/echo/%c3%a9%0d%0aX: y", "é\r\nX: y"),
        ("/echo/", ""),
        ("http://a/echo/absolute", "absolute"),
    ] {
        let target = target.replace(' ', "%20");
        let answer = client.get(&target);
        assert_eq!((answer.status, answer.text()), (200, text), "{target}");
        assert_eq!(
            answer.field("content-type"),
            Some("text/plain; charset=utf-8")
        );
        assert_eq!(answer.field("x-content-type-options"), Some("nosniff"));
    }
}

#[test]
fn an_echoed_page_does_not_run() {
    let program = Program::start();
    let mut client = program.connect();
    let fields = "Host: a\r\nContent-Type: text/html\r\nContent-Length: 17";
    client.send(format!(
        "POST /echo HTTP/1.1\r\n{fields}\r\n\r\n<script></script>"
    ));
    let answer = client.answer("POST");
    assert_eq!(answer.field("content-type"), Some("text/html"));
    assert_eq!(
        answer.field("content-security-policy"),
        Some("default-src 'none'; sandbox")
    );
}

#[test]
fn fields_and_address_of_the_request_are_returned() {
    let program = Program::start();
    let mut client = program.connect();
    let fields = "X-b: 1\r\nx-B: \"2\"\r\nUser-Agent: it/1 (\"quoted\")\r\n";
    let answer = client.ask("GET", "/headers", fields);
    let expected = json!({ "headers": {
        "Host": "a", "X-b": ["1", "\"2\""], "User-Agent": "it/1 (\"quoted\")",
    } });
    assert_eq!(answer.json(), expected);
    assert!(
        answer.text().find("Host") < answer.text().find("X-b"),
        "in their order"
    );
    client.send(b"GET /headers HTTP/1.1\r\nHost: a\r\nX: caf\xe9\r\n\r\n");
    assert_eq!(client.answer("GET").json()["headers"]["X"], "café");

    let agent = client.ask("GET", "/user-agent", fields);
    assert_eq!(agent.json(), json!({ "user-agent": "it/1 (\"quoted\")" }));
    assert_eq!(
        client.get("/user-agent").json(),
        json!({ "user-agent": null })
    );
    let ip = client.get("/ip").json();
    assert_eq!(ip["origin"], "127.0.0.1");
    assert!(ip["port"].is_u64(), "{ip}");
}

#[test]
fn methods() {
    let program = Program::start();
    let mut client = program.connect();
    for method in [
        "GET", "POST", "PUT", "PATCH", "DELETE", "TRACE", "BREW", "x",
    ] {
        let answer = client.ask(method, "/method", "");
        assert_eq!(answer.json(), json!({ "method": method }));
    }
    assert_eq!(client.ask("HEAD", "/method", "").status, 200);

    for (method, target, allow) in [
        ("POST", "/json", "GET, HEAD, OPTIONS"),
        ("DELETE", "/", "GET, HEAD, OPTIONS"),
        ("GET", "/echo", "POST, OPTIONS"),
    ] {
        let answer = client.ask(method, target, "");
        assert_eq!((answer.status, answer.field("allow")), (405, Some(allow)));
        assert!(answer.text().contains(allow), "{}", answer.text());
    }
    for (target, allow) in [
        ("/json", "GET, HEAD, OPTIONS"),
        ("/echo", "POST, OPTIONS"),
        ("*", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"),
    ] {
        let answer = client.ask("OPTIONS", target, "");
        assert_eq!((answer.status, answer.field("allow")), (204, Some(allow)));
        assert_eq!(answer.field("content-length"), None);
    }
}

#[test]
fn any_final_status() {
    let program = Program::start();
    let mut client = program.connect();
    for status in 200..600_u16 {
        let answer = client.get(&format!("/status/{status}"));
        assert_eq!(answer.status, status);
        match status {
            204 | 205 | 304 => assert_eq!(answer.text(), ""),
            _ => assert!(
                answer.text().starts_with(&status.to_string()),
                "{}",
                answer.text()
            ),
        }
    }
    let field = |status: u16, name: &str| {
        let mut client = program.connect();
        let answer = client.get(&format!("/status/{status}"));
        answer.field(name).map(str::to_owned)
    };
    assert_eq!(
        field(401, "www-authenticate").as_deref(),
        Some("Bearer realm=\"echo\"")
    );
    assert_eq!(
        field(407, "proxy-authenticate").as_deref(),
        Some("Bearer realm=\"echo\"")
    );
    assert_eq!(field(405, "allow").as_deref(), Some("GET, HEAD"));
    assert_eq!(field(426, "upgrade").as_deref(), Some("websocket"));
    assert_eq!(client.ask("DELETE", "/status/503", "").status, 503);
    assert_eq!(client.ask("HEAD", "/status/404", "").status, 404);
    for wrong in ["100", "101", "199", "600", "20", "x"] {
        let answer = client.get(&format!("/status/{wrong}"));
        assert_eq!(answer.status, 400);
        assert!(answer.text().contains("200 to 599"), "{}", answer.text());
    }
}

#[test]
fn plaintext_and_json() {
    let program = Program::start();
    let mut client = program.connect();
    let answer = client.get("/plaintext");
    assert_eq!(answer.body, b"Hello, World!");
    assert_eq!(answer.field("content-type"), Some("text/plain"));
    assert_eq!(
        client.get("/json").json(),
        json!({ "message": "Hello, World!" })
    );
}

#[test]
fn unknown_paths_are_404() {
    let program = Program::start();
    let mut client = program.connect();
    for target in ["/nothing", "/%3Cscript%3E", "/headers/", "/status"] {
        let answer = client.get(target);
        assert_eq!(answer.status, 404);
        assert_eq!(
            answer.text(),
            "there is nothing here; GET / lists what there is\n"
        );
    }
    let head = client.ask("HEAD", "/nothing", "");
    assert_eq!(head.status, 404);
    assert_eq!(client.get("/json").status, 200, "the connection persists");
}

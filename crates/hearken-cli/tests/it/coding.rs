//! Content coding over the wire. The unit test of `coding.rs` covers the choice, those of the library the field.

use super::program::Program;

#[test]
fn accept_encoding_selects_the_coding() {
    let program = Program::start();
    let mut client = program.connect();
    for (fields, coding) in [
        ("", None),
        ("Accept-Encoding: gzip\r\n", Some("gzip")),
        ("Accept-Encoding: x-gzip\r\n", Some("gzip")),
        ("accept-encoding: br, GZIP;q=0.1\r\n", Some("gzip")),
        (
            "Accept-Encoding: br\r\nAccept-Encoding: gzip\r\n",
            Some("gzip"),
        ),
        ("Accept-Encoding: gzip;q=0\r\n", None),
        ("Accept-Encoding: identity, gzip;q=0.5\r\n", None),
        ("Accept-Encoding: *\r\n", Some("gzip")),
        ("Accept-Encoding: identity;q=0, *\r\n", Some("gzip")),
        ("Accept-Encoding: \r\n", None),
    ] {
        for (target, content) in [
            ("/echo/hello", "hello"),
            ("/drip?duration=0&numbytes=5", "*****"),
            ("/stream/1", "{\"id\":0,\"of\":1,\"url\":\"/stream/1\"}\n"),
        ] {
            let answer = client.ask("GET", target, fields);
            assert_eq!(answer.status, 200, "{fields}");
            assert_eq!(
                answer.field("content-encoding"),
                coding,
                "{target} {fields}"
            );
            assert_eq!(answer.field("vary"), Some("Accept-Encoding"));
            assert_eq!(answer.decoded(), content.as_bytes(), "{target} {fields}");
        }
    }
}

#[test]
fn no_acceptable_coding_is_406() {
    let program = Program::start();
    let mut client = program.connect();
    for fields in [
        "Accept-Encoding: *;q=0\r\n",
        "Accept-Encoding: identity;q=0\r\n",
    ] {
        let answer = client.ask("GET", "/json", fields);
        assert_eq!(answer.status, 406, "{fields}");
        assert!(
            answer.text().contains("identity or gzip"),
            "{}",
            answer.text()
        );
    }
}

#[test]
fn incompressible_content_is_not_compressed() {
    let program = Program::start();
    let mut client = program.connect();
    let gzip = "Accept-Encoding: gzip\r\n";
    for target in ["/json", "/plaintext", "/bytes/5000", "/status/404"] {
        let answer = client.ask("GET", target, gzip);
        assert_eq!(answer.field("content-encoding"), None, "{target}");
    }
    assert_eq!(
        client.ask("GET", "/", gzip).field("content-encoding"),
        Some("gzip")
    );
    // Unless the client accepts gzip only.
    for target in ["/json", "/plaintext", "/bytes/5000?seed=1", "/status/404"] {
        let plain = client.get(target);
        let answer = client.ask("GET", target, "Accept-Encoding: gzip, *;q=0\r\n");
        assert_eq!(answer.field("content-encoding"), Some("gzip"), "{target}");
        assert_eq!(answer.decoded(), plain.body, "{target}");
        assert_eq!(answer.status, plain.status);
    }
}

#[test]
fn head_has_the_fields_of_get() {
    let program = Program::start();
    let mut client = program.connect();
    for target in [
        "/",
        "/echo/hello",
        "/json",
        "/bytes/100",
        "/stream/3",
        "/drip?duration=0",
    ] {
        for fields in [
            "",
            "Accept-Encoding: gzip\r\n",
            "Accept-Encoding: identity;q=0, gzip\r\n",
        ] {
            let get = client.ask("GET", target, fields);
            let head = client.ask("HEAD", target, fields);
            assert_eq!(head.status, get.status, "{target} {fields}");
            for name in ["content-type", "content-encoding", "content-length", "vary"] {
                assert_eq!(
                    head.field(name),
                    get.field(name),
                    "{name} of {target} {fields}"
                );
            }
        }
    }
}

#[test]
fn an_echo_keeps_the_coding_of_its_body() {
    let program = Program::start();
    let mut client = program.connect();
    let mut post = |fields: &str| {
        let fields = format!("Host: a\r\nAccept-Encoding: gzip\r\nContent-Length: 5\r\n{fields}");
        client.send(format!("POST /echo HTTP/1.1\r\n{fields}\r\nhello"));
        client.answer("POST")
    };
    let coded = post("Content-Type: text/plain\r\nContent-Encoding: br\r\n");
    assert_eq!(coded.field("content-encoding"), Some("br"));
    assert_eq!(coded.body, b"hello");
    let text = post("Content-Type: text/plain\r\n");
    assert_eq!(text.field("content-encoding"), Some("gzip"));
    assert_eq!(text.decoded(), b"hello");
    let binary = post("");
    assert_eq!(binary.field("content-encoding"), None);
    assert_eq!(
        binary.field("content-type"),
        Some("application/octet-stream")
    );
}

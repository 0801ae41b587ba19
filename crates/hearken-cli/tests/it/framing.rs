//! Trailers, interim responses and truncated responses.

use super::program::Program;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use sha2::{Digest, Sha256};

#[test]
fn trailers_are_returned_as_content_with_its_digest_as_a_trailer() {
    let program = Program::start();
    let mut client = program.connect();
    client.send("POST /trailers HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
    client.send("5\r\nhello\r\n0\r\nX-One: 1\r\nx-two: a\r\nX-Two: b\r\n\r\n");
    let head = client.head();
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    assert!(head.contains("Transfer-Encoding: chunked\n"), "{head}");
    assert!(head.contains("Trailer: Content-Digest\n"), "{head}");
    let content = client.chunk();
    let value: serde_json::Value = serde_json::from_slice(&content).expect("JSON");
    let trailers = json!({ "X-One": "1", "x-two": ["a", "b"] });
    assert_eq!(value, json!({ "trailers": trailers, "bytes": 5 }));
    assert_eq!(client.line(), "0");
    let digest = STANDARD.encode(Sha256::digest(&content));
    assert_eq!(client.line(), format!("Content-Digest: sha-256=:{digest}:"));
    assert_eq!(client.line(), "");
    assert_eq!(
        client.get("/plaintext").status,
        200,
        "the connection persists"
    );
}

#[test]
fn trailers_of_a_request_without_any() {
    let program = Program::start();
    let mut client = program.connect();
    let answer = client.ask("HEAD", "/trailers", "");
    assert_eq!((answer.status, answer.body.len()), (200, 0));
    client.send("GET /trailers HTTP/1.0\r\n\r\n");
    let answer = client.answer("GET");
    assert_eq!(answer.json(), json!({ "trailers": {}, "bytes": 0 }));
    assert_eq!(answer.field("transfer-encoding"), None);
}

#[test]
fn interim_responses_precede_the_final_one() {
    let program = Program::start();
    let mut client = program.connect();
    for _ in 0..2 {
        client.send("GET /information HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_eq!(client.head(), "HTTP/1.1 102 Processing\n");
        let hints = "HTTP/1.1 103 Early Hints\nLink: </plaintext>; rel=preload; as=fetch\n";
        assert_eq!(client.head(), hints);
        let answer = client.answer("GET");
        assert_eq!((answer.status, answer.field("link")), (200, None));
        assert!(answer.text().contains("102 and 103"));
    }
    client.send("HEAD /information HTTP/1.1\r\nHost: a\r\n\r\n");
    client.head();
    client.head();
    assert_eq!(client.answer("HEAD").body, b"");
    client.send("GET /information HTTP/1.0\r\n\r\n");
    assert_eq!(client.answer("GET").status, 200, "HTTP/1.0 has none");
}

#[test]
fn a_truncated_response_never_looks_complete() {
    let program = Program::start();
    let mut client = program.connect();
    client.send("GET /cut/3?length=5 HTTP/1.1\r\nHost: a\r\n\r\n");
    assert!(client.head().contains("Content-Length: 5\n"));
    assert_eq!(client.cut(), b"***");

    let mut client = program.connect();
    client.send("GET /cut/3 HTTP/1.1\r\nHost: a\r\n\r\n");
    assert!(client.head().contains("Transfer-Encoding: chunked\n"));
    assert_eq!(client.chunk(), b"***");
    assert_eq!(client.cut(), b"", "no last chunk");

    let mut client = program.connect();
    client.send("GET /cut/65536 HTTP/1.1\r\nHost: a\r\n\r\n");
    client.head();
    assert!(!client.cut().ends_with(b"0\r\n\r\n"));

    let mut client = program.connect();
    let answer = client.ask("HEAD", "/cut/3?length=5", "");
    assert_eq!(answer.field("content-length"), Some("5"));
    assert_eq!(client.get("/plaintext").status, 200, "nothing was cut");
}

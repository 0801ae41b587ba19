//! Responses in pieces: each piece arrives before the next one is made.

use super::program::Program;
use flate2::{Decompress, FlushDecompress};
use std::time::{Duration, Instant};

#[test]
fn an_echo_arrives_before_the_request_has_ended() {
    let program = Program::start();
    let mut client = program.connect();
    client.send(
        "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Type: a/b\r\nTransfer-Encoding: chunked\r\n\r\n",
    );
    client.send("3\r\none\r\n");
    let head = client.head();
    assert!(head.contains("Content-Type: a/b\n"), "{head}");
    assert!(head.contains("Transfer-Encoding: chunked\n"), "{head}");
    assert_eq!(client.chunk(), b"one");
    client.send("5\r\ntwo &\r\n");
    assert_eq!(client.chunk(), b"two &");
    client.send("0\r\n\r\n");
    assert_eq!(client.chunk(), b"");
    assert_eq!(
        client.get("/plaintext").status,
        200,
        "the connection persists"
    );
}

#[test]
fn an_echo_of_known_length() {
    let program = Program::start();
    let mut client = program.connect();
    client.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\none");
    let head = client.head();
    assert!(head.contains("Content-Length: 6\n"), "{head}");
    assert_eq!(client.exactly(3), b"one");
    client.send("two");
    assert_eq!(client.exactly(3), b"two");
    client.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
    let answer = client.answer("POST");
    assert_eq!((answer.status, answer.body.len()), (200, 0));
}

#[test]
fn a_large_echo_is_complete() {
    let program = Program::start();
    let mut client = program.connect();
    let piece: Vec<u8> = (0..1 << 20)
        .map(|n: u32| (n.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect();
    client.send("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
    let mut sender = client.twin();
    let whole = piece.repeat(20);
    let sent = whole.clone();
    let sending = std::thread::spawn(move || {
        for part in sent.chunks(700_001) {
            sender.send(format!("{:x}\r\n", part.len()));
            sender.send(part);
            sender.send("\r\n");
        }
        sender.send("0\r\n\r\n");
    });
    let answer = client.answer("POST");
    sending.join().expect("all is sent");
    assert!(
        answer.body == whole,
        "{} of {} bytes",
        answer.body.len(),
        whole.len()
    );
}

#[test]
fn a_client_that_expects_100_continue_gets_it() {
    let program = Program::start();
    let mut client = program.connect();
    client.send(
        "POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n",
    );
    assert_eq!(client.line(), "HTTP/1.1 100 Continue");
    assert_eq!(client.line(), "");
    client.send("ok");
    assert_eq!(client.answer("POST").body, b"ok");
    // Not from an endpoint that does not read the body.
    client.send(
        "POST /json HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n",
    );
    assert_eq!(client.answer("POST").status, 405);
}

#[test]
fn compressed_lines_arrive_one_by_one() {
    let program = Program::start();
    let mut client = program.connect();
    let fields =
        "Accept-Encoding: gzip\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n";
    client.send(format!("POST /echo HTTP/1.1\r\nHost: a\r\n{fields}\r\n"));
    let mut gzip = Decompress::new_gzip(15);
    for (number, text) in ["first\n", "second\n"].into_iter().enumerate() {
        client.send(format!("{:x}\r\n{text}\r\n", text.len()));
        if number == 0 {
            assert!(client.head().contains("Content-Encoding: gzip\n"));
        }
        // The gzip header may arrive in a separate chunk.
        let mut decoded = Vec::with_capacity(100);
        while decoded.len() < text.len() {
            let chunk = client.chunk();
            gzip.decompress_vec(&chunk, &mut decoded, FlushDecompress::Sync)
                .expect("gzip");
        }
        assert_eq!(decoded, text.as_bytes());
    }
    client.send("0\r\n\r\n");
}

#[test]
fn lines_are_chunks() {
    let program = Program::start();
    let mut client = program.connect();
    client.send("GET /stream/3?x=\"1\" HTTP/1.1\r\nHost: a\r\n\r\n");
    assert!(
        client
            .head()
            .contains("Content-Type: application/x-ndjson\n")
    );
    for id in 0..3 {
        let line: serde_json::Value = serde_json::from_slice(&client.chunk()).expect("JSON");
        assert_eq!(line["id"], id);
        assert_eq!(line["of"], 3);
        assert_eq!(line["url"], "/stream/3?x=\"1\"");
    }
    assert_eq!(client.chunk(), b"");
}

#[test]
fn bytes_have_the_requested_count_and_depend_on_the_seed() {
    let program = Program::start();
    let mut client = program.connect();
    for count in [0, 1, 65_535, 65_536, 65_537, 3_000_000] {
        let answer = client.get(&format!("/bytes/{count}?seed=1"));
        assert_eq!(answer.body.len(), count);
        assert_eq!(answer.field("content-length"), Some(&*count.to_string()));
    }
    let mut body = |target| client.get(target).body;
    assert_eq!(body("/bytes/1000?seed=5"), body("/bytes/1000?seed=5"));
    assert_ne!(body("/bytes/1000?seed=5"), body("/bytes/1000?seed=6"));
    assert_ne!(body("/bytes/1000"), body("/bytes/1000"));
}

#[test]
fn a_drip_takes_the_requested_time() {
    let program = Program::start();
    let mut client = program.connect();
    let start = Instant::now();
    client.send("GET /drip?duration=0.4&numbytes=5&delay=0.2&code=503 HTTP/1.1\r\nHost: a\r\n\r\n");
    let head = client.head();
    let at_head = start.elapsed();
    assert!(head.starts_with("HTTP/1.1 503 "), "{head}");
    assert!(head.contains("Content-Length: 5\n"), "{head}");
    assert_eq!(client.exactly(1), b"*");
    assert_eq!(client.exactly(4), b"****");
    // Never too early; how late depends on the machine.
    assert!(at_head >= Duration::from_millis(200), "{at_head:?}");
    assert!(
        start.elapsed() >= Duration::from_millis(600),
        "{:?}",
        start.elapsed()
    );

    for (target, status, bytes) in [
        ("/drip?duration=0&numbytes=0", 200, 0),
        ("/drip?duration=0&numbytes=1", 200, 1),
        ("/drip?duration=0.05&numbytes=100000", 200, 100_000),
        ("/drip?duration=0.05&code=204", 204, 0),
    ] {
        let answer = client.get(target);
        assert_eq!(
            (answer.status, answer.body.len()),
            (status, bytes),
            "{target}"
        );
    }
}

#[test]
fn a_delay_is_not_shorter_than_requested() {
    let program = Program::start();
    let mut client = program.connect();
    let start = Instant::now();
    assert_eq!(client.get("/delay/0.3").json()["delay"], 0.3);
    assert!(start.elapsed() >= Duration::from_millis(300));
}

#[test]
fn an_http_1_0_client_gets_a_stream_until_the_connection_closes() {
    let program = Program::start();
    let mut client = program.connect();
    client.send("GET /stream/2 HTTP/1.0\r\n\r\n");
    let answer = client.answer("GET");
    assert_eq!(answer.field("transfer-encoding"), None);
    assert_eq!(answer.text().lines().count(), 2);
}

#[test]
fn a_half_closed_client_gets_its_response() {
    let program = Program::start();
    let mut client = program.connect();
    client.send("GET /delay/0.3 HTTP/1.1\r\nHost: a\r\n\r\n");
    client.finish();
    assert_eq!(client.answer("GET").json()["delay"], 0.3);
    assert_eq!(client.rest(), b"");
}

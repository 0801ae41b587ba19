//! The record of a client's requests.

use super::client::simulate;
use crate::hostile::{Ending, Hostile, Step, connection, framing, redirects};
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

/// Sends these pieces to a server that answers every request, and closes.
fn tell(pieces: &[&[u8]]) -> Hostile {
    let server = Hostile::playing(|_| vec![Step::Request, Step::say("HTTP/1.1 204 N\r\n\r\n")]);
    simulate(async {
        let (mut client, theirs) = duplex(1 << 20);
        let talking = async move {
            for piece in pieces {
                client.write_all(piece).await.expect("the server reads");
                tokio::task::yield_now().await;
            }
        };
        tokio::join!(server.serve(theirs), talking);
    });
    server
}

#[test]
fn requests_are_read_at_any_cut() {
    let sent = b"GET /a?b HTTP/1.1\r\nHost: h\r\nX-A: 1\r\nx-a: 2\r\n\r\n\
        POST /b HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello\
        PUT /c HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\none\r\n5\r\n two \r\n0\r\nT: u\r\n\r\n\
        POST /d HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n\
        POST /e HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nhalf";
    let whole = tell(&[sent]).requests();
    let shown: Vec<_> = whole
        .iter()
        .map(|seen| (&*seen.method, &*seen.target, &*seen.content, seen.complete))
        .collect();
    assert_eq!(
        shown,
        [
            ("GET", "/a?b", &b""[..], true),
            ("POST", "/b", b"hello", true),
            ("PUT", "/c", b"one two ", true),
            ("POST", "/d", b"", true),
            ("POST", "/e", b"half", false),
        ]
    );
    assert_eq!(whole[0].fields[1], ("X-A".into(), "1".into()));
    assert_eq!(whole[0].field("X-a"), Some("1"));
    assert_eq!(whole[2].trailers, [("T".into(), "u".into())]);
    for size in [1, 2, 3, 7, 50] {
        let pieces: Vec<_> = sent.chunks(size).collect();
        let server = tell(&pieces);
        assert_eq!(server.requests(), whole, "in pieces of {size}");
        let conversation = &server.conversations()[0];
        assert_eq!(conversation.received, sent);
        assert_eq!(conversation.ending, Some(Ending::Client));
        assert_eq!(conversation.sent_bytes, 4 * 18);
    }
}

#[test]
fn bytes_that_are_no_request_are_recorded() {
    let hello = b"\x16\x03\x01\x00\x05hello";
    let conversation = tell(&[hello]).conversations().remove(0);
    assert!(conversation.requests.is_empty());
    assert_eq!(conversation.received, hello);

    let upgrade =
        b"GET / HTTP/1.1\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\nGET / HTTP/1.1\r\n\r\n";
    let conversation = tell(&[upgrade]).conversations().remove(0);
    assert_eq!(
        conversation.requests.len(),
        1,
        "what is behind it is no request"
    );
    assert_eq!(conversation.received, upgrade);
}

#[test]
fn large_content_is_counted_and_not_kept() {
    let body = vec![b'x'; 3 << 20];
    let head = format!("PUT / HTTP/1.1\r\nContent-Length: {}\r\n\r\n", body.len());
    let server = tell(&[head.as_bytes(), &body]);
    let seen = &server.requests()[0];
    assert!(seen.complete);
    assert_eq!((seen.content.len(), seen.content_bytes), (1 << 20, 3 << 20));
    let conversation = &server.conversations()[0];
    assert_eq!(
        conversation.received_bytes as usize,
        head.len() + body.len()
    );
    assert_eq!(conversation.received.len(), 1 << 20);
}

#[test]
fn the_record_distinguishes_the_end_of_a_script_from_that_of_a_client() {
    simulate(async {
        let server = Hostile::new(framing::LENGTH_TOO_LONG);
        let (mut client, theirs) = duplex(1024);
        let talking = async move {
            client
                .write_all(b"GET / HTTP/1.1\r\n\r\n")
                .await
                .expect("room");
            let mut all = Vec::new();
            client.read_to_end(&mut all).await.expect("an end");
        };
        tokio::join!(server.serve(theirs), talking);
        assert_eq!(server.conversations()[0].ending, Some(Ending::Script));

        let server = Hostile::new(connection::NEVER_ANSWERS);
        let (client, theirs) = duplex(1024);
        drop(client);
        server.serve(theirs).await;
        assert_eq!(server.conversations()[0].ending, Some(Ending::Client));

        let server = Hostile::playing(|_| vec![Step::endless("a")]);
        let (mut client, theirs) = duplex(1 << 20);
        let talking = async move {
            let mut sink = tokio::io::sink();
            tokio::io::copy(&mut client, &mut sink)
                .await
                .expect("an end")
        };
        let (_, taken) = tokio::join!(server.serve(theirs), talking);
        assert!(taken >= Step::ENDLESS_BYTES);
        assert_eq!(server.conversations()[0].ending, Some(Ending::Exhausted));
    });
}

#[test]
fn a_chain_of_redirects_comes_to_its_end() {
    simulate(async {
        let server = Hostile::new(redirects::SHORT_CHAIN);
        let (mut client, theirs) = duplex(1024);
        let talking = async move {
            let mut answers = String::new();
            for target in ["/", "/1", "/2", "/3"] {
                let request = format!("GET {target} HTTP/1.1\r\n\r\n");
                client.write_all(request.as_bytes()).await.expect("room");
                let mut answer = [0; 200];
                let count = client.read(&mut answer).await.expect("an answer");
                answers += &String::from_utf8_lossy(&answer[..count]);
            }
            answers
        };
        let (_, answers) = tokio::join!(server.serve(theirs), talking);
        let places: Vec<_> = answers
            .lines()
            .filter(|line| line.starts_with("Location"))
            .collect();
        assert_eq!(places, ["Location: /1", "Location: /2", "Location: /3"]);
        assert!(answers.ends_with("hello"));
    });
}

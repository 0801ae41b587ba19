//! Bodies of requests, whole and in pieces.

use super::*;
use crate::{Bytes, Error};
use futures_core::Stream;
use std::pin::Pin;
use std::task::{Context, Poll};

/// A stream of the items of a list.
struct Pieces(Vec<Result<&'static str, &'static str>>);

impl Stream for Pieces {
    type Item = Result<Bytes, Error>;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.0.is_empty() {
            return Poll::Ready(None);
        }
        let next = self.0.remove(0);
        Poll::Ready(Some(
            next.map(Bytes::from).map_err(|text| Error::new(500, text)),
        ))
    }
}

async fn sent(body: impl Into<Body>) -> String {
    let mut server = Server::once(answer("200 OK", "", "")).await;
    post(server.url("/")).body(body).await.expect("an answer");
    server.asked().await.expect("a request")
}

#[tokio::test]
async fn whole_ones_have_a_length() {
    let whole: [Body; 6] = [
        "body".into(),
        String::from("body").into(),
        b"body".into(),
        b"body"[..].into(),
        b"body".to_vec().into(),
        Bytes::from("body").into(),
    ];
    for body in whole {
        let asked = sent(body).await;
        assert!(asked.contains("\r\nContent-Length: 4\r\n"), "{asked}");
        assert!(asked.ends_with("\r\n\r\nbody"), "{asked}");
    }
    let asked = sent("").await;
    assert!(asked.contains("\r\nContent-Length: 0\r\n"), "{asked}");
}

#[tokio::test]
async fn streams_and_readers_are_chunked() {
    let pieces = Pieces(vec![Ok("hear"), Ok(""), Ok("ken")]);
    for body in [Body::stream(pieces), Body::reader(&b"hearken"[..])] {
        let asked = sent(body).await;
        assert!(
            asked.contains("\r\nTransfer-Encoding: chunked\r\n"),
            "{asked}"
        );
        assert!(asked.ends_with("\r\n\r\nhearken"), "{asked}");
    }
    let empty = sent(Body::stream(Pieces(Vec::new()))).await;
    assert!(empty.ends_with("\r\n\r\n"), "{empty}");
}

/// A source without content is no content: the request has no framing, but where its method defines content.
#[tokio::test]
async fn empty_ones_have_no_framing() {
    let file = std::env::temp_dir().join(format!("hearken-empty-{}", std::process::id()));
    std::fs::write(&file, "").expect("a file");
    for method in ["GET", "HEAD", "DELETE", "OPTIONS", "POST", "PUT", "PATCH"] {
        let bodies: [Body; 7] = [
            ().into(),
            "".into(),
            Body::stream(Pieces(Vec::new())),
            Body::stream(Pieces(vec![Ok(""), Ok("")])),
            Body::reader(&b""[..]),
            Body::reader_of(0, &b""[..]),
            Body::file(&file),
        ];
        for (number, body) in bodies.into_iter().enumerate() {
            let mut server = Server::once(answer("200 OK", "", "")).await;
            let method = Method::from_bytes(method.as_bytes()).expect("a method");
            let request = fetch(method.clone(), server.url("/")).body(body);
            request.await.expect("an answer");
            let asked = server.asked().await.expect("a request").to_lowercase();
            let defines = matches!(method.as_str(), "POST" | "PUT" | "PATCH");
            let place = format!("{method}, body {number}: {asked}");
            assert!(!asked.contains("transfer-encoding"), "{place}");
            assert_eq!(asked.contains("content-length: 0\r\n"), defines, "{place}");
        }
    }
    std::fs::remove_file(&file).expect("the file");
}

/// A path in the directory for temporary files.
fn temporary(name: &str) -> std::path::PathBuf {
    std::env::temp_dir().join(format!("hearken-{name}-{}", std::process::id()))
}

/// Their metadata says that they are empty, or have no length at all.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn content_whose_length_is_unknown_is_sent() {
    let version = std::fs::read_to_string("/proc/version").expect("a file");
    let asked = sent(Body::file("/proc/version")).await;
    assert!(asked.ends_with(&format!("\r\n\r\n{version}")), "{asked}");
    let length = format!("\r\nContent-Length: {}\r\n", version.len());
    assert!(asked.contains(&length), "{asked}");
    // 4,096 bytes by its metadata, a few in truth.
    let asked = sent(Body::file("/sys/kernel/mm/transparent_hugepage/enabled")).await;
    assert!(asked.contains("never"), "{asked}");

    let pipe = temporary("pipe");
    let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
    rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, mode).expect("a pipe");
    let path = pipe.clone();
    let writer = std::thread::spawn(move || std::fs::write(path, "through a pipe"));
    let asked = sent(Body::file(&pipe)).await;
    writer.join().expect("no panic").expect("a reader");
    assert!(
        asked.contains("\r\nTransfer-Encoding: chunked\r\n"),
        "{asked}"
    );
    assert!(asked.ends_with("\r\n\r\nthrough a pipe"), "{asked}");
    std::fs::remove_file(&pipe).expect("the pipe");

    // A hole of a MiB is content.
    let hole = temporary("hole");
    let file = std::fs::File::create(&hole).expect("a file");
    file.set_len(1 << 20).expect("a length");
    let asked = sent(Body::file(&hole)).await;
    assert!(asked.contains("\r\nContent-Length: 1048576\r\n"));
    assert!(asked.ends_with(&"\0".repeat(1 << 20)));
    std::fs::remove_file(&hole).expect("the file");
}

#[tokio::test]
async fn a_directory_fails_before_anything_is_sent() {
    let server = Server::once(answer("200 OK", "", "")).await;
    let request = post(server.url("/")).body(Body::file("/"));
    let error = request.await.expect_err("no file").to_string();
    assert!(error.contains("cannot send the file /: "), "{error}");
    assert!(error.contains("directory"), "{error}");
}

#[tokio::test]
async fn an_expectation_set_as_a_field_holds_the_body() {
    let early = Act::Early(
        "HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\n\r\n".into(),
        "".into(),
    );
    let mut server = Server::once(early).await;
    let answer = post(server.url("/"))
        .header("expect", "100-continue")
        .body("body")
        .await
        .expect("an answer");
    assert_eq!(answer.status(), 417);
    drop(answer);
    let asked = server.asked().await.expect("a request");
    assert!(
        asked.ends_with("\r\n\r\n"),
        "the body was not sent: {asked}"
    );
}

#[tokio::test]
async fn a_reader_of_known_length() {
    let asked = sent(Body::reader_of(4, &b"bodyguard"[..])).await;
    assert!(asked.contains("\r\nContent-Length: 4\r\n"), "{asked}");
    assert!(asked.ends_with("\r\n\r\nbody"), "{asked}");
    let server = Server::once(answer("200 OK", "", "")).await;
    let short = Body::reader_of(10, &b"short"[..]);
    let error = post(server.url("/"))
        .body(short)
        .await
        .expect_err("five bytes too few");
    assert_eq!(error.phase(), None, "our own fault: {error}");
}

#[tokio::test]
async fn a_file() {
    let path = std::env::temp_dir().join(format!("hearken-fetch-body-{}", std::process::id()));
    std::fs::write(&path, "from a file").expect("a file");
    let asked = sent(Body::file(&path)).await;
    assert!(asked.contains("\r\nContent-Length: 11\r\n"), "{asked}");
    assert!(asked.ends_with("\r\n\r\nfrom a file"), "{asked}");
    std::fs::remove_file(&path).expect("it can go");
    let error = post("http://127.0.0.1:9/")
        .body(Body::file(&path))
        .await
        .expect_err("it is gone");
    assert!(
        error.to_string().contains(&path.display().to_string()),
        "{error}"
    );
}

#[tokio::test]
async fn a_stream_that_fails_is_the_error() {
    let mut server = Server::once(answer("200 OK", "", "")).await;
    let body = Body::stream(Pieces(vec![Ok("a"), Err("the disk is gone")]));
    let error = post(server.url("/"))
        .body(body)
        .await
        .expect_err("its error");
    assert_eq!(error.to_string(), "the disk is gone");
    // The server never sees a complete request, if it sees any.
    let time = std::time::Duration::from_millis(300);
    let asked = tokio::time::timeout(time, server.asked()).await;
    let whole = |asked: String| asked.ends_with("0\r\n\r\n");
    assert!(!asked.ok().flatten().is_some_and(whole));
}

/// A server that answers at once and continues to read, as an echo does.
#[tokio::test]
async fn an_answer_before_the_end_of_the_body() {
    let early = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nearly";
    let mut server = Server::once(Act::Early(early.into(), "late".into())).await;
    let (near, far) = tokio::io::duplex(64);
    let answer = post(server.url("/"))
        .body(Body::reader(far))
        .await
        .expect("an answer");
    // The answer has begun before the end of the body, which continues.
    let writing = async move {
        use tokio::io::AsyncWriteExt;
        let mut near = near;
        near.write_all(&[b'x'; 1000]).await.expect("a reader");
    };
    let (text, ()) = tokio::join!(answer.text(), writing);
    assert_eq!(text.expect("a body"), "earlylate");
    let asked = server.asked().await.expect("a request");
    assert!(asked.ends_with(&"x".repeat(1000)), "{} bytes", asked.len());
}

#[tokio::test]
async fn large_ones_stream() {
    const SIZE: u64 = 2 << 20;
    let mut server = Server::once(answer("200 OK", "", "")).await;
    use tokio::io::AsyncReadExt;
    let body = Body::reader(tokio::io::repeat(b'x').take(SIZE));
    post(server.url("/")).body(body).await.expect("an answer");
    let asked = server.asked().await.expect("a request");
    assert_eq!(asked.matches('x').count() as u64, SIZE);
}

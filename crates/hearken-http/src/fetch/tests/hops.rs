//! Redirects and cookies from end to end.

use super::*;
use crate::Agent;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

#[tokio::test]
async fn redirects_are_followed_over_one_connection() {
    let mut server = Server::start(vec![vec![
        answer("301 Moved Permanently", "Location: /b?x#frag\r\n", "moved"),
        answer("302 Found", "Location: c\r\n", vec![b'x'; 10_000]),
        answer("200 OK", "", "here"),
    ]])
    .await;
    let request = Agent::default()
        .post(server.url("/a"))
        .json(&1)
        .header("X", "y");
    let answer = request.await.expect("an answer");
    assert_eq!(answer.url().as_str(), server.url("/c#frag"));
    let history: Vec<&str> = answer.history().iter().map(Url::as_str).collect();
    assert_eq!(history, [server.url("/a"), server.url("/b?x#frag")]);
    assert!(answer.response().connection().reused());
    assert_eq!(answer.text().await.expect("a body"), "here");
    assert!(
        server
            .asked()
            .await
            .is_some_and(|asked| asked.starts_with("POST /a "))
    );
    let second = server.asked().await.expect("a request");
    assert!(second.starts_with("GET /b?x HTTP/1.1\r\n"), "{second}");
    assert!(
        second.contains("X: y") && !second.contains("Content-"),
        "{second}"
    );
    assert!(!second.contains("Referer"), "{second}");
    assert!(
        server
            .asked()
            .await
            .is_some_and(|asked| asked.starts_with("GET /c "))
    );
}

#[tokio::test]
async fn a_308_sends_the_body_again() {
    let mut server = Server::start(vec![vec![
        answer("308 Permanent Redirect", "Location: /b\r\n", ""),
        answer("200 OK", "", ""),
    ]])
    .await;
    put(server.url("/a")).body("body").await.expect("an answer");
    let (first, second) = (server.asked().await, server.asked().await);
    assert!(first.is_some_and(|first| first.ends_with("\r\n\r\nbody")));
    let second = second.expect("a request");
    assert!(
        second.starts_with("PUT /b ") && second.ends_with("\r\n\r\nbody"),
        "{second}"
    );
}

#[tokio::test]
async fn a_stream_is_not_sent_again() {
    let mut server = Server::once(answer("307 Temporary Redirect", "Location: /b\r\n", "")).await;
    let request = put(server.url("/a")).body(Body::reader(&b"body"[..]));
    let error = request.await.expect_err("a stream");
    assert!(error.is_redirect(), "{error}");
    assert_eq!(error.status(), 502, "the status for our own client");
    assert!(
        error.to_string().contains("a stream that can be sent once"),
        "{error}"
    );
    assert!(
        server
            .asked()
            .await
            .is_some_and(|asked| asked.ends_with("\r\n\r\nbody"))
    );
}

#[tokio::test]
async fn credentials_go_to_their_origin_alone() {
    let mut other = Server::once(answer("200 OK", "", "")).await;
    let location = format!("Location: {}\r\n", other.url("/there"));
    let mut first = Server::start(vec![vec![
        answer("302 Found", "Location: /here\r\n", ""),
        answer("302 Found", &location, ""),
    ]])
    .await;
    let url = first.url("/").replace("//", "//user:secret@");
    let request = get(url)
        .header("Cookie", "a=b")
        .header("Proxy-Authorization", "Basic eDp5")
        .header("X-Else", "1");
    request.await.expect("an answer");
    for _ in 0..2 {
        let asked = first.asked().await.expect("a request");
        for name in [
            "\r\nAuthorization: ",
            "\r\nCookie: ",
            "\r\nProxy-Authorization: ",
        ] {
            assert!(asked.contains(name), "{name:?} in {asked}");
        }
    }
    let asked = other.asked().await.expect("a request");
    for name in ["Authorization: ", "Cookie: ", "secret", "Referer"] {
        assert!(!asked.contains(name), "{name:?} in {asked}");
    }
    assert!(asked.contains("\r\nX-Else: 1\r\n"), "{asked}");
}

#[tokio::test]
async fn a_loop_ends_in_an_error_with_its_chain() {
    let hops = (0..20).map(|hop| {
        let location = if hop % 2 == 0 {
            "Location: /b\r\n"
        } else {
            "Location: /a\r\n"
        };
        answer("302 Found", location, "")
    });
    let mut server = Server::start(vec![hops.collect()]).await;
    // An agent of its own: dropping it closes its idle connection, and the server notices.
    let error = Agent::default()
        .get(server.url("/a"))
        .await
        .expect_err("a loop");
    assert!(error.is_redirect() && !error.is_timeout(), "{error}");
    assert!(error.to_string().contains("loop"), "{error}");
    assert!(error.to_string().contains(&server.url("/b")), "{error}");
    for _ in 0..11 {
        assert!(server.asked().await.is_some(), "the first, and ten more");
    }
    assert!(server.asked().await.is_none());
}

#[tokio::test]
async fn a_redirect_can_be_an_answer() {
    let server = Server::once(answer("302 Found", "Location: /b\r\n", "moved")).await;
    let answer = get(server.url("/a"))
        .redirects(Redirects::none())
        .await
        .expect("an answer");
    assert_eq!(
        (answer.status().as_u16(), answer.header("location")),
        (302, Some("/b"))
    );
    assert!(answer.history().is_empty());
    assert_eq!(answer.text().await.expect("a body"), "moved");
}

#[tokio::test]
async fn cookies_are_kept_and_sent() {
    let mut server = Server::start(vec![vec![
        answer(
            "302 Found",
            "Location: /b\r\nSet-Cookie: id=7\r\nSet-Cookie: at=b; Path=/b\r\n",
            "",
        ),
        answer("200 OK", "Set-Cookie: id=; Max-Age=0\r\n", ""),
        answer("200 OK", "", ""),
        answer("200 OK", "", ""),
    ]])
    .await;
    let (agent, jar) = (Agent::default(), CookieJar::new());
    let fetch = |path| agent.get(server.url(path)).cookies(&jar);
    for request in [
        fetch("/a"),
        fetch("/b"),
        fetch("/b").header("Cookie", "own=1"),
    ] {
        request
            .await
            .expect("an answer")
            .bytes()
            .await
            .expect("no body");
    }
    let mut sent = Vec::new();
    for _ in 0..4 {
        let asked = server.asked().await.expect("a request");
        let cookie = asked.lines().find_map(|line| line.strip_prefix("Cookie: "));
        sent.push(cookie.unwrap_or_default().to_owned());
    }
    assert_eq!(sent, ["", "at=b; id=7", "at=b", "own=1"]);
    assert_eq!(jar.len(), 1);
}

/// A Host that the user sets names a site of the first server, not of the second.
#[tokio::test]
async fn a_host_that_was_set_does_not_go_elsewhere() {
    let mut second = Server::once(answer("200 OK", "", "")).await;
    let away = format!("Location: {}\r\n", second.url("/b"));
    let mut first = Server::start(vec![vec![
        answer("302 Found", "Location: /a\r\n", ""),
        answer("302 Found", &away, ""),
    ]])
    .await;
    let request = Agent::default()
        .get(first.url("/"))
        .header("Host", "site.test");
    request.await.expect("an answer");
    for _ in 0..2 {
        let asked = first.asked().await.expect("a request");
        assert!(asked.contains("Host: site.test\r\n"), "{asked}");
    }
    let asked = second.asked().await.expect("a request");
    assert!(
        asked.contains(&format!("Host: {}\r\n", second.address)),
        "{asked}"
    );
    assert!(!asked.contains("site.test"), "{asked}");
}

/// In memory, where the clock can jump: each connection reads a head, pauses, sends its part and stays open.
fn in_memory<const N: usize>(script: [(u64, &'static str); N]) -> Agent {
    let script = std::sync::Mutex::new(script.into_iter());
    let mut options = crate::client::AgentOptions::default();
    options.connector(move |_: crate::client::Destination| {
        let (here, there) = tokio::io::duplex(64 * 1024);
        let part = script.lock().unwrap().next();
        tokio::spawn(async move {
            let (mut there, Some((pause, says))) = (there, part) else {
                return;
            };
            let mut heard = Vec::new();
            while !heard.ends_with(b"\r\n\r\n") {
                there.read_buf(&mut heard).await.expect("a request");
            }
            tokio::time::sleep(Duration::from_millis(pause)).await;
            there.write_all(says.as_bytes()).await.expect("room");
            std::future::pending::<()>().await;
        });
        async move { Ok::<_, std::io::Error>(here) }
    });
    Agent::new(options)
}

const CUT: &str = "HTTP/1.1 302 Found\r\nContent-Length: 9\r\nLocation: /b\r\n\r\nab";
const WHOLE: &str =
    "HTTP/1.1 302 Found\r\nContent-Length: 0\r\nConnection: close\r\nLocation: /b\r\n\r\n";

#[tokio::test(start_paused = true)]
async fn the_body_of_a_redirect_is_not_waited_for() {
    let agent = in_memory([(0, CUT), (0, "HTTP/1.1 204 No Content\r\n\r\n")]);
    let began = tokio::time::Instant::now();
    let answer = agent.get("http://test/").await.expect("an answer");
    assert_eq!(answer.status().as_u16(), 204);
    assert!(
        began.elapsed() < Duration::from_millis(500),
        "{:?}",
        began.elapsed()
    );
}

/// The error names the whole time, not that of the last request.
#[tokio::test(start_paused = true)]
async fn the_deadline_covers_all_redirects() {
    let agent = in_memory([(600, WHOLE), (600, WHOLE)]);
    let began = tokio::time::Instant::now();
    let request = agent.get("http://test/").deadline(Duration::from_secs(1));
    let error = request.await.expect_err("too late");
    assert_eq!(began.elapsed(), Duration::from_secs(1));
    assert!(error.is_timeout(), "{error}");
    assert!(error.to_string().contains("longer than 1s"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_maximal_deadline_is_none() {
    let agent = in_memory([(600, "HTTP/1.1 204 No Content\r\n\r\n")]);
    let request = agent.get("http://test/").deadline(Duration::MAX);
    assert_eq!(request.await.expect("an answer").status().as_u16(), 204);
}

//! Requests that are sent more than once: by `try_clone`, and by `retry` on a clock that jumps.

use super::*;
use crate::client::{AgentOptions, Destination};
use crate::{Agent, Error};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::Instant;

/// What one connection does.
#[derive(Clone)]
enum Does {
    Refuse,
    /// Reads the head, and closes.
    Close,
    /// Reads head and body of this many bytes, and answers.
    Say(&'static str, usize),
    /// Reads the head, and is silent.
    Hang,
}

type Log = Arc<Mutex<Vec<(u64, String)>>>;

/// An agent whose connections follow a script, and the requests with the times at which they came, in milliseconds.
fn agent(script: Vec<Does>) -> (Agent, Log) {
    let (log, script) = (Log::default(), Mutex::new(script.into_iter()));
    let began = Instant::now();
    let seen = Arc::clone(&log);
    let mut options = AgentOptions {
        keep_alive: false,
        ..AgentOptions::default()
    };
    options.connector(move |_: Destination| {
        let does = script
            .lock()
            .unwrap()
            .next()
            .expect("one attempt more than expected");
        let at = began.elapsed().as_millis() as u64;
        let (here, mut there) = tokio::io::duplex(64 * 1024);
        let seen = Arc::clone(&seen);
        let refuse = matches!(does, Does::Refuse);
        if refuse {
            seen.lock().unwrap().push((at, String::new()));
        }
        tokio::spawn(async move {
            let mut heard = Vec::new();
            let length = match does {
                Does::Say(_, length) => length,
                _ => 0,
            };
            let is_whole = |heard: &[u8]| {
                let head = heard.windows(4).position(|four| four == b"\r\n\r\n");
                head.is_some_and(|head| heard.len() >= head + 4 + length)
            };
            while !refuse && !is_whole(&heard) {
                if there.read_buf(&mut heard).await.unwrap_or(0) == 0 {
                    break;
                }
            }
            let text = String::from_utf8_lossy(&heard).into_owned();
            if !refuse {
                seen.lock().unwrap().push((at, text));
            }
            match does {
                Does::Say(text, _) => there.write_all(text.as_bytes()).await.expect("room"),
                Does::Hang => std::future::pending().await,
                Does::Refuse | Does::Close => {}
            }
        });
        async move {
            if refuse {
                return Err(std::io::ErrorKind::ConnectionRefused.into());
            }
            Ok(here)
        }
    });
    (Agent::new(options), log)
}

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
const BUSY: &str = "HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nbusy";
const LATER: &str = "HTTP/1.1 503 Busy\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n";
const MUCH_LATER: &str = "HTTP/1.1 429 Slow\r\nRetry-After: 61\r\nContent-Length: 0\r\n\r\n";
const MOVED: &str = "HTTP/1.1 302 Found\r\nLocation: /next\r\nContent-Length: 0\r\n\r\n";

fn times(log: &Log) -> Vec<u64> {
    log.lock().unwrap().iter().map(|(at, _)| *at).collect()
}

async fn status(request: RequestBuilder) -> Result<u16, Error> {
    Ok(request.await?.status().as_u16())
}

#[tokio::test(start_paused = true)]
async fn a_request_that_fails_is_sent_again_after_growing_pauses() {
    let script = vec![
        Does::Refuse,
        Does::Close,
        Does::Say(BUSY, 0),
        Does::Say(OK, 0),
    ];
    let (agent, log) = agent(script);
    let request = agent.get("http://test/").retry(3);
    assert_eq!(status(request).await.expect("an answer"), 200);
    let times = times(&log);
    assert_eq!(times.len(), 4);
    for (n, pair) in times.windows(2).enumerate() {
        let (pause, full) = (pair[1] - pair[0], 500 << n);
        assert!((full / 2..=full + 1).contains(&pause), "{n}: {pause}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_last_outcome_counts() {
    let (one, _) = agent(vec![Does::Refuse, Does::Refuse, Does::Refuse]);
    let error = status(one.get("http://test/").retry(2))
        .await
        .expect_err("refused");
    assert!(error.is_connect(), "{error}");
    let (one, _) = agent(vec![Does::Refuse, Does::Say(BUSY, 0)]);
    let answer = one.get("http://test/").retry(1).await.expect("an answer");
    assert_eq!(answer.status().as_u16(), 503);
    assert_eq!(answer.text().await.expect("a body"), "busy");
    let (one, _) = agent(vec![Does::Say(BUSY, 0)]);
    assert_eq!(
        status(one.get("http://test/")).await.expect("an answer"),
        503
    );
}

#[tokio::test(start_paused = true)]
async fn retry_after_is_followed_up_to_a_minute() {
    let (one, log) = agent(vec![Does::Say(LATER, 0), Does::Say(OK, 0)]);
    assert_eq!(
        status(one.get("http://test/").retry(1))
            .await
            .expect("an answer"),
        200
    );
    assert_eq!(times(&log), [0, 7000]);
    let (one, log) = agent(vec![Does::Say(MUCH_LATER, 0)]);
    assert_eq!(
        status(one.get("http://test/").retry(9))
            .await
            .expect("an answer"),
        429
    );
    assert_eq!(times(&log), [0]);
    // Not past the deadline: there is an answer now.
    let (one, _) = agent(vec![Does::Say(LATER, 0)]);
    let request = one
        .get("http://test/")
        .retry(9)
        .deadline(Duration::from_secs(5));
    assert_eq!(status(request).await.expect("an answer"), 503);
}

#[tokio::test(start_paused = true)]
async fn a_post_is_sent_again_only_where_that_is_safe() {
    // Nothing of it was sent; and the server asks for it.
    let (one, log) = agent(vec![Does::Refuse, Does::Say(LATER, 2), Does::Say(OK, 2)]);
    let request = one.post("http://test/").body("hi").retry(2);
    assert_eq!(status(request).await.expect("an answer"), 200);
    let sent = log.lock().unwrap().clone();
    assert!(
        sent[1].1.ends_with("\r\n\r\nhi") && sent[1].1 == sent[2].1,
        "{sent:?}"
    );
    let (one, _) = agent(vec![Does::Close]);
    let request = one.post("http://test/").body("hi").retry(2);
    let error = status(request).await.expect_err("it may have been done");
    assert!(!error.is_retry_safe(), "{error}");
    let (one, _) = agent(vec![Does::Say(BUSY, 2)]);
    let request = one.post("http://test/").body("hi").retry(2);
    assert_eq!(status(request).await.expect("an answer"), 503);
    // A stream is read once.
    let (one, _) = agent(vec![Does::Say(LATER, 2)]);
    let body = Body::reader_of(2, &b"hi"[..]);
    let request = one.put("http://test/").body(body).retry(2);
    assert_eq!(status(request).await.expect("an answer"), 503);
}

#[tokio::test(start_paused = true)]
async fn redirects_share_the_retries() {
    let script = vec![
        Does::Refuse,
        Does::Say(MOVED, 0),
        Does::Refuse,
        Does::Refuse,
    ];
    let (agent, log) = agent(script);
    let error = status(agent.get("http://test/").retry(2))
        .await
        .expect_err("refused");
    assert!(error.is_connect(), "{error}");
    assert_eq!(times(&log).len(), 4);
}

/// The same settings fail in the same way.
#[tokio::test]
async fn what_cannot_pass_is_tried_once() {
    let began = std::time::Instant::now();
    let error = get("ftp://a/").retry(5).await.expect_err("no URL");
    assert!(error.is_url());
    let options = AgentOptions {
        proxies: crate::client::Proxies::from_vars(|name| {
            (name == "all_proxy").then(|| "socks4://p:1".into())
        }),
        ..AgentOptions::default()
    };
    let request = Agent::new(options).get("http://a/").retry(5);
    let error = request.await.expect_err("no proxy");
    assert!(error.to_string().contains("all_proxy"), "{error}");
    assert!(began.elapsed() < Duration::from_millis(200));
}

#[tokio::test(start_paused = true)]
async fn a_read_timeout_bounds_each_pause_of_the_server() {
    let (one, _) = agent(vec![Does::Hang]);
    let began = Instant::now();
    let request = one.get("http://test/").read_timeout(Duration::from_secs(3));
    let error = status(request).await.expect_err("silence");
    assert!(error.is_timeout(), "{error}");
    assert_eq!(began.elapsed(), Duration::from_secs(3));
    let cut = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab";
    // Open after its part, as the handle of the other end is kept by the sleep.
    let mut server = Server::start(vec![vec![say(cut), Act::Hang]]).await;
    tokio::time::resume();
    let request = get(server.url("/")).read_timeout(Duration::from_millis(100));
    let answer = request.await.expect("a head");
    let error = answer.bytes().await.expect_err("silence");
    assert!(error.is_timeout(), "{error}");
    assert!(server.asked().await.is_some());
}

#[tokio::test]
async fn a_request_can_be_sent_twice() {
    let mut server = Server::start(vec![vec![answer("200 OK", "", ""); 2]]).await;
    let request = post(server.url("/a")).header("X-Tag", "1").body("hi");
    let again = request.try_clone().expect("bytes");
    for request in [request, again] {
        request
            .await
            .expect("an answer")
            .bytes()
            .await
            .expect("no body");
    }
    let first = server.asked().await.expect("a request");
    assert!(
        first.contains("X-Tag: 1") && first.ends_with("\r\n\r\nhi"),
        "{first}"
    );
    assert_eq!(server.asked().await.expect("a request"), first);
    assert!(get("http://a/").try_clone().is_some());
    assert!(
        put("http://a/")
            .body(Body::file("/nowhere"))
            .try_clone()
            .is_some()
    );
    assert!(
        put("http://a/")
            .body(Body::reader(&b""[..]))
            .try_clone()
            .is_none()
    );
    let error = get("no URL").try_clone().expect("the same error");
    assert!(error.await.expect_err("no URL").is_url());
}

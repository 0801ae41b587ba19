//! The table of redirects in docs/client.md, on real sockets: each status by each method, without a body, with bytes, with a stream.

use super::*;
use crate::Agent;
use crate::client::AgentOptions;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Content {
    None,
    Empty,
    Bytes,
    Stream,
    Sized,
}

const STATUSES: [u16; 11] = [300, 301, 302, 303, 304, 305, 306, 307, 308, 310, 399];
const METHODS: [&str; 9] = [
    "GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "QUERY", "PROPFIND",
];
const CONTENTS: [Content; 5] = [
    Content::None,
    Content::Empty,
    Content::Bytes,
    Content::Stream,
    Content::Sized,
];

/// The second request of the table: its method, and whether it has the body. `None`: there is none.
fn expected(status: u16, method: &str) -> Option<(&str, bool)> {
    match status {
        301 | 302 if method == "POST" => Some(("GET", false)),
        301 | 302 | 307 | 308 => Some((method, true)),
        303 if method == "HEAD" => Some(("HEAD", false)),
        303 => Some(("GET", false)),
        _ => None,
    }
}

fn body(content: Content) -> Option<Body> {
    let text = &b"content"[..];
    match content {
        Content::None => None,
        Content::Empty => Some(Body::from("")),
        Content::Bytes => Some(Body::from("content")),
        Content::Stream => Some(Body::reader(text)),
        Content::Sized => Some(Body::reader_of(7, text)),
    }
}

#[tokio::test]
async fn the_table() {
    let agent = Agent::new(AgentOptions {
        proxies: crate::client::Proxies::none(),
        ..AgentOptions::default()
    });
    for status in STATUSES {
        for method in METHODS {
            for content in CONTENTS {
                check(&agent, status, method, content).await;
            }
        }
    }
}

async fn check(agent: &Agent, status: u16, method: &str, content: Content) {
    let case = format!("{status} to {method} with {content:?}");
    // Connections are closed, so that the first request of the next case opens its own.
    let moved = format!(
        "HTTP/1.1 {status} Moved\r\nContent-Length: 0\r\nConnection: close\r\nLocation: /next#g\r\n\r\n"
    );
    let end = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
    let mut server = Server::start(vec![vec![say(moved)], vec![say(end)]]).await;
    let mut request = agent
        .fetch(method.parse().expect("a method"), server.url("/first#f"))
        .header("X-Kept", "1")
        .header("Content-Language", "en");
    if let Some(body) = body(content) {
        request = request.body(body);
    }
    let result = request.await;
    let first = server.asked().await.expect("the first request");
    assert!(
        first.starts_with(&format!("{method} /first HTTP/1.1\r\n")),
        "{case}: {first}"
    );
    let Some((then, keeps)) = expected(status, method) else {
        assert_eq!(
            result.expect("an answer").status().as_u16(),
            status,
            "{case}"
        );
        return;
    };
    let streamed = matches!(content, Content::Stream | Content::Sized);
    if keeps && streamed {
        let error = result.expect_err(&case);
        assert!(
            error.is_redirect() && error.to_string().contains("a stream"),
            "{case}: {error}"
        );
        return;
    }
    let answer = result.unwrap_or_else(|error| panic!("{case}: {error}"));
    assert_eq!(
        (answer.status().as_u16(), answer.url().fragment()),
        (200, Some("g")),
        "{case}"
    );
    let second = server.asked().await.expect("the second request");
    let (head, sent) = second.split_once("\r\n\r\n").expect("a head");
    assert!(
        head.starts_with(&format!("{then} /next HTTP/1.1\r\n")),
        "{case}: {second}"
    );
    let wanted = if keeps && content == Content::Bytes {
        "content"
    } else {
        ""
    };
    assert_eq!(sent, wanted, "{case}");
    assert!(head.contains("X-Kept: 1"), "{case}");
    assert_eq!(head.contains("Content-Language"), keeps, "{case}: {second}");
    assert!(!head.contains("Transfer-Encoding"), "{case}: {second}");
    if !keeps {
        assert!(!head.contains("Content-"), "{case}: {second}");
    }
}

/// The upload is sent once, and the response says what the server wants.
#[tokio::test]
async fn an_empty_location_is_asked_once() {
    for location in [
        "Location:\r\n",
        "Location: \r\n",
        "Location: #again\r\n",
        "",
    ] {
        for status in ["301 Moved", "303 See Other", "307 Again"] {
            let reply = answer(status, location, "why");
            let mut server = Server::start(vec![vec![reply.clone(), reply]]).await;
            let answer = post(server.url("/up"))
                .body("an upload")
                .await
                .expect("an answer");
            assert!(answer.status().is_redirection(), "{status} {location:?}");
            assert!(answer.history().is_empty());
            assert_eq!(answer.text().await.expect("a body"), "why");
            assert!(server.asked().await.is_some());
            assert!(server.is_quiet(), "{status} {location:?}");
        }
    }
}

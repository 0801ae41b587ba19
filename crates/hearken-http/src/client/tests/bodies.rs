//! The bodies of responses, collected.

use super::harness::net;
use crate::Response;

/// A response with this body.
async fn response(body: &str) -> Response {
    let mut net = net();
    let answer = format!(
        "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let asked = tokio::spawn(net.get("/").end(""));
    let mut peer = net.accept().await;
    peer.hear().await;
    peer.say(&answer).await;
    asked.await.unwrap().unwrap()
}

/// A handler that returns such an error with `?` must not blame its own client.
#[tokio::test(start_paused = true)]
async fn an_unexpected_body_is_a_502() {
    let errors = [
        response("{").await.json::<u32>().await.unwrap_err(),
        response("{").await.form::<u32>().await.unwrap_err(),
        response("12345").await.bytes_up_to(4).await.unwrap_err(),
    ];
    for error in &errors {
        assert_eq!(error.status(), 502, "{error}");
        assert_eq!(error.public_text(), "Bad Gateway");
    }
    assert!(errors[2].is_too_large());
    assert_eq!(response("1234").await.bytes_up_to(4).await.unwrap(), "1234");
}

//! The bounds of a client on heads, trailers and interim responses: larger than those of a server, and set per agent and
//! request.

use super::harness::{Net, net, net_with};
use crate::Response;
use crate::client::ClientRequest;
use crate::error::Error;

/// The response with this text to a request.
async fn answered(net: &mut Net, request: ClientRequest, text: &str) -> Result<Response, Error> {
    let asked = tokio::spawn(request.end(""));
    let mut peer = net.accept().await;
    peer.hear().await;
    peer.say(text).await;
    asked.await.unwrap()
}

fn with_fields(count: usize, value: &str) -> String {
    let fields: String = (0..count).map(|n| format!("X-{n}: {value}\r\n")).collect();
    format!("HTTP/1.1 200 OK\r\n{fields}Content-Length: 0\r\n\r\n")
}

#[tokio::test(start_paused = true)]
async fn a_large_head_is_received() {
    for (count, value) in [(150, "a"), (1_999, "a"), (100, &"a".repeat(2_000))] {
        let (mut net, text) = (net(), with_fields(count, value));
        let request = net.get("/");
        let response = answered(&mut net, request, &text).await.unwrap();
        assert_eq!(response.raw_headers().len(), count + 1);
        assert_eq!(response.headers().len(), count + 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_head_beyond_the_limits_is_an_error_that_names_them() {
    let large = "a".repeat(2_048);
    for (count, value, code, max) in [
        (2_000, "a", "LIMIT_FIELDS", "2000"),
        (128, &*large, "LIMIT_HEAD_BYTES", "262144"),
    ] {
        let (mut net, text) = (net(), with_fields(count, value));
        let request = net.get("/");
        let error = answered(&mut net, request, &text).await.unwrap_err();
        let text = error.to_string();
        assert!(text.contains(code) && text.contains(max), "{text}");
        assert!(text.contains("raise it by `limits`"), "{text}");
        assert_eq!(error.protocol().unwrap().code(), code);
    }
}

#[tokio::test(start_paused = true)]
async fn limits_of_an_agent_and_of_a_request() {
    let mut net = net_with(|options| options.limits.head.fields_max = 10);
    let request = net.get("/");
    let error = answered(&mut net, request, &with_fields(10, "a")).await;
    assert_eq!(
        error.unwrap_err().protocol().unwrap().code(),
        "LIMIT_FIELDS"
    );
    let request = net.get("/").limits(|limits| limits.head.fields_max = 11);
    answered(&mut net, request, &with_fields(10, "a"))
        .await
        .unwrap();
    let request = net.get("/").limits(|limits| {
        limits.head.fields_max = u32::MAX;
        limits.head.bytes_max = u32::MAX;
    });
    let response = answered(&mut net, request, &with_fields(30_000, "a"))
        .await
        .unwrap();
    assert_eq!(response.raw_headers().len(), 30_001);
    assert!(
        response.headers().len() > 10_000,
        "a map has a bound of its own"
    );
}

#[tokio::test(start_paused = true)]
async fn as_many_interim_responses_as_a_server_may_send() {
    let early = |count| "HTTP/1.1 102 Processing\r\n\r\n".repeat(count);
    let end = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    for count in [64, 128] {
        let mut net = net();
        let request = net.get("/");
        answered(&mut net, request, &(early(count) + end))
            .await
            .unwrap();
    }
    let mut net = net();
    let request = net.get("/");
    let error = answered(&mut net, request, &(early(129) + end))
        .await
        .unwrap_err();
    let text = error.to_string();
    assert!(
        text.contains("interim responses of 128") && text.contains("LIMIT_INTERIMS"),
        "{text}"
    );
    assert!(!error.is_closed() && !error.is_retry_safe(), "{text}");
    let request = net.get("/").limits(|limits| limits.head.interims_max = 1);
    let error = answered(&mut net, request, &(early(2) + end))
        .await
        .unwrap_err();
    assert_eq!(error.protocol().unwrap().code(), "LIMIT_INTERIMS");
    let request = net
        .get("/")
        .limits(|limits| limits.head.interims_max = 1_000);
    answered(&mut net, request, &(early(1_000) + end))
        .await
        .unwrap();
}

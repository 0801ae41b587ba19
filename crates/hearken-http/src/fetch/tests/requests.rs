//! Requests as they are sent.

use super::*;
use crate::Agent;
use serde::Serialize;

/// The request as the server sees it, without Host.
async fn asked(build: impl FnOnce(&str) -> RequestBuilder) -> String {
    let mut server = Server::once(answer("204 No Content", "", "")).await;
    let request = build(&server.url("/p"));
    request.await.expect("an answer");
    let asked = server.asked().await.expect("a request");
    asked.replace(&format!("Host: {}\r\n", server.address), "")
}

#[tokio::test]
async fn methods() {
    for (request, line) in [
        (get as fn(String) -> RequestBuilder, "GET /p HTTP/1.1"),
        (head, "HEAD /p HTTP/1.1"),
        (delete, "DELETE /p HTTP/1.1"),
        (post, "POST /p HTTP/1.1"),
        (put, "PUT /p HTTP/1.1"),
        (patch, "PATCH /p HTTP/1.1"),
    ] {
        let asked = asked(|url| request(url.to_owned())).await;
        assert!(asked.starts_with(line), "{asked}");
    }
    let asked = asked(|url| fetch(Method::OPTIONS, url)).await;
    assert!(asked.starts_with("OPTIONS /p "), "{asked}");
}

#[tokio::test]
async fn a_plain_get_sends_no_needless_fields() {
    let asked = asked(|url| get(url).decompress(false)).await;
    assert_eq!(asked, "GET /p HTTP/1.1\r\n\r\n");
}

#[cfg(feature = "compression")]
#[tokio::test]
async fn codings_are_requested_unless_the_user_does() {
    let plain = asked(|url| get(url)).await;
    assert!(plain.contains("\r\nAccept-Encoding: gzip, br"), "{plain}");
    let by_hand = asked(|url| get(url).header("accept-encoding", "br")).await;
    assert!(by_hand.contains("accept-encoding: br\r\n"), "{by_hand}");
    assert!(!by_hand.contains("gzip"), "{by_hand}");
    let part = asked(|url| get(url).header("Range", "bytes=0-1")).await;
    assert!(!part.contains("Accept-Encoding"), "{part}");
}

#[tokio::test]
async fn fields() {
    let asked = asked(|url| {
        get(url)
            .header("X-A", "1")
            .header("x-a", "2")
            .headers([("X-B", "3"), ("X-B", "4")])
            .header("Host", "other")
            .decompress(false)
    });
    let expected = "GET /p HTTP/1.1\r\nx-a: 2\r\nX-B: 3\r\nX-B: 4\r\nHost: other\r\n\r\n";
    assert_eq!(asked.await, expected);
}

#[tokio::test]
async fn credentials() {
    let basic = "\r\nAuthorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n";
    let by_call = asked(|url| get(url).basic_auth("Aladdin", "open sesame")).await;
    assert!(by_call.contains(basic), "{by_call}");
    let by_url = asked(|url| get(url.replace("//", "//Aladdin:open%20sesame@"))).await;
    assert!(by_url.contains(basic), "{by_url}");
    let token = asked(|url| get(url).bearer_auth("t0ken")).await;
    assert!(
        token.contains("\r\nAuthorization: Bearer t0ken\r\n"),
        "{token}"
    );
    let both = asked(|url| get(url.replace("//", "//a:b@")).bearer_auth("t0ken")).await;
    assert_eq!(both.matches("Authorization").count(), 1, "{both}");
    assert!(both.contains("Bearer"), "{both}");
}

#[derive(Serialize)]
struct Search<'a> {
    q: &'a str,
    page: Option<u32>,
    tag: Vec<&'a str>,
    exact: bool,
}

#[tokio::test]
async fn queries_and_forms() {
    let search = Search {
        q: "a b&c",
        page: None,
        tag: vec!["x", "y"],
        exact: true,
    };
    let text = "q=a+b%26c&tag=x&tag=y&exact=true";
    let query = asked(|url| get(url).query(&search)).await;
    assert!(query.starts_with(&format!("GET /p?{text} ")), "{query}");
    let added = asked(|url| {
        get(format!("{url}?a=1#f"))
            .query(&[("b", 2)])
            .query(&[("c", "")])
    })
    .await;
    assert!(added.starts_with("GET /p?a=1&b=2&c= "), "{added}");
    let none = asked(|url| get(url).query(&[("", "")][..0].to_vec())).await;
    assert!(none.starts_with("GET /p HTTP"), "{none}");
    let form = asked(|url| post(url).form(&search)).await;
    assert!(
        form.contains("\r\nContent-Type: application/x-www-form-urlencoded\r\n"),
        "{form}"
    );
    assert!(form.ends_with(&format!("\r\n\r\n{text}")), "{form}");
}

#[tokio::test]
async fn json_and_its_type() {
    let json = asked(|url| post(url).json(&serde_json::json!({ "a": [1, null] }))).await;
    assert!(
        json.contains("\r\nContent-Type: application/json\r\n"),
        "{json}"
    );
    assert!(json.ends_with("\r\n\r\n{\"a\":[1,null]}"), "{json}");
    let own = asked(|url| {
        post(url)
            .header("content-type", "application/ld+json")
            .json(&1)
    })
    .await;
    assert!(
        own.contains("\r\ncontent-type: application/ld+json\r\n"),
        "{own}"
    );
    assert!(!own.contains("application/json"), "{own}");
}

#[tokio::test]
async fn errors_of_the_builder_are_returned_on_send() {
    for (request, says) in [
        (get("example.com"), "expected a URL"),
        (
            get("http://127.0.0.1:9/")
                .header("a b", "c")
                .header("ok", "1"),
            "name",
        ),
        (get("http://127.0.0.1:9/").header("a", "b\r\nc: d"), "value"),
        (get("http://127.0.0.1:9/").query("text"), "query"),
        (get("http://127.0.0.1:9/").query(&[("a", [[1]])]), "query"),
    ] {
        let shown = format!("{request:?}");
        let error = request.await.expect_err("a mistake");
        assert_eq!(error.phase(), None, "{error}");
        assert!(error.to_string().contains(says), "{error}");
        assert_eq!(shown, error.to_string(), "it is known before");
    }
    let error = get("ftp://a/").await.expect_err("no URL of ours");
    assert!(error.is_url() && !error.is_redirect() && !error.is_decode());
}

#[tokio::test]
async fn one_agent_one_connection() {
    let server = Server::start(vec![vec![
        answer("200 OK", "", "a"),
        answer("200 OK", "", "b"),
    ]])
    .await;
    let agent = Agent::default();
    let first = agent.get(server.url("/")).await.expect("an answer");
    assert!(!first.response().connection().reused());
    assert_eq!(first.text().await.expect("a body"), "a");
    let second = get(server.url("/")).agent(&agent).await.expect("an answer");
    assert!(second.response().connection().reused());
    assert_eq!(second.text().await.expect("a body"), "b");
}

#[test]
fn what_debug_shows_keeps_secrets() {
    let request = get("http://user:secret@a/b");
    assert_eq!(format!("{request:?}"), "GET http://a/b");
}

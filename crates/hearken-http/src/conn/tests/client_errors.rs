//! What follows a fault of the client: the text of the response, `ClientError`, and messages that were in progress.

use super::faults::SMUGGLED;
use super::harness::{CHUNKED, Gate, Guard, Log, get, post_head, refusal, serve};
use crate::conn::Ending;
use crate::event;

#[test]
fn the_error_response_names_the_rule_and_echoes_no_input() {
    let mut link = serve(async |_req, res| res.end("")).connect();
    link.send("GET / HTTP/1.1\r\nHost : <script>\r\n\r\n");
    let text = "expected a colon right after the field name, white space came (H1_SPACE_BEFORE_COLON, RFC 9112 §5.1) \
                at byte 20\n";
    assert_eq!(link.heard(), refusal("400 Bad Request", text));
}

#[test]
fn a_client_error_listener_gets_the_bytes_and_can_answer() {
    let log = Log::default();
    let seen = log.clone();
    let server = serve(async |_req, res| res.end("x"))
        .on(event::ClientError, move |failure| {
            let code = failure.error().protocol().map(hearken_proto::Error::code);
            seen.add(format!(
                "{code:?} {}",
                String::from_utf8_lossy(failure.raw())
            ));
            if failure.raw().starts_with(b"silent") {
                failure.answer("");
            } else if failure.raw().starts_with(b"mine") {
                failure.answer("lost");
                failure.answer("MINE 1.0 no\r\n");
            }
        })
        .open();
    let mut link = server.connect();
    link.send(get("/")).send("mine\n");
    assert_eq!(log.take(), [r#"Some("H1_BARE_LF") mine"#.to_owned() + "\n"]);
    assert!(link.heard().ends_with("\r\n\r\nxMINE 1.0 no\r\n"));
    assert_eq!(link.ended(), Some(Ending::Linger));
    let mut link = server.connect();
    link.send("silent\n");
    assert_eq!(
        (link.heard().as_str(), link.ended()),
        ("", Some(Ending::Linger))
    );
    let mut link = server.connect();
    link.send("other\n");
    assert!(link.heard().starts_with("HTTP/1.1 400 Bad Request\r\n"));
}

#[test]
fn a_fault_after_pipelined_requests_is_answered_after_them() {
    let mut link = serve(async |req, res| res.end(req.url().to_owned())).connect();
    link.send(get("/1") + &get("/2") + "BAD\n" + SMUGGLED);
    let heard = link.heard();
    let order: Vec<_> = heard
        .match_indices("HTTP/1.1 ")
        .map(|(at, _)| &heard[at + 9..at + 12])
        .collect();
    assert_eq!(order, ["200", "200", "400"]);
}

#[test]
fn a_bad_chunk_cuts_a_response_in_progress() {
    let mut link = serve(async |mut req, res| {
        while let Some(piece) = req.data().await? {
            res.write(piece);
        }
        Ok(res.end(""))
    })
    .connect();
    link.send(CHUNKED.to_owned() + "3\r\nabc\r\n")
        .send("zzz\r\n".to_owned() + SMUGGLED);
    let heard = link.heard();
    assert!(
        heard.ends_with("\r\n\r\n3\r\nabc\r\n"),
        "no last chunk: {heard}"
    );
    assert_eq!(link.ended(), Some(Ending::Now));
}

#[test]
fn a_bad_chunk_after_the_response_closes() {
    let mut link = serve(async |_req, res| res.end("x")).connect();
    link.send(CHUNKED).send("zzz\r\n".to_owned() + SMUGGLED);
    assert_eq!(link.heard().matches("\r\nDate: now\r\n").count(), 1);
    assert_eq!(link.ended(), Some(Ending::Linger));
}

#[test]
fn a_handler_can_answer_a_broken_body_itself() {
    let mut link = serve(async |mut req, res| match req.bytes().await {
        Ok(body) => res.end(body),
        Err(error) => res
            .status(422)
            .end(format!("{}", error.protocol().is_some())),
    })
    .connect();
    link.send(CHUNKED).send("zzz\r\n");
    let heard = link.heard();
    assert!(heard.starts_with("HTTP/1.1 422 "), "{heard}");
    assert!(
        heard.contains("\r\nConnection: close\r\n") && heard.ends_with("\r\n\r\ntrue"),
        "{heard}"
    );
    assert_eq!(link.ended(), Some(Ending::Linger));
}

#[test]
fn a_handler_that_does_not_read_a_broken_body_is_dropped_with_a_400() {
    let log = Log::default();
    let seen = log.clone();
    let mut link = serve(async move |_req, res| {
        let _guard = Guard(seen.clone(), "dropped");
        Gate::default().wait().await;
        res.end("x")
    })
    .connect();
    link.send(CHUNKED).send("zzz\r\n");
    assert!(link.heard().starts_with("HTTP/1.1 400 "));
    assert_eq!(log.take(), ["dropped"]);
}

#[test]
fn a_large_declared_length_reserves_nothing() {
    let mut link = serve(async |mut req, res| Ok(res.end(req.bytes().await?))).connect();
    link.send(post_head(9_007_199_254_740_991));
    let heard = link.heard();
    assert!(heard.starts_with("HTTP/1.1 413 "), "{heard}");
    assert_eq!(link.ended(), Some(Ending::Linger));
}

//! Requests as they arrive at a handler, responses as a test reads them.

use super::*;
use hearken_proto::Fields;
use http::Method;
use serde_json::json;

fn seen(request: Request) -> String {
    echo().inject(request).unwrap().text().into_owned()
}

#[test]
fn a_request_arrives_as_it_was_written() {
    assert_eq!(
        seen(Request::get("/a?b=c")),
        "GET /a?b=c\nHost: localhost\n"
    );
    let request = Request::delete("/")
        .header("X-A", "1")
        .header("x-a", "2")
        .header("host", "b");
    assert_eq!(seen(request), "DELETE /\nX-A: 1\nx-a: 2\nhost: b\n");
    let options = Request::new(Method::OPTIONS, "*");
    assert_eq!(seen(options), "OPTIONS *\nHost: localhost\n");
}

#[test]
fn a_body_is_framed_by_its_length_or_in_chunks() {
    let text = "PUT /\nHost: localhost\nContent-Length: 4\nbody";
    assert_eq!(seen(Request::put("/").body("body")), text);
    let text =
        "POST /\nContent-Type: application/json\nHost: localhost\nContent-Length: 7\n{\"a\":1}";
    assert_eq!(seen(Request::post("/").json(&json!({"a": 1}))), text);
    let text = "POST /\nContent-Type: application/x-www-form-urlencoded\nHost: localhost\n\
                Content-Length: 7\na=b+%26";
    assert_eq!(seen(Request::post("/").form(&[("a", "b &")])), text);
    let text = "PATCH /\nHost: localhost\nTransfer-Encoding: chunked\nonetwo";
    assert_eq!(seen(Request::patch("/").chunks(["one", "", "two"])), text);
    let request = Request::post("/").body("x").trailer("X-Sum", "7");
    let text = "POST /\nHost: localhost\nTransfer-Encoding: chunked\ntrailer X-Sum: 7\nx";
    assert_eq!(seen(request), text);
}

#[test]
fn what_cannot_be_sent_is_an_error_with_the_reason() {
    for request in [
        Request::get("/").header("X A", "1"),
        Request::get("/").header("X-A", "1\r\n"),
        Request::get("/").header("Content-Length", "7").body("x"),
        Request::get("no path"),
    ] {
        let error = echo().inject(request.clone()).unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with(&format!("{request:?} cannot be sent: ")),
            "{error}"
        );
        assert!(!error.is_waiting() && !error.is_closed());
    }
}

#[test]
fn a_response_is_decoded() {
    let server = Server::new(async |_req, res| {
        res.write_early_hints(["</a.css>; rel=preload"])?;
        let mut trailers = Fields::new();
        trailers.append("X-Sum", "7")?;
        res.set_status(203);
        res.write("{\"a\":");
        res.write("1}");
        Ok(res.append("Set-Cookie", "a=1").append("Set-Cookie", "b=2"))
            .map(|res| res.end_with_trailers(&trailers))
    });
    let response = server.inject(Request::get("/")).unwrap();
    assert_eq!(response.status(), 203);
    assert!(response.is_complete());
    let interim: Vec<_> = response
        .interim()
        .iter()
        .map(hearken_proto::Head::status)
        .collect();
    assert_eq!(interim, [103]);
    assert_eq!(
        response.interim()[0].fields().get("link"),
        Some(&b"</a.css>; rel=preload"[..])
    );
    assert_eq!(response.header("TRANSFER-ENCODING"), Some("chunked"));
    assert_eq!(
        response.header("date"),
        Some("Thu, 01 Jan 1970 00:00:00 GMT")
    );
    assert_eq!(response.header("x-none"), None);
    assert_eq!(
        response.json::<serde_json::Value>().unwrap(),
        json!({"a": 1})
    );
    assert_eq!(response.bytes(), b"{\"a\":1}");
    assert_eq!(response.trailers().view().get("x-sum"), Some(&b"7"[..]));
}

#[test]
fn all_values_of_a_field_can_be_read() {
    let server = Server::new(async |_req, res: ServerResponse| {
        res.append("Set-Cookie", "a=1")
            .append("Set-Cookie", "b=2")
            .end("")
    });
    let headers = server.inject(Request::get("/")).unwrap().headers();
    let cookies: Vec<_> = headers.get_all("set-cookie").iter().collect();
    assert_eq!(cookies, ["a=1", "b=2"]);
}

#[test]
fn a_response_without_a_body_ends_with_its_head() {
    let test = TestServer::new(&echo());
    let mut connection = test.connect();
    let response = connection.inject(Request::head("/")).unwrap();
    assert_eq!(response.header("content-length"), Some("23"));
    assert_eq!(response.bytes(), b"");
    assert_eq!(
        connection.inject(Request::get("/")).unwrap().bytes().len(),
        22,
        "the next is found"
    );
}

#[test]
fn a_body_waits_for_100_continue() {
    let test = TestServer::new(&echo());
    let mut connection = test.connect();
    let request = || Request::post("/").body("body");
    for request in [
        request().expect_continue(),
        request().header("expect", "100-Continue"),
    ] {
        let response = connection.inject(request).unwrap();
        assert_eq!(response.interim()[0].status(), 100);
        assert!(response.text().ends_with("\nbody"));
    }
    assert!(
        connection.inject(Request::get("/")).is_ok(),
        "the connection goes on"
    );
}

#[test]
fn a_body_that_the_server_does_not_want_is_not_sent() {
    let server = Server::new(async |_req, res: ServerResponse| res.status(401).end("who are you"));
    let test = TestServer::new(&server);
    let mut connection = test.connect();
    let request = Request::post("/").body("body").expect_continue();
    assert!(
        connection
            .request(request)
            .unwrap()
            .request(Request::get("/"))
            .is_err()
    );
    let response = connection.response().unwrap();
    assert_eq!(response.status(), 401);
    assert!(response.interim().is_empty());
    let error = connection.inject(Request::get("/")).unwrap_err();
    assert!(
        error.to_string().starts_with("GET / was not sent: "),
        "{error}"
    );
}

#[test]
fn a_server_can_be_tested_again_and_listen() {
    let mut server = echo();
    assert!(server.inject(Request::get("/")).is_ok());
    server.on(crate::event::Connection, |_| {}); // needs that no worker is left
    assert!(server.inject(Request::get("/")).is_ok());
    assert!(server.listen("127.0.0.1:0").is_ok());
}

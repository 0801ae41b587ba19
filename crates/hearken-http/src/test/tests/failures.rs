//! `HandlerFailed`: each way to fail is reported once, with its request, whether or not the handler still holds it.

use super::*;
use crate::conn::tests::harness::Log;
use crate::{Failure, IncomingMessage, Sent, event};

/// Fails as its path says. It holds the request all the while.
async fn fail(req: IncomingMessage, res: ServerResponse) -> Result<Sent, Failure> {
    res.set_route("/:way");
    match req.path() {
        "/error" => return Err(Failure::new(503, "no database")),
        "/answer" => return Err(Failure::new(404, "no such note")),
        "/panic" => panic!("on purpose"),
        "/deferred" => drop(res.defer()),
        "/field" => return Ok(res.set("X-A", "a\nb").end("x")),
        "/status" => return Ok(res.status(42).end("x")),
        "/long" => return Ok(res.set("Content-Length", "1").end("too much")),
        "/short" => return Ok(res.set("Content-Length", "9").end("too little")),
        "/wait" => std::future::pending().await,
        "/full" => {
            while res.write(vec![b'x'; 1 << 20]) || !res.is_ended() {}
            return Ok(res.end(""));
        }
        _ => return Ok(res.end("fine")),
    }
    let rest = "the response went elsewhere";
    Err(Failure::new(500, rest))
}

fn server(log: &Log) -> Server {
    let seen = log.clone();
    let mut server = Server::new(fail);
    server.on(event::HandlerFailed, move |failure| {
        let request = failure.request().expect("a request");
        let closed = if failure.is_closed() { " (closed)" } else { "" };
        seen.add(format!(
            "{request}: {} {failure}{closed}",
            failure.status().as_u16()
        ));
    });
    server
}

#[test]
fn each_way_to_fail_is_reported_with_its_request() {
    let log = Log::default();
    let server = server(&log);
    for (way, text) in [
        ("error", "503 no database"),
        ("answer", "404 no such note"),
        ("panic", "500 a handler panicked: on purpose"),
        (
            "deferred",
            "500 a deferred response was dropped before it was ended",
        ),
        (
            "field",
            "500 the response could not be sent as it was asked for: ",
        ),
        (
            "status",
            "500 the response could not be sent as it was asked for: ",
        ),
        ("long", "500 "),
        ("short", "500 "),
        ("full", "500 "),
    ] {
        let _ = server.inject(Request::get(format!("/{way}")));
        let lines = log.take();
        let opening = format!("GET /{way} on connection 1 (route /:way): {text}");
        assert!(lines[0].starts_with(&opening), "{lines:?}, {opening}");
        let once = 1 + usize::from(way == "deferred");
        assert_eq!(lines.len(), once, "{lines:?}");
    }
    assert!(server.inject(Request::get("/fine")).is_ok());
    assert!(log.take().is_empty());
}

#[test]
fn a_handler_that_the_server_drops_is_reported_and_one_whose_client_leaves_is_not() {
    let log = Log::default();
    let test = TestServer::new(&server(&log));
    let mut connection = test.connect();
    connection.request(Request::get("/wait")).unwrap();
    connection.reset();
    assert!(log.take().is_empty(), "the client has left");

    let mut connection = test.connect();
    connection.request(Request::get("/wait")).unwrap();
    test.handle().close();
    test.advance(secs(26));
    let text = "500 the handler was dropped before its end: the server stopped (closed)";
    assert_eq!(
        log.take(),
        [format!("GET /wait on connection 2 (route /:way): {text}")]
    );
    drop(connection);
}

#[test]
fn a_handler_of_an_upgrade_that_the_server_cuts_is_reported() {
    let log = Log::default();
    let mut server = server(&log);
    server.handle(event::Upgrade, async |_req, res| {
        let (sent, upgrading) = res.upgrade("echo")?;
        let _stream = upgrading.await?;
        std::future::pending::<()>().await;
        Ok(sent)
    });
    let test = TestServer::new(&server);
    let mut connection = test.connect();
    let request = Request::get("/up").header("Connection", "Upgrade");
    connection
        .inject(request.header("Upgrade", "echo"))
        .unwrap();
    test.handle().close_all_connections();
    test.settle();
    let lines = log.take();
    assert!(
        lines[0].starts_with("GET /up on connection 1: 500 the handler was dropped"),
        "{lines:?}"
    );
}

/// Sends a file that has become shorter since its length was announced. The second time the handler keeps the request.
#[test]
fn a_file_that_does_not_fit_its_length_is_reported() {
    let log = Log::default();
    let seen = log.clone();
    let mut server = Server::new(async |req: IncomingMessage, res: ServerResponse| {
        thread_local! {
            static KEPT: std::cell::RefCell<Vec<IncomingMessage>> = const { std::cell::RefCell::new(Vec::new()) };
        }
        let file = crate::conn::tests::harness::file(&vec![b'x'; 2_000_000]);
        let sent = res.send_file(file.try_clone()?).await?;
        file.set_len(10)?;
        if req.path() == "/kept" {
            KEPT.with_borrow_mut(|kept| kept.push(req));
        }
        Ok(sent)
    });
    server.on(event::HandlerFailed, move |failure| {
        let request = failure.request().expect("a request");
        seen.add(format!("{request}: {failure}"));
    });
    let test = TestServer::new(&server);
    for (number, target) in [(1, "/file"), (2, "/kept")] {
        let mut connection = test.connect();
        connection.request(Request::get(target)).unwrap();
        assert!(connection.response().is_err(), "it is cut");
        let lines = log.take();
        assert_eq!(lines.len(), 1, "{lines:?}");
        let opening = format!("GET {target} on connection {number}: a response was cut: ");
        assert!(lines[0].starts_with(&opening), "{lines:?}");
    }
}

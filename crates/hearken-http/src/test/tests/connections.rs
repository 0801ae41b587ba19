//! Connections: reuse, pipelining, backpressure, their ends, and other protocols.

use super::*;
use crate::conn::tests::harness::Log;
use crate::event;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

#[test]
fn a_connection_carries_one_exchange_after_the_other() {
    let log = Log::default();
    let (opened, ended) = (log.clone(), log.clone());
    let mut server = Server::new(async |req, res: ServerResponse| {
        res.end(format!("{} on {}", req.path(), req.peer().id()))
    });
    server.on(event::Connection, move |peer| {
        opened.add(format!("{} opened", peer.id()))
    });
    server.on(event::Disconnected, move |(peer, why)| {
        ended.add(format!("{} closed: {why}", peer.id()));
    });
    let test = TestServer::new(&server);
    let (mut one, mut two) = (test.connect(), test.connect());
    for path in ["/a", "/b"] {
        assert_eq!(
            one.inject(Request::get(path)).unwrap().text(),
            format!("{path} on 1")
        );
        assert_eq!(
            two.inject(Request::get(path)).unwrap().text(),
            format!("{path} on 2")
        );
    }
    assert_eq!(test.handle().connections(), 2);
    drop(one);
    test.settle();
    assert_eq!(test.handle().connections(), 1);
    assert_eq!(
        log.take(),
        ["1 opened", "2 opened", "1 closed: the exchange is complete"]
    );
}

#[test]
fn requests_can_be_pipelined() {
    let test = TestServer::new(&echo());
    let mut connection = test.connect();
    for path in ["/1", "/2", "/3"] {
        connection.request(Request::post(path).body(path)).unwrap();
    }
    for path in ["/1", "/2"] {
        assert!(connection.response().unwrap().text().ends_with(path));
    }
    let last = connection.inject(Request::get("/4")).unwrap();
    assert!(
        last.text().starts_with("GET /4\n"),
        "inject skips what was not read"
    );
}

#[test]
fn the_last_exchange_of_a_connection_is_the_last() {
    let test = TestServer::new(&echo());
    let mut connection = test.connect();
    let close = Request::get("/").header("Connection", "close");
    assert!(connection.inject(close).is_ok());
    assert!(!connection.is_open() && !connection.is_cut());
    let error = connection.inject(Request::get("/")).unwrap_err();
    assert!(
        error.to_string().starts_with("GET / was not sent: "),
        "{error}"
    );
}

#[test]
fn a_pipelined_request_behind_the_last_one_gets_no_response() {
    let mut limits = hearken_proto::Limits::default();
    limits.connection.requests_max = 1;
    let test = TestServer::new(&echo().limits(limits));
    let mut connection = test.connect();
    connection
        .request(Request::get("/1"))
        .unwrap()
        .request(Request::get("/2"))
        .unwrap();
    assert!(connection.response().is_ok());
    let error = connection.response().unwrap_err();
    assert!(error.is_closed() && !error.is_waiting(), "{error}");
}

#[test]
#[should_panic(expected = "expected a request without a response")]
fn a_response_needs_a_request() {
    let _ = TestServer::new(&echo()).connect().response();
}

#[test]
fn a_response_that_breaks_off_is_an_error_with_its_beginning() {
    let server = Server::new(async |_req, res: ServerResponse| {
        res.write("half of it");
        tokio::time::sleep(secs(1)).await;
        res.destroy()
    });
    let test = TestServer::new(&server);
    let mut connection = test.connect();
    connection.request(Request::get("/")).unwrap();
    let mut old = test.connect();
    old.send("GET / HTTP/1.0\r\n\r\n");
    test.advance(secs(1));
    let error = connection.response().unwrap_err();
    assert!(error.is_closed() && !connection.is_cut(), "{error}");
    assert!(error.received().ends_with("half of it\r\n"), "{error}");
    assert!(
        old.is_cut(),
        "the end of the connection would be that of the response"
    );
}

#[test]
fn a_response_of_unknown_length_ends_with_its_connection() {
    let server = Server::new(async |_req, res: ServerResponse| {
        res.write("until the ");
        res.set("Transfer-Encoding", "identity").end("end")
    });
    let test = TestServer::new(&server);
    let mut connection = test.connect();
    connection.send("GET / HTTP/1.0\r\n\r\n");
    let received = connection.received();
    assert!(received.ends_with("\r\n\r\nuntil the end"), "{received}");
    assert!(!connection.is_open() && !connection.is_cut());
}

#[test]
fn a_client_that_does_not_read_stops_the_handler() {
    let log = Log::default();
    let noted = log.clone();
    let server = Server::new(async move |_req, res: ServerResponse| {
        while res.write(vec![b'x'; 16 * 1024]) {
            noted.add("written");
        }
        noted.add("full");
        res.drain().await?;
        noted.add("drained");
        Ok(res.end(""))
    });
    let test = TestServer::new(&server);
    let mut connection = test.connect();
    connection.set_room(0).request(Request::get("/")).unwrap();
    assert_eq!(log.take().last().unwrap(), "full");
    assert_eq!(connection.set_room(100).received_bytes().len(), 100);
    assert!(log.take().is_empty());
    connection.set_room(usize::MAX);
    assert_eq!(log.take(), ["drained"]);
}

#[test]
fn a_handler_that_does_not_read_stops_the_client() {
    let server = Server::new(async |_req, res: ServerResponse| {
        tokio::time::sleep(secs(1)).await;
        res.end("")
    });
    let test = TestServer::new(&server);
    let mut connection = test.connect();
    connection
        .request(Request::post("/").body(vec![b'x'; 1 << 20]))
        .unwrap();
    assert!(connection.unread() > 1 << 18, "{}", connection.unread());
}

#[test]
fn a_reset_reaches_the_handler() {
    let server = Server::new(async |mut req, res: ServerResponse| {
        let body = req.bytes().await;
        drop(body.map_err(|error| assert!(error.is_closed(), "{error}")));
        res.end("")
    });
    let (mut server, log) = (server, Log::default());
    let ended = log.clone();
    server.on(event::Disconnected, move |(_, why)| {
        ended.add(format!("{why:?}"))
    });
    let test = TestServer::new(&server);
    let mut connection = test.connect();
    connection
        .send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nx")
        .reset();
    assert_eq!(log.take(), ["Reset"]);
    assert!(!connection.is_open());
}

#[test]
fn after_an_upgrade_the_connection_speaks_with_the_handler() {
    let mut server = echo();
    server.handle(event::Upgrade, async |_req, res| {
        let (sent, upgrading) = res.upgrade("shout")?;
        let mut stream = upgrading.await?;
        let mut buffer = [0; 64];
        while let count @ 1.. = stream.read(&mut buffer).await? {
            stream
                .write_all(&buffer[..count].to_ascii_uppercase())
                .await?;
        }
        stream.write_all(b"bye").await?;
        stream.shutdown().await?;
        Ok(sent)
    });
    let test = TestServer::new(&server);
    let mut connection = test.connect();
    let request = Request::get("/")
        .header("Connection", "Upgrade")
        .header("Upgrade", "shout");
    let response = connection.inject(request).unwrap();
    assert_eq!(response.status(), 101);
    assert_eq!(response.header("upgrade"), Some("shout"));
    assert_eq!(connection.send("one ").send("two").received(), "ONE TWO");
    assert!(
        connection.request(Request::get("/")).is_err(),
        "HTTP is over"
    );
    assert_eq!(connection.end_input().received(), "bye");
    assert!(!connection.is_open() && !connection.is_cut());
}

#[test]
fn a_server_that_stops_ends_what_runs_within_its_grace() {
    let log = Log::default();
    let closed = log.clone();
    let mut server = Server::new(async |_req, res: ServerResponse| {
        std::future::pending::<()>().await;
        res.end("")
    });
    server.on(event::Close, move |()| closed.add("closed"));
    let test = TestServer::new(&server);
    let (mut busy, idle) = (test.connect(), test.connect());
    busy.request(Request::get("/")).unwrap();
    test.handle().close();
    assert!(busy.is_open() && !idle.is_open());
    assert!(
        !test.connect().is_open(),
        "a server that stops accepts no connection"
    );
    test.advance(secs(24));
    assert!(busy.is_open() && log.take().is_empty());
    test.advance(secs(2));
    assert!(busy.is_cut() && busy.response().unwrap_err().is_closed());
    assert_eq!(log.take(), ["closed"]);
}

#[test]
fn a_server_takes_no_more_connections_than_it_may() {
    let test = TestServer::new(&echo().connections_max(1));
    let one = test.connect();
    assert!(!test.connect().is_open());
    drop(one);
    test.settle();
    assert!(test.connect().inject(Request::get("/")).is_ok());
}

#[test]
fn a_file_is_sent_from_a_thread() {
    let server = Server::new(async |_req, res: ServerResponse| {
        res.send_file(crate::conn::tests::harness::file(&[b'x'; 300_000]))
            .await
    });
    assert_eq!(
        server.inject(Request::get("/")).unwrap().bytes().len(),
        300_000
    );
}

#[cfg(feature = "self-signed")]
#[test]
fn a_server_with_tls_is_tested_without() {
    let (tls, _pem) = crate::tls::ServerTls::self_signed(&["localhost"]).unwrap();
    let server = echo().tls(&tls);
    assert!(server.inject(Request::get("/")).is_ok());
}

/// A server whose upgrade handler echoes, and logs how that ends.
fn upgraded(log: &Log, configure: impl Fn(&crate::Upgraded) + Send + Sync + 'static) -> Server {
    let (ends, late, gone) = (log.clone(), log.clone(), log.clone());
    let configure = Arc::new(configure);
    let mut server = echo();
    server.handle(event::Upgrade, async move |_req, res| {
        let (sent, upgrading) = res.upgrade("echo")?;
        let mut stream = upgrading.await?;
        configure(&stream);
        let mut buffer = [0; 64];
        loop {
            match stream.read(&mut buffer).await {
                Ok(0) => break,
                Ok(count) => stream.write_all(&buffer[..count]).await?,
                Err(error) => {
                    ends.add(format!("{:?}: {error}", error.kind()));
                    break;
                }
            }
        }
        Ok(sent)
    });
    server.on(event::Timeout, move |timeout| {
        late.add(format!("{:?}", timeout.deadline()));
    });
    server.on(event::Disconnected, move |(_, why)| {
        gone.add(format!("{why:?}"));
    });
    server
}

fn upgrade_to_echo() -> Request {
    let request = Request::get("/").header("Connection", "Upgrade");
    request.header("Upgrade", "echo")
}

#[test]
fn an_idle_connection_is_closed_after_an_upgrade() {
    let log = Log::default();
    let test = TestServer::new(&upgraded(&log, |_| {}));
    let mut connection = test.connect();
    assert_eq!(connection.inject(upgrade_to_echo()).unwrap().status(), 101);
    for _ in 0..3 {
        test.advance(secs(119));
        assert_eq!(
            connection.send("x").received(),
            "x",
            "a byte begins the time anew"
        );
    }
    test.advance(secs(119));
    assert!(connection.is_open());
    test.advance(secs(1));
    assert!(!connection.is_open());
    let expected = [
        "Upgraded",
        "TimedOut: no byte was sent or received for 120s",
        "Inactive",
    ];
    assert_eq!(log.take(), expected);
}

#[test]
fn an_upgraded_connection_has_an_idle_time_of_its_own() {
    let log = Log::default();
    let test = TestServer::new(&upgraded(&log, |stream| stream.set_idle_timeout(secs(7))));
    let mut short = test.connect();
    short.inject(upgrade_to_echo()).unwrap();
    test.advance(secs(6));
    assert!(short.is_open());
    test.advance(secs(1));
    assert!(!short.is_open());
    assert_eq!(log.take()[0], "Upgraded");
    let test = TestServer::new(&upgraded(&log, |stream| {
        stream.set_idle_timeout(Duration::MAX)
    }));
    let mut never = test.connect();
    never.inject(upgrade_to_echo()).unwrap();
    test.advance(secs(100_000));
    assert_eq!(never.send("x").received(), "x");
}

#[test]
fn a_handler_ends_with_its_server_when_it_waits_for_that() {
    let server = Server::new(async |req, res: ServerResponse| {
        let mut closing = req.closing();
        loop {
            res.write("tick ");
            tokio::select! {
                () = &mut closing => break,
                () = tokio::time::sleep(secs(1)) => {}
            }
        }
        res.end("bye")
    });
    let test = TestServer::new(&server);
    let mut connection = test.connect();
    connection.request(Request::get("/")).unwrap();
    test.advance(secs(2));
    test.handle().close();
    assert_eq!(connection.response().unwrap().text(), "tick tick tick bye");
    test.settle();
    assert!(!connection.is_open(), "without waiting for the grace time");
}

//! What only a session on a transport shows: the order of all its events, and what its handles say after its end.

use super::*;
use crate::event;
use std::cell::RefCell;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

type Log = Rc<RefCell<Vec<String>>>;

fn noting(log: &Log, what: &'static str) -> impl Fn() + use<> {
    let log = Rc::clone(log);
    move || log.borrow_mut().push(what.to_owned())
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.expect("a runtime").block_on(future)
}

#[test]
fn an_answer_that_a_listener_gives_is_told_to_its_listeners() {
    let log = Log::default();
    let session = Session::server();
    let (line, header, data) = (
        noting(&log, "line"),
        noting(&log, "header"),
        noting(&log, "data"),
    );
    session.req().on(event::LineReady, move |_| line());
    session.req().on(event::HeaderReady, move |_| header());
    session.req().on(event::DataReady, move |_| data());
    let (ready, resp) = (noting(&log, "ready"), session.resp());
    session.req().on(event::Ready, move |_| {
        ready();
        resp.send("pong");
    });
    let (head, piece, done) = (
        noting(&log, "header done"),
        noting(&log, "data done"),
        noting(&log, "done"),
    );
    session.resp().on(event::HeaderDone, move |()| head());
    session.resp().on(event::DataDone, move |_| piece());
    session.resp().on(event::Done, move |()| done());
    block_on(async {
        let (here, mut there) = tokio::io::duplex(64);
        let asked = async {
            there
                .write_all(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nping")
                .await?;
            let mut answer = [0; 15];
            there.read_exact(&mut answer).await?;
            assert_eq!(&answer, b"HTTP/1.1 200 OK");
            let mut rest = [0; 256];
            while there.read(&mut rest).await? > 0 {}
            Ok::<_, std::io::Error>(())
        };
        let served = async { drop(session.attach(here).await.expect("a whole exchange")) };
        let ((), asked) = tokio::join!(served, asked);
        asked.expect("an answer");
    });
    let expected = [
        "line",
        "header",
        "data",
        "ready",
        "header done",
        "data done",
        "done",
    ];
    assert_eq!(*log.borrow(), expected);
}

#[test]
fn what_has_come_can_be_read_after_the_end() {
    let session = Session::server();
    let (req, resp) = (session.req(), session.resp());
    resp.send("thanks");
    block_on(async {
        let (here, mut there) = tokio::io::duplex(1024);
        there
            .write_all(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nping")
            .await
            .expect("room");
        session.attach(here).await.expect("a whole exchange");
        assert_eq!(
            req.data().await.expect("a piece").as_deref(),
            Some(&b"ping"[..])
        );
        assert_eq!(req.data().await.expect("its end"), None);
    });
}

#[test]
fn a_body_that_was_cut_never_looks_complete() {
    let session = Session::server();
    let req = session.req();
    block_on(async {
        let (here, mut there) = tokio::io::duplex(1024);
        there
            .write_all(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nping")
            .await
            .expect("room");
        drop(there);
        session.attach(here).await.expect_err("half a body");
        assert_eq!(
            req.data().await.expect("a piece").as_deref(),
            Some(&b"ping"[..])
        );
        req.data().await.expect_err("it was cut");
        req.data().await.expect_err("and stays cut");
    });
    let dropped = Session::server();
    let req = dropped.req();
    drop(dropped);
    block_on(async { req.data().await.expect_err("there was no session") });
}

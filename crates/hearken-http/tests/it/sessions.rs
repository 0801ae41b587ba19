//! Sessions: one exchange on any transport, of either side, as events.

use crate::events::documented;
use hearken_http::session::{SessionIncoming, SessionOutgoing};
use hearken_http::{Error, Fields, Session, event};
use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixStream};

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let timed = async { tokio::time::timeout(crate::client::PATIENCE, future).await };
    runtime.block_on(timed).expect("in time")
}

/// Both ends of one transport of each kind.
async fn each_transport<F: Future<Output = ()>>(
    check: impl Fn(Box<dyn Stream>, Box<dyn Stream>) -> F,
) {
    let (one, two) = tokio::io::duplex(64);
    check(Box::new(one), Box::new(two)).await;
    let (one, two) = UnixStream::pair().unwrap();
    check(Box::new(one), Box::new(two)).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let one = TcpStream::connect(listener.local_addr().unwrap())
        .await
        .unwrap();
    check(Box::new(one), Box::new(listener.accept().await.unwrap().0)).await;
}

trait Stream: AsyncRead + AsyncWrite + Unpin {}

impl<T: AsyncRead + AsyncWrite + Unpin> Stream for T {}

type Log = Rc<RefCell<Vec<String>>>;

fn add(log: &Log, line: impl Into<String>) {
    log.borrow_mut().push(line.into());
}

fn log_incoming(message: &SessionIncoming, name: &'static str, log: &Log) {
    let [line, head, data, ready, failed] = [(); 5].map(|()| Rc::clone(log));
    message.on(event::LineReady, move |_| {
        add(&line, format!("{name} LineReady"))
    });
    message.on(event::HeaderReady, move |_| {
        add(&head, format!("{name} HeaderReady"))
    });
    message.on(event::DataReady, move |piece| {
        add(&data, format!("{name} DataReady {}", piece.len()))
    });
    message.on(event::Ready, move |_| add(&ready, format!("{name} Ready")));
    message.on(event::Failed, move |_| {
        add(&failed, format!("{name} Failed"))
    });
}

fn log_outgoing(message: &SessionOutgoing, name: &'static str, log: &Log) {
    let [head, data, done, end] = [(); 4].map(|()| Rc::clone(log));
    message.on(event::Closed, move |why| {
        add(&end, format!("message Closed {why:?}"))
    });
    message.on(event::HeaderDone, move |()| {
        add(&head, format!("{name} HeaderDone"))
    });
    message.on(event::DataDone, move |bytes| {
        add(&data, format!("{name} DataDone {bytes}"))
    });
    message.on(event::Done, move |()| add(&done, format!("{name} Done")));
}

#[test]
fn both_sides_emit_their_events_in_the_documented_order() {
    block_on(async {
        let (here, there) = tokio::io::duplex(64 * 1024);
        let (client_log, server_log) = (Log::default(), Log::default());
        let server = Session::server();
        log_incoming(&server.req(), "req", &server_log);
        log_outgoing(&server.resp(), "resp", &server_log);
        let resp = server.resp();
        server.req().on(event::Ready, move |_| resp.send("hello"));
        let client = Session::client();
        log_outgoing(&client.req(), "req", &client_log);
        log_incoming(&client.resp(), "resp", &client_log);
        let (served, asked) = tokio::join!(
            server.attach(there),
            client.attach(here).req().method("POST").send("abc")
        );
        served.unwrap();
        asked.unwrap();
        assert_eq!(
            *client_log.borrow(),
            documented("A session, on the side of the client")
        );
        assert_eq!(
            *server_log.borrow(),
            documented("A session, on the side of the server")
        );
    });
}

#[test]
fn one_exchange_over_every_transport() {
    block_on(each_transport(async |one, two| {
        let server = Session::server();
        let resp = server.resp();
        server.req().on(event::Ready, move |whole| {
            resp.set_status(201);
            resp.set("X-Length", &whole.body.len().to_string());
            resp.send(whole.body.clone());
        });
        let client = Session::client();
        let got = Rc::new(RefCell::new(Vec::new()));
        let body = Rc::clone(&got);
        client.resp().on(event::DataReady, move |piece| {
            body.borrow_mut().extend_from_slice(piece)
        });
        let resp = client.resp();
        let sent = "0123456789".repeat(10_000);
        let exchange = client
            .attach(one)
            .req()
            .method("PUT")
            .url("/x?y")
            .set("Host", "example.org");
        let (served, asked) = tokio::join!(server.attach(two), exchange.send(sent.clone()));
        served.unwrap();
        asked.unwrap();
        drop(resp);
        assert_eq!(*got.borrow(), sent.as_bytes());
    }));
}

#[test]
fn pieces_and_room_and_trailers() {
    block_on(async {
        let (here, there) = tokio::io::duplex(1000);
        let server = Session::server();
        let (resp, request) = (server.resp(), server.req());
        let answer = async move {
            let mut total = 0;
            while let Some(piece) = request.data().await? {
                total += piece.len();
            }
            for _ in 0..100 {
                if !resp.write(vec![b'.'; 10_000]) {
                    resp.drain().await?;
                }
            }
            let mut trailers = Fields::new();
            trailers.append("X-Total", total.to_string())?;
            resp.end(&trailers);
            Ok::<_, Error>(total)
        };
        let client = Session::client();
        let trailer = Rc::new(RefCell::new(None));
        let seen = Rc::clone(&trailer);
        client.resp().on(event::DataReady, |_| {});
        client.resp().on(event::Ready, move |whole| {
            *seen.borrow_mut() = whole.trailers.get("x-total").map(<[u8]>::to_vec);
        });
        let asking = client
            .attach(here)
            .req()
            .method("POST")
            .send(vec![b'.'; 200_000]);
        let (served, asked, total) = tokio::join!(server.attach(there), asking, answer);
        served.unwrap();
        asked.unwrap();
        assert_eq!(total.unwrap(), 200_000);
        assert_eq!(trailer.borrow().as_deref(), Some(&b"200000"[..]));
    });
}

#[test]
fn a_finished_session_returns_the_transport_and_the_rest() {
    block_on(async {
        let (here, mut there) = tokio::io::duplex(64 * 1024);
        there
            .write_all(b"GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n")
            .await
            .unwrap();
        let first = Session::server();
        first.resp().send("one");
        let finished = first.attach(here).await.unwrap();
        assert!(finished.rest.starts_with(b"GET /2 "));
        let mut heard = [0; 15];
        there.read_exact(&mut heard).await.unwrap();
        assert_eq!(&heard, b"HTTP/1.1 200 OK");
        drop(finished.transport);
    });
}

#[test]
fn a_peer_that_disconnects_fails_the_session() {
    block_on(each_transport(async |one, two| {
        let client = Session::client();
        let failed = Rc::new(RefCell::new(0));
        let count = Rc::clone(&failed);
        client
            .resp()
            .on(event::Failed, move |_| *count.borrow_mut() += 1);
        let mut two = two;
        let asked = async { client.attach(one).req().send("").await };
        let goes = async {
            let _ = two.read(&mut [0; 10]).await;
            drop(two);
        };
        let (asked, ()) = tokio::join!(asked, goes);
        assert!(asked.err().expect("a failure").is_closed());
        assert_eq!(*failed.borrow(), 1);
    }));
}

#[test]
fn dropping_the_session_fails_pending_calls() {
    block_on(async {
        let (here, there) = tokio::io::duplex(10);
        let client = Session::client();
        let req = client.req();
        req.set_method("POST");
        while req.write("0123456789".repeat(1000)) {}
        let mut attached = Box::pin(client.attach(here));
        let local = tokio::task::LocalSet::new();
        local
            .run_until(async {
                let waiter = tokio::task::spawn_local(async move { req.drain().await });
                let first =
                    tokio::time::timeout(Duration::from_millis(20), attached.as_mut()).await;
                assert!(first.is_err(), "the peer does not read");
                drop(attached);
                assert!(waiter.await.unwrap().is_err());
            })
            .await;
        drop(there);
    });
}

#[test]
fn a_listener_that_panics_fails_its_session_alone() {
    block_on(async {
        let (here, mut there) = tokio::io::duplex(64 * 1024);
        there
            .write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            .await
            .unwrap();
        let server = Session::server();
        server.req().on(event::HeaderReady, |_| panic!("told to"));
        let error = server.attach(here).await.unwrap_err();
        assert!(error.to_string().contains("told to"), "{error}");
        let mut heard = String::new();
        there.read_to_string(&mut heard).await.unwrap();
        assert!(heard.starts_with("HTTP/1.1 500 "), "{heard}");
        assert!(!heard.contains("told to"));
    });
}

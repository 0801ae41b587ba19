//! Servers on each kind of socket, and the environment of handlers.

use crate::client::{Client, eventually};
use crate::running::{Running, stop};
use hearken_http::{Closed, Json, Server, event};
use std::collections::HashSet;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

#[test]
fn several_workers_share_one_port() {
    let threads = Arc::new(Mutex::new(HashSet::new()));
    let seen = Arc::clone(&threads);
    let server = Server::new(async move |req, res| {
        let name = std::thread::current().name().unwrap_or_default().to_owned();
        seen.lock().unwrap().insert(name);
        res.end(req.url().to_owned())
    })
    .workers(3)
    .running();
    let mut clients: Vec<_> = (0..48).map(|_| Client::connect(&server)).collect();
    for round in 0..3 {
        for (number, client) in clients.iter_mut().enumerate() {
            let target = format!("/{round}/{number}");
            assert_eq!(client.get(&target).text(), target);
        }
    }
    assert_eq!(server.connections(), 48);
    assert!(threads.lock().unwrap().len() > 1, "{threads:?}");
    drop(clients);
    eventually("all closed", || server.connections() == 0);
    stop(&server);
}

#[test]
fn a_unix_socket_is_served_and_its_file_removed() {
    let path = std::env::temp_dir().join(format!("hearken-it-{}.sock", std::process::id()));
    let server =
        Server::new(async |req, res| res.end(format!("{:?}", req.peer().remote_address())))
            .workers(2)
            .listen(path.as_path())
            .unwrap()
            .start()
            .unwrap();
    for _ in 0..4 {
        let mut client = Client::over(UnixStream::connect(&path).unwrap());
        assert_eq!(client.get("/").text(), "None");
    }
    stop(&server);
    assert!(!path.exists());
}

#[test]
fn ipv6_is_served_where_there_is_one() {
    let listening = Server::new(async |req, res| {
        let peer = req.peer();
        res.end(format!(
            "{}",
            peer.remote_address()
                .is_some_and(|address| address.is_ipv6())
        ))
    })
    .listen("[::1]:0");
    let Ok(listening) = listening else {
        return; // this machine has no ::1
    };
    let server = listening.start().unwrap();
    assert!(server.address().to_string().starts_with("http://[::1]:"));
    assert_eq!(Client::connect(&server).get("/").text(), "true");
    server.close_now();
    server.wait();
}

/// Tokio inside a handler: tasks, timers, local tasks of the worker, blocking threads.
#[test]
fn tokio_works_inside_a_handler() {
    let server = Server::new(async |_req, res| {
        let other = tokio::spawn(async {
            tokio::time::sleep(Duration::from_millis(5)).await;
            1
        });
        let local = tokio::task::spawn_local(async {
            tokio::task::yield_now().await;
            2
        });
        let blocking = tokio::task::spawn_blocking(|| 3);
        let late = tokio::time::timeout(Duration::from_millis(5), std::future::pending::<()>());
        let sum = other.await? + local.await? + blocking.await?;
        Ok(res.end(format!("{sum} {}", late.await.is_err())))
    })
    .running();
    let mut client = Client::connect(&server);
    for _ in 0..3 {
        assert_eq!(client.get("/").text(), "6 true");
    }
    server.close_now();
    server.wait();
}

#[test]
fn a_response_can_come_from_a_task_a_thread_or_a_timer() {
    let server = Server::new(async |req, res| {
        let (sent, answer) = res.defer();
        let slow = req.url() == "/thread";
        tokio::task::spawn_local(async move {
            if slow {
                let (tell, told) = tokio::sync::oneshot::channel();
                std::thread::spawn(move || tell.send("from a thread"));
                answer.end(told.await.unwrap_or_default());
            } else {
                tokio::time::sleep(Duration::from_millis(20)).await;
                answer.end("later");
            }
        });
        sent
    })
    .running();
    let mut client = Client::connect(&server);
    assert_eq!(client.get("/").text(), "later");
    assert_eq!(client.get("/thread").text(), "from a thread");
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n".repeat(3));
    for _ in 0..3 {
        assert_eq!(client.response().text(), "later");
    }
    server.close_now();
    server.wait();
}

#[test]
fn a_server_starts_inside_a_runtime_and_ends_with_its_future() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let listening = Server::new(async |_req, _res| Json(1))
            .listen("127.0.0.1:0")
            .unwrap();
        let address = listening.address().to_string();
        let address: std::net::SocketAddr = address["http://".len()..].parse().unwrap();
        let serving = tokio::spawn(listening.serve());
        let answer = tokio::task::spawn_blocking(move || Client::to(address).get("/").body);
        assert_eq!(answer.await.unwrap(), b"1");
        serving.abort();
        assert!(serving.await.unwrap_err().is_cancelled());
        let refused = tokio::task::spawn_blocking(move || {
            eventually("the address is free", || {
                std::net::TcpStream::connect(address).is_err()
            });
        });
        refused.await.unwrap();
    });
}

#[test]
fn a_handle_waits_from_threads_and_from_async_code() {
    let server = Server::new(async |_req, res| res.end("")).running();
    let (tell, told) = mpsc::channel();
    for way in ["wait", "closed"] {
        let (handle, tell) = (server.clone(), tell.clone());
        std::thread::spawn(move || {
            if way == "wait" {
                handle.wait();
            } else {
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .build()
                    .unwrap();
                runtime.block_on(handle.closed());
            }
            tell.send(way).unwrap();
        });
    }
    assert!(told.try_recv().is_err());
    server.close();
    let mut ways = [told.recv().unwrap(), told.recv().unwrap()];
    ways.sort_unstable();
    assert_eq!(ways, ["closed", "wait"]);
    server.wait(); // again: at once
    server.close();
}

#[test]
fn a_server_runs_on_without_its_handle() {
    let server = Server::new(async |_req, res| res.end("x")).running();
    let address = crate::client::address(&server);
    let mut before = Client::to(address);
    assert_eq!(before.get("/").text(), "x");
    drop(server);
    assert_eq!(before.get("/").text(), "x");
    assert_eq!(Client::to(address).get("/").text(), "x");
}

/// A panic ends its exchange only; many panics end no worker.
#[test]
fn panics_leave_the_server_whole() {
    let calls = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&calls);
    let mut server = Server::new(async |req, res| {
        assert!(req.url() != "/panic", "told to");
        res.end("x")
    });
    server.on(event::Connection, move |_| {
        assert!(count.fetch_add(1, Ordering::Relaxed) > 5, "told to");
    });
    let server = server.workers(1).running();
    let mut client = Client::connect(&server);
    for _ in 0..20 {
        assert_eq!(client.get("/panic").status(), 500);
        assert_eq!(client.get("/").text(), "x");
        assert_eq!(Client::connect(&server).get("/").text(), "x");
    }
    assert_eq!(calls.load(Ordering::Relaxed), 21);
    stop(&server);
}

#[test]
fn a_client_that_closes_ends_a_handler_that_takes_long() {
    let (tell, told) = mpsc::channel();
    let server = Server::new(async move |req, res| {
        let why = req.closed().await;
        tell.send(why).unwrap();
        std::future::pending::<()>().await;
        res.end("")
    })
    .running();
    let mut client = Client::connect(&server);
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    drop(client); // closed in both directions: it cannot be told from half-closed until it is asked
    let why = told.recv_timeout(crate::client::PATIENCE).unwrap();
    assert!(matches!(why, Closed::PeerGone | Closed::Reset), "{why:?}");
    eventually("closed", || server.connections() == 0);
    stop(&server);
}

#[test]
fn a_half_closed_client_gets_its_response() {
    let server = Server::new(async |_req, res| {
        tokio::time::sleep(Duration::from_millis(400)).await;
        res.end("late")
    })
    .running();
    let mut client = Client::connect(&server);
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    client.finish();
    let response = client.response();
    assert_eq!((response.status(), response.text()), (200, "late"));
    assert!(response.closes());
    assert!(client.rest().unwrap().is_empty());
    stop(&server);
}

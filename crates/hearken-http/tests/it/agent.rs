//! The client on real sockets: requests, responses, one pool.

use crate::running::Running;
use hearken_http::client::AgentOptions;
use hearken_http::{Agent, OutgoingMessage, Server, ServerHandle};

/// A server that returns the request.
fn echo() -> (ServerHandle, String) {
    let server = Server::new(async |mut req, res| {
        let body = req.bytes().await?;
        let text = String::from_utf8_lossy(&body).into_owned();
        let host = req.header("host").unwrap_or("none").to_owned();
        Ok(res.end(format!("{} {} {host} {text}", req.method(), req.url())))
    });
    let listening = server.listen("127.0.0.1:0").expect("a port");
    let handle = listening.start().expect("a server");
    let url = handle
        .address()
        .to_string()
        .trim_end_matches('/')
        .to_owned();
    (handle, url)
}

fn agent() -> Agent {
    Agent::new(AgentOptions::default())
}

#[tokio::test]
async fn one_connection_serves_one_request_after_the_other() {
    let (server, url) = echo();
    let host = url.trim_start_matches("http://");
    let agent = agent();
    for n in 0..5 {
        let path = format!("{url}/a/../b?{n}#x");
        let mut response = agent.request("GET", &path).unwrap().end("").await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.status_message(), "OK");
        assert_eq!(response.connection().reused(), n > 0);
        assert_eq!(
            response.text().await.unwrap(),
            format!("GET /b?{n} {host} ")
        );
    }
    let mut response = agent
        .request("POST", &url)
        .unwrap()
        .end("body")
        .await
        .unwrap();
    assert_eq!(
        response.text().await.unwrap(),
        format!("POST / {host} body")
    );
    let stats = agent.stats();
    assert_eq!(
        (stats.created, stats.reused, stats.open, stats.idle),
        (1, 5, 1, 1)
    );
    assert_eq!(stats.hosts[0].origin, url);
    server.close_now();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_may_run_in_tasks_on_many_threads() {
    let (server, url) = echo();
    let agent = agent();
    let tasks: Vec<_> = (0..50)
        .map(|n| {
            let (agent, url) = (agent.clone(), format!("{url}/{n}"));
            tokio::spawn(async move {
                let request = agent.request("POST", &url)?;
                request.set_header("X-N", n.to_string())?;
                let mut response = request.end(vec![b'x'; 100_000]).await?;
                Ok::<_, hearken_http::Error>(response.bytes().await?.len())
            })
        })
        .collect();
    for task in tasks {
        assert!(task.await.unwrap().unwrap() > 100_000);
    }
    let stats = agent.stats();
    assert_eq!(stats.created + stats.reused, 50);
    assert_eq!(stats.open, stats.idle);
    server.close_now();
}

/// As a server with several workers uses one agent: each thread has its own runtime.
#[test]
fn a_bound_on_connections_holds_over_all_runtimes() {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;
    const SOCKETS: usize = 3;
    let (open, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let mut server = Server::new(async |_req, res| {
        tokio::time::sleep(Duration::from_millis(2)).await;
        res.end("ok")
    });
    let (now, peak) = (Arc::clone(&open), Arc::clone(&most));
    server.on(hearken_http::event::Connection, move |_| {
        peak.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
    });
    let now = Arc::clone(&open);
    server.on(hearken_http::event::Disconnected, move |_| {
        now.fetch_sub(1, Ordering::SeqCst);
    });
    let handle = server.running();
    let url = handle.address().to_string();
    let mut options = AgentOptions::default();
    options.max_sockets = SOCKETS;
    let agent = Agent::new(options);
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let (agent, url) = (agent.clone(), url.clone());
            std::thread::spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread();
                let runtime = { runtime }.enable_all().build().unwrap();
                runtime.block_on(async {
                    let requests: Vec<_> = (0..4)
                        .map(|_| {
                            let (agent, url) = (agent.clone(), url.clone());
                            tokio::spawn(async move {
                                for _ in 0..20 {
                                    let answer = agent.get(&url).await.unwrap();
                                    assert_eq!(answer.text().await.unwrap(), "ok");
                                    assert!(agent.stats().open <= SOCKETS);
                                }
                            })
                        })
                        .collect();
                    for request in requests {
                        request.await.unwrap();
                    }
                });
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
    assert_eq!(agent.stats().waiting, 0);
    // The server may hear of the end of a connection after the beginning of the next.
    let most = most.load(Ordering::SeqCst);
    assert!(most <= 2 * SOCKETS, "{most} at once");
    handle.close_now();
}

//! The client on real sockets: requests, responses, one pool.

use hearken_http::client::AgentOptions;
use hearken_http::{Agent, OutgoingMessage, Server, ServerHandle};

/// A server that returns the request.
fn echo() -> (ServerHandle, String) {
    let server = Server::new(async |mut req, res| {
        let body = req.bytes().await?;
        let text = String::from_utf8_lossy(&body).into_owned();
        let host = req.header("host").unwrap_or("none").to_owned();
        Ok::<_, hearken_http::Error>(res.end(format!(
            "{} {} {host} {text}",
            req.method(),
            req.url()
        )))
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

//! Checks that only Node's server supports: interim responses, Expect, upgrades, tunnels, aborted exchanges, Unix sockets.

use crate::checks::{Checks, Result, agent, ask, counted, ensure, equal, error_of, number, text};
use hearken::client::Phase;
use hearken::{Agent, Response, Upgraded, client};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

pub(crate) async fn all(checks: &mut Checks, name: &str, url: &str, ca: &str) {
    let what = |text: &str| format!("{name}: {text}");
    hints(checks, name, url, ca).await;
    checks
        .check(what("100 Continue, then the body"), goes_on(url, ca))
        .await;
    checks
        .check(what("417, and the body stays here"), refused(url, ca))
        .await;
    switch(checks, name, &format!("{url}/"), 400, ca).await;
    checks
        .check(
            what("CONNECT: a tunnel, and an exchange in it"),
            connect(url, ca),
        )
        .await;
    checks
        .check(what("CONNECT to elsewhere is 403"), no_connect(url, ca))
        .await;
    checks
        .check(
            what("a request given up in the middle: it sees that"),
            give_up_request(url, ca),
        )
        .await;
    checks
        .check(
            what("an answer without an end is given up: it sees that"),
            give_up_answer(url, ca),
        )
        .await;
}

/// Interim responses are emitted with their fields.
pub(crate) async fn hints(checks: &mut Checks, name: &str, url: &str, ca: &str) {
    checks
        .check(
            format!("{name}: 102 and 103 with its Link, then 200"),
            information(url, ca),
        )
        .await;
}

/// An upgrade to `echo`, and one to an unknown protocol, which the server answers with the status `refusal`.
pub(crate) async fn switch(checks: &mut Checks, name: &str, url: &str, refusal: u16, ca: &str) {
    checks
        .check(
            format!("{name}: Upgrade: bytes go to and fro"),
            upgrade(url, ca),
        )
        .await;
    checks
        .check(
            format!("{name}: an offer to switch that is refused"),
            no_upgrade(url, refusal, ca),
        )
        .await;
}

async fn information(url: &str, ca: &str) -> Result<()> {
    let agent = agent(ca, |_| ())?;
    let request = agent.request("GET", &format!("{url}/information"))?;
    let heard = Arc::new(Mutex::new(Vec::new()));
    let hearing = Arc::clone(&heard);
    request.on(client::event::Information, move |head| {
        let link = head.fields().get("link").map(<[u8]>::to_vec);
        if let Ok(mut heard) = hearing.lock() {
            heard.push((head.status(), link));
        }
    });
    let mut response = request.end("").await?;
    equal("status", &200, &response.status().as_u16())?;
    ensure(!response.text().await?.is_empty(), || {
        "no answer".to_owned()
    })?;
    let heard = heard.lock().map_err(|_| "a listener panicked")?;
    let statuses: Vec<_> = heard.iter().map(|(status, _)| *status).collect();
    equal("heard", &vec![102, 103], &statuses)?;
    let link = heard[1].1.clone().unwrap_or_default();
    let link = String::from_utf8_lossy(&link).into_owned();
    ensure(link.contains("rel=preload"), || link.clone())
}

fn body() -> Vec<u8> {
    vec![b'b'; 300_000]
}

async fn goes_on(url: &str, ca: &str) -> Result<()> {
    let agent = agent(ca, |options| {
        options.continue_timeout = Duration::from_secs(60)
    })?;
    let request = agent
        .request("POST", &format!("{url}/echo"))?
        .expect_continue();
    let count = Arc::new(Mutex::new(0));
    let counter = Arc::clone(&count);
    request.on(client::event::Continue, move |()| {
        if let Ok(mut count) = counter.lock() {
            *count += 1;
        }
    });
    let mut response = request.end(body()).await?;
    ensure(response.bytes().await? == body(), || {
        "another body came back".to_owned()
    })?;
    equal(
        "Continue events",
        &1,
        &*count.lock().map_err(|_| "a listener panicked")?,
    )
}

async fn refused(url: &str, ca: &str) -> Result<()> {
    let agent = agent(ca, |options| {
        options.continue_timeout = Duration::from_secs(60)
    })?;
    let request = agent
        .request("POST", &format!("{url}/refuse"))?
        .expect_continue();
    let mut response = request.end(body()).await?;
    equal("status", &417, &response.status().as_u16())?;
    equal("content", &"no", &&*response.text().await?)?;
    equal(
        "the connection is not kept, for its body never came",
        &0,
        &agent.stats().open,
    )
}

fn offer(agent: &Agent, url: &str, protocol: &str) -> Result<client::ClientRequest> {
    let request = agent.request("GET", url)?;
    Ok(request
        .set("Connection", "Upgrade")
        .set("Upgrade", protocol))
}

async fn upgrade(url: &str, ca: &str) -> Result<()> {
    let agent = agent(ca, |_| ())?;
    let response = offer(&agent, url, "echo")?.end("").await?;
    equal("status", &101, &response.status().as_u16())?;
    equal("to", &Some("echo"), &response.header("upgrade"))?;
    let mut link = response.upgrade()?;
    for n in 0..3 {
        let sent = vec![b'0' + n; 100_000];
        let mut found = vec![0; sent.len()];
        let (mut read, mut write) = tokio::io::split(&mut link);
        let (sending, reading) = tokio::join!(write.write_all(&sent), read.read_exact(&mut found));
        sending?;
        reading?;
        ensure(found == sent, || format!("round {n} came back otherwise"))?;
    }
    equal("connections of the agent", &0, &agent.stats().open)?;
    link.shutdown().await?;
    let mut rest = Vec::new();
    link.read_to_end(&mut rest).await?;
    equal("behind the end", &0, &rest.len())
}

async fn no_upgrade(url: &str, refusal: u16, ca: &str) -> Result<()> {
    let agent = agent(ca, |_| ())?;
    let response = offer(&agent, url, "other")?.end("").await?;
    equal("status", &refusal, &response.status().as_u16())?;
    let error = error_of(response.upgrade())?;
    ensure(error.to_string().contains(&refusal.to_string()), || {
        error.to_string()
    })
}

async fn tunnel(agent: &Agent, proxy: &str, to: &str) -> Result<Response> {
    Ok(agent.request("CONNECT", proxy)?.path(to).end("").await?)
}

async fn connect(url: &str, ca: &str) -> Result<()> {
    // The tunnel leads back to the same server.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let to = listener.local_addr()?.to_string();
    let agent = agent(ca, |_| ())?;
    let serve = async {
        let (mut socket, _) = listener.accept().await?;
        let mut asked = [0; 5];
        socket.read_exact(&mut asked).await?;
        socket.write_all(&asked).await?;
        socket.write_all(b" and back").await
    };
    let ask = async {
        let response = tunnel(&agent, url, &to).await?;
        equal("status", &200, &response.status().as_u16())?;
        let mut link: Upgraded = response.upgrade()?;
        link.write_all(b"there").await?;
        let mut found = String::new();
        link.read_to_string(&mut found).await?;
        equal("through the tunnel", &"there and back", &&*found)
    };
    let (served, asked) = tokio::join!(serve, ask);
    served?;
    asked
}

async fn no_connect(url: &str, ca: &str) -> Result<()> {
    let agent = agent(ca, |_| ())?;
    let response = tunnel(&agent, url, "elsewhere.test:80").await?;
    equal("status", &403, &response.status().as_u16())?;
    error_of(response.upgrade()).map(drop)
}

/// Waits until the server has counted one more.
async fn seen(agent: &Agent, url: &str, name: &str, before: u64) -> Result<()> {
    let until = Instant::now() + Duration::from_secs(10);
    while number(&counted(agent, url).await?, name)? == before {
        ensure(Instant::now() < until, || {
            format!("it has never counted {name}")
        })?;
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    Ok(())
}

/// Aborts by a drop, and by an abort handle.
async fn give_up_request(url: &str, ca: &str) -> Result<()> {
    let agent = agent(ca, |_| ())?;
    for by_handle in [false, true] {
        let before = number(&counted(&agent, url).await?, "brokenRequests")?;
        let request = agent.request("POST", &format!("{url}/echo"))?;
        request.write(vec![b'x'; 50_000]);
        let mut response = request.response().await?;
        ensure(response.data().await?.is_some(), || {
            "nothing came back".to_owned()
        })?;
        if by_handle {
            request.abort_handle().abort();
            // Content that arrived before the abort can still be read.
            let error = loop {
                match response.data().await {
                    Ok(Some(_)) => {}
                    Ok(None) => return Err("a good end of what was given up".into()),
                    Err(error) => break error,
                }
            };
            equal("phase", &Some(Phase::Read), &error.phase())?;
            ensure(error.is_aborted(), || error.to_string())?;
        }
        drop((request, response));
        seen(&agent, url, "brokenRequests", before).await?;
    }
    text(&agent, &format!("{url}/plaintext")).await.map(drop)
}

async fn give_up_answer(url: &str, ca: &str) -> Result<()> {
    let agent = agent(ca, |_| ())?;
    let before = number(&counted(&agent, url).await?, "brokenResponses")?;
    let mut response = ask(&agent, "GET", &format!("{url}/endless"), "").await?;
    response.data().await?;
    drop(response);
    seen(&agent, url, "brokenResponses", before).await
}

/// Node on a Unix socket.
pub(crate) async fn unix(checks: &mut Checks, path: &str) {
    let run = async {
        let mut options = client::AgentOptions::default();
        options.proxies = client::Proxies::none();
        let agent = Agent::new(options);
        for n in 0..3 {
            let request = agent.request("GET", "http://some.host/headers")?;
            let mut response = request.socket_path(path).end("").await?;
            equal("reused", &(n > 0), &response.connection().reused())?;
            equal("an address", &None, &response.connection().remote_address())?;
            let seen = response.text().await?;
            ensure(seen.contains(r#""Host","some.host""#), || seen.clone())?;
        }
        let missing = format!("{path}.none");
        let request = agent.request("GET", "http://some.host/")?;
        let error = error_of(request.socket_path(&missing).end("").await)?;
        equal("phase", &Some(Phase::Connect), &error.phase())?;
        equal("peer", &Some(&*missing), &error.peer())
    };
    checks
        .check(
            "node-unix: three requests on one connection, and a path that is none".to_owned(),
            run,
        )
        .await;
}

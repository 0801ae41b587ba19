//! Checks that every server supports: keep-alive, lengths and chunks in both directions, HEAD, truncated bodies.

use crate::checks::{Checks, Result, agent, ask, counted, ensure, equal, error_of, number, text};
use hearken::client::{ClientRequest, Phase};
use hearken::{Agent, Error, OutgoingMessage};

const LARGE: usize = 3_000_000;

pub(crate) async fn all(checks: &mut Checks, name: &str, url: &str, ca: &str) {
    let what = |text: &str| format!("{name}: {text}");
    checks
        .check(
            what("requests on one connection"),
            keep_alive(name, url, ca),
        )
        .await;
    checks
        .check(what("HEAD and 404"), without_content(url, ca))
        .await;
    if name.starts_with("nginx") {
        checks
            .check(
                what("a file with a length, and one in chunks"),
                files(url, ca),
            )
            .await;
        return;
    }
    checks
        .check(what("bodies with a length"), lengths(url, ca))
        .await;
    checks
        .check(
            what("a source without content on every method"),
            empty_sources(url, ca),
        )
        .await;
    checks
        .check(
            what("a body in chunks, read while it is written"),
            duplex(name, url, ca),
        )
        .await;
    checks
        .check(what("an answer in chunks"), chunks(url, ca))
        .await;
    checks
        .check(what("an answer that breaks off"), broken(url, ca))
        .await;
    if !name.starts_with("python") {
        checks
            .check(what("trailers both ways"), trailers(url, ca))
            .await;
    }
}

/// Checked by the server's count of connections, or by the client port that it reports.
async fn keep_alive(name: &str, url: &str, ca: &str) -> Result<()> {
    let agent = agent(ca, |_| ())?;
    for n in 0..20 {
        let mut response = ask(&agent, "GET", &format!("{url}/plaintext"), "").await?;
        equal("reused", &(n > 0), &response.connection().reused())?;
        equal("content", &"Hello, World!", &&*response.text().await?)?;
    }
    let stats = agent.stats();
    equal(
        "created and reused",
        &(1, 19),
        &(stats.created, stats.reused),
    )?;
    if name.starts_with("nginx") {
        let seen = text(&agent, &format!("{url}/connections")).await?;
        let number = seen.split(' ').nth(1);
        return equal(
            "the request's number on its connection",
            &Some("21"),
            &number,
        );
    }
    if name.starts_with("echo") {
        let seen: serde_json::Value =
            serde_json::from_str(&text(&agent, &format!("{url}/ip")).await?)?;
        let mut response = ask(&agent, "GET", &format!("{url}/plaintext"), "").await?;
        let own = response.connection().local_address().map(|own| own.port());
        response.bytes().await?;
        return equal("our port", &own.map(u64::from), &seen["port"].as_u64());
    }
    let first = number(&counted(&agent, url).await?, "connections")?;
    let again = number(&counted(&agent, url).await?, "connections")?;
    equal(
        "connections that the server has counted meanwhile",
        &0,
        &(again - first),
    )?;
    agent.close_idle();
    let next = number(&counted(&agent, url).await?, "connections")?;
    equal("and after they were closed", &1, &(next - first))
}

async fn without_content(url: &str, ca: &str) -> Result<()> {
    let agent = agent(ca, |_| ())?;
    let mut head = ask(&agent, "HEAD", &format!("{url}/plaintext"), "").await?;
    equal("status of HEAD", &200, &head.status().as_u16())?;
    equal("its length", &Some("13"), &head.header("content-length"))?;
    equal("its content", &0, &head.bytes().await?.len())?;
    let mut none = ask(&agent, "GET", &format!("{url}/nowhere"), "").await?;
    equal("status", &404, &none.status().as_u16())?;
    none.bytes().await?;
    equal("connections", &1, &agent.stats().created)
}

async fn files(url: &str, ca: &str) -> Result<()> {
    let agent = agent(ca, |_| ())?;
    let mut whole = ask(&agent, "GET", &format!("{url}/bytes"), "").await?;
    equal("length", &Some("1048576"), &whole.header("content-length"))?;
    equal("bytes", &1_048_576, &whole.bytes().await?.len())?;
    let fetched = agent.get(format!("{url}/bytes.txt")).await?;
    equal(
        "in chunks",
        &Some("chunked"),
        &fetched.header("transfer-encoding"),
    )?;
    let text = fetched.text().await?;
    ensure(
        text.len() == 1_048_576 && text.bytes().all(|byte| byte == b'x'),
        || format!("{} bytes decoded", text.len()),
    )?;
    let moved = agent.get(format!("{url}/moved")).await?;
    ensure(moved.url().path() == "/plaintext", || {
        format!("{}", moved.url())
    })?;
    equal("one connection", &1, &agent.stats().created)
}

/// Pseudo-random content.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let bytes = std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[0]
    });
    bytes.take(length).collect()
}

async fn lengths(url: &str, ca: &str) -> Result<()> {
    let agent = agent(ca, |options| {
        options.limits.body.buffered_bytes_max = 8 << 20
    })?;
    for length in [0, 1, 65_536, LARGE] {
        let body = noise(length);
        let mut response = ask(&agent, "POST", &format!("{url}/echo"), body.clone()).await?;
        equal("status", &200, &response.status().as_u16())?;
        let found = response.bytes().await?;
        ensure(found == body, || {
            format!("{} of {length} bytes came back", found.len())
        })?;
    }
    equal("one connection", &1, &agent.stats().created)
}

/// Framing where there is no content would be the next request for a server that does not expect it, as Python's.
async fn empty_sources(url: &str, ca: &str) -> Result<()> {
    let agent = agent(ca, |_| ())?;
    let paths = [
        ("GET", "plaintext"),
        ("HEAD", "plaintext"),
        ("OPTIONS", "plaintext"),
        ("DELETE", "plaintext"),
        ("POST", "echo"),
    ];
    for (method, path) in paths {
        for early in [false, true] {
            let request = agent.request(method, &format!("{url}/{path}"))?;
            let empty = tokio::io::empty();
            let mut response = if early {
                let (response, sent) = tokio::join!(request.response(), request.pipe_from(empty));
                sent?;
                response?
            } else {
                request.pipe_from(empty).await?;
                request.response().await?
            };
            let status = response.status().as_u16();
            ensure([200, 204, 405].contains(&status), || {
                format!("{method}: {status}")
            })?;
            response.bytes().await?;
        }
    }
    text_again(&agent, url).await
}

/// An upload in pieces. From servers that respond while they read, the response is read meanwhile; Python reads all first.
async fn duplex(name: &str, url: &str, ca: &str) -> Result<()> {
    let agent = agent(ca, |options| {
        options.limits.body.buffered_bytes_max = 8 << 20
    })?;
    let request = agent.request("POST", &format!("{url}/echo"))?;
    let body = noise(LARGE);
    let mut pieces = body.chunks(70_000).map(<[u8]>::to_vec);
    let found = if name.starts_with("python") {
        write(&request, pieces).await?;
        request.end("").await?.bytes().await?
    } else {
        let first = pieces.next().unwrap_or_default();
        request.write(first);
        let mut response = request.response().await?;
        equal(
            "coding",
            &Some("chunked"),
            &response.header("transfer-encoding"),
        )?;
        let writing = async {
            write(&request, pieces).await?;
            request.finish("").await
        };
        tokio::try_join!(writing, response.bytes())?.1
    };
    ensure(found == body, || {
        format!("{} of {LARGE} bytes came back", found.len())
    })?;
    text_again(&agent, url).await
}

async fn write(
    request: &ClientRequest,
    pieces: impl Iterator<Item = Vec<u8>>,
) -> std::result::Result<(), Error> {
    for piece in pieces {
        if !request.write(piece) {
            request.drain().await?;
        }
    }
    Ok(())
}

async fn chunks(url: &str, ca: &str) -> Result<()> {
    let agent = agent(ca, |_| ())?;
    let mut response = ask(&agent, "GET", &format!("{url}/stream/50"), "").await?;
    equal(
        "coding",
        &Some("chunked"),
        &response.header("transfer-encoding"),
    )?;
    let text = response.text().await?;
    let ids = text.lines().map(serde_json::from_str::<serde_json::Value>);
    let ids: std::result::Result<Vec<_>, _> =
        ids.map(|it| it.map(|it| it["id"].as_u64())).collect();
    equal("lines", &(0..50).map(Some).collect::<Vec<_>>(), &ids?)?;
    text_again(&agent, url).await
}

async fn text_again(agent: &Agent, url: &str) -> Result<()> {
    text(agent, &format!("{url}/plaintext")).await?;
    equal("one connection", &1, &agent.stats().created)
}

/// With a length and, where supported, in chunks: the partial content arrives, then an error with its phase.
async fn broken(url: &str, ca: &str) -> Result<()> {
    for query in ["?length=10", ""] {
        let agent = agent(ca, |_| ())?;
        let mut response = ask(&agent, "GET", &format!("{url}/cut/5{query}"), "").await?;
        let mut found = 0;
        let error = loop {
            match response.data().await {
                Ok(Some(piece)) => found += piece.len(),
                Ok(None) => return Err(format!("{query:?}: {found} bytes and a good end").into()),
                Err(error) => break error,
            }
        };
        equal("bytes before the end", &5, &found)?;
        equal("phase", &Some(Phase::Read), &error.phase())?;
        ensure(error.is_closed() && !error.is_retry_safe(), || {
            error.to_string()
        })?;
        drop(response);
        equal("connections that are kept", &0, &agent.stats().open)?;
        // The same, read as a whole.
        let mut response = ask(&agent, "GET", &format!("{url}/cut/5{query}"), "").await?;
        let error = error_of(response.bytes().await)?;
        equal("phase", &Some(Phase::Read), &error.phase())?;
    }
    Ok(())
}

async fn trailers(url: &str, ca: &str) -> Result<()> {
    let agent = agent(ca, |_| ())?;
    let request = agent.request("POST", &format!("{url}/trailers"))?;
    request.set_header("Trailer", "X-Sum, X-End")?;
    let mut trailers = hearken::Fields::new();
    trailers.append("X-Sum", "42")?;
    trailers.append("X-End", "yes")?;
    let mut response = request.end_with_trailers("content", trailers).await?;
    let seen: serde_json::Value = serde_json::from_str(&response.text().await?)?;
    let seen = seen["trailers"].to_string();
    ensure(
        seen.contains("X-Sum") && seen.contains("42") && seen.contains("X-End"),
        || seen.clone(),
    )?;
    let trailers = response.trailers();
    let digest = trailers.view().get("content-digest").unwrap_or_default();
    ensure(digest.starts_with(b"sha-256=:"), || {
        format!("{:?}", response.trailers())
    })?;
    text_again(&agent, url).await
}

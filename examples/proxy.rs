//! A reverse proxy: forwards requests to another server and responses back, both directions at once, without holding a whole
//! body in memory. It does what RFC 9110 §7.6 asks of an intermediary:
//!
//! - Fields of the connection end here, both ways: those that Connection names, and `Proxy-*` (`end_to_end`).
//! - Framing is that of the message: its Content-Length, chunks if it has none, nothing if there is no content.
//! - `Via` and `Forwarded` say who was here, and a request that comes around in a loop is answered 508.
//! - Interim responses, `Expect: 100-continue`, trailers and upgrades pass through; absolute targets and `OPTIONS *` are rewritten.
//!
//! ```sh
//! cargo run --release -- echo &
//! cargo run --example proxy 127.0.0.1:3001 http://127.0.0.1:3000
//! curl -T large-file http://127.0.0.1:3001/echo
//! ```

use hearken::client::{ClientRequest, event as upstream};
use hearken::prelude::*;
use hearken::proto::list_members;
use hearken::{Fields, FieldsRef, Misuse, Response, Version};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

/// The name of this proxy in Via. Proxies that may be chained need different ones.
const NAME: &str = "hearken-example";

/// How long the other server may take to ask for content that the client offers with `Expect: 100-continue`.
const CONTINUE_AFTER: Duration = Duration::from_secs(1);

/// The fields that go on to the next server or client (RFC 9110 §7.6.1). Content-Length is set apart, with the framing.
fn end_to_end(fields: FieldsRef<'_>) -> Result<Fields, Misuse> {
    const OF_CONNECTION: [&str; 6] = [
        "connection",
        "content-length",
        "keep-alive",
        "te",
        "transfer-encoding",
        "upgrade",
    ];
    let named: Vec<_> = fields
        .get_all("connection")
        .flat_map(list_members)
        .collect();
    let mut kept = Fields::new();
    for (name, value) in fields.iter() {
        let is = |other: &[u8]| name.eq_ignore_ascii_case(other);
        let is_proxy = name
            .get(..6)
            .is_some_and(|start| start.eq_ignore_ascii_case(b"proxy-"));
        let ends = OF_CONNECTION.iter().any(|of| is(of.as_bytes()));
        if !ends && !is_proxy && !named.iter().any(|of| is(of)) {
            kept.append(name, value)?;
        }
    }
    Ok(kept)
}

/// The target for the other server. Path and query are passed on as they are, not normalised.
fn target(req: &IncomingMessage) -> String {
    let (method, url) = (req.method(), req.url());
    let authority_only = url
        .split_once("://")
        .is_some_and(|(_, rest)| !rest.contains(['/', '?']));
    if url == "*" || (method == "OPTIONS" && authority_only) {
        return "*".to_owned(); // RFC 9112 §3.2.4
    }
    match req.raw_query() {
        Some(query) => format!("{}?{query}", req.path()),
        None => req.path().to_owned(),
    }
}

/// The client, and the host that it asked for: one element of Forwarded (RFC 7239).
fn forwarded(req: &IncomingMessage) -> String {
    let node = match req.peer().remote_address() {
        Some(address) if address.is_ipv6() => format!("\"[{}]\"", address.ip()),
        Some(address) => address.ip().to_string(),
        None => "unknown".to_owned(),
    };
    let proto = if req.peer().tls().is_some() {
        "https"
    } else {
        "http"
    };
    let host = req.header("host").unwrap_or_default(); // has no quotation mark: the server has checked it
    format!("for={node};host=\"{host}\";proto={proto}")
}

/// `1.1 name`: the version in which the message came (RFC 9110 §7.6.3).
fn via(version: Version) -> String {
    let version = if version == Version::HTTP_10 {
        "1.0"
    } else {
        "1.1"
    };
    format!("{version} {NAME}")
}

fn has_content(req: &IncomingMessage) -> bool {
    let fields = req.raw_headers();
    fields.get("content-length").is_some() || fields.get("transfer-encoding").is_some()
}

/// The request to the other server.
fn request(server: &str, req: &IncomingMessage) -> Result<ClientRequest, Failure> {
    let out = hearken::request(req.method().as_str(), server)?.path(&target(req));
    for (name, value) in end_to_end(req.raw_headers())?.view().iter() {
        // Host is that of the other server; the client keeps Expect and holds the content back.
        let replaced = ["host", "expect", "max-forwards"];
        if !replaced
            .iter()
            .any(|own| name.eq_ignore_ascii_case(own.as_bytes()))
        {
            out.append_header(name, value)?;
        }
    }
    out.append_header("Via", via(req.version()))?;
    out.append_header("Forwarded", forwarded(req))?;
    if let Some(left) = max_forwards(req) {
        out.append_header("Max-Forwards", left.saturating_sub(1).to_string())?;
    }
    if let Some(length) = req.head().content_length() {
        out.set_header("Content-Length", length.to_string())?;
    }
    let protocols = req.upgrade_protocols().join(", ");
    if !protocols.is_empty() {
        out.set_header("Connection", "Upgrade")?;
        out.set_header("Upgrade", protocols)?;
    }
    Ok(match req.head().expects_continue() {
        true => out.expect_continue(),
        false => out,
    })
}

/// How many more servers an OPTIONS or TRACE may reach (RFC 9110 §7.6.2); other methods have no such bound.
fn max_forwards(req: &IncomingMessage) -> Option<u32> {
    let bounded = matches!(req.method().as_str(), "OPTIONS" | "TRACE");
    req.header("max-forwards")?.parse().ok().filter(|_| bounded)
}

/// Whether this proxy has seen the request before.
fn loops(req: &IncomingMessage) -> bool {
    let lines = req.raw_headers();
    let mut entries = lines.get_all("via").flat_map(list_members);
    entries.any(|entry| {
        let name = entry.split(|&byte| byte == b' ').nth(1);
        name == Some(NAME.as_bytes())
    })
}

/// Interim responses on their way to the client.
type Interim = UnboundedReceiver<(u16, Fields)>;

/// Passes interim responses on until the final one comes.
async fn final_response(
    waiting: impl Future<Output = Result<Response, Error>>,
    mut interim: Interim,
    res: &ServerResponse,
) -> Result<Response, Error> {
    let mut waiting = std::pin::pin!(waiting);
    let pass = |(status, fields): (u16, Fields)| {
        // It comes too late, or is one too many: the final response counts.
        let _ = res.write_information(status, &fields);
    };
    let response = loop {
        tokio::select! {
            biased;
            Some(one) = interim.recv() => pass(one),
            response = &mut waiting => break response?,
        }
    };
    while let Ok(one) = interim.try_recv() {
        pass(one);
    }
    Ok(response)
}

/// Sends the other server's response to the client.
async fn respond(back: Response, res: ServerResponse) -> Result<Sent, Failure> {
    for (name, value) in end_to_end(back.raw_headers())?.view().iter() {
        res.append_header(name, value)?;
    }
    res.append_header("Via", via(back.version()))?;
    if back.status() == 101 {
        return switch(back, res).await;
    }
    let reason = back.status_message();
    let res = res.status(back.status()).reason(&reason);
    if let Some(length) = back.head().content_length() {
        res.set_header("Content-Length", length.to_string())?;
    }
    res.pipe_from_message(back).await
}

/// The other server speaks another protocol from here on: so do we, byte by byte.
async fn switch(back: Response, res: ServerResponse) -> Result<Sent, Failure> {
    let protocol = back.header("upgrade").unwrap_or_default().to_owned();
    let (sent, upgrading) = res.upgrade(&protocol)?;
    let mut there = back.upgrade()?;
    let mut here = upgrading.await?;
    // An error means that one of both has disconnected.
    let _ = tokio::io::copy_bidirectional(&mut here, &mut there).await;
    Ok(sent)
}

async fn forward(
    server: &str,
    mut req: IncomingMessage,
    res: ServerResponse,
) -> Result<Sent, Failure> {
    if loops(&req) {
        return Err(Failure::new(
            508,
            "this proxy has forwarded the request before",
        ));
    }
    if req.method() == "CONNECT" {
        return Err(Failure::new(405, "this proxy opens no tunnels"));
    }
    if max_forwards(&req) == Some(0) {
        return Ok(res.status(200).end("")); // this proxy is the last that the client asks
    }
    let out = request(server, &req)?;
    let (sender, interim) = unbounded_channel();
    out.on(upstream::Information, move |head| {
        if let Ok(fields) = end_to_end(head.fields()) {
            let _ = sender.send((head.status(), fields));
        }
    });
    if !has_content(&req) {
        let back = final_response(out.end(""), interim, &res).await?;
        return respond(back, res).await;
    }

    let wanted = Arc::new(Notify::new());
    let asked = Arc::clone(&wanted);
    out.on(upstream::Continue, move |()| asked.notify_one());
    if !req.head().expects_continue() {
        wanted.notify_one();
    }
    // The response may begin before the request has ended, so `join!` drives both directions.
    let (sent, sending) = tokio::join!(
        async {
            let back = final_response(out.response(), interim, &res).await?;
            wanted.notify_one(); // nothing is left to wait for
            respond(back, res).await
        },
        async {
            // Reading the content sends 100 to the client.
            let _ = tokio::time::timeout(CONTINUE_AFTER, wanted.notified()).await;
            out.pipe_from_message(&mut req).await
        }
    );
    // The server may respond without reading the whole request: then the response counts, not the error of sending.
    sent.map_err(|failure| sending.err().map_or(failure, Failure::from))
}

fn main() -> Result<(), Error> {
    let address = std::env::args().nth(1);
    let server = std::env::args().nth(2);
    let server = server.unwrap_or_else(|| "http://127.0.0.1:3000".to_owned());
    let listening = Server::new(async move |req, res| forward(&server, req, res).await)
        .listen(address.as_deref().unwrap_or("127.0.0.1:3000"))?;
    println!("{}", listening.address());
    listening.run()
}

//! Sends a request and those that redirects make of it, and gives the last answer.
//!
//! Here: [`send`], and the fields that this layer adds (`Accept-Encoding`, `Cookie`). Not here: the rules of redirects
//! (`redirect.rs`), connections (`client/`).

use super::body::{Outgoing, Pieces};
use super::builder::{Options, Request};
use super::decode;
use super::fetched::Fetched;
use super::redirect::{self, BODY_FIELDS, NextRequest, ORIGIN_FIELDS, RedirectResponse};
use crate::client::{ClientRequest, Response, basic_auth, event};
use crate::error::Error;
use crate::message::outgoing::OutgoingMessage;
use hearken_proto::Fields;
use http::Method;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::sync::Notify;
use tokio::time::Instant;
use url::Url;

/// The answer to a request, redirects followed.
pub(super) async fn send(mut request: Request) -> Result<Fetched, Error> {
    take_credentials(&mut request)?;
    let until = request
        .options
        .timeout
        .and_then(|time| Some((Instant::now().checked_add(time)?, time)));
    let mut urls = Vec::new();
    loop {
        urls.push(request.url.clone());
        let mut response = hop(&mut request, until).await?;
        keep_cookies(&request, &response);
        let Some(moved) = next(&request, &response, &urls)? else {
            return answer(&request, response, urls);
        };
        drain(&mut response).await;
        apply(&mut request, moved);
    }
}

/// Sends one request and waits for the head of its response.
async fn hop(request: &mut Request, until: Option<(Instant, Duration)>) -> Result<Response, Error> {
    let mut client = request
        .agent
        .request(request.method.as_str(), request.url.as_str())?;
    let fields = fields(request, SystemTime::now())?;
    let mut named: Vec<&[u8]> = Vec::new();
    for (name, value) in fields.view().iter() {
        // The first of a name replaces what the client has set itself, Host say.
        if named.iter().any(|other| other.eq_ignore_ascii_case(name)) {
            client.append_header(name, value)?;
        } else {
            client.set_header(name, value)?;
            named.push(name);
        }
    }
    if let Some((at, whole)) = until {
        client = client.until(at.into_std(), whole);
    }
    match request.body.take().await? {
        Outgoing::Empty => client.end("").await,
        Outgoing::Bytes(bytes) => client.end(bytes).await,
        Outgoing::Pieces(pieces, length) => {
            if let Some(length) = length {
                client.set_header("Content-Length", length.to_string())?;
            }
            stream(client, pieces).await
        }
    }
}

/// Sends a body that comes bit by bit. If the server answers before its end, as an echo does, the rest is sent by a task while
/// the answer is read; the task ends with the exchange.
async fn stream(client: ClientRequest, mut pieces: Pieces) -> Result<Response, Error> {
    let over = Arc::new(Notify::new());
    let told = Arc::clone(&over);
    client.on(event::Close, move |()| told.notify_one());
    let early = tokio::select! {
        biased;
        response = client.response() => response?,
        written = write(&client, &mut pieces) => {
            written?;
            return client.end("").await;
        }
    };
    tokio::spawn(async move {
        tokio::select! {
            written = write(&client, &mut pieces) => {
                // A body that fails is cut: the request is dropped before its end, and the response tells so.
                if written.is_ok() {
                    let _ = client.finish("").await;
                }
            }
            () = over.notified() => {}
        }
    });
    Ok(early)
}

/// Can be dropped between two pieces and called again.
async fn write(client: &ClientRequest, pieces: &mut Pieces) -> Result<(), Error> {
    while let Some(piece) = pieces.next().await? {
        if !client.write(piece) {
            client.drain().await?;
        }
    }
    Ok(())
}

/// Reads a short rest, so that the connection can be used again. One that does not come at once is not worth waiting for.
async fn drain(response: &mut Response) {
    let mut left = DRAINED_MAX;
    let drained = async {
        while let Ok(Some(piece)) = response.data().await {
            left = left.saturating_sub(piece.len());
            if left == 0 {
                return;
            }
        }
    };
    let _ = tokio::time::timeout(DRAINED_FOR, drained).await;
}

fn next(
    request: &Request,
    response: &Response,
    urls: &[Url],
) -> Result<Option<NextRequest>, Error> {
    let locations: Vec<&[u8]> = response.raw_headers().get_all("Location").collect();
    let answered = RedirectResponse {
        status: response.status(),
        locations: &locations,
        method: &request.method,
        body: request.body.state(),
        history: urls,
    };
    redirect::next(&request.options.redirects, &answered).map_err(Error::answer)
}

fn answer(request: &Request, response: Response, urls: Vec<Url>) -> Result<Fetched, Error> {
    let head_only = request.method == Method::HEAD;
    let mut coding = None;
    if decodes(request) {
        let fields = response.raw_headers();
        let lines = fields.get_all("Content-Encoding");
        coding = decode::coding_of(head_only, response.status(), lines).map_err(Error::answer)?;
    }
    let max = request.options.body_max;
    Ok(Fetched::new(response, urls, head_only, coding, max))
}

/// Whoever asks for a coding by hand, or for a part, gets what comes.
fn decodes(request: &Request) -> bool {
    let asked = |name| request.fields.view().get(name).is_some();
    request.options.decompress
        && !decode::ACCEPTED.is_empty()
        && !asked("Accept-Encoding")
        && !asked("Range")
}

/// Name and password of the URL become a field, which redirects know how to treat.
fn take_credentials(request: &mut Request) -> Result<(), Error> {
    if let Some(value) = basic_auth(&request.url)
        && request.fields.view().get("Authorization").is_none()
    {
        request.fields.set("Authorization", &value)?;
    }
    // These fail for URLs without a host, which http has none of.
    let _ = request.url.set_username("");
    let _ = request.url.set_password(None);
    Ok(())
}

/// Makes a request the next one.
fn apply(request: &mut Request, moved: NextRequest) {
    if !moved.same_origin {
        for name in ORIGIN_FIELDS {
            request.fields.remove(name);
        }
    }
    if !moved.keeps_body {
        request.body = ().into();
        for name in BODY_FIELDS {
            request.fields.remove(name);
        }
    }
    (request.url, request.method) = (moved.url, moved.method);
}

/// The fields of one request: what was set, and what this layer adds.
fn fields(request: &Request, now: SystemTime) -> Result<Fields, Error> {
    let mut fields = request.fields.clone();
    let missing = |fields: &Fields, name: &str| fields.view().get(name).is_none();
    if decodes(request) {
        fields.set("Accept-Encoding", decode::ACCEPTED)?;
    }
    if let Options {
        cookies: Some(jar), ..
    } = &request.options
        && missing(&fields, "Cookie")
        && let Some(cookies) = jar.header(&request.url, now)
    {
        fields.set("Cookie", &cookies)?;
    }
    Ok(fields)
}

fn keep_cookies(request: &Request, response: &Response) {
    if let Some(jar) = &request.options.cookies {
        for line in response.raw_headers().get_all("Set-Cookie") {
            jar.store(&request.url, line, SystemTime::now());
        }
    }
}

/// How many bytes of a redirect's own body are read to keep its connection.
const DRAINED_MAX: usize = 64 * 1024;
/// And for how long: about what a new connection takes.
const DRAINED_FOR: Duration = Duration::from_millis(100);

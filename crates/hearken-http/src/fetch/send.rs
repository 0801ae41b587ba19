//! Sending a request and those that redirects make of it.
//!
//! Here: [`send`], and the fields that this layer adds (`Accept-Encoding`, `Cookie`). Not here: the rules of redirects
//! (`redirect.rs`), connections (`client/`).

use super::body::{Outgoing, Pieces};
use super::fetched::Fetched;
use super::redirect::{self, NextRequest, ORIGIN_FIELDS, RedirectResponse, describes_body};
use super::request::{Options, Request};
use super::retry::Retries;
use crate::client::{ClientRequest, Response, basic_auth, event};
use crate::error::Error;
use crate::message::decode;
use crate::message::outgoing::OutgoingMessage;
use crate::race::{First, race};
use hearken_proto::Fields;
use http::Method;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::sync::Notify;
use tokio::time::Instant;
use url::Url;

/// Sends a request and follows redirects.
pub(super) async fn send(mut request: Request) -> Result<Fetched, Error> {
    take_credentials(&mut request)?;
    let until = request
        .options
        .deadline
        .and_then(|time| Some((Instant::now().checked_add(time)?, time)));
    let mut urls = Vec::new();
    let mut retries = Retries::new(request.options.retries);
    loop {
        urls.push(request.url.clone());
        let mut response = attempts(&mut request, until, &mut retries).await?;
        store_cookies(&request, &response);
        let Some(next) = next(&request, &response, &urls)? else {
            return Ok(answer(&request, response, urls));
        };
        drain(&mut response).await;
        apply(&mut request, next);
    }
}

/// Sends one request, and again while that may help.
async fn attempts(
    request: &mut Request,
    until: Option<(Instant, Duration)>,
    retries: &mut Retries,
) -> Result<Response, Error> {
    loop {
        let outcome = hop(request, until).await;
        let sent = (&request.method, request.body.state());
        let Some(pause) = retries.pause(sent, &outcome, until.map(|(at, _)| at)) else {
            return outcome;
        };
        if let Ok(mut response) = outcome {
            store_cookies(request, &response);
            drain(&mut response).await;
        }
        tokio::time::sleep(pause).await;
    }
}

/// Sends one request and waits for the head of its response.
async fn hop(request: &mut Request, until: Option<(Instant, Duration)>) -> Result<Response, Error> {
    let (method, url) = (request.method.clone(), request.url.clone());
    let to = (url, request.zone.clone());
    let fields = fields(request, SystemTime::now())?;
    let mut client = ClientRequest::with_fields(&request.agent, method, to, &fields)?;
    if let Some((at, whole)) = until {
        client = client.deadline_at(at.into_std(), whole);
    }
    if let Some(time) = request.options.read_timeout {
        client = client
            .response_timeout(time)
            .limits(|limits| limits.time.body_idle = time);
    }
    for change in &request.options.limits {
        client = client.limits(&**change);
    }
    match request.body.take().await? {
        Outgoing::Empty => client.end("").await,
        Outgoing::Bytes(bytes) => client.end(bytes).await,
        Outgoing::Pieces(_, Some(0)) => client.end("").await,
        Outgoing::Pieces(pieces, length) => {
            if let Some(length) = length {
                client.set_header("Content-Length", length.to_string())?;
            }
            stream(client, pieces).await
        }
    }
}

/// Sends a body in pieces. If the server answers before its end, as an echo does, a task sends the rest while the user reads
/// the answer; the task ends with the exchange.
async fn stream(client: ClientRequest, mut pieces: Pieces) -> Result<Response, Error> {
    let source = client.announce_source();
    let over = Arc::new(Notify::new());
    let closed = Arc::clone(&over);
    client.on(event::Close, move |()| closed.notify_one());
    let early = match race(client.response(), write(&client, &mut pieces)).await {
        First::Left(response) => response?,
        First::Right(written) => {
            written?;
            return client.end("").await;
        }
    };
    tokio::spawn(async move {
        let _source = source;
        let written = race(write(&client, &mut pieces), over.notified()).await;
        // If the body fails, the request is dropped before its end, and reading the response fails.
        if matches!(written, First::Left(Ok(()))) {
            let _ = client.finish("").await;
        }
    });
    Ok(early)
}

/// Cancel safe: a second call continues behind the last piece.
async fn write(client: &ClientRequest, pieces: &mut Pieces) -> Result<(), Error> {
    while let Some(piece) = pieces.next().await? {
        if !client.write(piece) {
            client.drain().await?;
        }
    }
    Ok(())
}

/// Reads the body of a redirect if it is short and arrives at once, so that the connection can be used again.
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
    let response = RedirectResponse {
        status: response.status(),
        locations: &locations,
        method: &request.method,
        body: request.body.state(),
        history: urls,
    };
    redirect::next(&request.options.redirects, &response).map_err(Error::answer)
}

fn answer(request: &Request, response: Response, urls: Vec<Url>) -> Fetched {
    let head_only = request.method == Method::HEAD;
    let mut codings = Vec::new();
    if decodes(request) {
        let fields = response.raw_headers();
        let lines = fields.get_all("Content-Encoding");
        codings = decode::codings_of(head_only, response.status(), lines);
    }
    let max = request.options.body_max;
    Fetched::new(response, urls, head_only, &codings, max)
}

/// Whether this layer decodes: not if the user asks for a coding or a range.
fn decodes(request: &Request) -> bool {
    let asked = |name| request.fields.view().get(name).is_some();
    request.options.decompress
        && !decode::ACCEPTED.is_empty()
        && !asked("Accept-Encoding")
        && !asked("Range")
}

/// Moves name and password of the URL into a field, which redirects to other origins drop.
fn take_credentials(request: &mut Request) -> Result<(), Error> {
    if let Some(value) = basic_auth(&request.url)
        && request.fields.view().get("Authorization").is_none()
    {
        request.fields.set("Authorization", &value)?;
    }
    // Both fail only for URLs without a host, which http excludes.
    let _ = request.url.set_username("");
    let _ = request.url.set_password(None);
    Ok(())
}

/// Turns a request into the next one.
fn apply(request: &mut Request, next: NextRequest) {
    if !next.same_origin {
        request.zone = None;
        for name in ORIGIN_FIELDS {
            request.fields.remove(name);
        }
    }
    if !next.keeps_body {
        request.body = ().into();
        let names = request.fields.view().iter().map(|(name, _)| name);
        let names = names.filter(|name| describes_body(name));
        for name in names.map(<[u8]>::to_vec).collect::<Vec<_>>() {
            request.fields.remove(name);
        }
    }
    (request.url, request.method) = (next.url, next.method);
}

/// The fields of one request: those of the user and those that this layer adds.
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
        && let Some(cookies) = jar.header_value(&request.url, now)
    {
        fields.set("Cookie", cookies.as_bytes())?;
    }
    Ok(fields)
}

fn store_cookies(request: &Request, response: &Response) {
    if let Some(jar) = &request.options.cookies {
        for line in response.raw_headers().get_all("Set-Cookie") {
            jar.store(&request.url, line, SystemTime::now());
        }
    }
}

/// How many bytes of a redirect's body are read to keep its connection.
const DRAINED_MAX: usize = 64 * 1024;
/// And for how long: about the time that a new connection takes.
const DRAINED_FOR: Duration = Duration::from_millis(100);

//! Runs the plan of `hearken fetch`: one URL after the other, over one pool of connections.
//!
//! Here: what is printed to stdout and stderr. Not here: exit codes (`exit.rs`), writing bodies (`sink.rs`).

use super::exit::{Failure, FetchError};
use super::plan::{Body, FetchPlan, Part, Report, Target, Trust};
use super::report::{ErrorReport, Line, ResponseReport, Timings, milliseconds};
use super::sink::{Sink, SinkError};
use crate::plan::CommandError;
use crate::run::print_error;
use hearken::client::AgentOptions;
use hearken::fetch::Redirects;
use hearken::tls::ClientTls;
use hearken::{Agent, Bytes, Fetched, Method, RequestBuilder};
use sha2::{Digest, Sha256};
use std::io::{self, Read, Write};
use std::time::Instant;

/// Fetches all URLs and returns the exit code of the first failure.
pub(crate) fn run(plan: &FetchPlan) -> Result<u8, CommandError> {
    let body = plan.body.as_ref().map(read_body).transpose()?;
    let agent = agent(plan)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| CommandError::Failed(format!("cannot start: {error}")))?;
    Ok(runtime.block_on(fetch_all(plan, &agent, body.as_ref())))
}

async fn fetch_all(plan: &FetchPlan, agent: &Agent, body: Option<&Bytes>) -> u8 {
    let mut exit = 0;
    for target in &plan.targets {
        let request = request(plan, agent, target, body);
        let mut line = Line {
            url: target.url.clone(),
            ..Line::default()
        };
        let start = Instant::now();
        let result = fetch(plan, target, request, &mut line).await;
        line.timings.total = milliseconds(start.elapsed());
        match result {
            Ok(()) => {}
            Err(FetchError::StdoutClosed) => return exit,
            Err(FetchError::Failed(failure)) => {
                exit = if exit == 0 { failure.exit } else { exit };
                line.error = Some(report(failure, plan));
            }
        }
        if plan.report == Report::Json
            && let Err(error) = print(&line)
        {
            return match SinkError::of_stdout(error).into() {
                FetchError::StdoutClosed => exit,
                FetchError::Failed(failure) => {
                    print_error(&failure.message);
                    failure.exit
                }
            };
        }
    }
    exit
}

/// Prints a failure to stderr, unless the line of `--json` contains it.
fn report(failure: Failure, plan: &FetchPlan) -> ErrorReport {
    if !plan.silent && plan.report != Report::Json {
        print_error(&failure.message);
    }
    ErrorReport {
        phase: failure.phase.map(|phase| phase.to_string()),
        code: failure.code.into_owned(),
        exit: failure.exit,
        message: failure.message,
    }
}

fn print(line: &Line) -> io::Result<()> {
    let mut text = serde_json::to_vec(line)?;
    text.push(b'\n');
    let mut stdout = io::stdout().lock();
    stdout.write_all(&text)?;
    stdout.flush()
}

async fn fetch(
    plan: &FetchPlan,
    target: &Target,
    request: RequestBuilder,
    line: &mut Line,
) -> Result<(), FetchError> {
    let mut fetched = request.await?;
    let receive_start = Instant::now();
    record(line, &fetched);
    let mut sink = Sink::new(&target.output);
    if plan.report == Report::HeadAndBody {
        sink.write_head(&head(&fetched))?;
    }
    let status = fetched.status();
    if plan.fail && status.as_u16() >= 400 {
        let response = line.response.as_ref();
        let url = response.map_or("", |response| &response.final_url);
        return Err(FetchError::Failed(Failure::status(
            url,
            status.as_u16(),
            &fetched.status_message(),
        )));
    }
    let mut sha256 = (plan.report == Report::Json).then(Sha256::new);
    let receive = async {
        while let Some(piece) = fetched.data().await? {
            line.body_bytes += piece.len() as u64;
            if let Some(sha256) = &mut sha256 {
                sha256.update(&piece);
            }
            sink.write(&piece)?;
        }
        Ok::<(), FetchError>(())
    };
    let received = receive.await;
    line.timings.receive = milliseconds(receive_start.elapsed());
    received?;
    line.sha256 = sha256.map(|sha256| hex(&sha256.finalize()));
    Ok(sink.finish()?)
}

fn request(
    plan: &FetchPlan,
    agent: &Agent,
    target: &Target,
    body: Option<&Bytes>,
) -> RequestBuilder {
    // The plan has checked that it is a token.
    let method = Method::from_bytes(plan.method.as_bytes()).unwrap_or_default();
    let mut request = agent
        .fetch(method, &target.url)
        .headers(plan.headers.iter().map(|(name, value)| (name, value)))
        .decompress(plan.compressed)
        .redirects(match plan.redirects {
            Some(most) => Redirects::follow(most.into()),
            None => Redirects::none(),
        });
    if let Some(time) = plan.max_time {
        request = request.deadline(time);
    }
    match body {
        Some(body) => request.body(body.clone()),
        None => request,
    }
}

fn agent(plan: &FetchPlan) -> Result<Agent, CommandError> {
    let mut options = AgentOptions::default();
    if let Some(limit) = plan.max_head {
        limit.apply_to(&mut options.limits.head);
    }
    options.tls = match &plan.trust {
        Trust::SystemRoots => ClientTls::new(),
        Trust::SystemRootsAnd(path) => ClientTls::new()
            .root_file(path)
            .map_err(|error| CommandError::Usage(format!("--cacert: {error}")))?,
        Trust::AnyCertificate => ClientTls::new().dangerously_accept_any_certificate(),
    };
    Ok(Agent::new(options))
}

/// Reads the whole body to send.
fn read_body(body: &Body) -> Result<Bytes, CommandError> {
    let mut all = Vec::new();
    for (at, part) in body.parts.iter().enumerate() {
        if at > 0 {
            all.push(b'&');
        }
        let (mut bytes, stripped) = match part {
            Part::Text(text) => (text.clone().into_bytes(), false),
            Part::File { path, stripped } => {
                let bytes = std::fs::read(path).map_err(|error| {
                    CommandError::Usage(format!("cannot read {}: {error}", path.display()))
                })?;
                (bytes, *stripped)
            }
            Part::Stdin { stripped } => {
                let mut bytes = Vec::new();
                let read = io::stdin().lock().read_to_end(&mut bytes);
                read.map_err(|error| CommandError::Usage(format!("cannot read stdin: {error}")))?;
                (bytes, *stripped)
            }
        };
        if stripped {
            bytes.retain(|byte| !matches!(byte, b'\r' | b'\n' | b'\0'));
        }
        all.append(&mut bytes);
    }
    Ok(all.into())
}

/// Status line and fields as received, and the empty line.
fn head(fetched: &Fetched) -> Vec<u8> {
    let version = version(fetched);
    let mut head = format!("{version} {} ", fetched.status().as_u16()).into_bytes();
    head.extend_from_slice(fetched.response().head().reason());
    head.extend_from_slice(b"\r\n");
    for (name, value) in fetched.raw_headers().iter() {
        for bytes in [name, b": ", value, b"\r\n"] {
            head.extend_from_slice(bytes);
        }
    }
    head.extend_from_slice(b"\r\n");
    head
}

fn version(fetched: &Fetched) -> &'static str {
    if fetched.version() == hearken::Version::HTTP_10 {
        "HTTP/1.0"
    } else {
        "HTTP/1.1"
    }
}

/// Copies the head of the response, its connection and its timings.
fn record(line: &mut Line, fetched: &Fetched) {
    // Values are octets: those that are not UTF-8 are ISO 8859-1, so that none is lost.
    let text = |bytes: &[u8]| match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().copied().map(char::from).collect(),
    };
    let headers = fetched.raw_headers();
    let connection = fetched.response().connection();
    let address =
        |address: Option<std::net::SocketAddr>| address.map(|address| address.to_string());
    line.response = Some(ResponseReport {
        final_url: fetched.url().to_string(),
        status: fetched.status().as_u16(),
        reason: fetched.status_message(),
        version: version(fetched),
        headers: headers
            .iter()
            .map(|(name, value)| (text(name), text(value)))
            .collect(),
        reused: connection.reused(),
        remote_address: address(connection.remote_address()),
        local_address: address(connection.local_address()),
    });
    line.redirects = fetched.history().iter().map(ToString::to_string).collect();
    let timings = fetched.response().timings();
    line.timings = Timings {
        resolve: milliseconds(timings.resolve),
        connect: milliseconds(timings.connect),
        proxy: milliseconds(timings.proxy),
        tls: milliseconds(timings.tls),
        send: milliseconds(timings.send),
        wait: milliseconds(timings.wait),
        receive: 0.0,
        total: 0.0,
    };
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

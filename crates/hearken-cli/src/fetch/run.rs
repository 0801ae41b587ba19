//! Carries the plan of `hearken fetch` out: one URL after the other, over one pool.
//!
//! Here: what is printed, to stdout and stderr. Not here: what failures are called (`exit.rs`), where bodies go (`sink.rs`).

use super::exit::{Failure, Stopped};
use super::plan::{Body, Part, Plan, Report, Target, Trust};
use super::report::{Answer, Line, Problem, Timings, milliseconds};
use super::sink::{Sink, SinkError};
use crate::plan::Stop;
use crate::run::complain;
use hearken::client::AgentOptions;
use hearken::fetch::Redirects;
use hearken::tls::ClientTls;
use hearken::{Agent, Bytes, Fetched, Method, RequestBuilder};
use sha2::{Digest, Sha256};
use std::io::{self, Read, Write};
use std::time::Instant;

/// Fetches all, and gives the exit code of the first that failed.
pub(crate) fn run(plan: &Plan) -> Result<u8, Stop> {
    let body = plan.body.as_ref().map(read).transpose()?;
    let agent = agent(&plan.trust)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Stop::Failed(format!("cannot begin: {error}")))?;
    Ok(runtime.block_on(all(plan, &agent, body.as_ref())))
}

async fn all(plan: &Plan, agent: &Agent, body: Option<&Bytes>) -> u8 {
    let mut exit = 0;
    for target in &plan.targets {
        let request = request(plan, agent, target, body);
        let mut line = Line {
            url: target.url.clone(),
            ..Line::default()
        };
        let began = Instant::now();
        let done = one(plan, target, request, &mut line).await;
        line.timings.total = milliseconds(began.elapsed());
        match done {
            Ok(()) => {}
            Err(Stopped::ReaderGone) => return exit,
            Err(Stopped::Failed(failure)) => {
                exit = if exit == 0 { failure.exit } else { exit };
                line.error = Some(told(failure, plan));
            }
        }
        if plan.report == Report::Json
            && let Err(error) = print(&line)
        {
            return match SinkError::of_stdout(error).into() {
                Stopped::ReaderGone => exit,
                Stopped::Failed(failure) => {
                    complain(&failure.message);
                    failure.exit
                }
            };
        }
    }
    exit
}

/// Tells a failure on stderr, unless the line of `--json` does.
fn told(failure: Failure, plan: &Plan) -> Problem {
    if !plan.silent && plan.report != Report::Json {
        complain(&failure.message);
    }
    Problem {
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

async fn one(
    plan: &Plan,
    target: &Target,
    request: RequestBuilder,
    line: &mut Line,
) -> Result<(), Stopped> {
    let mut fetched = request.await?;
    let read_from = Instant::now();
    note(line, &fetched);
    let mut sink = Sink::new(&target.output);
    if plan.report == Report::HeadAndBody {
        sink.write_head(&head(&fetched))?;
    }
    let status = fetched.status();
    if plan.fail && status.as_u16() >= 400 {
        let url = line.answer.as_ref().map_or("", |answer| &answer.final_url);
        return Err(Stopped::Failed(Failure::status(
            url,
            status.as_u16(),
            &fetched.status_message(),
        )));
    }
    let mut sha256 = (plan.report == Report::Json).then(Sha256::new);
    let all = async {
        while let Some(piece) = fetched.data().await? {
            line.body_bytes += piece.len() as u64;
            if let Some(sha256) = &mut sha256 {
                sha256.update(&piece);
            }
            sink.write(&piece)?;
        }
        Ok::<(), Stopped>(())
    };
    let came = all.await;
    line.timings.receive = milliseconds(read_from.elapsed());
    came?;
    line.sha256 = sha256.map(|sha256| hex(&sha256.finalize()));
    Ok(sink.finish()?)
}

fn request(plan: &Plan, agent: &Agent, target: &Target, body: Option<&Bytes>) -> RequestBuilder {
    // The plan has looked at it.
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

fn agent(trust: &Trust) -> Result<Agent, Stop> {
    let mut options = AgentOptions::default();
    options.tls = match trust {
        Trust::System => ClientTls::new(),
        Trust::SystemAnd(path) => ClientTls::new()
            .root_file(path)
            .map_err(|error| Stop::Refused(format!("--cacert: {error}")))?,
        Trust::Anybody => ClientTls::new().dangerously_accept_any_certificate(),
    };
    Ok(Agent::new(options))
}

/// The whole body to be sent.
fn read(body: &Body) -> Result<Bytes, Stop> {
    let mut all = Vec::new();
    for (at, part) in body.parts.iter().enumerate() {
        if at > 0 {
            all.push(b'&');
        }
        let (mut bytes, stripped) = match part {
            Part::Text(text) => (text.clone().into_bytes(), false),
            Part::File { path, stripped } => {
                let bytes = std::fs::read(path).map_err(|error| {
                    Stop::Refused(format!("cannot read {}: {error}", path.display()))
                })?;
                (bytes, *stripped)
            }
            Part::Stdin { stripped } => {
                let mut bytes = Vec::new();
                let read = io::stdin().lock().read_to_end(&mut bytes);
                read.map_err(|error| Stop::Refused(format!("cannot read stdin: {error}")))?;
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

/// Status line and fields as they came, and the empty line.
fn head(fetched: &Fetched) -> Vec<u8> {
    let version = version(fetched);
    let mut head = format!(
        "{version} {} {}\r\n",
        fetched.status().as_u16(),
        fetched.status_message()
    )
    .into_bytes();
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

/// What the head of the answer says.
fn note(line: &mut Line, fetched: &Fetched) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let headers = fetched.raw_headers();
    let connection = fetched.response().connection();
    let address =
        |address: Option<std::net::SocketAddr>| address.map(|address| address.to_string());
    line.answer = Some(Answer {
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

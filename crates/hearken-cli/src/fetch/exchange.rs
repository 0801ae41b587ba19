//! One attempt to fetch one URL: request, head, body.

use super::exit::{Failure, FetchError};
use super::plan::{Output, Report, Resume, Target};
use super::progress::Progress;
use super::report::{Line, milliseconds, version};
use super::retry::{self, Attempt};
use super::run::Run;
use super::sink::Sink;
use hearken::fetch::Redirects;
use hearken::{Fetched, Method, RequestBuilder};
use sha2::{Digest, Sha256};
use std::time::{Instant, SystemTime};

/// Fetches a URL and fills in its line. A status that may pass ends all attempts but the last one before their body.
pub(super) async fn fetch(
    run: &Run<'_>,
    target: &Target,
    line: &mut Line,
    attempt: Attempt,
) -> Result<(), FetchError> {
    let plan = run.plan;
    let from = offset(run, target)?;
    let mut fetched = request(run, target, from).await?;
    let receive_start = Instant::now();
    line.record(&fetched);
    let status = fetched.status().as_u16();
    if retry::is_transient(status) {
        let asked = retry::retry_after(&fetched, SystemTime::now());
        if let Some(wait) = attempt.wait_after_answer(&plan.retry, asked) {
            return Err(FetchError::Again { status, wait });
        }
    }
    let mut sink = Sink::new(
        &target.output,
        fetched.header("Content-Type").unwrap_or_default(),
        from > 0,
    );
    if plan.report == Report::HeadAndBody {
        sink.write_head(&head(&fetched))?;
    }
    if plan.fail && status >= 400 {
        let response = line.response.as_ref();
        let url = response.map_or("", |response| &response.final_url);
        let reason = fetched.status_message();
        return Err(FetchError::Failed(Failure::status(url, status, &reason)));
    }
    if from > 0 && !continues(&fetched, from)? {
        return Ok(());
    }
    let mut progress = Progress::new(plan, target, from, fetched.content_length());
    let mut sha256 = (plan.report == Report::Json).then(Sha256::new);
    let receive = async {
        while let Some(piece) = fetched.data().await? {
            line.body_bytes += piece.len() as u64;
            if let Some(sha256) = &mut sha256 {
                sha256.update(&piece);
            }
            sink.write(&piece)?;
            progress.add(piece.len());
        }
        Ok::<(), FetchError>(())
    };
    let received = receive.await;
    drop(progress);
    line.timings.receive = milliseconds(receive_start.elapsed());
    received?;
    line.sha256 = sha256.map(|sha256| hex(&sha256.finalize()));
    Ok(sink.finish()?)
}

/// Where the download continues; 0 for a whole one.
fn offset(run: &Run<'_>, target: &Target) -> Result<u64, FetchError> {
    match (run.plan.resume, &target.output) {
        (None, _) => Ok(0),
        (Some(Resume::At(at)), _) => Ok(at),
        (Some(Resume::FileSize), Output::File(path)) => match std::fs::metadata(path) {
            Ok(found) => Ok(found.len()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(0),
            Err(error) => Err(Failure::range(format!("-C: {}: {error}", path.display())).into()),
        },
        (Some(Resume::FileSize), _) => Ok(0),
    }
}

/// Whether the body continues at this byte. False if there is nothing left.
fn continues(fetched: &Fetched, from: u64) -> Result<bool, Failure> {
    let status = fetched.status().as_u16();
    // `bytes 5-9/10`, or `bytes */10` with 416 (RFC 9110 §14.4).
    let range = fetched.header("Content-Range").unwrap_or_default();
    let range = range.trim().strip_prefix("bytes").map(str::trim_start);
    let (place, whole) = range
        .and_then(|range| range.split_once('/'))
        .unwrap_or_default();
    let first = place.split_once('-').map(|(first, _)| first);
    let whole: Option<u64> = whole.parse().ok();
    match status {
        206 if first.and_then(|first| first.parse().ok()) == Some(from) => Ok(true),
        206 => Err(Failure::range(format!(
            "-C: expected the part from byte {from} on, the server sent another: {}",
            fetched
                .header("Content-Range")
                .unwrap_or("no Content-Range")
        ))),
        416 if whole.is_none_or(|whole| whole == from) => Ok(false),
        416 => Err(Failure::range(format!(
            "-C: {from} bytes are here, the server has {}; delete the file to fetch it anew",
            whole.unwrap_or_default()
        ))),
        200 if fetched.content_length() == Some(from) => Ok(false),
        200..=299 => Err(Failure::range(format!(
            "-C: expected the part from byte {from} on, the server sent the whole ({status}); it cannot continue a download"
        ))),
        _ => Err(Failure::range(format!(
            "-C: expected the part from byte {from} on, the server answered {status} {}",
            fetched.status_message()
        ))),
    }
}

fn request(run: &Run<'_>, target: &Target, from: u64) -> RequestBuilder {
    let plan = &run.plan.request;
    // The plan has checked that it is a token.
    let method = Method::from_bytes(target.method.as_bytes()).unwrap_or_default();
    let mut request = run.agent.fetch(method, &target.url);
    request = run.content.add(request, target);
    request = run.cookies.add(request, &target.url);
    let named = |name: &str| {
        plan.headers
            .iter()
            .any(|(other, _)| other.eq_ignore_ascii_case(name))
    };
    if from > 0 && !named("Range") {
        request = request.header("Range", format!("bytes={from}-"));
    }
    for (name, value) in &plan.headers {
        // These replace what a form and `-b` have set.
        let single = ["content-type", "cookie"];
        request = if single
            .iter()
            .any(|single| name.eq_ignore_ascii_case(single))
        {
            request.header(name, value)
        } else {
            request.headers([(name, value)])
        };
    }
    request = request
        .decompress(plan.compressed)
        .redirects(match plan.redirects {
            Some(most) => Redirects::follow(most.into()),
            None => Redirects::none(),
        });
    match plan.max_time {
        Some(time) => request.deadline(time),
        None => request,
    }
}

/// Status line and fields as received, and the empty line.
fn head(fetched: &Fetched) -> Vec<u8> {
    let mut head = format!("{} {} ", version(fetched), fetched.status().as_u16()).into_bytes();
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

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

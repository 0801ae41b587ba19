//! The command line of a client peer, and the orders that it takes.

use std::io::{self, Write};
use std::process::ExitCode;

use serde_json::json;

use crate::{Answer, Failure};

/// What a client is asked to do for its whole life.
#[derive(Clone, Debug)]
pub struct Job {
    /// The kind of exchange.
    pub kind: Kind,
    /// Where to: a whole URL, path included.
    pub url: String,
    /// How many exchanges are under way at any time, and so how many connections a pool needs.
    pub connections: usize,
}

/// A kind of exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A small body.
    Get,
    /// A body of 64 KiB.
    Download,
    /// 16 KiB sent, a small body back.
    Upload,
    /// The client's shortest form, with the body turned into a value.
    Json,
}

impl Kind {
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "get" => Self::Get,
            "download" => Self::Download,
            "upload" => Self::Upload,
            "json" => Self::Json,
            _ => return None,
        })
    }

    /// How long the body of a right answer is.
    pub(crate) fn expected_bytes(self) -> usize {
        match self {
            Self::Get => peer_kit::HELLO.len(),
            Self::Download => peer_kit::MEDIUM_BYTES,
            Self::Upload => peer_kit::SMALL_UPLOAD_BYTES.to_string().len(),
            Self::Json => peer_kit::JSON_BYTES,
        }
    }
}

/// An order, as the loops understand it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// Exchanges for so many seconds.
    Seconds(u64),
    /// So many exchanges.
    Count(u64),
    /// One exchange, shown.
    Show,
}

impl Order {
    fn read(words: &[String]) -> Result<Self, Failure> {
        let number = |text: &String| text.parse().map_err(|_| format!("no number: {text}"));
        match words {
            [word, value] if word == "seconds" => Ok(Self::Seconds(number(value)?)),
            [word, value] if word == "count" => Ok(Self::Count(number(value)?)),
            [word] if word == "show" => Ok(Self::Show),
            _ => Err(format!("no order: {}", words.join(" ")).into()),
        }
    }
}

/// What an order comes to.
#[derive(Debug)]
pub(crate) enum Outcome {
    Done(Tally),
    Shown(Answer),
}

/// Figures of one order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) requests: u64,
    pub(crate) errors: u64,
    pub(crate) bytes: u64,
    pub(crate) duration_us: u128,
}

impl Outcome {
    fn line(&self) -> Result<String, Failure> {
        Ok(match self {
            Self::Done(tally) => json!({
                "requests": tally.requests,
                "errors": tally.errors,
                "bytes": tally.bytes,
                "duration_us": u64::try_from(tally.duration_us)?,
            }),
            Self::Shown(answer) => {
                json!({ "status": answer.status, "content": answer.content.text()? })
            }
        }
        .to_string())
    }
}

/// Reads the command line, makes the worker, gives it its orders.
pub(crate) fn run<W: FnMut(Order) -> Result<Outcome, Failure>>(
    make: impl FnOnce(&Job) -> Result<W, Failure>,
) -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match obey(&arguments, &mut io::stdout(), make) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn obey<W: FnMut(Order) -> Result<Outcome, Failure>>(
    arguments: &[String],
    out: &mut impl Write,
    make: impl FnOnce(&Job) -> Result<W, Failure>,
) -> Result<(), Failure> {
    let usage = "usage: PEER get|download|upload|json URL CONNECTIONS [seconds N|count N|show]...";
    let [kind, url, connections, orders @ ..] = arguments else {
        return Err(usage.into());
    };
    let job = Job {
        kind: Kind::named(kind).ok_or(usage)?,
        url: url.clone(),
        connections: connections
            .parse()
            .ok()
            .filter(|count| *count > 0)
            .ok_or(usage)?,
    };
    let mut worker = make(&job)?;
    let mut work = |order| -> Result<(), Failure> {
        let line = worker(order)?.line()?;
        writeln!(out, "{line}")?;
        Ok(out.flush()?)
    };
    if orders.is_empty() {
        for line in io::stdin().lines() {
            let words: Vec<String> = line?.split_whitespace().map(str::to_owned).collect();
            work(Order::read(&words)?)?;
        }
        return Ok(());
    }
    let mut rest = orders;
    while let Some(first) = rest.first() {
        let length = if first == "show" { 1 } else { 2 };
        let (words, after) = rest.split_at(length.min(rest.len()));
        work(Order::read(words)?)?;
        rest = after;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn orders_are_done_in_turn_and_the_first_wrong_one_ends_it() {
        let (mut done, mut out) = (Vec::new(), Vec::new());
        let all = words("get http://a/ 2 count 5 show seconds 1");
        let made = obey(&all, &mut out, |job| {
            assert_eq!((job.kind, job.connections), (Kind::Get, 2));
            let done = &mut done;
            Ok(move |order| {
                done.push(order);
                Ok(Outcome::Done(Tally::default()))
            })
        });
        assert!(made.is_ok());
        assert_eq!(
            out.split(|byte| *byte == b'\n').count(),
            4,
            "a line for each"
        );
        assert_eq!(done, [Order::Count(5), Order::Show, Order::Seconds(1)]);
        for wrong in [
            "get http://a/ 0 show",
            "put http://a/ 1 show",
            "get",
            "get http://a/ 1 count",
        ] {
            let made = obey(&words(wrong), &mut out, |_| {
                Ok(|_| Ok(Outcome::Done(Tally::default())))
            });
            assert!(made.is_err(), "{wrong}");
        }
    }
}

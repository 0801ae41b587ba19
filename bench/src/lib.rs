//! The benchmark's runner: builds the peers, checks their answers, measures them in turn, prints tables.
//!
//! Here: the order of the work. What is measured and how far to trust it: `docs/benchmarking.md`.
//! The parts: [`options`] (the command line), [`peers`] (who takes part), [`server`] (one running peer), [`check`] (does
//! it answer rightly), [`rows`] (what is measured), [`system`] (what the operating system says), [`report`] (tables),
//! [`response`] (reading answers; shared with the load generator `load`).

pub mod check;
pub mod options;
pub mod peers;
pub mod report;
pub mod response;
pub mod rows;
pub mod server;
pub mod system;

use std::fs;

use options::{Options, Parsed};
use peers::{Peer, Workshop};
use report::Report;
use rows::Bench;
use server::Server;

/// Runs the benchmark by its command line (without the program's name) and returns the exit code: 0 done (peers may have
/// been skipped by name), 1 nothing could be measured, 2 the command line was wrong.
#[must_use]
pub fn run(arguments: impl Iterator<Item = String>) -> u8 {
    let options = match options::parse(arguments) {
        Ok(Parsed::Run(options)) => options,
        Ok(Parsed::Help) => {
            print!("{}", options::USAGE);
            return 0;
        }
        Ok(Parsed::List) => {
            print!("{}", peers::list());
            return 0;
        }
        Err(message) => {
            eprintln!("bench: {message}\n\n{}", options::USAGE);
            return 2;
        }
    };
    match measure_all(&options) {
        Ok(report) => publish(&report, &options),
        Err(message) => {
            eprintln!("bench: {message}");
            1
        }
    }
}

fn publish(report: &Report, options: &Options) -> u8 {
    let text = report.to_string();
    println!("{text}");
    if let Some(path) = &options.markdown
        && let Err(error) = fs::write(path, &text)
    {
        eprintln!("bench: cannot write {}: {error}", path.display());
        return 1;
    }
    u8::from(report.is_empty())
}

fn measure_all(options: &Options) -> Result<Report, String> {
    let files = system::raise_open_files()
        .map_err(|error| format!("cannot raise the limit of open files: {error}"))?;
    let workshop = Workshop::new().map_err(|error| format!("cannot prepare: {error}"))?;
    let bench = Bench {
        options,
        workshop: &workshop,
        open_files: files,
    };
    bench.check_cores()?;
    let mut report = Report::new(options);
    let mut plan = Vec::new();
    for peer in &options.peers {
        eprintln!("building {}", peer.name);
        match workshop.prepare(peer) {
            Ok(version) => {
                report.add_peer(peer, &version);
                plan.push(*peer);
            }
            Err(reason) => report.skip(peer.name, None, &reason),
        }
    }
    workshop
        .build_load()
        .map_err(|reason| format!("the load generator {reason}"))?;
    let plan = check_all(&bench, &plan, &mut report);
    for round in 1..=options.rounds {
        for row in &options.rows {
            for (peer, _) in plan.iter().filter(|(_, rows)| rows.contains(row)) {
                eprintln!(
                    "round {round} of {}: {} {}",
                    options.rounds,
                    row.name(),
                    peer.name
                );
                match bench.measure(peer, *row) {
                    Ok(sample) => report.add(peer.name, *row, sample),
                    Err(reason) => report.skip(peer.name, Some(*row), &reason),
                }
            }
        }
    }
    Ok(report)
}

/// Starts each peer once and asks it for everything that the rows need. A wrong answer costs the peer that row.
fn check_all<'p>(
    bench: &Bench<'_>,
    peers: &[&'p Peer],
    report: &mut Report,
) -> Vec<(&'p Peer, Vec<rows::Row>)> {
    let mut plan = Vec::new();
    for peer in peers {
        eprintln!("checking {}", peer.name);
        let server = match Server::start(peer, bench.workshop, bench.options.server_core) {
            Ok(server) => server,
            Err(reason) => {
                report.skip(peer.name, None, &reason);
                continue;
            }
        };
        if let Ok(bytes) = check::answer_bytes(server.port()) {
            report.add_answer_bytes(peer.name, bytes);
        }
        let mut rows = Vec::new();
        for row in &bench.options.rows {
            match bench
                .missing(*row)
                .map_or_else(|| check::row(server.port(), *row), Err)
            {
                Ok(()) => rows.push(*row),
                Err(reason) => report.skip(peer.name, Some(*row), &reason),
            }
        }
        plan.push((*peer, rows));
    }
    plan
}

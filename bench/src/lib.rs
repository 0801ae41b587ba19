//! The benchmark's runner: builds the peers, checks their answers, measures them in turn, prints tables.
//!
//! Here: the order of the work. What is measured and how far to trust it: `docs/benchmarking.md`.
//! The parts: [`options`] (the command line), [`peers`] (who takes part), [`workshop`] (builds and starts them), [`server`] and
//! [`client`] (one running peer), [`check`] and [`check_client`] (does it work rightly), [`rows`] (what is measured),
//! [`measure`] (how), [`instructions`] (the same without a clock), [`system`] (what the operating system says), [`report`] and
//! [`table`] (what comes out); [`response`] and [`tls`] are shared with the load generator `load`.

pub mod check;
pub mod check_client;
pub mod client;
pub mod instructions;
pub mod measure;
pub mod options;
pub mod peers;
pub mod report;
pub mod response;
pub mod rows;
pub mod server;
pub mod system;
pub mod table;
pub mod tls;
pub mod workshop;

use std::fs;

use check::Site;
use measure::Bench;
use options::{Options, Parsed};
use peers::{Peer, TARGET};
use report::Report;
use rows::{Role, Row};
use server::Server;
use workshop::Workshop;

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
        eprintln!("building {} ({})", peer.name, peer.role.name());
        match workshop.prepare(peer) {
            Ok(version) => {
                report.add_peer(peer, &version);
                plan.push(*peer);
            }
            Err(reason) => report.skip(peer, None, &reason),
        }
    }
    workshop
        .build_load()
        .map_err(|reason| format!("the load generator {reason}"))?;
    if plan.iter().any(|peer| peer.role == Role::Client) {
        workshop
            .prepare(&TARGET)
            .map_err(|reason| format!("the server {} {reason}", TARGET.name))?;
    }
    let plan = check_all(&bench, &plan, &mut report);
    for round in 1..=options.rounds {
        for row in &options.rows {
            if round > 1 && row.once() {
                continue;
            }
            for (peer, _) in plan.iter().filter(|(_, rows)| rows.contains(row)) {
                eprintln!(
                    "round {round} of {}: {} {}",
                    options.rounds,
                    row.name(),
                    peer.name
                );
                match bench.measure(peer, *row) {
                    Ok(sample) => report.add(peer, *row, sample),
                    Err(reason) => report.skip(peer, Some(*row), &reason),
                }
            }
        }
    }
    Ok(report)
}

/// Lets each peer do once everything that its rows need. A wrong answer costs the peer that row.
fn check_all<'p>(
    bench: &Bench<'_>,
    peers: &[&'p Peer],
    report: &mut Report,
) -> Vec<(&'p Peer, Vec<Row>)> {
    let mut plan = Vec::new();
    for peer in peers {
        eprintln!("checking {} ({})", peer.name, peer.role.name());
        let mut rows = Vec::new();
        for row in &bench.options.rows {
            if row.role() != peer.role {
                continue;
            }
            let checked = match bench.missing(peer, *row) {
                Some(reason) => Err(reason),
                None => check_one(bench, peer, *row, report),
            };
            match checked {
                Ok(()) => rows.push(*row),
                Err(reason) => report.skip(peer, Some(*row), &reason),
            }
        }
        plan.push((*peer, rows));
    }
    plan
}

/// Checks one peer for one row, with processes of its own, as it is measured.
fn check_one(bench: &Bench<'_>, peer: &Peer, row: Row, report: &mut Report) -> Result<(), String> {
    if peer.role == Role::Client {
        let target = bench.target()?;
        let rows = if row == Row::ClientInstructions {
            Row::COUNTED.as_slice()
        } else {
            &[row]
        };
        return rows.iter().try_for_each(|row| {
            check_client::row(
                peer,
                bench.workshop,
                (*row, &target),
                bench.options.server_core,
            )
        });
    }
    let server = Server::start(peer, bench.workshop, bench.options.server_core)?;
    let site = Site::new(server.port(), row, &bench.workshop.identity().certificate)
        .map_err(|error| format!("cannot check: {error}"))?;
    check::row(&site, row)?;
    if let Ok(bytes) = check::answer_bytes(&site) {
        report.add_answer_bytes(peer, bytes);
    }
    Ok(())
}

//! `bench`: builds the peers, checks them, measures them in turn, prints tables. `docs/benchmarking.md` says what is measured and
//! how far to trust it.
//!
//! Here: the order of the work. The parts: [`options`] (the command line), [`tables`] (peers and rows), [`workshop`] (builds and
//! commands), [`process`] (a running peer), [`check`], [`measure`], [`load`] (our own), [`report`]; below them [`conn`], [`tls`]
//! and [`system`].

mod check;
mod conn;
mod load;
mod measure;
mod options;
mod process;
mod report;
mod system;
mod tables;
mod tls;
mod workshop;

use std::fs;
use std::process::ExitCode;

use measure::Bench;
use options::Options;
use report::Report;
use tables::{PEERS, Peer, ROWS, Role, Row, TARGET};
use workshop::Workshop;

/// Why something failed, in one line.
type Failure = Box<dyn std::error::Error + Send + Sync>;
type Result<T, E = Failure> = std::result::Result<T, E>;

/// Exit codes: 0 done (peers may have been skipped by name), 1 nothing could be measured, 2 the command line was wrong.
fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let given = |flag: &str| arguments.iter().any(|argument| argument == flag);
    if given("--help") {
        print!("{}", options::USAGE);
        return ExitCode::SUCCESS;
    } else if given("--list") {
        list();
        return ExitCode::SUCCESS;
    }
    let options = match options::parse(&arguments) {
        Ok(options) => options,
        Err(message) => {
            eprintln!("bench: {message}\n\n{}", options::USAGE);
            return ExitCode::from(2);
        }
    };
    if let Err(message) = run(&options) {
        eprintln!("bench: {message}");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

fn list() {
    println!("peers:");
    for peer in &PEERS {
        println!("  {:<14}{}", peer.name, peer.role.name());
    }
    println!("rows:");
    for row in &ROWS {
        println!("  {:<21}{}", row.name, row.title);
    }
    for program in ["wrk", "nginx", "node", "npm", "valgrind"] {
        if let Err(reason) = system::version(program) {
            println!("{reason}");
        }
    }
}

fn run(options: &Options) -> Result<()> {
    for core in [options.server_core, options.load_core] {
        if !system::has_core(core) {
            return Err(format!("no core {core}: see --server-core, --load-core").into());
        }
    }
    let bench = Bench {
        options,
        workshop: Workshop::new()?,
        open_files: system::raise_open_files()?,
    };
    let mut report = Report::default();
    report.head = report::head(options);
    let plan = prepare(&bench, &mut report)?;
    let rounds = options.rounds;
    for round in 1..=rounds {
        for (row, peer) in plan.iter().filter(|(row, _)| round == 1 || !row.once()) {
            eprintln!("round {round} of {rounds}: {} {}", row.name, peer.name);
            match bench.measure(peer, row) {
                Ok(sample) => report.samples.push((peer, row, sample)),
                Err(reason) => report.skip(peer, row.name, &reason),
            }
        }
    }
    let text = report.to_string();
    println!("{text}");
    if let Some(path) = &options.markdown {
        fs::write(path, &text)?;
    }
    if report.samples.is_empty() {
        return Err("nothing was measured".into());
    }
    Ok(())
}

/// Builds each peer and checks it for each of its rows. Returns the pairs that passed, by row.
fn prepare(bench: &Bench<'_>, report: &mut Report) -> Result<Vec<(&'static Row, &'static Peer)>> {
    let (peers, rows) = (&bench.options.peers, &bench.options.rows);
    let mut plan = Vec::new();
    if peers.iter().any(|peer| peer.role == Role::Client) {
        bench.workshop.prepare(TARGET)?;
    }
    for peer in peers {
        eprintln!("building and checking {} ({})", peer.name, peer.role.name());
        let version = match bench.workshop.prepare(peer) {
            Ok(version) => version,
            Err(reason) => {
                report.skip(peer, peer.role.name(), &reason);
                continue;
            }
        };
        let mut bytes = None;
        for row in rows.iter().filter(|row| row.measures(peer)) {
            match bench.check(peer, row) {
                Ok(found) => {
                    bytes = found.or(bytes);
                    plan.push((*row, *peer));
                }
                Err(reason) => report.skip(peer, row.name, &reason),
            }
        }
        report.peers.push((peer, version, bytes));
    }
    plan.sort_by_key(|(row, _)| rows.iter().position(|one| one == row));
    Ok(plan)
}

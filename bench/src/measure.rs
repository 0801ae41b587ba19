//! One check and one measurement of one peer in one row.
//!
//! Each has fresh processes, so that no row inherits another's memory or warmth. The measured process runs on the server's core,
//! the other side on the other one.

use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use peer_kit::Exchange;
use rustls::HandshakeKind;
use tokio::runtime::Builder;
use tokio::task::LocalSet;
use tokio_rustls::TlsConnector;

use crate::Result;
use crate::check;
use crate::load::{self, Figures};
use crate::options::Options;
use crate::process::Process;
use crate::system::{self, cpu_time, resident_bytes, version};
use crate::tables::{Load, Peer, Role, Row, TARGET};
use crate::workshop::{Workshop, here};

/// How long a server gets to settle before its memory is read.
const SETTLE: Duration = Duration::from_secs(1);

/// Batches on each of 64 connections in the shorter and in the longer count of instructions.
const ROUNDS: [usize; 2] = [10, 40];

const MIB: f64 = 1024.0 * 1024.0;

/// What one measurement found: title, digits behind the point, value.
pub(crate) type Sample = Vec<(&'static str, usize, f64)>;

/// What a measurement needs besides peer and row.
pub(crate) struct Bench<'r> {
    pub(crate) options: &'r Options,
    pub(crate) workshop: Workshop,
    /// The limit of open files of each process.
    pub(crate) open_files: u64,
}

impl Bench<'_> {
    /// Checks that this machine has what the row needs, and a server for the row. Returns the length of the plain response. Clients
    /// check responses themselves.
    pub(crate) fn check(&self, peer: &Peer, row: &Row) -> Result<Option<usize>> {
        let (wanted, limit) = (self.options.idle_connections + 200, self.open_files);
        match row.load {
            Load::Wrk(_) => drop(version("wrk")?),
            Load::Instructions(_) => drop(version("valgrind")?),
            Load::Idle if limit < wanted as u64 => {
                return Err(format!("needs {wanted} open files, the limit is {limit}").into());
            }
            _ => {}
        }
        let mut bytes = None;
        for row in row.parts() {
            if peer.role != Role::Client {
                let (_server, port) = self.server(peer, row, false)?;
                let tls = match (row.role, &row.load) {
                    (Role::Tls, Load::Handshakes(kind)) => Some(self.connector(*kind, true)?),
                    (Role::Tls, _) => Some(self.connector(HandshakeKind::Full, true)?),
                    _ => None,
                };
                let found = self.generate(async || check::server(port, tls, row).await)?;
                bytes = Some(found).filter(|_| row.exchange == Exchange::Plaintext);
            }
        }
        Ok(bytes)
    }

    fn connector(&self, kind: HandshakeKind, careful: bool) -> Result<TlsConnector> {
        self.workshop.identity.connector(kind, careful)
    }

    /// Measures a peer in a row. A load with a single failed request is an error.
    pub(crate) fn measure(&self, peer: &Peer, row: &Row) -> Result<Sample> {
        match row.load {
            Load::Peer => self.client_load(peer, row),
            Load::Idle => self.idle(peer, row),
            Load::Instructions(_) => {
                let count = |row: &Row| Ok((row.name, 0, self.instructions(peer, row)?));
                row.parts().into_iter().map(count).collect()
            }
            Load::Handshakes(kind) => {
                let (server, port) = self.server(peer, row, false)?;
                let load = |seconds| {
                    let loops = (0..row.connections).map(|_| self.connector(kind, false));
                    let loops = loops.collect::<Result<_>>()?;
                    self.generate(async || load::handshakes(port, loops, kind, seconds).await)
                };
                self.loaded(server.id(), load)
            }
            Load::Wrk(depth) => {
                let (server, port) = self.server(peer, row, false)?;
                let mut sample =
                    self.loaded(server.id(), |seconds| self.wrk(port, row, seconds))?;
                if depth > 1 {
                    // A second load, for what wrk cannot know: see `load.lua`.
                    let seconds = self.options.seconds;
                    let batches = async || load::batches(port, row, seconds).await;
                    sample.extend(latency(self.generate(batches)?));
                }
                Ok(sample)
            }
        }
    }

    /// Starts a server.
    fn server(&self, peer: &Peer, row: &Row, counted: bool) -> Result<(Process, u16)> {
        let (target, options) = (row.role == Role::Client, self.options);
        let core = if target {
            options.load_core
        } else {
            options.server_core
        };
        let port = system::free_port()?;
        let command = self.workshop.command(peer, row, port)?;
        let server = Process::start(command, core, self.workshop.log(peer), counted)?;
        Ok((server.accepting(port)?, port))
    }

    /// Starts a client of the server on the port; with a number of exchanges on each connection, under callgrind.
    fn client(&self, peer: &Peer, row: &Row, port: u16, count: Option<usize>) -> Result<Process> {
        let mut command = self.workshop.command(peer, row, port)?;
        command.args(count.map(|count| count.to_string()));
        let (core, log) = (self.options.server_core, self.workshop.log(peer));
        Process::start(command, core, log, count.is_some())
    }

    /// Load by the peer itself. The server counts the requests.
    fn client_load(&self, peer: &Peer, row: &Row) -> Result<Sample> {
        let (_target, port) = self.server(TARGET, row, false)?;
        let mut client = self.client(peer, row, port, None)?;
        let id = client.id();
        let counts = || self.generate(async || check::counts(port).await);
        self.loaded(id, |seconds| {
            let ((_, before), started) = (counts()?, Instant::now());
            sleep(Duration::from_secs(seconds.into()));
            let ((connections, after), duration) = (counts()?, started.elapsed());
            client.runs(Instant::now())?;
            // A pool may open more when another task has taken the free connection; five are not the client's.
            if connections > 2 * row.connections + 5 {
                return Err("the client does not keep its connections".into());
            }
            Ok(Figures {
                requests: (after - before - 1) as f64,
                duration_us: duration.as_secs_f64() * 1e6,
                latency_us: None,
            })
        })
    }

    /// Warm-up, then the load that counts, between two readings of the process's CPU time.
    fn loaded(&self, id: u32, mut load: impl FnMut(u32) -> Result<Figures>) -> Result<Sample> {
        load(self.options.warmup_seconds)?;
        let (before, started) = (cpu_time(id)?, Instant::now());
        let figures = load(self.options.seconds)?;
        let elapsed_us = started.elapsed().as_secs_f64() * 1e6;
        let (user_us, system_us) = cpu_time(id)?.since(&before);
        let (cpu_us, requests) = (user_us + system_us, figures.requests);
        let mut sample = vec![
            ("user µs", 2, user_us / requests),
            ("system µs", 2, system_us / requests),
            ("CPU µs", 2, cpu_us / requests),
            ("requests per CPU s", 0, requests / cpu_us * 1e6),
            ("requests/s", 0, requests / figures.duration_us * 1e6),
            ("core busy %", 0, cpu_us / elapsed_us * 100.0),
            ("RSS MiB", 1, resident_bytes(id)? / MIB),
        ];
        sample.extend(latency(figures));
        Ok(sample)
    }

    fn wrk(&self, port: u16, row: &Row, seconds: u32) -> Result<Figures> {
        let scheme = if row.role == Role::Tls {
            "https"
        } else {
            "http"
        };
        let url = format!("{scheme}://localhost:{port}{}", row.exchange.path());
        let (connections, body_bytes) = (row.connections, row.exchange.sent().len());
        let mut command = Command::new("wrk");
        command
            .args(["-t1", "--timeout=10s", "-s"])
            .arg(here("load.lua"));
        command.args([format!("-c{connections}"), format!("-d{seconds}s"), url]);
        command.args(["--", &row.depth().to_string(), &body_bytes.to_string()]);
        command.env("OPENSSL_CONF", &self.workshop.identity.openssl);
        let output = system::on_core(self.options.load_core, || Ok(command.output()?))?;
        wrk_figures(&String::from_utf8_lossy(
            &[output.stderr, output.stdout].concat(),
        ))
    }

    /// Load of our own.
    fn generate<T: Send>(&self, work: impl AsyncFnOnce() -> Result<T> + Send) -> Result<T> {
        system::on_core(self.options.load_core, || {
            let runtime = Builder::new_current_thread().enable_all().build()?;
            LocalSet::new().block_on(&runtime, work())
        })
    }

    /// Memory of connections that wait.
    fn idle(&self, peer: &Peer, row: &Row) -> Result<Sample> {
        let (server, port) = self.server(peer, row, false)?;
        let (id, count) = (server.id(), self.options.idle_connections);
        self.generate(async || {
            // What the server sets up once is not counted as the connections' own.
            drop(load::crowd(port, row, row.connections).await?);
            tokio::time::sleep(SETTLE).await;
            let before = resident_bytes(id)?;
            let mut conns = load::crowd(port, row, count).await?;
            tokio::time::sleep(SETTLE).await;
            let after = resident_bytes(id)?;
            for conn in &mut conns {
                if !conn.is_idle().await {
                    return Err("the server has closed a connection".into());
                }
            }
            Ok(vec![
                ("bytes per connection", 0, (after - before) / count as f64),
                ("RSS before MiB", 1, before / MIB),
                ("RSS with them MiB", 1, after / MIB),
            ])
        })
    }

    /// Instructions of one request: a longer run minus a shorter one, which leaves out start and end.
    fn instructions(&self, peer: &Peer, row: &Row) -> Result<f64> {
        let [shorter, longer] = ROUNDS.map(|rounds| {
            if peer.role == Role::Client {
                let (_target, port) = self.server(TARGET, row, false)?;
                let count = rounds * 64 / row.connections;
                return self
                    .client(peer, row, port, Some(count))?
                    .instructions(false);
            }
            let (server, port) = self.server(peer, row, true)?;
            self.generate(async || load::lockstep(port, row, rounds).await)?;
            server.instructions(true)
        });
        let requests = (ROUNDS[1] - ROUNDS[0]) * 64 * row.depth();
        Ok((longer? - shorter?) / requests as f64)
    }
}

fn latency(figures: Figures) -> impl Iterator<Item = (&'static str, usize, f64)> {
    let titles = ["p50 µs", "p99 µs"].into_iter();
    let values = figures.latency_us.into_iter().flatten();
    titles.zip(values).map(|(title, value)| (title, 0, value))
}

/// Reads what `load.lua` prints: requests, duration, two percentiles unless they are wrong, errors.
fn wrk_figures(text: &str) -> Result<Figures> {
    let line = text.lines().find_map(|line| line.strip_prefix("figures "));
    let numbers = line.unwrap_or_default().split(' ').map(str::parse);
    let numbers: Vec<f64> = numbers.collect::<Result<_, _>>().unwrap_or_default();
    let (requests, duration_us, latency_us) = match numbers[..] {
        [requests, duration, p50, p99, 0.0] => (requests, duration, Some([p50, p99])),
        [requests, duration, 0.0] => (requests, duration, None),
        _ => (0.0, 0.0, None),
    };
    if requests < 1.0 {
        return Err(format!("failed requests, or none: {text}").into());
    }
    Ok(Figures {
        requests,
        duration_us,
        latency_us,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_of_figures_is_read() {
        let found = wrk_figures("Running\nfigures 100 20 30 90 0\n").expect("figures");
        assert_eq!((found.requests, found.duration_us), (100.0, 20.0));
        assert_eq!(found.latency_us, Some([30.0, 90.0]));
        let found = wrk_figures("figures 100 20 0");
        assert_eq!(found.expect("figures").latency_us, None);
    }

    #[test]
    fn a_load_with_failed_requests_is_no_measurement() {
        for line in ["100 2 3 9 1", "0 2 3 9 0", "1 0"] {
            assert!(wrk_figures(&format!("figures {line}")).is_err(), "{line}");
        }
    }
}

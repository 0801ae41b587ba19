//! One measurement of one peer in one row.
//!
//! Each has fresh processes, so that no row inherits another's memory or warmth. Whoever is measured runs on the server's core,
//! whoever it talks to on the other.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::client::Client;
use crate::instructions;
use crate::options::Options;
use crate::peers::{Peer, TARGET, here, wrk_version};
use crate::rows::{CONNECTIONS, PIPELINE_DEPTH, Role, Row};
use crate::server::Server;
use crate::system;
use crate::workshop::Workshop;

/// How long a server gets to settle before its memory is read.
const SETTLE: Duration = Duration::from_secs(1);

/// What one measurement found.
#[derive(Clone, Copy, Debug)]
pub enum Sample {
    /// Of a row with load.
    Load(Load),
    /// Of the row `idle`.
    Idle {
        /// Resident memory before the connections came, in bytes.
        before_bytes: f64,
        /// Resident memory while they wait, in bytes.
        after_bytes: f64,
        /// The difference, divided by their number.
        bytes_per_connection: f64,
    },
    /// Of the row `client-instructions`: one request's, by the rows of [`Row::COUNTED`].
    Instructions([f64; Row::COUNTED.len()]),
}

/// Figures of a row with load.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// CPU time in user mode per request, in µs.
    pub user_us: f64,
    /// CPU time in the kernel per request, in µs.
    pub system_us: f64,
    /// Requests a second.
    pub rate: f64,
    /// Median latency and the one that 99 of 100 requests stay within, in µs; clients that are measured do not tell.
    pub latency_us: Option<(f64, f64)>,
    /// The share of its core that the peer used, 0 to 1.
    pub busy: f64,
    /// Resident memory at the end of the load, in bytes.
    pub resident_bytes: f64,
}

/// What a load generator says at its end.
struct Figures {
    requests: f64,
    duration_us: f64,
    /// Median and 99th percentile, unless the generator cannot tell.
    latency_us: Option<(f64, f64)>,
}

/// All that a measurement needs besides the peer.
pub struct Bench<'r> {
    /// The run, as asked for.
    pub options: &'r Options,
    /// Where the programs are.
    pub workshop: &'r Workshop,
    /// The limit of open files of each process.
    pub open_files: u64,
}

impl Bench<'_> {
    /// Whether this machine has the cores that the options name.
    ///
    /// # Errors
    /// A line that says which is missing and what to do.
    pub fn check_cores(&self) -> Result<(), String> {
        for (flag, core) in [
            ("--server-core", self.options.server_core),
            ("--load-core", self.options.load_core),
        ] {
            if !system::has_core(core) {
                return Err(format!(
                    "core {core} is not there for this process; choose another with {flag}"
                ));
            }
        }
        Ok(())
    }

    /// What this machine lacks for the row, if anything.
    #[must_use]
    pub fn missing(&self, peer: &Peer, row: Row) -> Option<String> {
        let wanted = u64::from(self.options.idle_connections) + 200;
        if row.uses_wrk() {
            wrk_version().err()
        } else if row == Row::Idle && self.open_files < wanted {
            Some(format!(
                "needs {wanted} open files, the limit is {} (raise it, or use --idle)",
                self.open_files
            ))
        } else if row == Row::ClientInstructions {
            instructions::possible(peer).err()
        } else {
            None
        }
    }

    /// Starts the server that clients ask, where the load would be.
    ///
    /// # Errors
    /// One line that says why not.
    pub fn target(&self) -> Result<Server, String> {
        Server::start(&TARGET, self.workshop, self.options.load_core)
            .map_err(|reason| format!("the server {} {reason}", TARGET.name))
    }

    /// Measures one peer in one row, with processes of its own.
    ///
    /// # Errors
    /// One line that says what went wrong; a load with a single failed request counts as wrong.
    pub fn measure(&self, peer: &Peer, row: Row) -> Result<Sample, String> {
        let sample = if row.role() == Role::Client {
            let target = self.target()?;
            if row == Row::ClientInstructions {
                self.measure_instructions(peer, &target)
            } else {
                self.measure_client(peer, &target, row)
            }
        } else {
            let server = Server::start(peer, self.workshop, self.options.server_core)?;
            if row == Row::Idle {
                self.measure_idle(&server)
            } else {
                self.measure_load(&server, row)
            }
        };
        sample.map_err(|error| error.to_string())
    }

    fn measure_client(&self, peer: &Peer, target: &Server, row: Row) -> io::Result<Sample> {
        let at = (row, target.port());
        let mut client = Client::start(peer, self.workshop, at, self.options.server_core)?;
        client.seconds(self.options.warmup_seconds)?;
        let before = system::cpu_time(client.id())?;
        let tally = client.seconds(self.options.seconds)?;
        let spent = system::cpu_time(client.id())?.since(&before);
        let resident_bytes = system::resident_bytes(client.id())? as f64;
        let (requests, duration_us) = (tally.requests as f64, tally.duration_us as f64);
        Ok(Sample::Load(Load {
            user_us: spent.user_us / requests,
            system_us: spent.system_us / requests,
            rate: requests / duration_us * 1e6,
            latency_us: None,
            busy: (spent.user_us + spent.system_us) / duration_us,
            resident_bytes,
        }))
    }

    fn measure_instructions(&self, peer: &Peer, target: &Server) -> io::Result<Sample> {
        let mut counted = [0.0; Row::COUNTED.len()];
        for (row, figure) in Row::COUNTED.into_iter().zip(&mut counted) {
            let core = self.options.server_core;
            *figure = instructions::per_request(peer, self.workshop, (row, target), core)?;
        }
        Ok(Sample::Instructions(counted))
    }

    fn measure_load(&self, server: &Server, row: Row) -> io::Result<Sample> {
        self.load(self.generator(server, row, self.options.warmup_seconds))?;
        let before = system::cpu_time(server.id())?;
        let started = Instant::now();
        let figures = self.load(self.generator(server, row, self.options.seconds))?;
        let elapsed_us = started.elapsed().as_secs_f64() * 1e6;
        let spent = system::cpu_time(server.id())?.since(&before);
        let resident_bytes = system::resident_bytes(server.id())? as f64;
        let latency_us = match figures.latency_us {
            Some(latency) => Some(latency),
            // A second load, after the CPU time has been read.
            None => self.load(self.batches(server))?.latency_us,
        };
        Ok(Sample::Load(Load {
            user_us: spent.user_us / figures.requests,
            system_us: spent.system_us / figures.requests,
            rate: figures.requests / figures.duration_us * 1e6,
            latency_us,
            busy: (spent.user_us + spent.system_us) / elapsed_us,
            resident_bytes,
        }))
    }

    /// The load of a row, for so many seconds.
    fn generator(&self, server: &Server, row: Row, seconds: u32) -> Command {
        if row.uses_wrk() {
            return wrk(server.port(), row, seconds);
        }
        let mut command = self.workshop.load();
        let (port, connections) = (server.port().to_string(), row.connections().to_string());
        command.args([row.name(), &port, &connections, &seconds.to_string()]);
        if row.role() == Role::Tls {
            command.arg(&self.workshop.identity().certificate);
        }
        command
    }

    /// The load that tells the latency of pipelined batches, which wrk does not (see `wrk/pipeline.lua`).
    fn batches(&self, server: &Server) -> Command {
        let mut command = self.workshop.load();
        let numbers = [CONNECTIONS, self.options.seconds].map(|number| number.to_string());
        command
            .arg("pipelined")
            .arg(server.port().to_string())
            .args(numbers);
        command.arg(PIPELINE_DEPTH.to_string());
        command
    }

    /// Runs a load generator, pinned, to its end.
    fn load(&self, mut command: Command) -> io::Result<Figures> {
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let child = system::spawn_pinned(&mut command, self.options.load_core)?;
        let output = child.wait_with_output()?;
        let text = String::from_utf8_lossy(&output.stdout);
        let Some(line) = text.lines().find_map(|line| line.strip_prefix("figures ")) else {
            let complaint = String::from_utf8_lossy(&output.stderr);
            let last = complaint
                .lines()
                .last()
                .or_else(|| text.lines().last())
                .unwrap_or("no output");
            return Err(io::Error::other(format!(
                "the load generator failed: {last}"
            )));
        };
        figures(line)
    }

    fn measure_idle(&self, server: &Server) -> io::Result<Sample> {
        // A first crowd, gone again, so that what the server sets up once is not counted as the connections' own.
        Crowd::gather(self, server, CONNECTIONS)?.leave()?;
        sleep(SETTLE);
        let before = system::resident_bytes(server.id())? as f64;
        let connections = self.options.idle_connections;
        let crowd = Crowd::gather(self, server, connections)?;
        sleep(SETTLE);
        let after = system::resident_bytes(server.id())? as f64;
        crowd.leave()?;
        Ok(Sample::Idle {
            before_bytes: before,
            after_bytes: after,
            bytes_per_connection: (after - before) / f64::from(connections),
        })
    }
}

fn wrk(port: u16, row: Row, seconds: u32) -> Command {
    let (path, script) = match row {
        Row::Json => ("/json", "wrk/report.lua"),
        Row::Download => ("/download", "wrk/report.lua"),
        Row::Pipelined => ("/plaintext", "wrk/pipeline.lua"),
        _ => ("/plaintext", "wrk/report.lua"),
    };
    let mut command = Command::new("wrk");
    command.args([
        "--threads",
        "1",
        "--timeout",
        "10s",
        "--connections",
        &row.connections().to_string(),
    ]);
    command
        .args(["--duration", &format!("{seconds}s"), "--script"])
        .arg(here(script));
    command.arg(format!("http://127.0.0.1:{port}{path}"));
    command
}

/// Reads `requests=1 duration_us=2 p50_us=3 p99_us=4 errors=5`, with or without the latency.
fn figures(line: &str) -> io::Result<Figures> {
    let figure = |name: &str| {
        let mut pairs = line
            .split_whitespace()
            .filter_map(|pair| pair.split_once('='));
        let (_, value) = pairs.find(|(key, _)| *key == name)?;
        value.parse::<f64>().ok()
    };
    let needed =
        |name: &str| figure(name).ok_or_else(|| io::Error::other(format!("no {name} in: {line}")));
    let (requests, errors) = (needed("requests")?, needed("errors")?);
    if errors > 0.0 || requests < 1.0 {
        let message = format!("{errors} failed requests, {requests} good ones");
        return Err(io::Error::other(message));
    }
    let duration_us = needed("duration_us")?;
    Ok(Figures {
        requests,
        duration_us,
        latency_us: figure("p50_us").zip(figure("p99_us")),
    })
}

/// Idle connections, held open by the load generator until it is told to let go.
struct Crowd {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
    connections: u32,
}

impl Crowd {
    /// Opens the connections, asks once on each, and returns when all have their answer.
    fn gather(bench: &Bench<'_>, server: &Server, connections: u32) -> io::Result<Self> {
        let mut command = bench.workshop.load();
        command
            .arg("idle")
            .args([server.port().to_string(), connections.to_string()]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = system::spawn_pinned(&mut command, bench.options.load_core)?;
        let pipes = child.stdin.take().zip(child.stdout.take());
        let (stdin, stdout) =
            pipes.ok_or_else(|| io::Error::other("no pipes to the load generator"))?;
        let mut crowd = Self {
            child,
            stdin,
            stdout: BufReader::new(stdout),
            connections,
        };
        crowd.hear("ready")?;
        Ok(crowd)
    }

    /// Closes the connections, after a look whether the server had kept them all.
    fn leave(mut self) -> io::Result<()> {
        self.stdin.write_all(b"\n")?;
        self.hear("kept")?;
        self.child.wait()?;
        Ok(())
    }

    fn hear(&mut self, word: &str) -> io::Result<()> {
        let mut line = String::new();
        self.stdout.read_line(&mut line)?;
        if line.trim() == format!("{word} {}", self.connections) {
            return Ok(());
        }
        self.stdout.read_to_string(&mut line)?;
        Err(io::Error::other(format!(
            "expected {} connections {word}, heard: {}",
            self.connections,
            line.trim()
        )))
    }
}

impl Drop for Crowd {
    fn drop(&mut self) {
        // Has ended already, unless something went wrong on the way.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_of_figures_is_read() {
        let found = figures("requests=100 duration_us=20 p50_us=30 p99_us=90 errors=0");
        let found = found.expect("figures");
        assert_eq!((found.requests, found.duration_us), (100.0, 20.0));
        assert_eq!(found.latency_us, Some((30.0, 90.0)));
        let found = figures("requests=100 duration_us=20 errors=0").expect("figures");
        assert_eq!(found.latency_us, None);
    }

    #[test]
    fn a_load_with_failed_requests_is_no_measurement() {
        assert!(figures("requests=100 duration_us=2 p50_us=3 p99_us=9 errors=1").is_err());
        assert!(figures("requests=0 duration_us=2 p50_us=3 p99_us=9 errors=0").is_err());
        assert!(figures("requests=1 errors=0").is_err());
    }
}

//! A running peer: started on its core, watched, ended in any case.

use std::fs::{self, File};
use std::net::{Ipv4Addr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::system;
use crate::{Failure, Result};

/// How long a peer may take to accept, and to end.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long to wait between two looks at a process.
const STEP: Duration = Duration::from_millis(5);

/// A process and its children, which end when it is dropped.
pub(crate) struct Process {
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts the command on a core, under callgrind if its instructions are counted. Its standard error goes to a file.
    pub(crate) fn start(
        mut command: Command,
        core: usize,
        log: PathBuf,
        counted: bool,
    ) -> Result<Self> {
        if counted {
            let mut valgrind = Command::new("valgrind");
            valgrind.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]);
            valgrind.arg(command.get_program()).args(command.get_args());
            command = valgrind;
        }
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(&log)?);
        let child = system::on_core(core, || Ok(command.spawn()?))?;
        Ok(Self { child, log })
    }

    /// Waits until the process accepts connections.
    pub(crate) fn accepting(mut self, port: u16) -> Result<Self> {
        let started = Instant::now();
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            self.runs(started)?;
            sleep(STEP);
        }
        Ok(self)
    }

    /// Fails if the process has ended, or has taken too long since `started`.
    pub(crate) fn runs(&mut self, started: Instant) -> Result<()> {
        if self.has_ended() || started.elapsed() > PATIENCE {
            return Err(self.failure("ended, or takes too long"));
        }
        Ok(())
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits until a process under callgrind has ended, and returns the number of its instructions. A server gets SIGTERM.
    pub(crate) fn instructions(mut self, is_server: bool) -> Result<f64> {
        if is_server {
            signal(self.id(), Signal::TERM);
        }
        self.wait();
        let log = fs::read_to_string(&self.log)?;
        let mut counts = log
            .lines()
            .filter_map(|line| line.split_once("Collected :"));
        let count = counts.find_map(|(_, count)| count.trim().parse().ok());
        let count = count.filter(|_| is_server || self.child.wait().is_ok_and(|end| end.success()));
        count.ok_or_else(|| self.failure("no count by callgrind"))
    }

    fn has_ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }

    fn wait(&mut self) {
        let started = Instant::now();
        while self.runs(started).is_ok() {
            sleep(STEP);
        }
    }

    /// An error with the last line that the process has logged.
    fn failure(&self, what: &str) -> Failure {
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        let last = log.lines().last().unwrap_or("no message");
        format!("{what}: {last}").into()
    }
}

impl Drop for Process {
    /// SIGTERM first if there are children (nginx's master ends its worker then), SIGKILL for the rest.
    fn drop(&mut self) {
        let family = system::family(self.id());
        if family.len() > 1 {
            signal(self.id(), Signal::TERM);
            self.wait();
        }
        if !self.has_ended() {
            // The process is not reaped yet, so the ids are still those of our own children.
            family.iter().for_each(|id| signal(*id, Signal::KILL));
            let _ = self.child.wait();
        }
    }
}

fn signal(id: u32, signal: Signal) {
    if let Some(id) = i32::try_from(id).ok().and_then(Pid::from_raw) {
        // A process that has ended needs no signal.
        let _ = kill_process(id, signal);
    }
}

//! Starts the binary on a free port, and reads its output.

use super::client::Client;
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

/// Long enough for a loaded machine, short enough for a hung test.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// The program without the variables that affect it, so that tests do not depend on the machine.
pub(crate) fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hearken"));
    for variable in [
        "PORT",
        "HEARKEN_AUTH",
        "NO_COLOR",
        "CLICOLOR",
        "CLICOLOR_FORCE",
        "RUST_BACKTRACE",
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "ALL_PROXY",
        "NO_PROXY",
        "http_proxy",
        "https_proxy",
        "all_proxy",
        "no_proxy",
    ] {
        command.env_remove(variable);
    }
    command.args(args).stdin(Stdio::null());
    command
}

/// Runs it to its end.
pub(crate) fn output(command: &mut Command) -> Output {
    let child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    let mut program = Program::around(child);
    let status = program.wait();
    let (stdout, stderr) = (rest(&program.stdout), rest(&program.stderr));
    Output {
        status,
        stdout: stdout.into_bytes(),
        stderr: stderr.into_bytes(),
    }
}

fn rest(lines: &Receiver<String>) -> String {
    let mut all = String::new();
    while let Ok(line) = lines.recv_timeout(PATIENCE) {
        all += &line;
        all.push('\n');
    }
    all
}

/// A running `hearken`, killed at the end of the test if it still runs.
pub(crate) struct Program {
    child: Child,
    stdout: Receiver<String>,
    stderr: Receiver<String>,
    /// Disconnected when both pipes have ended.
    ended: Receiver<()>,
    /// The URL that it printed.
    pub(crate) url: String,
}

impl Program {
    /// `hearken echo` on a free port.
    pub(crate) fn start() -> Self {
        Self::start_with(&mut command(&["echo", "--port", "0", "--workers", "2"]))
    }

    pub(crate) fn start_with(command: &mut Command) -> Self {
        let child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        let mut program = Self::around(child);
        program.url = program
            .stdout
            .recv_timeout(PATIENCE)
            .expect("a URL on stdout");
        program
    }

    fn around(mut child: Child) -> Self {
        let (end, ended) = channel();
        let stdout = lines(child.stdout.take().expect("a pipe"), end.clone());
        let stderr = lines(child.stderr.take().expect("a pipe"), end);
        Self {
            child,
            stdout,
            stderr,
            ended,
            url: String::new(),
        }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        let address = self.url.split_once("://").map(|(_, at)| at.parse());
        address
            .expect("a URL")
            .unwrap_or_else(|error| panic!("{}: {error}", self.url))
    }

    pub(crate) fn connect(&self) -> Client {
        Client::connect(self.address())
    }

    /// The next line on stderr.
    pub(crate) fn log_line(&self) -> String {
        self.stderr
            .recv_timeout(PATIENCE)
            .expect("a line on stderr")
    }

    /// The rest of stdout and stderr, up to their end.
    pub(crate) fn rest(&self) -> (String, String) {
        (rest(&self.stdout), rest(&self.stderr))
    }

    pub(crate) fn signal(&self, name: &str) {
        let killed = Command::new("kill")
            .args(["-s", name, &self.child.id().to_string()])
            .status();
        assert!(killed.expect("kill runs").success());
    }

    /// Waits for its end.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        // The pipes end with the process; unlike the process itself, they can be awaited with a timeout.
        let ended = self.ended.recv_timeout(PATIENCE);
        assert_eq!(ended, Err(RecvTimeoutError::Disconnected), "it still runs");
        self.child.wait().expect("its status")
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The lines of a pipe, read by a thread so that waiting for a line can have a timeout.
fn lines(pipe: impl Read + Send + 'static, end: Sender<()>) -> Receiver<String> {
    let (sender, lines) = channel();
    thread::spawn(move || {
        let _end = end; // dropped with this thread
        for line in BufReader::new(pipe).split(b'\n').map_while(Result::ok) {
            if sender
                .send(String::from_utf8_lossy(&line).into_owned())
                .is_err()
            {
                return;
            }
        }
    });
    lines
}

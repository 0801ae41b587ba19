//! Tests that need their own process: for signals, for process limits, or for measurements. Such a test starts this test
//! binary again with only itself.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const MARK: &str = "HEARKEN_TEST_CHILD";

/// Whether this process was started for one test.
pub(crate) fn is_child() -> bool {
    std::env::var_os(MARK).is_some()
}

fn command(test: &str, before: &str) -> Command {
    // Not by its path: a concurrent build may have replaced the file.
    let binary = format!("/proc/{}/exe", std::process::id());
    let mut command = Command::new("sh");
    command
        .arg("-c")
        .arg(format!("{before} exec \"$0\" \"$@\""))
        .arg(binary);
    command.args([test, "--exact", "--nocapture", "--test-threads=1"]);
    command.env(MARK, "1").env("RUST_BACKTRACE", "0");
    command
}

/// Runs `test` in its own process, after the shell commands `before`, and fails if it fails.
#[track_caller]
pub(crate) fn run(test: &str, before: &str) {
    output(test, before);
}

/// As [`run`]; returns what it printed.
#[track_caller]
pub(crate) fn output(test: &str, before: &str) -> String {
    let output = command(test, before).output().expect("a shell");
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}\n{errors}");
    assert!(text.contains("1 passed"), "the test was not found: {text}");
    text.into_owned()
}

/// Starts `test`; returns the process and the lines that it sends by [`report`].
pub(crate) fn start(test: &str) -> (Child, impl Iterator<Item = String> + use<>) {
    let mut child = command(test, "")
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("a shell");
    let lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    let told = lines.map_while(Result::ok).filter_map(|line| {
        let (_, told) = line.split_once("report: ")?;
        Some(told.to_owned())
    });
    (child, told)
}

/// Sends a line to the parent.
#[expect(clippy::print_stdout, reason = "the parent reads it")]
pub(crate) fn report(what: impl std::fmt::Display) {
    println!("report: {what}");
}

/// CPU time of this process. Uses no descriptor: tests call it when none is left.
pub(crate) fn cpu_time() -> Duration {
    let used = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    used.try_into().expect("a time that is not negative")
}

/// Resident memory of this process, without the pages of the program file, which are loaded as code runs for the first time.
pub(crate) fn resident_bytes() -> usize {
    let text = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("RssAnon:"))
        .expect("RssAnon");
    let kib: usize = line
        .trim()
        .trim_end_matches(" kB")
        .parse()
        .expect("a number");
    kib * 1024
}

/// CPU time that this process uses while it is idle for `time`.
pub(crate) fn cpu_time_of_rest(time: Duration) -> Duration {
    let (began, used) = (Instant::now(), cpu_time());
    while began.elapsed() < time {
        std::thread::sleep(time / 10);
    }
    cpu_time() - used
}

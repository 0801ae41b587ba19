//! Tests that need a process of their own: for its signals, its limits, or because they measure it. Such a test starts
//! this test binary again, with itself alone.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const MARK: &str = "HEARKEN_TEST_CHILD";

/// Whether this is the process that was started for one test.
pub(crate) fn is_child() -> bool {
    std::env::var_os(MARK).is_some()
}

fn command(test: &str, before: &str) -> Command {
    // Not by its path: a build that runs beside the tests may have replaced the file by now.
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

/// Runs `test` in a process of its own, after the shell commands `before`, and passes its verdict on.
#[track_caller]
pub(crate) fn run(test: &str, before: &str) {
    let output = command(test, before).output().expect("a shell");
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}\n{errors}");
    assert!(text.contains("1 passed"), "the test was not found: {text}");
}

/// Starts `test` and returns with what it reports by [`tell`].
pub(crate) fn start(test: &str) -> (Child, impl Iterator<Item = String>) {
    let mut child = command(test, "")
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("a shell");
    let lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    let told = lines.map_while(Result::ok).filter_map(|line| {
        let (_, told) = line.split_once("tells: ")?;
        Some(told.to_owned())
    });
    (child, told)
}

/// Tells the parent something.
#[expect(clippy::print_stdout, reason = "it is how a child speaks")]
pub(crate) fn tell(what: impl std::fmt::Display) {
    println!("tells: {what}");
}

/// CPU time that this process has used. Needs no descriptor: it is asked when there is none left.
pub(crate) fn cpu_time() -> Duration {
    let used = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    used.try_into().expect("a time that is not negative")
}

/// Memory that this process has in RAM.
/// Without the pages of the program itself, which come in as its code is used for the first time.
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

/// CPU time used while this process had nothing to do for `time`.
pub(crate) fn cpu_time_of_rest(time: Duration) -> Duration {
    let (began, used) = (Instant::now(), cpu_time());
    while began.elapsed() < time {
        std::thread::sleep(time / 10);
    }
    cpu_time() - used
}

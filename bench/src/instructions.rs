//! Instructions of one request, by callgrind: they do not depend on what else the machine does.
//!
//! A client runs twice with different counts of requests; the difference leaves out start and end. It counts what the process
//! executes itself, not what the kernel does for it.

use std::io;
use std::process::{Command, Stdio};

use crate::peers::{Peer, valgrind_version};
use crate::rows::Row;
use crate::server::Server;
use crate::system;
use crate::workshop::Workshop;

/// Requests of the shorter and of the longer run; both give every connection of a row its share.
const COUNTS: [u32; 2] = [640, 2560];

/// Why the peer's instructions cannot be counted, if so.
///
/// # Errors
/// One line that says it.
pub fn possible(peer: &Peer) -> Result<(), String> {
    valgrind_version()?;
    if peer.is_scripted() {
        return Err("not counted: most of its code is made while it runs".to_owned());
    }
    Ok(())
}

/// The instructions of one request of the client in a row that has load.
///
/// # Errors
/// One line that says what went wrong.
pub fn per_request(
    peer: &Peer,
    workshop: &Workshop,
    (row, target): (Row, &Server),
    core: usize,
) -> io::Result<f64> {
    let [short, long] = COUNTS.map(|count| {
        let client = workshop.client_command(peer, row, target.port());
        let mut command = Command::new("valgrind");
        command
            .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
            .arg(client.get_program())
            .args(client.get_args())
            .args(["count", &count.to_string()]);
        collected(&mut command, core, count)
    });
    Ok((long? - short?) / f64::from(COUNTS[1] - COUNTS[0]))
}

/// Runs it and reads the line `Collected : N` of callgrind's own output.
fn collected(command: &mut Command, core: usize, count: u32) -> io::Result<f64> {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let output = system::spawn_pinned(command, core)?.wait_with_output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    let figures = String::from_utf8_lossy(&output.stdout);
    let whole = figures.contains(&format!("\"requests\":{count}"));
    let collected = said.lines().find_map(|line| {
        let (_, figure) = line.split_once("Collected :")?;
        figure.trim().parse().ok()
    });
    collected.filter(|_| whole).ok_or_else(|| {
        let last = said.lines().last().unwrap_or("no output");
        io::Error::other(format!("no count by callgrind: {last}"))
    })
}

//! One running peer: started on its core, waited for, stopped for certain.

use std::fs::{self, File};
use std::io;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::peers::Peer;
use crate::system;
use crate::workshop::Workshop;

/// How long a peer may take until it accepts, and until it is gone.
const PATIENCE: Duration = Duration::from_secs(5);

/// A peer that accepts connections. Dropping it ends the process and its children.
pub struct Server {
    child: Child,
    port: u16,
}

impl Server {
    /// Starts the peer on a free port, pinned to `core`, and waits until it accepts.
    ///
    /// # Errors
    /// One line that says why not, with the last line of the peer's standard error if it ended.
    pub fn start(peer: &Peer, workshop: &Workshop, core: usize) -> Result<Self, String> {
        let log = workshop.log(peer);
        let child = free_port().and_then(|port| {
            let mut command = workshop.command(peer, port)?;
            command
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(File::create(&log)?);
            Ok((system::spawn_pinned(&mut command, core)?, port))
        });
        let (child, port) = child.map_err(|error| format!("does not start: {error}"))?;
        let mut server = Self { child, port };
        let deadline = Instant::now() + PATIENCE;
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            if let Ok(Some(status)) = server.child.try_wait() {
                let said = fs::read_to_string(&log).unwrap_or_default();
                return Err(format!(
                    "ended at once ({status}): {}",
                    said.lines().last().unwrap_or("no message")
                ));
            }
            if Instant::now() > deadline {
                return Err(format!("does not accept within {} s", PATIENCE.as_secs()));
            }
            sleep(Duration::from_millis(5));
        }
        Ok(server)
    }

    /// The port of 127.0.0.1 that it listens on.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The process that was started; it may have children.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Server {
    /// SIGTERM first if there are children (nginx's master ends its worker then), SIGKILL for what remains.
    fn drop(&mut self) {
        let family = system::family(self.id());
        if family.len() > 1 {
            signal(self.id(), Signal::TERM);
            let deadline = Instant::now() + PATIENCE;
            while matches!(self.child.try_wait(), Ok(None)) && Instant::now() < deadline {
                sleep(Duration::from_millis(5));
            }
        }
        if matches!(self.child.try_wait(), Ok(None)) {
            // The process is not reaped yet, so the ids are still those of our own children.
            family.iter().for_each(|id| signal(*id, Signal::KILL));
            let _ = self.child.wait();
        }
    }
}

fn signal(id: u32, signal: Signal) {
    if let Some(id) = i32::try_from(id).ok().and_then(Pid::from_raw) {
        // A process that is gone already needs no signal.
        let _ = kill_process(id, signal);
    }
}

/// A port that is free now. Somebody else may take it before the peer does; then the peer says so and is skipped.
fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?
        .local_addr()?
        .port())
}

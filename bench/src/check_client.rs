//! Does a client work rightly? Asked before it is measured: it must give out the right answer, and keep its connections.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use crate::client::Client;
use crate::peers::Peer;
use crate::rows::Row;
use crate::server::Server;
use crate::workshop::Workshop;

/// Requests on each connection of the check.
const EACH: u32 = 20;

/// Lets the client ask through a relay that counts connections: one answer is compared byte by byte, then so many more are
/// asked for that a client without keep-alive would stand out.
///
/// # Errors
/// One line that says what is wrong.
pub fn row(
    peer: &Peer,
    workshop: &Workshop,
    (row, target): (Row, &Server),
    core: usize,
) -> Result<(), String> {
    let check = || -> io::Result<()> {
        let relay = Relay::before(target.port())?;
        let mut client = Client::start(peer, workshop, (row, relay.port), core)?;
        let seen = client.show()?;
        let expected = content(row);
        if seen.status != 200 || seen.content != expected {
            let (status, has, wants) = (seen.status, seen.content.len(), expected.len());
            return Err(io::Error::other(format!(
                "status {status} and {has} bytes, expected 200 and {wants} bytes"
            )));
        }
        let count = EACH * row.connections();
        let done = client.count(count)?.requests;
        if done != u64::from(count) {
            return Err(io::Error::other(format!(
                "{done} requests, asked for {count}"
            )));
        }
        // A pool may open one more for somebody who got another's connection in the meantime.
        let (opened, most) = (relay.opened(), 2 * row.connections());
        if opened > most {
            return Err(io::Error::other(format!(
                "{opened} connections for {count} requests, expected at most {most}"
            )));
        }
        Ok(())
    };
    check().map_err(|error| format!("works wrongly in {}: {error}", row.name()))
}

/// What a client must give out.
fn content(row: Row) -> String {
    match row {
        Row::ClientDownload => peer_kit::medium().to_owned(),
        Row::ClientUpload => peer_kit::SMALL_UPLOAD_BYTES.to_string(),
        Row::ClientJson => peer_kit::json_text(),
        _ => peer_kit::HELLO.to_owned(),
    }
}

/// Passes bytes on, both ways, and counts connections. Its threads end with the connections; the one that accepts lives as long as
/// the process.
struct Relay {
    port: u16,
    opened: Arc<AtomicU32>,
}

impl Relay {
    fn before(target: u16) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let port = listener.local_addr()?.port();
        let opened = Arc::new(AtomicU32::new(0));
        let count = Arc::clone(&opened);
        thread::spawn(move || {
            for near in listener.incoming().flatten() {
                count.fetch_add(1, Ordering::Relaxed);
                // Whoever cannot be passed on finds the connection closed.
                let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, target))
                    .and_then(|far| join(&near, &far));
            }
        });
        Ok(Self { port, opened })
    }

    fn opened(&self) -> u32 {
        self.opened.load(Ordering::Relaxed)
    }
}

fn join(near: &TcpStream, far: &TcpStream) -> io::Result<()> {
    for (from, to) in [(near, far), (far, near)] {
        from.set_nodelay(true)?;
        let (from, to) = (from.try_clone()?, to.try_clone()?);
        thread::spawn(move || pass(from, to));
    }
    Ok(())
}

fn pass(mut from: TcpStream, mut to: TcpStream) {
    let mut piece = vec![0; 64 * 1024];
    while let Ok(count @ 1..) = from.read(&mut piece) {
        if to.write_all(&piece[..count]).is_err() {
            break;
        }
    }
    // The other side may have gone before.
    let _ = to.shutdown(Shutdown::Write);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_relay_passes_bytes_both_ways_and_counts() -> io::Result<()> {
        let echo = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let relay = Relay::before(echo.local_addr()?.port())?;
        for expected in 1..=3 {
            let mut near = TcpStream::connect((Ipv4Addr::LOCALHOST, relay.port))?;
            let (mut far, _) = echo.accept()?;
            near.write_all(b"ping")?;
            let mut heard = [0; 4];
            far.read_exact(&mut heard)?;
            far.write_all(&heard)?;
            near.read_exact(&mut heard)?;
            assert_eq!((&heard, relay.opened()), (b"ping", expected));
        }
        Ok(())
    }
}

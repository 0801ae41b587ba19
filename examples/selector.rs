//! Many clients, third way: one thread and a selector. No read or write blocks; the program asks the system which sockets are
//! ready and handles those. nginx, Node and async runtimes work this way; written by hand, the state of each client is kept
//! in a table.
//!
//! ```sh
//! cargo run --example selector
//! curl http://127.0.0.1:3000/1 http://127.0.0.1:3000/2
//! ```

use std::collections::HashMap;
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::time::{Duration, Instant};

use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};

#[path = "four_ways/client.rs"]
mod client;
use client::{Client, IDLE};

const LISTENER: Token = Token(0);
type Clients = HashMap<Token, (TcpStream, Client, Instant)>;

fn main() -> io::Result<()> {
    let address = std::env::args().nth(1);
    let address = address.as_deref().unwrap_or("127.0.0.1:3000").parse();
    let address = address.map_err(io::Error::other)?;
    let mut listener = TcpListener::bind(address)?;
    println!("http://{}", listener.local_addr()?);
    let mut poll = Poll::new()?;
    poll.registry()
        .register(&mut listener, LISTENER, Interest::READABLE)?;
    let (mut clients, mut events) = (Clients::new(), Events::with_capacity(256));
    let mut last = LISTENER;
    loop {
        // The one place where this program waits.
        match poll.poll(&mut events, Some(Duration::from_secs(1))) {
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            polled => polled?,
        }
        for token in events.iter().map(|event| event.token()) {
            if token == LISTENER {
                accept(&listener, &poll, &mut clients, &mut last);
            } else if let Some((stream, client, since)) = clients.get_mut(&token) {
                *since = Instant::now();
                if !matches!(go_on(stream, client), Ok(true)) {
                    clients.remove(&token); // which closes the socket, and so takes it out of the selector
                }
            }
        }
        clients.retain(|_, (_, _, since)| since.elapsed() < IDLE);
    }
}

/// Accepts all waiting clients and registers each once: the selector is edge-triggered and reports each *change* to ready.
fn accept(listener: &TcpListener, poll: &Poll, clients: &mut Clients, last: &mut Token) {
    while let Ok((mut stream, _)) = listener.accept() {
        *last = Token(last.0 + 1);
        let both = Interest::READABLE | Interest::WRITABLE;
        if poll.registry().register(&mut stream, *last, both).is_ok() {
            clients.insert(*last, (stream, Client::new(), Instant::now()));
        }
    }
}

/// Writes and reads until the socket would block. Returns false when the connection is finished. Reads nothing from a client
/// that does not read its responses.
fn go_on(stream: &mut TcpStream, client: &mut Client) -> io::Result<bool> {
    let mut buffer = [0; 16 * 1024];
    while !client.is_finished() {
        let writes = !client.output().is_empty();
        let moved = if writes {
            stream.write(client.output())
        } else {
            stream.read(&mut buffer)
        };
        match moved {
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(true),
            Err(error) if error.kind() == ErrorKind::Interrupted => Ok(()),
            Err(error) => return Err(error),
            Ok(0) if writes => return Ok(false),
            Ok(count) if writes => {
                client.sent(count);
                Ok(())
            }
            Ok(0) => client.end_of_input(),
            Ok(count) => client.receive(&buffer[..count]),
        }
        .map_err(io::Error::other)?;
    }
    Ok(false)
}

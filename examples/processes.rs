//! Many clients, second way: worker processes that share one listening socket; the system gives each client to a free one.
//! They share no memory, so a crash affects one client only, and a process that ends is replaced. The number of processes is
//! the number of clients served at a time.
//!
//! ```sh
//! cargo run --example processes
//! curl http://127.0.0.1:3000/ & curl http://127.0.0.1:3000/     # two processes answer
//! ```

use std::env::{args, current_exe};
use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::process::parent_id;
use std::process::{self, Command};
use std::thread;
use std::time::Duration;

#[path = "four_ways/client.rs"]
mod client;
use client::{Client, IDLE};

const WORKERS: usize = 4;
const WORKER: &str = "--worker";

fn main() -> io::Result<()> {
    let address = args().nth(1);
    let address = address.as_deref().unwrap_or("127.0.0.1:3000");
    if let (Some(WORKER), Some(parent)) = (args().nth(1).as_deref(), args().nth(2)) {
        return work(parent.parse().map_err(io::Error::other)?);
    }
    let listener = TcpListener::bind(address)?;
    println!("http://{}", listener.local_addr()?);
    thread::scope(|scope| {
        let keepers = [(); WORKERS].map(|()| scope.spawn(|| keep_a_worker(&listener)));
        keepers
            .into_iter()
            .try_for_each(|keeper| keeper.join().unwrap_or(Ok(())))
    })
}

/// Starts this program again with the listening socket as its standard input, the portable way to pass a descriptor on.
/// When the worker ends, starts the next one.
fn keep_a_worker(listener: &TcpListener) -> io::Result<()> {
    loop {
        let socket = OwnedFd::from(listener.try_clone()?);
        let mut worker = Command::new(current_exe()?)
            .args([WORKER, &process::id().to_string()])
            .stdin(socket)
            .spawn()?;
        eprintln!("process {} has ended: {}", worker.id(), worker.wait()?);
        thread::sleep(Duration::from_secs(1)); // limits the rate when workers fail at once
    }
}

/// A worker: serves one client after the other.
fn work(parent: u32) -> io::Result<()> {
    thread::spawn(move || {
        // When the parent dies, the system gives this process another parent; end, so that the port is free. The parent's
        // id comes as an argument: it could have died before this line, and `parent_id` would return its successor.
        while parent_id() == parent {
            thread::sleep(Duration::from_millis(200));
        }
        process::exit(0);
    });
    let listener = TcpListener::from(io::stdin().as_fd().try_clone_to_owned()?);
    loop {
        if let Err(error) = listener.accept().and_then(|(stream, _)| serve(stream)) {
            eprintln!("process {}: {error}", process::id());
        }
    }
}

/// As in `threads`: waits in `read` and `write_all`.
fn serve(mut stream: TcpStream) -> io::Result<()> {
    stream.set_read_timeout(Some(IDLE))?;
    stream.set_write_timeout(Some(IDLE))?;
    let mut client = Client::new();
    let mut buffer = [0; 16 * 1024];
    while !client.is_finished() {
        match stream.read(&mut buffer)? {
            0 => client.end_of_input(),
            count => client.receive(&buffer[..count]),
        }
        .map_err(io::Error::other)?;
        stream.write_all(client.output())?;
        client.sent(client.output().len());
    }
    stream.shutdown(Shutdown::Write)
}

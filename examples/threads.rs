//! Many clients, first way: a thread for each. The simplest way to write and to follow: a thread waits for one client only.
//! Each costs a stack and a place in the scheduler, so thousands of idle clients are expensive.
//!
//! ```sh
//! cargo run --example threads
//! curl http://127.0.0.1:3000/1 http://127.0.0.1:3000/2     # one connection: the same thread answers both
//! ```

use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::thread;

#[path = "four_ways/client.rs"]
mod client;
use client::{Client, IDLE};

fn main() -> io::Result<()> {
    let address = std::env::args().nth(1);
    let address = address.as_deref().unwrap_or("127.0.0.1:3000");
    let listener = TcpListener::bind(address)?;
    println!("http://{}", listener.local_addr()?);
    for stream in listener.incoming() {
        // An error here concerns one client, or is a shortage that passes.
        let Ok(stream) = stream.inspect_err(|error| eprintln!("accept: {error}")) else {
            continue;
        };
        let thread = thread::Builder::new().stack_size(128 * 1024);
        if let Err(error) = thread.spawn(move || serve(stream)) {
            eprintln!("no thread for a client: {error}");
        }
    }
    Ok(())
}

/// Reads requests and writes responses; waits in `read` and `write_all`.
fn serve(mut stream: TcpStream) -> io::Result<()> {
    // Bounds each read. A client that sends a byte now and then still occupies its thread: a deadline over many reads needs
    // a clock, as in hearken-http.
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

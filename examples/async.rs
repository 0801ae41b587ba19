//! Many clients, fourth way: a task for each. It reads like `threads` and runs like `selector`: at an `.await` that waits, the
//! thread runs another task, and a client costs as many bytes as its state has.
//!
//! ```sh
//! cargo run --example async
//! curl http://127.0.0.1:3000/1 http://127.0.0.1:3000/2
//! ```

use std::io;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

#[path = "four_ways/client.rs"]
mod client;
use client::{Client, IDLE};

// One thread is enough here; on the multi-thread runtime the same code uses all cores.
#[tokio::main(flavor = "current_thread")]
async fn main() -> io::Result<()> {
    let address = std::env::args().nth(1);
    let address = address.as_deref().unwrap_or("127.0.0.1:3000");
    let listener = TcpListener::bind(address).await?;
    println!("http://{}", listener.local_addr()?);
    loop {
        match listener.accept().await {
            Ok((stream, _)) => drop(tokio::spawn(serve(stream))), // the task runs on without its handle
            Err(error) => eprintln!("accept: {error}"),
        }
    }
}

/// The loop of `threads`, with `.await` where a thread would wait.
async fn serve(mut stream: TcpStream) -> io::Result<()> {
    let mut client = Client::new();
    let mut buffer = Vec::with_capacity(16 * 1024);
    while !client.is_finished() {
        buffer.clear();
        // Any future can get a deadline from outside; when it passes, the future is dropped.
        match timeout(IDLE, stream.read_buf(&mut buffer)).await?? {
            0 => client.end_of_input(),
            _ => client.receive(&buffer),
        }
        .map_err(io::Error::other)?;
        timeout(IDLE, stream.write_all(client.output())).await??;
        client.sent(client.output().len());
    }
    stream.shutdown().await
}

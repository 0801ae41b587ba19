//! A bare tokio loop, current-thread: read, find the blank line, write. The floor of a server on tokio.

use std::cell::RefCell;
use std::io::{self, ErrorKind};
use std::rc::Rc;

use peer_kit::floor::{Connection, Shared};
use tokio::io::Interest;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{LocalSet, spawn_local};

fn main() -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()?;
    let shared = Rc::new(RefCell::new(Shared::default()));
    LocalSet::new().block_on(&runtime, async {
        let listener = TcpListener::bind(peer_kit::address()).await?;
        loop {
            if let Ok((stream, _)) = listener.accept().await {
                spawn_local(serve(stream, Rc::clone(&shared)));
            }
        }
    })
}

/// Ends when the client closes the connection.
async fn serve(stream: TcpStream, shared: Rc<RefCell<Shared>>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut connection = Connection::default();
    loop {
        let (read, write) = (
            |to: &mut [u8]| stream.try_read(to),
            |from: &[u8]| stream.try_write(from),
        );
        if connection.turn(read, write, &mut shared.borrow_mut())? {
            stream.writable().await?;
            continue;
        }
        // The turn has emptied the socket. Without this, tokio learns of it only by another system call.
        let emptied = || io::Result::<()>::Err(ErrorKind::WouldBlock.into());
        let _ = stream.try_io(Interest::READABLE, emptied);
        stream.readable().await?;
    }
}

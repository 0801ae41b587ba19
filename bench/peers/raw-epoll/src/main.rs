//! A bare epoll loop: the floor of what a server on sockets can cost. Edge-triggered, one registration for each connection.
//! Client peers ask this server, so it counts connections and requests.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};

use peer_kit::floor::{Connection, Shared};
use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
use rustix::io::Errno;

/// The listener's mark among the events. Connections are marked by their place in the table.
const LISTENER: u64 = u64::MAX;

fn main() -> io::Result<()> {
    let listener = TcpListener::bind(peer_kit::address())?;
    listener.set_nonblocking(true)?;
    let poll = epoll::create(CreateFlags::CLOEXEC)?;
    let mark = EventData::new_u64(LISTENER);
    epoll::add(&poll, &listener, mark, EventFlags::IN)?;
    let mut shared = Shared::default();
    let mut table: Vec<Option<(TcpStream, Connection)>> = Vec::new();
    let mut free: Vec<usize> = Vec::new();
    let mut events: Vec<Event> = Vec::with_capacity(256);
    loop {
        events.clear();
        match epoll::wait(&poll, spare_capacity(&mut events), None) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        for event in &events {
            let mark = event.data.u64();
            if mark == LISTENER {
                let Ok((stream, _)) = listener.accept() else {
                    continue;
                };
                stream.set_nonblocking(true)?;
                stream.set_nodelay(true)?;
                shared.answers.connections += 1;
                let place = free.pop().unwrap_or(table.len());
                let flags = EventFlags::IN | EventFlags::OUT | EventFlags::RDHUP | EventFlags::ET;
                epoll::add(&poll, &stream, EventData::new_u64(place as u64), flags)?;
                table.resize_with(table.len().max(place + 1), || None);
                table[place] = Some((stream, Connection::default()));
                continue;
            }
            // Dropping a socket takes it out of the epoll set. Its place is free for a connection accepted later in the same
            // batch. A stale event of the old one then costs the new one a turn that finds nothing.
            let slot = &mut table[mark as usize];
            let Some((stream, connection)) = slot else {
                continue;
            };
            let (read, write) = (
                |to: &mut [u8]| (&*stream).read(to),
                |from: &[u8]| (&*stream).write(from),
            );
            if connection.turn(read, write, &mut shared).is_err() {
                *slot = None;
                free.push(mark as usize);
            }
        }
    }
}

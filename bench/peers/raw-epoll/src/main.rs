//! A bare epoll loop on raw system calls: the floor of what a server on sockets can cost.
//!
//! Edge-triggered, one registration per connection, one `recv` and one `send` per turn when all goes well. All
//! connections share one read buffer and one write buffer; a connection keeps bytes of its own only while a head is cut or
//! a send is stuck.

mod connection;

use std::io;
use std::net::TcpListener;

use connection::{Connection, Shared, Turn};
use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
use rustix::fd::OwnedFd;
use rustix::io::Errno;
use rustix::net::{SocketFlags, accept_with, sockopt};

/// The listener's mark among the events; connections are marked by their place in the table.
const LISTENER: u64 = u64::MAX;

fn main() -> io::Result<()> {
    let listener = TcpListener::bind(peer_kit::address())?;
    listener.set_nonblocking(true)?;
    let poll = epoll::create(CreateFlags::CLOEXEC)?;
    epoll::add(
        &poll,
        &listener,
        EventData::new_u64(LISTENER),
        EventFlags::IN,
    )?;
    let mut table = Table {
        poll,
        slots: Vec::new(),
        free: Vec::new(),
    };
    let mut shared = Shared::new();
    let mut events: Vec<Event> = Vec::with_capacity(256);
    loop {
        events.clear();
        match epoll::wait(&table.poll, spare_capacity(&mut events), None) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        for event in &events {
            match event.data.u64() {
                LISTENER => table.accept(&listener)?,
                place => table.turn(place, &mut shared),
            }
        }
    }
}

/// All connections, each at a place that its events carry.
struct Table {
    poll: OwnedFd,
    slots: Vec<Option<Connection>>,
    free: Vec<usize>,
}

impl Table {
    fn accept(&mut self, listener: &TcpListener) -> io::Result<()> {
        loop {
            let socket = match accept_with(listener, SocketFlags::NONBLOCK | SocketFlags::CLOEXEC) {
                Ok(socket) => socket,
                Err(Errno::AGAIN) => return Ok(()),
                Err(Errno::CONNABORTED | Errno::INTR) => continue,
                Err(error) => return Err(error.into()),
            };
            sockopt::set_tcp_nodelay(&socket, true)?;
            let place = self.free.pop().unwrap_or_else(|| {
                self.slots.push(None);
                self.slots.len() - 1
            });
            let flags = EventFlags::IN | EventFlags::OUT | EventFlags::RDHUP | EventFlags::ET;
            epoll::add(&self.poll, &socket, EventData::new_u64(place as u64), flags)?;
            self.slots[place] = Some(Connection::new(socket));
        }
    }

    fn turn(&mut self, place: u64, shared: &mut Shared) {
        let Ok(place) = usize::try_from(place) else {
            return;
        };
        let Some(connection) = self.slots.get_mut(place).and_then(Option::as_mut) else {
            return;
        };
        // Closing the descriptor takes it out of the epoll set. Its place is free for a connection accepted later in
        // the same batch; a stale event of the old one then only costs that one a turn that finds nothing.
        if !matches!(connection.turn(shared), Ok(Turn::Wait)) {
            self.slots[place] = None;
            self.free.push(place);
        }
    }
}

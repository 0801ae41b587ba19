//! Hostile servers on 127.0.0.1: a thread that accepts and one per connection; dropping [`Listening`] ends them all.

use super::Hostile;
use super::actor::{Act, Actor};
use super::record::Ending;
use super::script::{Step, Turn};
use socket2::{Domain, SockRef, Socket, Type};
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::ops::Deref;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// A hostile server that listens. Dropped, it closes its port and its connections, and waits for its threads.
#[derive(Debug)]
pub struct Listening {
    hostile: Hostile,
    address: SocketAddr,
    stop: Arc<Stop>,
    accepting: Option<JoinHandle<()>>,
    /// A bound port that refuses connections, or one whose queue is full.
    _held: Vec<Socket>,
}

impl Listening {
    pub(super) fn start(hostile: Hostile) -> Self {
        let first = Turn {
            connection: 0,
            exchange: 0,
        };
        let stop = Arc::<Stop>::default();
        let (socket, address) = bound().expect("a free port on 127.0.0.1");
        let mut held = Vec::new();
        let mut accepting = None;
        match hostile.script.steps(&first).first() {
            Some(Step::NotListening) => held.push(socket),
            Some(Step::NotAccepting) => {
                held = full_queue(socket, address).expect("sockets to fill a queue with");
            }
            _ => {
                socket.listen(128).expect("a port to listen on");
                let (hostile, stop) = (hostile.clone(), Arc::clone(&stop));
                let listener = TcpListener::from(socket);
                accepting = Some(std::thread::spawn(move || {
                    accept(&hostile, &stop, &listener)
                }));
            }
        }
        Self {
            hostile,
            address,
            stop,
            accepting,
            _held: held,
        }
    }

    /// Its address.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// `http://127.0.0.1:PORT` and this path.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

impl Deref for Listening {
    type Target = Hostile;

    fn deref(&self) -> &Hostile {
        &self.hostile
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.stop.now();
        let Some(accepting) = self.accepting.take() else {
            return;
        };
        // Wakes the thread, so that it sees the order to stop. If the wake-up fails, joining it would block.
        if TcpStream::connect(self.address).is_ok() {
            drop(accepting.join());
        }
    }
}

fn bound() -> io::Result<(Socket, SocketAddr)> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into())?;
    let address = socket.local_addr()?.as_socket();
    Ok((socket, address.ok_or(ErrorKind::AddrNotAvailable)?))
}

/// The shortest possible queue, filled with connections: the system neither takes nor refuses the next one.
fn full_queue(socket: Socket, address: SocketAddr) -> io::Result<Vec<Socket>> {
    socket.listen(0)?;
    let mut held = vec![socket];
    for _ in 0..QUEUE_MAX {
        let next = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        let full = next.connect_timeout(&address.into(), FULL_AFTER).is_err();
        held.push(next);
        if full {
            return Ok(held);
        }
    }
    Err(io::Error::other(
        "a queue of 0 takes connection after connection",
    ))
}

const QUEUE_MAX: usize = 64;
const FULL_AFTER: Duration = Duration::from_millis(200);

fn accept(hostile: &Hostile, stop: &Arc<Stop>, listener: &TcpListener) {
    let mut threads = Vec::new();
    for stream in listener.incoming() {
        if stop.after(Duration::ZERO) {
            break;
        }
        let Ok(stream) = stream else { continue };
        let mut actor = Actor::new(hostile);
        let (tick, stop) = (hostile.tick, Arc::clone(stop));
        threads.push(std::thread::spawn(move || {
            let mut link = Link { stream, tick, stop };
            // A failure here means that the client is gone.
            let ending = link.play(&mut actor).unwrap_or(Ending::ClientReset);
            // Recorded when the client can observe it.
            drop(link);
            actor.ended(ending);
        }));
    }
    for thread in threads {
        drop(thread.join());
    }
}

/// The end of a listener and of its threads.
#[derive(Debug, Default)]
struct Stop {
    told: Mutex<bool>,
    changed: Condvar,
}

impl Stop {
    fn now(&self) {
        *self.told.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.changed.notify_all();
    }

    /// Whether it is time to stop, now or within this time.
    fn after(&self, at_most: Duration) -> bool {
        let told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting = self
            .changed
            .wait_timeout_while(told, at_most, |told| !*told);
        *waiting.unwrap_or_else(PoisonError::into_inner).0
    }
}

struct Link {
    stream: TcpStream,
    tick: Duration,
    stop: Arc<Stop>,
}

/// The result of one read or write.
enum Moved {
    Some(usize),
    Nothing,
    Over(Ending),
}

impl Link {
    fn play(&mut self, actor: &mut Actor) -> io::Result<Ending> {
        self.stream.set_nodelay(true)?;
        self.stream.set_write_timeout(Some(LOOK_UP_EACH))?;
        loop {
            if self.stop.after(Duration::ZERO) {
                return Ok(Ending::Stopped);
            }
            let moved = match actor.poll() {
                Act::Read => self.read(actor, LOOK_UP_EACH)?,
                Act::Write(bytes) => {
                    let moved = moved(self.stream.write(bytes));
                    if let Moved::Some(count) = moved {
                        actor.written(count);
                    }
                    moved
                }
                Act::Wait => {
                    let moved = self.wait(actor)?;
                    actor.waited();
                    moved
                }
                Act::Deaf => {
                    self.stop.after(DEAF_MAX);
                    Moved::Over(Ending::Stopped)
                }
                Act::HalfClose => {
                    // Fails when the client is gone; the next step detects that.
                    drop(self.stream.shutdown(Shutdown::Write));
                    actor.half_closed();
                    Moved::Nothing
                }
                Act::Close(ending) => Moved::Over(ending),
                Act::Reset => {
                    SockRef::from(&self.stream).set_linger(Some(Duration::ZERO))?;
                    Moved::Over(Ending::Script)
                }
            };
            if let Moved::Over(ending) = moved {
                return Ok(ending);
            }
        }
    }

    /// Reads for a tick.
    fn wait(&mut self, actor: &mut Actor) -> io::Result<Moved> {
        let until = Instant::now() + self.tick;
        while let Some(left) = until.checked_duration_since(Instant::now()) {
            if let over @ Moved::Over(_) = self.read(actor, left)? {
                return Ok(over);
            }
        }
        Ok(Moved::Nothing)
    }

    fn read(&mut self, actor: &mut Actor, at_most: Duration) -> io::Result<Moved> {
        // Zero would mean no limit.
        let at_most = at_most.max(Duration::from_micros(100));
        self.stream.set_read_timeout(Some(at_most))?;
        let mut buffer = [0; 16_384];
        let moved = moved(self.stream.read(&mut buffer));
        if let Moved::Some(count) = moved {
            actor.heard(&buffer[..count]);
        }
        Ok(moved)
    }
}

fn moved(result: io::Result<usize>) -> Moved {
    match result {
        Ok(0) => Moved::Over(Ending::Client),
        Ok(count) => Moved::Some(count),
        Err(error) => match error.kind() {
            ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted => Moved::Nothing,
            _ => Moved::Over(Ending::ClientReset),
        },
    }
}

/// Upper bound of the time until a thread sees the order to stop.
const LOOK_UP_EACH: Duration = Duration::from_millis(20);
/// Longer than any test runs.
const DEAF_MAX: Duration = Duration::from_secs(600);

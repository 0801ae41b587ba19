//! One connection of the epoll loop: read, answer what is there, write; keep what could not go.

use peer_kit::floor::{Answers, Floor, Step};
use rustix::fd::OwnedFd;
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags, recv, send};

/// What all connections share: the answers, and the buffers that a turn borrows.
pub(crate) struct Shared {
    answers: Answers,
    input: Vec<u8>,
    output: Vec<u8>,
}

impl Shared {
    pub(crate) fn new() -> Self {
        Self {
            answers: Answers::new(),
            input: vec![0; 64 * 1024],
            output: Vec::with_capacity(64 * 1024),
        }
    }
}

/// How a turn ended.
pub(crate) enum Turn {
    /// Nothing more to do until the next event.
    Wait,
    /// The client is gone, or asked for something that is not here.
    Close,
}

/// One accepted socket and what it waits for.
pub(crate) struct Connection {
    socket: OwnedFd,
    floor: Floor,
    /// Input behind a large answer, or a head that is not whole yet.
    kept: Vec<u8>,
    /// Output that did not fit the socket.
    unsent: Vec<u8>,
    /// What is left of the large answer; it goes after `unsent`.
    large: &'static [u8],
}

impl Connection {
    pub(crate) fn new(socket: OwnedFd) -> Self {
        Self {
            socket,
            floor: Floor::default(),
            kept: Vec::new(),
            unsent: Vec::new(),
            large: &[],
        }
    }

    /// Does all that can be done without waiting.
    pub(crate) fn turn(&mut self, shared: &mut Shared) -> Result<Turn, Errno> {
        let Shared {
            answers,
            input,
            output,
        } = shared;
        loop {
            if !self.flush()? {
                return Ok(Turn::Wait);
            }
            if !self.kept.is_empty() {
                let kept = std::mem::take(&mut self.kept);
                let Some(stuck) = self.answer(&kept, answers, output)? else {
                    return Ok(Turn::Close);
                };
                if stuck {
                    continue;
                }
            }
            let count = match recv(&self.socket, &mut input[..], RecvFlags::empty()) {
                Ok((0, _)) => return Ok(Turn::Close),
                Ok((count, _)) => count,
                Err(Errno::AGAIN) => return Ok(Turn::Wait),
                Err(Errno::INTR) => continue,
                Err(error) => return Err(error),
            };
            let stuck = if self.kept.is_empty() {
                self.answer(&input[..count], answers, output)?
            } else {
                let joined = [&std::mem::take(&mut self.kept), &input[..count]].concat();
                self.answer(&joined, answers, output)?
            };
            match stuck {
                None => return Ok(Turn::Close),
                // A read that did not fill the buffer took all there was: the next event comes with the next bytes.
                Some(false) if count < input.len() => return Ok(Turn::Wait),
                Some(_) => {}
            }
        }
    }

    /// Answers the requests in `bytes` and sends. `Some(true)`: output is still to go, so flush before going on; `None`: an
    /// unknown request.
    fn answer(
        &mut self,
        bytes: &[u8],
        answers: &Answers,
        output: &mut Vec<u8>,
    ) -> Result<Option<bool>, Errno> {
        output.clear();
        let mut left = bytes;
        while !left.is_empty() && self.large.is_empty() {
            match self.floor.step(left, answers, output) {
                Step::Took(count) => left = &left[count..],
                Step::TookLarge(count) => {
                    left = &left[count..];
                    self.large = peer_kit::large().as_bytes();
                }
                Step::Partial => break,
                Step::Unknown => return Ok(None),
            }
        }
        self.kept.extend_from_slice(left);
        if !output.is_empty() {
            let sent = self.send(output)?;
            self.unsent.extend_from_slice(&output[sent..]);
        }
        Ok(Some(!self.unsent.is_empty() || !self.large.is_empty()))
    }

    /// Sends what is still to go; false if the socket is full before the end.
    fn flush(&mut self) -> Result<bool, Errno> {
        if !self.unsent.is_empty() {
            let sent = self.send(&self.unsent)?;
            self.unsent.drain(..sent);
            if !self.unsent.is_empty() {
                return Ok(false);
            }
            self.unsent = Vec::new();
        }
        while !self.large.is_empty() {
            let sent = self.send(self.large)?;
            if sent == 0 {
                return Ok(false);
            }
            self.large = &self.large[sent..];
        }
        Ok(true)
    }

    /// Bytes that the socket took; 0 if it is full.
    fn send(&self, bytes: &[u8]) -> Result<usize, Errno> {
        loop {
            match send(&self.socket, bytes, SendFlags::NOSIGNAL) {
                Err(Errno::AGAIN) => return Ok(0),
                Err(Errno::INTR) => {}
                sent => return sent,
            }
        }
    }
}

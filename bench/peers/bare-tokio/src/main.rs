//! A bare tokio loop, current-thread: read, find the blank line, write. The floor of a server that stands on tokio.
//!
//! All connections share one read buffer and one write buffer, borrowed only while a task is polled, so an idle connection
//! owns none. A head that is not whole is kept in a buffer of the connection's own.

use std::cell::RefCell;
use std::future::poll_fn;
use std::io;
use std::mem::take;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use peer_kit::floor::{Answers, Floor, Step};
use tokio::io::{AsyncRead, AsyncWriteExt, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::LocalSet;

struct Shared {
    answers: Answers,
    buffers: RefCell<Buffers>,
}

struct Buffers {
    input: Vec<u8>,
    output: Vec<u8>,
}

fn main() -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()?;
    let shared = Rc::new(Shared {
        answers: Answers::new(),
        buffers: RefCell::new(Buffers {
            input: vec![0; 64 * 1024],
            output: Vec::with_capacity(64 * 1024),
        }),
    });
    LocalSet::new().block_on(&runtime, async {
        let listener = TcpListener::bind(peer_kit::address()).await?;
        loop {
            let Ok((stream, _)) = listener.accept().await else {
                continue;
            };
            stream.set_nodelay(true)?;
            let shared = Rc::clone(&shared);
            tokio::task::spawn_local(async move {
                // A client that goes away is no news here.
                let _ = Connection {
                    stream,
                    floor: Floor::default(),
                    kept: Vec::new(),
                }
                .serve(&shared)
                .await;
            });
        }
    })
}

/// What is left to do once the shared buffers are given back.
enum Next {
    Read,
    Write(Vec<u8>),
    WriteLarge(Vec<u8>),
    Close,
}

struct Connection {
    stream: TcpStream,
    floor: Floor,
    /// Input behind a large answer, or a head that is not whole yet.
    kept: Vec<u8>,
}

impl Connection {
    async fn serve(mut self, shared: &Shared) -> io::Result<()> {
        loop {
            let mut next = poll_fn(|context| self.read(context, shared)).await?;
            loop {
                match next {
                    Next::Read => break,
                    Next::Write(rest) => {
                        self.stream.write_all(&rest).await?;
                        break;
                    }
                    Next::WriteLarge(before) => {
                        self.stream.write_all(&before).await?;
                        self.stream.write_all(peer_kit::large().as_bytes()).await?;
                    }
                    Next::Close => return Ok(()),
                }
                // Requests may be waiting behind the large answer.
                let Buffers { output, .. } = &mut *shared.buffers.borrow_mut();
                next = self.answer(&[], &shared.answers, output)?;
            }
        }
    }

    /// Reads once and answers what came. `poll_read` rather than `try_read`: only the former knows that a read which did
    /// not fill the buffer has emptied the socket, and saves the second system call.
    fn read(&mut self, context: &mut Context<'_>, shared: &Shared) -> Poll<io::Result<Next>> {
        let Buffers { input, output } = &mut *shared.buffers.borrow_mut();
        let mut buffer = ReadBuf::new(input);
        ready!(Pin::new(&mut self.stream).poll_read(context, &mut buffer))?;
        if buffer.filled().is_empty() {
            return Poll::Ready(Ok(Next::Close));
        }
        Poll::Ready(self.answer(buffer.filled(), &shared.answers, output))
    }

    /// Answers all requests in what was kept and `fresh`, up to a large one, with one write.
    fn answer(
        &mut self,
        fresh: &[u8],
        answers: &Answers,
        output: &mut Vec<u8>,
    ) -> io::Result<Next> {
        let joined;
        let mut left = if self.kept.is_empty() {
            fresh
        } else {
            joined = [&take(&mut self.kept), fresh].concat();
            &joined
        };
        output.clear();
        let mut large = false;
        while !left.is_empty() && !large {
            match self.floor.step(left, answers, output) {
                Step::Took(count) => left = &left[count..],
                Step::TookLarge(count) => {
                    left = &left[count..];
                    large = true;
                }
                Step::Partial => break,
                Step::Unknown => return Ok(Next::Close),
            }
        }
        self.kept.extend_from_slice(left);
        let wrote = match self.stream.try_write(output) {
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => 0,
            Err(error) => return Err(error),
        };
        let rest = &output[wrote..];
        Ok(match (large, rest.is_empty()) {
            (true, _) => Next::WriteLarge(rest.to_vec()),
            (false, true) => Next::Read,
            (false, false) => Next::Write(rest.to_vec()),
        })
    }
}

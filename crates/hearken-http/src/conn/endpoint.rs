//! What a pump drives: a connection, and what the connection waits for once its own work is done.
//!
//! Here: [`Endpoint`]. It waits for a transport that holds bytes back, as TLS does, and for the peer's end after ours
//! (RFC 9112 §9.6); both waits have deadlines. It also decides how much is read at once. Not here: how long and how fast it
//! reads after our end (`linger.rs`), moving bytes (`pump.rs`), what they mean (the connections, by [`Drive`]).

use super::linger::Linger;
use super::output::Output;
use super::{Drive, Ending, Input};
use std::io;
use std::ops::Deref;
use std::task::{Context, Poll};
use std::time::Instant;

/// A body of which at least this much is to come is read into buffers of its own, which are passed on without a copy.
const OWN_BUFFER_MIN: u64 = 16 * 1024;
const OWN_BUFFER_MAX: usize = 64 * 1024;

/// See the module.
#[derive(Debug)]
pub(crate) struct Endpoint<D> {
    connection: D,
    /// Boxed while it is in use: most connections never wait.
    wait: Option<Box<Wait>>,
}

#[derive(Debug, Default)]
struct Wait {
    /// The transport has taken bytes and cannot pass them on. It may keep them until then.
    flush: Option<Instant>,
    /// The connection has nothing more to say; what the peer still sends is read and dropped.
    linger: Option<Linger>,
}

/// What a pump does with its transport at the end of a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    Run,
    /// Send the end of our direction, and report what came of it.
    Shutdown,
    /// Nothing more. The transport can be dropped or taken out.
    Close,
}

impl<D> Endpoint<D> {
    pub(crate) const fn new(connection: D) -> Self {
        Self {
            connection,
            wait: None,
        }
    }

    pub(crate) const fn connection(&mut self) -> &mut D {
        &mut self.connection
    }

    pub(crate) fn into_connection(self) -> D {
        self.connection
    }

    #[inline]
    fn linger(&mut self) -> Option<&mut Linger> {
        self.wait.as_deref_mut()?.linger.as_mut()
    }

    /// The linger whose time runs: all output is out.
    #[inline]
    fn last_linger(&mut self) -> Option<&mut Linger> {
        self.linger().filter(|linger| linger.has_begun())
    }
}

impl<D: Drive> Endpoint<D> {
    /// The moment at which `handle_timeout` must be called.
    #[inline]
    pub(crate) fn deadline(&self) -> Option<Instant> {
        let own = self.connection.deadline();
        match self.wait.as_deref() {
            None => own,
            Some(wait) => {
                let linger = wait.linger.as_ref().and_then(Linger::deadline);
                [own, wait.flush, linger].into_iter().flatten().min()
            }
        }
    }

    pub(crate) fn handle_timeout(&mut self, cx: &mut Context<'_>, now: Instant) {
        if let Some(linger) = self.linger() {
            linger.handle_timeout(now);
        }
        self.connection.handle_timeout(cx, now);
    }

    #[inline]
    pub(crate) fn wants_read(&self) -> bool {
        self.connection.wants_read() || self.wants_to_drop()
    }

    /// Whether input is to be read in order to be dropped.
    #[inline]
    fn wants_to_drop(&self) -> bool {
        if !self.connection.lingers() || self.connection.at_eof() {
            return false;
        }
        let linger = self.wait.as_deref().and_then(|wait| wait.linger.as_ref());
        linger.is_none_or(Linger::wants_read)
    }

    /// The size of a new buffer for the next read, if one is worth its memory.
    #[inline]
    pub(crate) fn own_buffer(&self) -> Option<usize> {
        let left = self.connection.body_left();
        if left < OWN_BUFFER_MIN || self.wait.is_some() || self.connection.lingers() {
            return None;
        }
        Some(usize::try_from(left).map_or(OWN_BUFFER_MAX, |left| left.min(OWN_BUFFER_MAX)))
    }

    /// Bytes have come, or the end of input if there are none.
    #[inline]
    pub(crate) fn handle_input(&mut self, input: &Input<'_>, cx: &mut Context<'_>, now: Instant) {
        let count = input.bytes().len();
        if self.connection.lingers() {
            self.lingering(now).drop_input(count, now);
        } else if count == 0 {
            self.connection.handle_eof(cx, now);
        } else {
            self.connection.handle_input(input, cx, now);
        }
    }

    /// Reading has failed.
    pub(crate) fn handle_lost(&mut self, error: &io::Error, cx: &mut Context<'_>, now: Instant) {
        let truncated = error.kind() == io::ErrorKind::UnexpectedEof; // TLS without its close_notify
        if let Some(linger) = self.last_linger() {
            linger.over = true;
        } else if truncated && self.connection.lingers() {
            self.lingering(now).drop_input(0, now);
        } else {
            self.connection.handle_lost(error, cx, now);
        }
    }

    /// The linger of a connection that has nothing more to say.
    #[cold]
    fn lingering(&mut self, now: Instant) -> &mut Linger {
        let wait = self.wait.get_or_insert_default();
        wait.linger.get_or_insert_with(|| Linger::new(now))
    }

    #[inline]
    pub(crate) fn poll_app(&mut self, cx: &mut Context<'_>, now: Instant) {
        self.connection.poll_app(cx, now);
        if self.wait.is_some() {
            let (lingers, total) = (self.connection.lingers(), self.connection.linger().total);
            if let Some(linger) = self.linger() {
                linger.over |= !lingers; // the server stops now
                linger.shorten(total, now); // it stops soon
            }
        }
    }

    /// Bytes to be written, if there are some.
    #[inline]
    pub(crate) fn output(&mut self) -> Option<impl Deref<Target = Output>> {
        self.connection.output()
    }

    /// What came of writing the output, once per turn: `Pending` as well if there was none. True if the transport has taken
    /// something.
    #[inline]
    pub(crate) fn handle_written(
        &mut self,
        written: Poll<io::Result<usize>>,
        cx: &mut Context<'_>,
        now: Instant,
    ) -> bool {
        let count = match written {
            Poll::Pending => 0,
            Poll::Ready(Ok(count @ 1..)) => count,
            Poll::Ready(Ok(0)) => {
                self.handle_unwritable(&io::ErrorKind::WriteZero.into(), cx, now);
                return false;
            }
            Poll::Ready(Err(error)) => {
                self.handle_unwritable(&error, cx, now);
                return false;
            }
        };
        self.connection.handle_sent(count, now);
        count > 0
    }

    #[cold]
    fn handle_unwritable(&mut self, error: &io::Error, cx: &mut Context<'_>, now: Instant) {
        self.wait = None;
        self.connection.handle_unwritable(error, cx, now);
    }

    /// Whether the transport must be flushed although it has taken nothing more.
    #[inline]
    pub(crate) fn wants_flush(&self) -> bool {
        self.wait
            .as_deref()
            .is_some_and(|wait| wait.flush.is_some())
    }

    /// What came of a flush. A transport with a buffer of its own may wait for room as a write does; bytes that it takes
    /// (`moved`) give it new time.
    #[inline]
    pub(crate) fn handle_flushed(
        &mut self,
        flushed: &Poll<io::Result<()>>,
        moved: bool,
        cx: &mut Context<'_>,
        now: Instant,
    ) {
        match flushed {
            Poll::Ready(Ok(())) if self.wait.is_none() => {}
            Poll::Ready(Ok(())) => self.end_flush(),
            Poll::Ready(Err(error)) => self.handle_unwritable(error, cx, now),
            Poll::Pending => self.wait_for_flush(moved, cx, now),
        }
    }

    #[cold]
    fn wait_for_flush(&mut self, moved: bool, cx: &mut Context<'_>, now: Instant) {
        let wait = self.wait.get_or_insert_default();
        match wait.flush {
            Some(until) if !moved && now < until => {}
            Some(_) if !moved => {
                self.wait = None;
                self.connection.handle_stuck(cx, now);
            }
            _ => wait.flush = Some(now + self.connection.write_idle()),
        }
    }

    /// The transport holds nothing back any more.
    #[cold]
    fn end_flush(&mut self) {
        if let Some(wait) = self.wait.as_deref_mut() {
            wait.flush = None;
            if wait.linger.is_none() {
                self.wait = None;
            }
        }
    }

    /// What the pump does next with its transport.
    #[inline]
    pub(crate) fn next(&mut self, now: Instant) -> Next {
        if self.wait.is_none() && self.connection.ending().is_none() {
            return Next::Run;
        }
        self.next_of_end(now)
    }

    #[cold]
    fn next_of_end(&mut self, now: Instant) -> Next {
        if let Some(linger) = self.last_linger() {
            return match (linger.over, linger.shut) {
                (true, _) => self.close(now),
                (false, true) => Next::Run,
                (false, false) => Next::Shutdown,
            };
        }
        let Some(ending) = self.connection.ending() else {
            return Next::Run;
        };
        if self.wants_flush() && self.waits_for_flush(ending) {
            return Next::Run; // until the last byte is out, or its time
        }
        match ending {
            Ending::HandOver => Next::Close, // the connection goes on without its transport
            Ending::Keep | Ending::Cut => self.close(now),
            Ending::Now => Next::Shutdown,
            Ending::Linger => {
                let (times, eof) = (self.connection.linger(), self.connection.at_eof());
                let linger = self.lingering(now);
                linger.begin(times, now);
                linger.eof |= eof;
                Next::Shutdown
            }
        }
    }

    /// What came of sending the end of our direction.
    #[cold]
    pub(crate) fn handle_shut(&mut self, shut: &Poll<io::Result<()>>, now: Instant) -> Next {
        // Without a linger nothing that matters is left: the end is sent as a courtesy.
        if let Some(linger) = self.last_linger() {
            match shut {
                Poll::Ready(Ok(())) => linger.sent_end(),
                Poll::Ready(Err(_)) => linger.over = true,
                Poll::Pending => {}
            }
            linger.handle_timeout(now); // a time of zero is over at once
            if !linger.over {
                return Next::Run;
            }
        }
        self.close(now)
    }

    /// As [`Drive::is_spent`].
    #[inline]
    pub(crate) fn is_spent(&self, measure: bool) -> bool {
        self.connection.is_spent(measure)
    }

    /// As [`Drive::go_on_later`].
    pub(crate) fn go_on_later(&self, cx: &Context<'_>) -> bool {
        self.connection.go_on_later(cx)
    }

    fn close(&mut self, now: Instant) -> Next {
        self.connection.handle_closed(now);
        Next::Close
    }

    /// Whether what the transport holds back is worth waiting for at this ending. A client that is done does not wait.
    fn waits_for_flush(&self, ending: Ending) -> bool {
        match ending {
            Ending::Linger | Ending::Keep | Ending::HandOver => true,
            Ending::Now => !self.connection.linger().total.is_zero(),
            Ending::Cut => false,
        }
    }
}

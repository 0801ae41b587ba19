//! The response that goes out: what the handler has set, and how far it has been encoded.
//!
//! Here: [`Outgoing`], [`Stage`], [`Extras`], and [`FlushQueue`] that tell when a position has been handed to the transport. Not here:
//! the encoding (hearken-proto), the bytes (`output.rs`).

use super::layers::WholeHook;
use bytes::Bytes;
use hearken_proto::{Date, Fields, Misuse, Response, Without};
use std::collections::VecDeque;
use std::task::Waker;

/// How far the outgoing message has come. It only goes forward.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stage {
    /// Status and fields can be changed.
    #[default]
    Head,
    /// The head is encoded.
    Body,
    /// The end is encoded.
    Ended,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Outgoing {
    pub(crate) stage: Stage,
    pub(crate) status: u16,
    pub(crate) fields: Fields,
    /// What hardly any message has.
    pub(crate) extras: Option<Box<Extras>>,
    /// Room is to be told.
    pub(crate) full: bool,
    /// Who waits for room.
    pub(crate) drain: Vec<Waker>,
    /// Sees a response that ends in one piece before all hooks.
    pub(crate) whole: WholeHook,
}

/// What hardly any message has, so that the others need not look at it.
#[derive(Debug, Default)]
pub(crate) struct Extras {
    pub(crate) reason: Option<Box<str>>,
    /// No Date field.
    pub(crate) no_date: bool,
    /// Default fields that were removed.
    pub(crate) without: Without,
    /// The first order that could not be carried out; it turns the response into a 500.
    pub(crate) misuse: Option<Misuse>,
    /// To be sent with the end.
    pub(crate) trailers: Fields,
    pub(crate) cork: Cork,
}

/// Writes that are kept back, to go as one chunk.
#[derive(Debug, Default)]
pub(crate) struct Cork {
    /// How often `cork` was called more than `uncork`.
    pub(crate) depth: u32,
    pub(crate) pieces: Vec<Bytes>,
    pub(crate) bytes: usize,
}

impl Cork {
    pub(crate) fn push(&mut self, piece: Bytes) {
        self.bytes += piece.len();
        self.pieces.push(piece);
    }
}

impl Default for Outgoing {
    fn default() -> Self {
        Self {
            stage: Stage::Head,
            status: 200,
            fields: Fields::new(),
            extras: None,
            full: false,
            drain: Vec::new(),
            whole: WholeHook::default(),
        }
    }
}

impl Outgoing {
    #[inline]
    pub(crate) fn reset(&mut self) {
        self.whole = WholeHook::default();
        self.stage = Stage::Head;
        self.status = 200;
        self.fields.clear();
        self.full = false;
        if self.extras.is_some() {
            self.extras = None;
        }
    }

    /// Forgets what was set, for another response in its place.
    #[cold]
    pub(super) fn reset_to(&mut self, status: u16) {
        self.reset();
        self.status = status;
    }

    /// As [`reset_to`](Self::reset_to), for a plain text.
    #[cold]
    pub(super) fn reset_to_text(&mut self, status: u16) {
        self.reset_to(status);
        let fields = [
            ("Content-Type", "text/plain; charset=utf-8"),
            ("X-Content-Type-Options", "nosniff"),
        ];
        for (name, value) in fields {
            // Legal by construction.
            let _ = self.fields.set(name, value);
        }
    }

    /// What is kept for the few, made when it is needed.
    pub(crate) fn extras(&mut self) -> &mut Extras {
        self.extras.get_or_insert_default()
    }

    /// The first order that could not be carried out, to be told once.
    #[inline]
    pub(super) fn take_misuse(&mut self) -> Option<Misuse> {
        self.extras.as_mut()?.misuse.take()
    }

    /// Gives a response what was set beside status and fields.
    #[inline]
    pub(super) fn apply_to<'a>(&'a self, response: &mut Response<'a>, date: &'a Date) {
        response.date = Some(date);
        if let Some(extras) = &self.extras {
            response.reason = extras.reason.as_deref().map(str::as_bytes);
            response.date = (!extras.no_date).then_some(date);
            response.without = extras.without;
        }
    }

    /// An order could not be carried out. The first one counts.
    pub(crate) fn reject(&mut self, misuse: Misuse) {
        self.extras().misuse.get_or_insert(misuse);
    }

    /// A field is removed, and with it what would be sent by default. Node's rule.
    pub(crate) fn remove_default(&mut self, name: &str) {
        let is = |default: &str| name.eq_ignore_ascii_case(default);
        if is("date") {
            self.extras().no_date = true;
        } else if is("content-length") {
            self.extras().without.content_length = true;
        } else if is("transfer-encoding") {
            self.extras().without.transfer_encoding = true;
        } else if is("connection") {
            self.extras().without.connection = true;
        }
    }
}

/// What is to be told when the transport has taken a position of the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FlushEvent {
    /// The first byte.
    First,
    Head,
    Data(usize),
    End,
    /// There is room to write again.
    Room,
}

/// Flush events with their positions, in order. Empty, and without memory, without a listener or observer.
#[derive(Debug, Default)]
pub(crate) struct FlushQueue {
    queue: VecDeque<(u64, u32, Queued)>,
}

#[derive(Debug)]
enum Queued {
    Event(FlushEvent),
    /// Content up to this position, of which the transport takes parts: each is a [`FlushEvent::Data`]. Its own position is
    /// that of the first byte that has not been reported.
    Parts {
        end: u64,
    },
}

impl FlushQueue {
    pub(crate) fn push(&mut self, position: u64, exchange: u32, mark: FlushEvent) {
        self.queue
            .push_back((position, exchange, Queued::Event(mark)));
    }

    /// Marks content that lies between these positions, and is reported in the parts that the transport takes.
    pub(crate) fn push_parts(&mut self, from: u64, end: u64, exchange: u32) {
        if from < end {
            self.queue
                .push_back((from + 1, exchange, Queued::Parts { end }));
        }
    }

    /// As `push`, for a position that may lie before others.
    pub(crate) fn insert(&mut self, position: u64, exchange: u32, mark: FlushEvent) {
        self.insert_queued(position, exchange, Queued::Event(mark));
    }

    fn insert_queued(&mut self, position: u64, exchange: u32, queued: Queued) {
        let at = self
            .queue
            .partition_point(|&(other, _, _)| other <= position);
        self.queue.insert(at, (position, exchange, queued));
    }

    /// The next mark at or before `written`.
    pub(crate) fn pop(&mut self, written: u64) -> Option<(u64, u32, FlushEvent)> {
        let &(position, ..) = self.queue.front()?;
        if position > written {
            return None;
        }
        let (position, exchange, queued) = self.queue.pop_front()?;
        match queued {
            Queued::Event(mark) => Some((position, exchange, mark)),
            Queued::Parts { end } => {
                let upto = written.min(end);
                if upto < end {
                    self.insert_queued(upto + 1, exchange, Queued::Parts { end });
                }
                let part = usize::try_from(upto + 1 - position).unwrap_or(usize::MAX);
                Some((upto, exchange, FlushEvent::Data(part)))
            }
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// Whether a mark of this exchange is still to come.
    pub(crate) fn has(&self, exchange: u32) -> bool {
        self.queue.iter().any(|&(_, number, _)| number == exchange)
    }
}

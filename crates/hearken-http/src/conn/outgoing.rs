//! The response that goes out: what the handler has set, and how far it has been encoded.
//!
//! Here: [`Outgoing`], [`Stage`], and [`Marks`] that tell when a position has been handed to the transport. Not here:
//! the encoding (hearken-proto), the bytes (`output.rs`).

use hearken_proto::Fields;
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
    pub(crate) reason: Option<Box<str>>,
    pub(crate) fields: Fields,
    pub(crate) send_date: bool,
    /// The first order that could not be carried out; it turns the response into a 500.
    pub(crate) misuse: Option<hearken_proto::Misuse>,
    /// Room is to be told.
    pub(crate) full: bool,
    /// Who waits for room.
    pub(crate) drain: Vec<Waker>,
}

impl Default for Outgoing {
    fn default() -> Self {
        Self {
            stage: Stage::Head,
            status: 200,
            reason: None,
            fields: Fields::new(),
            send_date: true,
            misuse: None,
            full: false,
            drain: Vec::new(),
        }
    }
}

impl Outgoing {
    pub(crate) fn reset(&mut self) {
        self.stage = Stage::Head;
        self.status = 200;
        self.reason = None;
        self.fields.clear();
        self.send_date = true;
        self.misuse = None;
        self.full = false;
    }
}

/// What is to be told when the transport has taken a position of the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mark {
    /// The first byte.
    First,
    Head,
    Data(usize),
    End,
    /// There is room to write again.
    Room,
}

/// Positions with their marks, in order. Empty, and without memory, unless somebody listens.
#[derive(Debug, Default)]
pub(crate) struct Marks {
    queue: VecDeque<(u64, u32, Mark)>,
}

impl Marks {
    pub(crate) fn push(&mut self, position: u64, exchange: u32, mark: Mark) {
        self.queue.push_back((position, exchange, mark));
    }

    /// As `push`, for a position that may lie before others.
    pub(crate) fn insert(&mut self, position: u64, exchange: u32, mark: Mark) {
        let at = self
            .queue
            .partition_point(|&(other, _, _)| other <= position);
        self.queue.insert(at, (position, exchange, mark));
    }

    /// The next mark at or before `written`.
    pub(crate) fn pop(&mut self, written: u64) -> Option<(u32, Mark)> {
        let &(position, exchange, mark) = self.queue.front()?;
        (position <= written).then(|| {
            self.queue.pop_front();
            (exchange, mark)
        })
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// Whether a mark of this exchange is still to come.
    pub(crate) fn has(&self, exchange: u32) -> bool {
        self.queue.iter().any(|&(_, number, _)| number == exchange)
    }
}

//! The listeners of one exchange, and the slot that holds them while they rest or are called.
//!
//! Here: [`Listeners`], [`ListenerSlot`]. Not here: when they are called (`notify.rs`), the names of events (`event/`).

use super::outgoing::FlushEvent;
use crate::event::MessageListeners;
use bytes::BytesMut;

/// The listeners of an exchange, and what is remembered for them.
#[derive(Debug, Default)]
pub(crate) struct Listeners {
    pub(crate) of: MessageListeners,
    /// The body, when `Ready` has a listener and `DataReady` has none.
    pub(crate) collected: BytesMut,
    /// `Ready` or `Failed` has been emitted.
    pub(crate) complete: bool,
}

impl Listeners {
    /// Whether a listener takes the body.
    pub(crate) fn reads(&self) -> bool {
        !self.of.data_ready.is_empty() || !self.of.ready.is_empty()
    }

    /// Whether a listener waits for what happens to the outgoing message.
    pub(crate) fn watches_output(&self) -> bool {
        !(self.of.header_done.is_empty()
            && self.of.data_done.is_empty()
            && self.of.done.is_empty()
            && self.of.drain.is_empty()
            && self.of.closed.is_empty())
    }

    /// Calls the listeners of what the transport has taken.
    pub(crate) fn notify_flushed(&mut self, event: FlushEvent) {
        let of = &mut self.of;
        match event {
            FlushEvent::First => {}
            FlushEvent::Head => of.header_done.iter_mut().for_each(|call| call(())),
            FlushEvent::Data(bytes) => of.data_done.iter_mut().for_each(|call| call(bytes)),
            FlushEvent::End => of.done.iter_mut().for_each(|call| call(())),
            FlushEvent::Room => of.drain.iter_mut().for_each(|call| call(())),
        }
    }

    /// Adds listeners behind those that are there.
    pub(crate) fn append(&mut self, new: MessageListeners) {
        self.of.append(new);
    }
}

/// Where an exchange keeps its listeners. They leave the exchange while they are called, since they give orders to it.
#[derive(Debug, Default)]
pub(crate) enum ListenerSlot {
    #[default]
    Empty,
    Resting(Box<Listeners>),
    /// They are being called; these have been added meanwhile.
    Calling(Option<Box<Listeners>>),
}

impl ListenerSlot {
    /// Whether the exchange has listeners, those that are being called included.
    #[inline]
    pub(crate) const fn is_used(&self) -> bool {
        !matches!(self, Self::Empty)
    }

    /// The listeners that can be called now.
    #[inline]
    pub(crate) fn resting(&self) -> Option<&Listeners> {
        match self {
            Self::Empty | Self::Calling(None) => None,
            Self::Resting(listeners) | Self::Calling(Some(listeners)) => Some(listeners),
        }
    }

    /// The listeners to which new ones are added.
    pub(crate) fn get_or_insert(&mut self) -> &mut Listeners {
        if matches!(self, Self::Empty) {
            *self = Self::Resting(Box::default());
        }
        match self {
            Self::Resting(listeners) => listeners,
            Self::Calling(added) => added.get_or_insert_default(),
            Self::Empty => unreachable!("the slot has just been filled"),
        }
    }

    /// Takes the listeners out for good.
    #[inline]
    pub(crate) fn take(&mut self) -> Option<Box<Listeners>> {
        if !self.is_used() {
            return None;
        }
        match std::mem::take(self) {
            Self::Empty => None,
            Self::Resting(listeners) => Some(listeners),
            Self::Calling(added) => added,
        }
    }

    /// Takes the listeners out to call them.
    pub(crate) fn begin_call(&mut self) -> Option<Box<Listeners>> {
        let listeners = self.take()?;
        *self = Self::Calling(None);
        Some(listeners)
    }
}

//! The end of a response that is kept back: a layer has something to do before the client may know that the response is complete.
//!
//! Here: [`HeldEnd`], and how an exchange keeps and releases an end. Not here: the handle of the layer (`message/end_hold.rs`), hooks and
//! filters (`layers.rs`).

use super::exchange::Exchange;
use super::output::Piece;
use bytes::Bytes;
use std::task::{Context, Poll, Waker};

/// Present while a layer holds the end of the response.
#[derive(Default)]
pub(crate) struct HeldEnd {
    holds: u32,
    end: Option<End>,
    wakers: Vec<Waker>,
}

/// The end that was asked for, with the last content.
pub(crate) enum End {
    Content(Bytes),
    /// Hooks have run, and there is no filter.
    Pieces(Vec<Piece>),
}

impl Exchange {
    pub(crate) fn add_end_hold(&self) {
        self.state()
            .overrides()
            .held_end
            .get_or_insert_default()
            .holds += 1;
    }

    /// Keeps an end back if a layer holds it. `None` when it is kept, or when one was kept before.
    #[inline]
    pub(crate) fn unless_held(&self, end: End) -> Option<End> {
        if self.state().overrides.is_none() {
            return Some(end);
        }
        self.keep_end(end)
    }

    #[cold]
    fn keep_end(&self, end: End) -> Option<End> {
        let wakers = {
            let mut state = self.state();
            if state.is_over() {
                return Some(end);
            }
            let Some(held) = &mut state.overrides().held_end else {
                return Some(end);
            };
            held.end.get_or_insert(end); // of two ends the first counts
            std::mem::take(&mut held.wakers)
        };
        wakers.into_iter().for_each(Waker::wake);
        None
    }

    /// Whether an end was asked for and is kept back.
    #[inline]
    pub(crate) fn has_kept_end(&self) -> bool {
        let state = self.state();
        let own = state.overrides.as_ref();
        own.and_then(|own| own.held_end.as_ref())
            .is_some_and(|held| held.end.is_some())
    }

    /// Waits until the end of the response is asked for, or the exchange is over.
    pub(crate) fn poll_end_asked(&self, cx: &Context<'_>) -> Poll<()> {
        if self.has_kept_end() {
            return Poll::Ready(());
        }
        if let Some(held) = &mut self.state().overrides().held_end
            && !held.wakers.iter().any(|waker| waker.will_wake(cx.waker()))
        {
            held.wakers.push(cx.waker().clone());
        }
        self.poll_closed(cx).map(drop)
    }

    /// Drops the end that is kept back, so that another response can take its place.
    pub(crate) fn cancel_kept_end(&self) {
        let mut state = self.state();
        let cancelled = match &mut state.overrides().held_end {
            Some(held) => held.end.take(),
            None => None,
        };
        drop(state);
        drop(cancelled); // after the borrow: content may have a destructor of the user's
    }

    /// Removes one hold. The last one lets the end go.
    pub(crate) fn release_end(&self) {
        let end = {
            let mut state = self.state();
            let Some(held) = &mut state.overrides().held_end else {
                return;
            };
            held.holds -= 1;
            if held.holds > 0 {
                return;
            }
            let held = state.overrides().held_end.take();
            held.and_then(|held| held.end)
        };
        match end {
            None => {}
            Some(End::Content(content)) => self.end(content),
            Some(End::Pieces(pieces)) => {
                self.order(|state, env| state.end_with_pieces(env, pieces));
            }
        }
    }
}

//! Heads for reuse, with their memory: a response that is alive owns one.
//!
//! Here: [`put_back`] and [`take`], on a few for each thread.

use hearken_proto::Head;
use std::cell::RefCell;

const HEADS_MAX: usize = 16;

thread_local! {
    #[expect(clippy::vec_box, reason = "a response owns its head in the box")]
    static HEADS: RefCell<Vec<Box<Head>>> = const { RefCell::new(Vec::new()) };
}

/// Keeps a head, if there is room.
pub(crate) fn put_back(head: Box<Head>) {
    // Fails while a thread ends; the head is dropped then.
    let _ = HEADS.try_with(|heads| {
        let mut heads = heads.borrow_mut();
        if heads.len() < HEADS_MAX {
            heads.push(head);
        }
    });
}

/// A head that was kept.
pub(crate) fn take() -> Option<Box<Head>> {
    HEADS.try_with(|heads| heads.borrow_mut().pop()).ok()?
}

//! Heads that are not used now, with their memory: one for each response that is in somebody's hands.
//!
//! Here: a few for each thread.

use hearken_proto::Head;
use std::cell::RefCell;

const KEPT_MAX: usize = 16;

thread_local! {
    // The box is what is kept: a response holds its head in one.
    #[expect(clippy::vec_box, reason = "the boxes are handed out as they are")]
    static HEADS: RefCell<Vec<Box<Head>>> = const { RefCell::new(Vec::new()) };
}

/// Keeps a head, if there is room.
pub(crate) fn keep(head: Box<Head>) {
    // While a thread ends there is nowhere to keep it.
    let _ = HEADS.try_with(|heads| {
        let mut heads = heads.borrow_mut();
        if heads.len() < KEPT_MAX {
            heads.push(head);
        }
    });
}

/// A head that was kept.
pub(crate) fn take() -> Option<Box<Head>> {
    HEADS.try_with(|heads| heads.borrow_mut().pop()).ok()?
}

//! Two futures, of which the first to complete is the outcome. `tokio::select!` would cost each build a parser of Rust.
//!
//! Here: [`race`].
//!
//! May know: nothing of this crate.
//!
//! Must not know: tokio, and any other room of this crate.

use pin_project_lite::pin_project;
use std::pin::Pin;
use std::task::{Context, Poll};

/// Which of two futures completed first, with its output.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum First<A, B> {
    Left(A),
    Right(B),
}

pin_project! {
    /// Holds both futures in place: an `async fn` would move its arguments, and be twice as large.
    pub(crate) struct Race<A, B> {
        #[pin]
        left: A,
        #[pin]
        right: B,
    }
}

/// Polls both futures and resolves with the first output. The left one is polled first and wins when both are ready. The other is
/// dropped with the race, so a future whose loss matters has to be safe to drop.
pub(crate) fn race<A: Future, B: Future>(left: A, right: B) -> Race<A, B> {
    Race { left, right }
}

impl<A: Future, B: Future> Future for Race<A, B> {
    type Output = First<A::Output, B::Output>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        if let Poll::Ready(output) = this.left.poll(cx) {
            return Poll::Ready(First::Left(output));
        }
        this.right.poll(cx).map(First::Right)
    }
}

#[cfg(test)]
mod tests;

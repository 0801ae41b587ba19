use super::{First, race};
use std::cell::Cell;
use std::future::{Ready, pending, poll_fn, ready};
use std::mem::size_of_val;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

fn poll<F: Future>(future: F) -> Poll<F::Output> {
    pin!(future).poll(&mut Context::from_waker(Waker::noop()))
}

#[test]
fn the_left_future_wins_when_both_are_ready() {
    let right_polled = Cell::new(false);
    let right = poll_fn(|_| {
        right_polled.set(true);
        Poll::Ready(2)
    });
    assert_eq!(poll(race(ready(1), right)), Poll::Ready(First::Left(1)));
    assert!(!right_polled.get());
}

#[test]
fn the_right_future_wins_when_the_left_waits() {
    let left = pending::<u8>();
    assert_eq!(poll(race(left, ready(2))), Poll::Ready(First::Right(2)));
}

#[test]
fn both_futures_are_polled_with_the_waker_of_the_race() {
    let polls = Cell::new(0);
    let wait = || {
        poll_fn(|cx| {
            assert!(cx.waker().will_wake(Waker::noop()));
            polls.set(polls.get() + 1);
            Poll::<()>::Pending
        })
    };
    assert_eq!(poll(race(wait(), wait())), Poll::Pending);
    assert_eq!(polls.get(), 2);
}

#[test]
fn a_race_is_as_large_as_its_futures() {
    let of = |n: u64| -> Ready<[u64; 8]> { ready([n; 8]) };
    assert_eq!(
        size_of_val(&race(of(1), of(2))),
        size_of_val(&of(1)) + size_of_val(&of(2))
    );
}

//! Happy eyeballs (RFC 8305): a broken address family or server costs a moment instead of a time-out.
//!
//! Here: [`interleave`], the order of addresses (§4), and [`race`], the attempts (§5). Not here: resolving (`tcp.rs`). The
//! system sorts the addresses (RFC 6724) and resolves both families at once, so there is no delay between answers.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

/// Delay before the next attempt begins beside the running ones, as RFC 8305 §5 recommends.
pub(crate) const ATTEMPT_DELAY: Duration = Duration::from_millis(250);

/// Further addresses are ignored: trying a thousand takes longer than any time-out.
const ADDRESSES_MAX: usize = 32;

/// Alternates the families, that of the first address first (RFC 8305 §4); drops duplicates.
pub(crate) fn interleave(addresses: impl IntoIterator<Item = SocketAddr>) -> Vec<SocketAddr> {
    let (mut first, mut second) = (VecDeque::new(), VecDeque::new());
    for address in addresses {
        let of_first = first
            .front()
            .is_none_or(|other: &SocketAddr| other.is_ipv4() == address.is_ipv4());
        let queue = if of_first { &mut first } else { &mut second };
        if !queue.contains(&address) {
            queue.push_back(address);
        }
    }
    let mut all = Vec::with_capacity(first.len() + second.len());
    while all.len() < ADDRESSES_MAX && !(first.is_empty() && second.is_empty()) {
        all.extend(first.pop_front());
        all.extend(second.pop_front());
    }
    all.truncate(ADDRESSES_MAX);
    all
}

/// Connects to the first address that answers; drops the other attempts and their sockets.
///
/// # Errors
/// The error of each address, in the order in which they failed.
pub(crate) async fn race<T, F: Future<Output = io::Result<T>>>(
    addresses: &[SocketAddr],
    delay: Duration,
    mut attempt: impl FnMut(SocketAddr) -> F,
) -> Result<(T, SocketAddr), Vec<(SocketAddr, io::Error)>> {
    let mut waiting = addresses.iter().copied();
    let mut running: Vec<(SocketAddr, Pin<Box<F>>)> = Vec::new();
    let mut failed = Vec::new();
    loop {
        let more = match waiting.next() {
            Some(address) => {
                running.push((address, Box::pin(attempt(address))));
                waiting.len() > 0
            }
            None if running.is_empty() => return Err(failed),
            None => false,
        };
        let before = failed.len();
        let step = poll_fn(|cx| poll_all(&mut running, &mut failed, before, cx));
        let won = if more {
            tokio::time::timeout(delay, step).await.unwrap_or(None)
        } else {
            step.await
        };
        if let Some(won) = won {
            return Ok(won);
        }
    }
}

/// Ready with a connection, or with `None` when an attempt has failed, so that the next begins at once.
fn poll_all<T, F: Future<Output = io::Result<T>>>(
    running: &mut Vec<(SocketAddr, Pin<Box<F>>)>,
    failed: &mut Vec<(SocketAddr, io::Error)>,
    before: usize,
    cx: &mut Context<'_>,
) -> Poll<Option<(T, SocketAddr)>> {
    let mut at = 0;
    while let Some((address, future)) = running.get_mut(at) {
        match future.as_mut().poll(cx) {
            Poll::Pending => at += 1,
            Poll::Ready(Ok(connected)) => return Poll::Ready(Some((connected, *address))),
            Poll::Ready(Err(error)) => {
                failed.push((*address, error));
                running.remove(at);
            }
        }
    }
    if failed.len() > before || running.is_empty() {
        Poll::Ready(None)
    } else {
        Poll::Pending
    }
}

#[cfg(test)]
mod tests;

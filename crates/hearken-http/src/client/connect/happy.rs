//! Happy eyeballs (RFC 8305): a broken address family or server costs a moment instead of a time-out.
//!
//! Here: [`interleave`], the order of addresses (§4), and [`race`], the attempts (§5), with what becomes of each. Not here: resolving
//! (`tcp.rs`). The system sorts the addresses (RFC 6724) and resolves both families at once, so there is no delay between
//! answers.

use crate::error::client::Attempt;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

/// Delay before the next attempt begins beside the running ones, as RFC 8305 §5 recommends.
pub(crate) const ATTEMPT_DELAY: Duration = Duration::from_millis(250);

/// Further addresses are not tried: trying a thousand takes longer than any time-out.
const ADDRESSES_MAX: usize = 32;

/// Alternates the families, that of the first address first (RFC 8305 §4); drops duplicates. Also returns how many addresses
/// are left out.
pub(crate) fn interleave(
    addresses: impl IntoIterator<Item = SocketAddr>,
) -> (Vec<SocketAddr>, usize) {
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
    while !(first.is_empty() && second.is_empty()) {
        all.extend(first.pop_front());
        all.extend(second.pop_front());
    }
    let left_out = all.len().saturating_sub(ADDRESSES_MAX);
    all.truncate(ADDRESSES_MAX);
    (all, left_out)
}

/// What became of the attempts so far. It outlives a race that a time-out ends.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    failed: Vec<(SocketAddr, Attempt)>,
    /// With the moment at which each began.
    running: Vec<(SocketAddr, Instant)>,
    begun: usize,
}

impl Progress {
    /// What became of each address, in the order in which they failed; those that still run have been silent until `now`.
    pub(crate) fn into_attempts(
        self,
        addresses: &[SocketAddr],
        now: Instant,
    ) -> Vec<(SocketAddr, Attempt)> {
        let silent = |(address, began): (SocketAddr, Instant)| {
            (
                address,
                Attempt::Silent(now.saturating_duration_since(began)),
            )
        };
        let untried = addresses.iter().skip(self.begun);
        let mut all = self.failed;
        all.extend(self.running.into_iter().map(silent));
        all.extend(untried.map(|&address| (address, Attempt::Untried)));
        all
    }
}

/// Connects to the first address that answers; drops the other attempts and their sockets. `None` when all have failed;
/// `progress` has what became of each.
pub(crate) async fn race<T, F: Future<Output = Result<T, Attempt>>>(
    addresses: &[SocketAddr],
    delay: Duration,
    mut attempt: impl FnMut(SocketAddr) -> F,
    progress: &mut Progress,
) -> Option<(T, SocketAddr)> {
    let mut running: Vec<Pin<Box<F>>> = Vec::new();
    loop {
        let more = match addresses.get(progress.begun) {
            Some(&address) => {
                progress.begun += 1;
                let began = tokio::time::Instant::now().into_std();
                progress.running.push((address, began));
                running.push(Box::pin(attempt(address)));
                progress.begun < addresses.len()
            }
            None if running.is_empty() => return None,
            None => false,
        };
        let before = progress.failed.len();
        let step = poll_fn(|cx| poll_all(&mut running, progress, before, cx));
        let won = if more {
            tokio::time::timeout(delay, step).await.unwrap_or(None)
        } else {
            step.await
        };
        if won.is_some() {
            return won;
        }
    }
}

/// Ready with a connection, or with `None` when an attempt has failed, so that the next begins at once.
fn poll_all<T, F: Future<Output = Result<T, Attempt>>>(
    running: &mut Vec<Pin<Box<F>>>,
    progress: &mut Progress,
    before: usize,
    cx: &mut Context<'_>,
) -> Poll<Option<(T, SocketAddr)>> {
    let mut at = 0;
    while let Some(future) = running.get_mut(at) {
        match future.as_mut().poll(cx) {
            Poll::Pending => at += 1,
            Poll::Ready(Ok(connected)) => {
                return Poll::Ready(Some((connected, progress.running[at].0)));
            }
            Poll::Ready(Err(failed)) => {
                let (address, _) = progress.running.remove(at);
                progress.failed.push((address, failed));
                drop(running.remove(at));
            }
        }
    }
    if progress.failed.len() > before || running.is_empty() {
        Poll::Ready(None)
    } else {
        Poll::Pending
    }
}

#[cfg(test)]
mod tests;

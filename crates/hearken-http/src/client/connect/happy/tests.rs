//! The order of addresses and the race between them, with a connector of the test and a clock that jumps.

use super::*;
use std::io;
use std::sync::{Arc, Mutex};
use tokio::time::{self, sleep};

fn address(text: &str) -> SocketAddr {
    text.parse().expect("an address")
}

fn addresses(texts: &[&str]) -> Vec<SocketAddr> {
    texts.iter().map(|text| address(text)).collect()
}

#[test]
fn families_take_turns_and_the_first_is_that_of_the_first_address() {
    let given = addresses(&["[::1]:1", "[::2]:1", "[::3]:1", "1.0.0.1:1", "1.0.0.2:1"]);
    let order = addresses(&["[::1]:1", "1.0.0.1:1", "[::2]:1", "1.0.0.2:1", "[::3]:1"]);
    assert_eq!(interleave(given), (order, 0));
    let given = addresses(&["1.0.0.1:1", "1.0.0.1:1", "[::1]:1"]);
    assert_eq!(interleave(given), (addresses(&["1.0.0.1:1", "[::1]:1"]), 0));
    let many = (0..1000u16).map(|port| SocketAddr::from(([1, 0, 0, 1], port)));
    let (tried, left_out) = interleave(many);
    assert_eq!(
        (tried.len(), left_out),
        (ADDRESSES_MAX, 1000 - ADDRESSES_MAX)
    );
}

/// The behaviour of an address: it answers, or fails, after so many milliseconds.
#[derive(Clone, Copy)]
enum Does {
    Answer(u64),
    Fail(u64),
}

type Log = Arc<Mutex<Vec<(u64, u16)>>>;

/// Ports stand for behaviours. Returns the port that won, the ports that failed, when it was decided, and when each
/// attempt began.
async fn run(plan: &[Does]) -> (Option<u16>, Vec<u16>, u64, Vec<(u64, u16)>) {
    let began = time::Instant::now();
    let log = Log::default();
    let all: Vec<SocketAddr> = (0..plan.len() as u16)
        .map(|port| SocketAddr::from(([1, 0, 0, 1], port)))
        .collect();
    let seen = Arc::clone(&log);
    let mut progress = Progress::default();
    let attempt = |address: SocketAddr| {
        let at = began.elapsed().as_millis() as u64;
        seen.lock().unwrap().push((at, address.port()));
        let does = plan[usize::from(address.port())];
        async move {
            match does {
                Does::Answer(ms) => {
                    sleep(Duration::from_millis(ms)).await;
                    Ok(address.port())
                }
                Does::Fail(ms) => {
                    sleep(Duration::from_millis(ms)).await;
                    Err(refused())
                }
            }
        }
    };
    let raced = race(&all, ATTEMPT_DELAY, attempt, &mut progress).await;
    let at = began.elapsed().as_millis() as u64;
    let attempts = log.lock().unwrap().clone();
    match raced {
        Some((port, address)) => {
            assert_eq!(port, address.port());
            (Some(port), Vec::new(), at, attempts)
        }
        None => {
            let failed = progress.into_attempts(&all, time::Instant::now().into_std());
            let ports = failed.iter().map(|(address, _)| address.port()).collect();
            (None, ports, at, attempts)
        }
    }
}

#[tokio::test(start_paused = true)]
async fn one_that_answers_at_once_is_the_only_attempt() {
    let (won, _, at, attempts) = run(&[Does::Answer(10), Does::Answer(1)]).await;
    assert_eq!((won, at), (Some(0), 10));
    assert_eq!(attempts, [(0, 0)]);
}

#[tokio::test(start_paused = true)]
async fn one_that_is_silent_costs_a_quarter_of_a_second() {
    let (won, _, at, attempts) = run(&[Does::Fail(60_000), Does::Answer(20)]).await;
    assert_eq!((won, at), (Some(1), 270));
    assert_eq!(attempts, [(0, 0), (250, 1)]);
}

#[tokio::test(start_paused = true)]
async fn a_slow_one_may_still_win() {
    let (won, _, at, attempts) = run(&[Does::Answer(300), Does::Answer(100)]).await;
    assert_eq!((won, at), (Some(0), 300));
    assert_eq!(attempts, [(0, 0), (250, 1)]);
}

#[tokio::test(start_paused = true)]
async fn a_failure_begins_the_next_at_once() {
    let (won, _, at, attempts) = run(&[Does::Fail(5), Does::Fail(5), Does::Answer(5)]).await;
    assert_eq!((won, at), (Some(2), 15));
    assert_eq!(attempts, [(0, 0), (5, 1), (10, 2)]);
}

#[tokio::test(start_paused = true)]
async fn a_failure_of_an_early_attempt_begins_the_next_before_its_time() {
    let (won, _, at, attempts) = run(&[Does::Fail(300), Does::Fail(60_000), Does::Answer(1)]).await;
    assert_eq!((won, at), (Some(2), 301));
    assert_eq!(attempts, [(0, 0), (250, 1), (300, 2)]);
}

fn refused() -> Attempt {
    Attempt::Failed(io::ErrorKind::ConnectionRefused.into())
}

/// A time-out says of each address what happened there, and no more.
#[tokio::test(start_paused = true)]
async fn a_time_out_knows_what_became_of_each_address() {
    let all = addresses(&["1.0.0.1:0", "1.0.0.1:1", "1.0.0.1:2", "1.0.0.1:3"]);
    let mut progress = Progress::default();
    let attempt = |address: SocketAddr| async move {
        if address.port() == 0 {
            sleep(Duration::from_millis(10)).await;
            return Err::<(), _>(refused());
        }
        std::future::pending().await
    };
    let raced = race(&all, ATTEMPT_DELAY, attempt, &mut progress);
    let late = time::timeout(Duration::from_millis(300), raced).await;
    assert!(late.is_err(), "none answers");
    let now = time::Instant::now().into_std();
    let attempts = progress.into_attempts(&all, now);
    let ports: Vec<u16> = attempts.iter().map(|(address, _)| address.port()).collect();
    assert_eq!(ports, [0, 1, 2, 3]);
    let texts: Vec<String> = attempts
        .iter()
        .map(|(_, attempt)| match attempt {
            Attempt::Silent(time) => format!("silent for {time:?}"),
            Attempt::Untried => "untried".to_owned(),
            failed => failed
                .error()
                .map(|error| error.kind().to_string())
                .unwrap_or_default(),
        })
        .collect();
    assert_eq!(
        texts,
        [
            "connection refused",
            "silent for 290ms",
            "silent for 40ms",
            "untried"
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn the_error_has_all_that_failed() {
    let (won, failed, at, _) = run(&[Does::Fail(400), Does::Fail(10)]).await;
    assert_eq!((won, at), (None, 400));
    assert_eq!(failed, [1, 0]);
    let (won, failed, _, _) = run(&[]).await;
    assert_eq!((won, failed), (None, vec![]));
}

#[tokio::test(start_paused = true)]
async fn losers_are_dropped() {
    struct Alive(Arc<()>);
    let alive = Arc::new(());
    let all = addresses(&["1.0.0.1:0", "1.0.0.1:1"]);
    let mut progress = Progress::default();
    let attempt = |address: SocketAddr| {
        let guard = Alive(Arc::clone(&alive));
        async move {
            let time = if address.port() == 0 { 9_000 } else { 1 };
            sleep(Duration::from_millis(time)).await;
            drop(guard.0);
            Ok(())
        }
    };
    let won = race(&all, ATTEMPT_DELAY, attempt, &mut progress).await;
    assert_eq!(won.expect("the second answers").1.port(), 1);
    assert_eq!(Arc::strong_count(&alive), 1);
}

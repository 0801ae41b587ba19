//! When a server is not waited for any more, on a clock that jumps.

use super::*;

/// Runs until the workers are not waited for any more, and returns how long that took. `order` stops the server step by step.
fn overdue(grace: u64, orders: &[(u64, Stop)]) -> Duration {
    let runtime = runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(async {
        let stop = watch::Sender::new(Stop::Run);
        let began = Instant::now();
        let give = async {
            for &(at, order) in orders {
                tokio::time::sleep_until(began + Duration::from_millis(at)).await;
                stop.send_replace(order);
            }
            std::future::pending::<()>().await;
        };
        tokio::select! {
            () = overdue_after(stop.subscribe(), Duration::from_millis(grace)) => {}
            () = give => {}
        }
        began.elapsed()
    })
}

#[test]
fn workers_have_the_grace_time_and_a_moment() {
    let near = |took: Duration, millis: u64| {
        let wanted = Duration::from_millis(millis);
        assert!(
            took >= wanted && took < wanted + Duration::from_millis(5),
            "{took:?}, {wanted:?}"
        );
    };
    near(overdue(25_000, &[(100, Stop::Drain)]), 25_600);
    near(
        overdue(25_000, &[(100, Stop::Drain), (1000, Stop::Kill)]),
        1500,
    );
    near(
        overdue(25_000, &[(100, Stop::Drain), (1000, Stop::AtOnce)]),
        1250,
    );
    near(
        overdue(1000, &[(0, Stop::Drain), (1100, Stop::AtOnce)]),
        1350,
    );
    near(
        overdue(1000, &[(0, Stop::Drain), (1400, Stop::AtOnce)]),
        1500,
    );
    near(overdue(25_000, &[(0, Stop::Kill)]), 500);
}

#[test]
fn the_error_names_the_threads_that_are_left() {
    let left = ["hearken-0".to_owned(), "hearken-3".to_owned()];
    let error = End::Without(left.into()).outcome().unwrap_err().to_string();
    assert!(error.contains("hearken-0, hearken-3"), "{error}");
    assert!(End::Whole.outcome().is_ok());
}

#[test]
fn a_listener_that_blocks_does_not_hold_up_the_end() {
    let (said, heard) = threads::channel();
    let voice = Voice::new();
    voice.say(move || said.send("first").unwrap());
    voice.say(|| thread::sleep(Duration::from_secs(60)));
    let began = std::time::Instant::now();
    voice.end();
    assert!(began.elapsed() >= LAST_WORDS, "{:?}", began.elapsed());
    assert!(
        began.elapsed() < Duration::from_secs(10),
        "{:?}",
        began.elapsed()
    );
    assert_eq!(heard.recv().unwrap(), "first");
    let voice = Voice::new();
    let began = std::time::Instant::now();
    voice.end();
    assert!(began.elapsed() < LAST_WORDS, "{:?}", began.elapsed());
}

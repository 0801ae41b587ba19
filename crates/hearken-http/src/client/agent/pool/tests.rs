//! Bounds over several runtimes. Connections and waiting requests are numbers.

use super::*;
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};

type Numbers = Pool<u32, u32, ()>;

fn pool(sockets: usize, total: usize) -> Numbers {
    Pool::new(Bounds {
        sockets,
        total,
        free: 256,
        fifo: false,
    })
}

fn runtimes() -> [Runtime; 2] {
    [(); 2].map(|()| Builder::new_current_thread().build().expect("a runtime"))
}

fn ids(runtimes: &[Runtime; 2]) -> [Id; 2] {
    runtimes.each_ref().map(|runtime| runtime.handle().id())
}

fn host(pool: &mut Numbers, name: &str) -> usize {
    let key = KeyRef {
        https: false,
        host: name,
        port: 80,
        zone: None,
        route: None,
    };
    pool.host(&key, None)
}

fn later() -> Instant {
    Instant::now() + Duration::from_secs(60)
}

fn is_open(checkout: &Checkout<u32>) -> bool {
    matches!(checkout, Checkout::Open(None))
}

#[test]
fn a_bound_holds_over_all_runtimes() {
    let runtimes = runtimes();
    let [a, b] = ids(&runtimes);
    let mut pool = pool(2, 100);
    let at = host(&mut pool, "h");
    assert!(is_open(&pool.checkout(at, a)));
    assert!(is_open(&pool.checkout(at, b)));
    assert!(matches!(pool.checkout(at, a), Checkout::Wait));
    assert!(matches!(pool.checkout(at, b), Checkout::Wait));
    assert_eq!(pool.totals(), (2, 0, 0));
}

#[test]
fn an_idle_connection_of_another_runtime_makes_room() {
    let runtimes = runtimes();
    let [a, b] = ids(&runtimes);
    for (sockets, total) in [(1, 100), (100, 1)] {
        let mut pool = pool(sockets, total);
        let at = host(&mut pool, "h");
        assert!(is_open(&pool.checkout(at, a)));
        assert!(matches!(pool.put_back(at, a, 7, later()), Next::Kept));
        assert!(matches!(pool.checkout(at, b), Checkout::Open(Some(7))));
        assert_eq!(pool.totals(), (1, 0, 0));
        // The host is still the same one.
        assert_eq!(host(&mut pool, "h"), at);
        // Its own one is used again.
        assert!(matches!(pool.put_back(at, b, 8, later()), Next::Kept));
        assert!(matches!(pool.checkout(at, b), Checkout::Idle(8, _)));
    }
}

/// A request that waits is served though connections of its own runtime never come back.
#[test]
fn the_room_of_one_runtime_goes_to_a_request_of_another() {
    let runtimes = runtimes();
    let [a, b] = ids(&runtimes);
    let mut pool = pool(1, 100);
    let at = host(&mut pool, "h");
    assert!(is_open(&pool.checkout(at, a)));
    pool.enqueue(at, b, 1);
    assert!(matches!(pool.put_back(at, a, 7, later()), Next::Close(7)));
    assert!(matches!(pool.release(at), Next::Give(1, _, None)));
    assert_eq!(pool.totals(), (1, 0, 0));
}

#[test]
fn a_busy_runtime_does_not_keep_another_waiting_forever() {
    let runtimes = runtimes();
    let [a, b] = ids(&runtimes);
    let mut pool = pool(1, 100);
    let at = host(&mut pool, "h");
    assert!(is_open(&pool.checkout(at, a)));
    pool.enqueue(at, b, 1000);
    let mut handed = 0;
    for n in 0..1000 {
        pool.enqueue(at, a, n);
        match pool.put_back(at, a, 7, later()) {
            Next::Give(waiter, _, Some(7)) => assert_eq!(waiter, n),
            Next::Close(7) => break,
            other => panic!("{other:?}"),
        }
        handed += 1;
    }
    assert_eq!(handed, PASSED_OVER_MAX);
    assert!(matches!(pool.release(at), Next::Give(1000, _, None)));
    // Then the others go on: their room comes from the other runtime.
    assert!(matches!(pool.put_back(at, b, 9, later()), Next::Close(9)));
    assert!(matches!(pool.release(at), Next::Give(_, _, None)));
}

#[test]
fn reaping_touches_one_runtime() {
    let runtimes = runtimes();
    let [a, b] = ids(&runtimes);
    let mut pool = pool(100, 100);
    let at = host(&mut pool, "h");
    for (runtime, connection) in [(a, 1), (b, 2), (a, 3), (b, 4)] {
        assert!(is_open(&pool.checkout(at, runtime)) || connection > 2);
        if connection <= 2 {
            continue;
        }
        pool.put_back(at, runtime, connection, later());
    }
    let (reaped, _) = pool.reap(Some(a), |_, _| true);
    assert_eq!(reaped, [3]);
    assert!(matches!(pool.checkout(at, b), Checkout::Idle(4, _)));
}

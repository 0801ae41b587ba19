//! A connection that is busy lets others go on.

use super::*;

#[test]
fn a_busy_connection_lets_others_have_their_turn() {
    let mut piped = Piped::new(serve(async |_req, res| res.end("")));
    piped.wire.borrow_mut().flood = Some(get("/").into_bytes());
    piped.poll(false);
    assert!(!piped.bell.rang(), "at once would be before the others");
    assert!(piped.gave_way());
    assert!(piped.wire.borrow().reads < 50);
}

#[test]
fn a_flood_does_not_keep_the_server_from_stopping() {
    let log = Log::default();
    let seen = log.clone();
    let setup = serve(async |_req, res| res.end(""));
    let setup = setup.on(event::Disconnected, move |(_, why)| {
        seen.add(format!("{why:?}"))
    });
    let mut piped = Piped::new(setup);
    piped.wire.borrow_mut().flood = Some(get("/").into_bytes());
    piped.poll(false);
    assert!(!piped.done);
    piped.open.env.close_all();
    piped.poll(false);
    piped.poll(false);
    assert!(piped.done);
    assert_eq!(log.take(), ["Stopped"]);
}

/// The clock goes on by a tenth of a millisecond each time it is read.
fn slow_clock() -> Instant {
    thread_local! {
        static READ: std::cell::Cell<Instant> = std::cell::Cell::new(Instant::now());
    }
    READ.set(READ.get() + Duration::from_micros(100));
    READ.get()
}

#[test]
fn pipelined_requests_give_way_when_their_time_is_over() {
    let log = Log::default();
    let seen = log.clone();
    let setup = serve(async move |_req, res| {
        seen.add("");
        res.end("x")
    });
    let mut piped = Piped::new(setup.clock(slow_clock));
    piped
        .wire
        .borrow_mut()
        .sent
        .extend(get("/").repeat(40).as_bytes());
    piped.poll(false);
    let served = log.take().len();
    assert!((2..=4).contains(&served), "{served}");
    piped.go();
    assert_eq!(log.take().len(), 40 - served);
    assert!(piped.polls >= 10, "{}", piped.polls);
    assert_eq!(piped.heard(), ok("x").repeat(40));
}

/// A tick is as long as seven questions.
fn slow_tick() -> u64 {
    thread_local! {
        static ASKED: std::cell::Cell<u64> = const { std::cell::Cell::new(0) };
    }
    ASKED.set(ASKED.get() + 1);
    ASKED.get() / 7
}

#[test]
fn pipelined_requests_read_the_clock_once_the_tick_has_changed() {
    let log = Log::default();
    let seen = log.clone();
    let setup = serve(async move |_req, res| {
        seen.add("");
        res.end("x")
    });
    let mut piped = Piped::new(setup.clock(slow_clock).tick(slow_tick));
    let requests = get("/").repeat(40);
    piped.wire.borrow_mut().sent.extend(requests.as_bytes());
    piped.poll(false);
    let served = log.take().len();
    assert!((7..=10).contains(&served), "{served}");
    assert!(piped.gave_way());
    piped.go();
    assert_eq!(log.take().len(), 40 - served);
    assert!((4..10).contains(&piped.polls), "{}", piped.polls);
    assert_eq!(piped.heard(), ok("x").repeat(40));
}

#[test]
fn a_handler_gives_way_in_drain_when_its_time_is_over() {
    let log = Log::default();
    let seen = log.clone();
    let setup = serve(async move |_req, res| {
        for _ in 0..30 {
            seen.add("");
            res.write("x");
            res.drain().await?;
        }
        Ok(res.end(""))
    });
    let mut piped = Piped::new(setup.clock(slow_clock));
    piped.wire.borrow_mut().sent.extend(get("/").as_bytes());
    piped.poll(false);
    let written = log.take().len();
    assert!((2..=4).contains(&written), "{written}");
    piped.go();
    assert_eq!(log.take().len(), 30 - written);
    assert!(piped.heard().ends_with("0\r\n\r\n"));
}

/// A task beside the handler has its own turns: the time of its connection's poll is not its own.
#[test]
fn a_task_beside_the_handler_does_not_wait_in_drain_for_the_turn_of_its_connection() {
    let setup = serve(async |_req, res| {
        let (sent, answer) = res.defer();
        spawn(async move {
            let res = answer.take();
            for _ in 0..30 {
                res.write("x");
                res.drain().await.unwrap();
            }
            let _ = res.end("");
        });
        sent
    });
    let mut piped = Piped::new(setup.clock(slow_clock));
    piped.send(get("/"));
    assert!(piped.heard().ends_with("0\r\n\r\n"));
}

#[test]
fn a_connection_that_sends_much_gives_way_when_its_time_is_over() {
    let setup = serve(async |mut req, res| {
        while let Some(piece) = req.data().await? {
            drop(piece);
        }
        Ok(res.end("x"))
    });
    let mut piped = Piped::new(setup.clock(slow_clock));
    piped.send(post_head(1 << 30));
    piped.wire.borrow_mut().flood = Some(vec![b'.'; 4096]);
    let reads = piped.wire.borrow().reads;
    piped.poll(false);
    let read = piped.wire.borrow().reads - reads;
    assert!(read <= 4, "{read}");
    assert!(piped.gave_way());
}

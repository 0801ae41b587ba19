//! Which connection carries which request: reuse, bounds, the queue, and connections that die while they are idle.

use super::harness::{Net, Peer, net, net_with, settle};
use crate::client::{Agent, Scheduling};
use crate::error::Error;
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// A request in a task of its own; returns whether its connection had been used before.
fn ask(agent: &Agent, method: &'static str) -> JoinHandle<Result<bool, Error>> {
    let agent = agent.clone();
    tokio::spawn(async move {
        let mut response = agent.request(method, "http://test/")?.end("").await?;
        let reused = response.connection().reused();
        response.bytes().await?;
        Ok(reused)
    })
}

/// One exchange on the next connection.
async fn exchange(net: &mut Net, answer: &str) -> Peer {
    let asked = ask(&net.agent, "GET");
    let mut peer = net.accept().await;
    peer.hear().await;
    peer.say(answer).await;
    assert!(!asked.await.unwrap().unwrap());
    peer
}

/// Whether the next request opens a connection, and its response.
async fn opens(net: &mut Net, old: &mut Peer) -> bool {
    let asked = ask(&net.agent, "GET");
    settle().await;
    if net.has_more() {
        let mut peer = net.accept().await;
        peer.hear().await;
        peer.say(OK).await;
        assert!(!asked.await.unwrap().unwrap());
        return true;
    }
    old.hear().await;
    old.say(OK).await;
    assert!(asked.await.unwrap().unwrap());
    false
}

#[tokio::test(start_paused = true)]
async fn an_idle_connection_is_used_until_its_time_is_over() {
    let mut net = net();
    let mut peer = exchange(&mut net, OK).await;
    sleep(Duration::from_secs(29)).await;
    assert!(!opens(&mut net, &mut peer).await);
    sleep(Duration::from_secs(31)).await;
    assert_eq!(peer.hear_end().await, "", "the reaper has closed it");
    assert_eq!(net.agent.stats().open, 0);
    assert!(opens(&mut net, &mut peer).await);
}

#[tokio::test(start_paused = true)]
async fn an_announced_keep_alive_time_is_respected() {
    let hint = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nKeep-Alive: timeout=5, max=100\r\n\r\nok";
    let mut net = net();
    let mut peer = exchange(&mut net, hint).await;
    sleep(Duration::from_millis(3_900)).await;
    assert!(!opens(&mut net, &mut peer).await);
    let mut peer = {
        net.agent.close_idle();
        exchange(&mut net, hint).await
    };
    sleep(Duration::from_millis(4_200)).await;
    assert!(
        opens(&mut net, &mut peer).await,
        "less than a second is left"
    );
}

#[tokio::test(start_paused = true)]
async fn some_responses_are_the_last_of_their_connection() {
    for answer in [
        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nKeep-Alive: max=0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nKeep-Alive: timeout=1\r\n\r\n",
        "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok and more",
    ] {
        let mut net = net();
        let mut peer = exchange(&mut net, answer).await;
        assert_eq!(peer.hear_end().await, "", "{answer:?}");
        assert_eq!(net.agent.stats().open, 0, "{answer:?}");
        let excess = u64::from(answer.ends_with("more"));
        assert_eq!(net.agent.stats().excess, excess);
    }
}

/// Response-queue poisoning: bytes without a request must not become the response of the next request.
#[tokio::test(start_paused = true)]
async fn a_byte_on_an_idle_connection_ends_it() {
    let mut net = net();
    let mut peer = exchange(&mut net, OK).await;
    peer.say("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")
        .await;
    assert!(opens(&mut net, &mut peer).await);
    let stats = net.agent.stats();
    assert_eq!((stats.closed_stale, stats.created, stats.reused), (1, 2, 0));
}

#[tokio::test(start_paused = true)]
async fn an_end_on_an_idle_connection_ends_it() {
    let mut net = net();
    let peer = exchange(&mut net, OK).await;
    drop(peer);
    let mut peer = exchange(&mut net, OK).await;
    assert_eq!(net.agent.stats().closed_stale, 1);
    assert!(!opens(&mut net, &mut peer).await);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_a_closing_server_has_not_seen_is_sent_again_once() {
    for (method, again) in [
        ("GET", true),
        ("PUT", true),
        ("DELETE", true),
        ("POST", false),
    ] {
        let mut net = net();
        let mut peer = exchange(&mut net, OK).await;
        let asked = ask(&net.agent, method);
        peer.hear().await;
        drop(peer); // the client cannot know whether it had read the request
        if again {
            let mut peer = net.accept().await;
            assert!(peer.hear().await.starts_with(method));
            peer.say(OK).await;
            assert!(!asked.await.unwrap().unwrap());
        } else {
            let error = asked.await.unwrap().unwrap_err();
            assert!(error.is_closed() && !error.is_retry_safe(), "{error}");
            assert!(!net.has_more());
        }
        assert_eq!(net.agent.stats().retried, u64::from(again));
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_is_sent_a_third_time_or_after_a_byte_of_the_response() {
    let mut net = net();
    let mut peer = exchange(&mut net, OK).await;
    let asked = ask(&net.agent, "GET");
    peer.hear().await;
    drop(peer);
    net.accept().await.hear().await; // and closes
    let error = asked.await.unwrap().unwrap_err();
    assert!(error.is_closed() && error.is_retry_safe(), "{error}");
    assert!(!net.has_more());

    let mut peer = exchange(&mut net, OK).await;
    let asked = ask(&net.agent, "GET");
    peer.hear().await;
    peer.say("H").await;
    settle().await;
    drop(peer);
    let error = asked.await.unwrap().unwrap_err();
    assert!(!error.is_retry_safe(), "{error}");
    assert!(!net.has_more());
}

#[tokio::test(start_paused = true)]
async fn a_streamed_request_is_not_sent_again() {
    let mut net = net();
    let mut peer = exchange(&mut net, OK).await;
    let request = net.request("PUT", "/");
    let client = tokio::spawn(async move {
        request.write("a");
        request.end("b").await.map(|_| ())
    });
    assert!(
        peer.hear()
            .await
            .ends_with("\r\n1\r\na\r\n1\r\nb\r\n0\r\n\r\n")
    );
    drop(peer);
    let error = client.await.unwrap().unwrap_err();
    assert!(error.is_retry_safe(), "the user may do it: {error}");
    assert!(!net.has_more());
}

#[tokio::test(start_paused = true)]
async fn a_first_request_is_not_sent_again() {
    let mut net = net();
    let asked = ask(&net.agent, "GET");
    net.accept().await.hear().await;
    assert!(asked.await.unwrap().is_err());
    assert!(!net.has_more());
}

#[tokio::test(start_paused = true)]
async fn queued_requests_are_served_in_order() {
    let mut net = net_with(|options| options.max_sockets = 1);
    let mut all = Vec::new();
    for _ in 0..4 {
        all.push(ask(&net.agent, "GET"));
        settle().await;
    }
    let mut peer = net.accept().await;
    let stats = net.agent.stats();
    assert_eq!((stats.open, stats.idle, stats.waiting), (1, 0, 3));
    assert_eq!((stats.hosts[0].waiting, stats.in_use()), (3, 1));
    // The second one leaves the queue.
    all.remove(1).abort();
    for (number, asked) in all.into_iter().enumerate() {
        peer.hear().await;
        assert!(!asked.is_finished());
        peer.say(OK).await;
        assert_eq!(asked.await.unwrap().unwrap(), number > 0);
    }
    assert!(!net.has_more());
    let stats = net.agent.stats();
    assert_eq!((stats.created, stats.reused, stats.waiting), (1, 2, 0));
}

#[tokio::test(start_paused = true)]
async fn a_queued_request_gets_the_room_of_a_failed_connection() {
    let mut net = net_with(|options| options.max_sockets = 1);
    let first = ask(&net.agent, "GET");
    settle().await;
    let second = ask(&net.agent, "GET");
    settle().await;
    drop(net.accept().await);
    assert!(first.await.unwrap().is_err());
    let mut peer = net.accept().await;
    peer.hear().await;
    peer.say(OK).await;
    assert!(!second.await.unwrap().unwrap());
}

#[tokio::test(start_paused = true)]
async fn waiting_in_the_queue_has_a_time_out() {
    let mut net = net_with(|options| options.max_total_sockets = 1);
    let first = ask(&net.agent, "GET");
    let peer = net.accept().await;
    let began = Instant::now();
    let error = ask(&net.agent, "GET").await.unwrap().unwrap_err();
    assert_eq!(began.elapsed().as_secs(), 30);
    assert_eq!(error.phase(), Some(crate::client::Phase::Queue));
    assert!(error.is_timeout() && error.is_retry_safe(), "{error}");
    first.abort();
    drop(peer);
}

#[tokio::test(start_paused = true)]
async fn an_idle_connection_elsewhere_makes_room() {
    let mut net = net_with(|options| options.max_total_sockets = 1);
    let mut first = exchange(&mut net, OK).await;
    let other = net.agent.request("GET", "http://other/").unwrap();
    let asked = tokio::spawn(async move { other.end("").await.map(|_| ()) });
    assert_eq!(first.hear_end().await, "");
    let mut peer = net.accept().await;
    // And while that is in use, this one waits for it at another host.
    let third = ask(&net.agent, "GET");
    settle().await;
    assert_eq!(net.agent.stats().waiting, 1);
    peer.hear().await;
    peer.say(OK).await;
    asked.await.unwrap().unwrap();
    let mut peer = net.accept().await;
    peer.hear().await;
    peer.say(OK).await;
    assert!(!third.await.unwrap().unwrap());
}

#[tokio::test(start_paused = true)]
async fn the_last_or_the_first_idle_one_is_used() {
    for (scheduling, last) in [(Scheduling::Lifo, true), (Scheduling::Fifo, false)] {
        let mut net = net_with(|options| options.scheduling = scheduling);
        let (one, two) = (ask(&net.agent, "GET"), ask(&net.agent, "GET"));
        let (mut first, mut second) = (net.accept().await, net.accept().await);
        first.hear().await;
        second.hear().await;
        first.say(OK).await;
        sleep(Duration::from_millis(1)).await;
        second.say(OK).await;
        one.await.unwrap().unwrap();
        two.await.unwrap().unwrap();
        let asked = ask(&net.agent, "GET");
        let peer = if last { &mut second } else { &mut first };
        peer.hear().await;
        peer.say(OK).await;
        assert!(asked.await.unwrap().unwrap());
    }
}

#[tokio::test(start_paused = true)]
async fn idle_connections_are_bounded() {
    let mut net = net_with(|options| options.max_free_sockets = 1);
    let (one, two) = (ask(&net.agent, "GET"), ask(&net.agent, "GET"));
    let (mut first, mut second) = (net.accept().await, net.accept().await);
    for peer in [&mut first, &mut second] {
        peer.hear().await;
        peer.say(OK).await;
    }
    one.await.unwrap().unwrap();
    two.await.unwrap().unwrap();
    let stats = net.agent.stats();
    assert_eq!((stats.open, stats.idle), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_destroyed_agent_keeps_nothing() {
    let mut net = net();
    let mut idle = exchange(&mut net, OK).await;
    net.agent.destroy();
    assert_eq!(idle.hear_end().await, "");
    let mut peer = exchange(&mut net, OK).await;
    assert_eq!(peer.hear_end().await, "");
    assert_eq!(net.agent.stats().open, 0);
}

#[tokio::test(start_paused = true)]
async fn a_dropped_body_is_not_waited_for() {
    let mut net = net();
    let asked = net.get("/");
    let client = tokio::spawn(async move { asked.end("").await.map(drop) });
    let mut peer = net.accept().await;
    peer.hear().await;
    peer.say("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok")
        .await;
    client.await.unwrap().unwrap();
    assert_eq!(peer.hear_end().await, "");
    assert_eq!(net.agent.stats().open, 0);
}

#[tokio::test(start_paused = true)]
async fn different_routes_share_no_connection() {
    let mut net = net();
    let mut peer = exchange(&mut net, OK).await;
    let other = net.get("/").family(crate::client::Family::V6);
    let asked = tokio::spawn(async move { other.end("").await.map(|_| ()) });
    let mut second = net.accept().await;
    second.hear().await;
    second.say(OK).await;
    asked.await.unwrap().unwrap();
    assert!(!opens(&mut net, &mut peer).await);
    assert_eq!(net.agent.stats().idle, 2);
}

/// The sockets of a runtime that has ended are useless.
#[test]
fn a_connection_is_not_used_on_another_runtime() {
    let mut net = net();
    let run = |net: &mut Net| {
        let runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = { runtime }.enable_all().build().unwrap();
        runtime.block_on(async {
            let mut peer = exchange(net, OK).await;
            assert!(!opens(net, &mut peer).await);
            assert_eq!(net.agent.stats().idle, 1);
        });
    };
    run(&mut net);
    assert_eq!(net.agent.stats().open, 0, "they went with their runtime");
    run(&mut net);
    assert_eq!(net.agent.stats().created, 2);
}

#[tokio::test(start_paused = true)]
async fn limits_of_one_request_are_not_those_of_the_next() {
    let two = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nA: b\r\n\r\nok";
    let mut net = net();
    let mut peer = exchange(&mut net, two).await;
    let wide = net.get("/").limits(|limits| limits.head.fields_max = 2);
    let asked = tokio::spawn(async move { wide.end("").await?.bytes().await });
    peer.hear().await;
    peer.say(two).await;
    asked.await.unwrap().unwrap();
    let narrow = net.get("/").limits(|limits| limits.head.fields_max = 1);
    let asked = tokio::spawn(async move { narrow.end("").await.map(|_| ()) });
    peer.hear().await;
    peer.say(two).await;
    let error = asked.await.unwrap().unwrap_err();
    assert!(error.to_string().contains("LIMIT_FIELDS"), "{error}");
    assert_eq!(peer.hear_end().await, "");
    let mut peer = exchange(&mut net, two).await;
    assert!(!opens(&mut net, &mut peer).await);
}

/// The longest times do not overflow.
#[tokio::test(start_paused = true)]
async fn time_outs_may_be_maximal() -> Result<(), Error> {
    let mut net = net_with(|options| {
        for time in [
            &mut options.idle_timeout,
            &mut options.queue_timeout,
            &mut options.resolve_timeout,
            &mut options.connect_timeout,
            &mut options.tls_timeout,
            &mut options.response_timeout,
            &mut options.continue_timeout,
            &mut options.limits.time.write_idle,
            &mut options.limits.time.body_idle,
            &mut options.limits.time.body_rate_after,
        ] {
            *time = Duration::MAX;
        }
    });
    let ask = |net: &Net| {
        let request = net.request("PUT", "/").expect_continue();
        let request = request.timeout(Duration::MAX).deadline(Duration::MAX);
        let request = request.response_timeout(Duration::MAX);
        request.limits(|limits| limits.time.body_idle = Duration::MAX)
    };
    let answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n";
    let asked = tokio::spawn(ask(&net).end("body"));
    let mut peer = net.accept().await;
    peer.hear_until("\r\n\r\n").await;
    sleep(Duration::from_secs(365 * 24 * 60 * 60)).await;
    peer.say("HTTP/1.1 100 Continue\r\n\r\n").await;
    peer.hear_until("body").await;
    peer.say(answer).await;
    let mut response = asked.await.expect("no panic")?;
    let text = tokio::spawn(async move { response.text().await });
    settle().await;
    peer.say("hi").await;
    assert_eq!(text.await.expect("no panic")?, "hi");
    let again = tokio::spawn(ask(&net).end(""));
    peer.hear().await;
    peer.say(answer).await;
    assert!(again.await.expect("no panic")?.connection().reused());
    Ok(())
}

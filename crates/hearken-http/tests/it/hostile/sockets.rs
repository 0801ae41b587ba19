//! On real sockets: refusals, full queues, resets, proxies. In real time, with waits only where a time-out must pass.

use super::{Outcome, exchange, limits, request, summary};
use hearken_http::Agent;
use hearken_http::client::{AgentOptions, Phase, Proxies};
use hearken_testkit::hostile::{
    self, Ask, Behaviour, Ending, Hostile, Listening, Verdict, connection, interim, reuse,
};
use std::time::Duration;
use tokio::time::{sleep, timeout};

/// A test that hangs fails after it.
const PATIENCE: Duration = Duration::from_secs(30);
/// The time-out where it must pass.
const SHORT: Duration = Duration::from_millis(150);

fn agent(behaviour: &Behaviour, server: &Listening) -> Agent {
    let mut options = AgentOptions::default();
    limits(&mut options);
    if behaviour.verdict == Verdict::TooSlow {
        options.connect_timeout = SHORT;
        options.tls_timeout = SHORT;
        options.response_timeout = SHORT;
        options.limits.time.write_idle = SHORT;
    }
    if behaviour.ask == Ask::Connect {
        let proxies = Proxies::none().https(&server.url(""));
        options.proxies = proxies.expect("the URL of a proxy");
    }
    Agent::new(options)
}

/// Runs it on a runtime with the defaults.
fn on_threads<F: Future>(run: F) -> F::Output {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.worker_threads(1).enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let run = timeout(PATIENCE, run).await;
        run.expect("it does not hang")
    })
}

/// One exchange; its outcome, and the address of the server.
fn meet(behaviour: &Behaviour) -> (Outcome, String) {
    let server = Hostile::new(*behaviour).listen();
    let agent = agent(behaviour, &server);
    let base = if behaviour.ask == Ask::Connect {
        "example.test".to_owned()
    } else {
        server.address().to_string()
    };
    let (request, body) = request(&agent, behaviour.ask, &base).expect("a request");
    let outcome = on_threads(exchange(request, body, false));
    let stats = agent.stats();
    assert_eq!(stats.in_use(), 0, "{}", behaviour.name);
    assert!(stats.created <= 1, "{}", behaviour.name);
    if outcome.error().is_some() && server.conversations().len() == 1 && !is_deaf(behaviour) {
        assert!(server.wait_for_ends(1), "{}: it is kept", behaviour.name);
        let ending = server.conversations()[0].ending;
        assert_ne!(ending, Some(Ending::Exhausted), "{}", behaviour.name);
    }
    (outcome, server.address().to_string())
}

/// The server sees no end of its connection.
fn is_deaf(behaviour: &Behaviour) -> bool {
    behaviour.name == "NEVER_READS"
}

/// Each error contains one of these words; resets and ends race with what is written.
fn expect(behaviours: &[&Behaviour], allowed: impl Fn(&str) -> &'static [&'static str]) {
    for behaviour in behaviours {
        let name = behaviour.name;
        let (outcome, peer) = meet(behaviour);
        if let Err(why) = outcome.agrees(behaviour.verdict) {
            panic!("{name}: {why}");
        }
        if let Some(error) = outcome.error() {
            let summary = summary(error).replace(&peer, "PEER");
            let allowed = allowed(name);
            assert!(allowed.contains(&&*summary), "{name}: {summary} ({error})");
            assert_eq!(error.peer(), Some(&*peer), "{name}: {error}");
            assert!(error.to_string().contains(&peer), "{name}: {error}");
        }
    }
}

#[test]
fn connections_that_break() {
    let all: Vec<_> = connection::ALL.iter().collect();
    expect(&all, |name| match name {
        "REFUSES" => &["connect, PEER: Connection refused (os error 111)"],
        "NEVER_ACCEPTS" => &["connect, timeout"],
        "NEVER_ANSWERS" => &["wait, timeout"],
        // What the buffers of the system hold counts as sent.
        "NEVER_READS" => &["write, timeout", "wait, timeout"],
        // So early that it may end the connect.
        "CLOSES_AT_ONCE" | "RESETS_AT_ONCE" => &[
            "connect, PEER: Connection reset by peer (os error 104)",
            "write, closed",
            "write, reset",
            "wait, closed",
            "wait, reset",
        ],
        "CLOSES_AFTER_REQUEST" | "HALF_CLOSES_AFTER_REQUEST" => &["wait, closed"],
        "RESETS_AFTER_REQUEST" => &["wait, reset"],
        "CLOSES_DURING_REQUEST" | "RESETS_DURING_REQUEST" => {
            &["write, closed", "write, reset", "wait, reset"]
        }
        "CLOSES_IN_STATUS_LINE" | "CLOSES_IN_HEAD" => &["wait, H1_TRUNCATED_HEAD"],
        // A reset may overtake the bytes before it.
        "RESETS_IN_HEAD" => &["wait, reset"],
        "RESETS_IN_BODY" | "RESETS_UNBOUNDED_BODY" => &["read, reset"],
        _ => &["read, H1_TRUNCATED_BODY"],
    });
}

#[test]
fn a_refusal_says_which_address_and_what_to_check() {
    let (outcome, peer) = meet(&connection::REFUSES);
    let error = outcome.error().expect("an error");
    assert!(error.is_connect() && error.is_retry_safe());
    let text = error.to_string();
    let start = format!("connecting to {peer} failed: {peer}: ");
    assert!(text.starts_with(&start), "{text}");
    assert!(text.contains("whether the server runs"), "{text}");
}

#[test]
fn handshakes_that_fail() {
    let all: Vec<_> = hostile::tls::ALL.iter().collect();
    expect(&all, |name| match name {
        "SILENT" | "SLOW" => &["tls, timeout"],
        "ALERT" | "UNRECOGNIZED_NAME" => &["tls, alert"],
        "CLOSES_AFTER_HELLO" | "CLOSES_IN_RECORD" => &["tls, closed"],
        "RESETS_AFTER_HELLO" => &["tls, io", "tls, closed"],
        _ => &["tls, protocol"],
    });
}

#[test]
fn proxies_that_refuse() {
    let all = interim::ALL.iter().filter(|one| one.ask == Ask::Connect);
    let all: Vec<_> = all.collect();
    assert_eq!(all.len(), 3);
    expect(&all, |name| match name {
        "CONNECT_REFUSED" => &["proxy, refused 502"],
        "CONNECT_UNAUTHORIZED" => &["proxy, refused 407"],
        _ => &["proxy, closed"],
    });
}

/// An explicit CONNECT is answered like any request, and opens no tunnel.
#[test]
fn a_refused_connect_is_a_response_without_a_tunnel() {
    let server = Hostile::new(interim::CONNECT_REFUSED).listen();
    let agent = agent(&connection::CLOSES_AS_END, &server);
    on_threads(async {
        let request = agent
            .request("CONNECT", &server.url("/"))
            .expect("a request");
        let response = request.path("example.test:443").end("").await;
        let response = response.expect("a response");
        assert_eq!(response.status(), 502);
        let error = response.upgrade().expect_err("no tunnel");
        assert!(error.to_string().contains("502"), "{error}");
    });
    assert_eq!(server.requests()[0].target, "example.test:443");
}

#[test]
fn connections_that_are_used_again() {
    for behaviour in reuse::ALL {
        let name = behaviour.name;
        let server = Hostile::new(*behaviour).listen();
        let agent = agent(behaviour, &server);
        let base = server.address().to_string();
        let ask = || request(&agent, Ask::GetTwice, &base).expect("a request");
        let outcome = on_threads(async {
            let (first, body) = ask();
            let good = exchange(first, body, false).await;
            assert!(matches!(good, Outcome::Whole(200, _)), "{name}: {good:?}");
            // Not a time-out of the client: the server takes so long to misbehave.
            sleep(Duration::from_millis(40)).await;
            let (second, body) = ask();
            exchange(second, body, false).await
        });
        if let Err(why) = outcome.agrees(behaviour.verdict) {
            panic!("{name}: {why}");
        }
        assert_eq!(agent.stats().in_use(), 0, "{name}");
    }
}

/// More bytes than all buffers hold: the server continues to read, and the client does not wait for its body.
#[test]
fn an_early_answer_is_seen_while_the_body_is_on_its_way() {
    for behaviour in [
        connection::ANSWERS_EARLY,
        connection::ANSWERS_EARLY_AND_STOPS_READING,
    ] {
        let (outcome, _) = meet(&behaviour);
        assert_eq!(outcome.agrees(behaviour.verdict), Ok(()));
    }
}

#[test]
fn a_full_queue_costs_the_time_to_connect() {
    let (outcome, _) = meet(&connection::NEVER_ACCEPTS);
    let error = outcome.error().expect("an error");
    assert_eq!(error.phase(), Some(Phase::Connect));
    assert!(error.is_timeout() && error.is_retry_safe(), "{error}");
}

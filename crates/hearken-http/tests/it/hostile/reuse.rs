//! Reused connections: to which response the bytes on them belong, and when a request is sent a second time.

use super::{Outcome, agent_to, exchange, request, simulate, summary};
use hearken_http::Agent;
use hearken_http::client::AgentStats;
use hearken_testkit::hostile::{
    Ask, Behaviour, Conversation, Hostile, Step, Turn, Verdict, connection, reuse,
};
use std::time::Duration;
use tokio::time::sleep;

const GOOD: &str = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
/// Some ticks of the server, after which it has acted on an idle connection.
const PAUSE: Duration = Duration::from_millis(35);

/// GET, a pause, and this.
async fn ask_again(agent: &Agent, pause: Duration, second: Second) -> Outcome {
    let (first, body) = request(agent, Ask::GetTwice, "hostile").expect("a request");
    let good = exchange(first, body, false).await;
    assert!(matches!(good, Outcome::Whole(200, _)), "{good:?}");
    sleep(pause).await;
    second.ask(agent).await
}

/// A request that finds a connection which was used before.
#[derive(Clone, Copy)]
struct Second {
    method: &'static str,
    body: &'static str,
    /// Piece by piece: the content is gone before a retry.
    streamed: bool,
}

const GET: Second = second("GET", "");

const fn second(method: &'static str, body: &'static str) -> Second {
    Second {
        method,
        body,
        streamed: false,
    }
}

impl Second {
    async fn ask(self, agent: &Agent) -> Outcome {
        let request = agent.request(self.method, "http://hostile/second");
        let request = request.expect("a request");
        if self.streamed {
            request.write(self.body);
            return exchange(request, Vec::new(), false).await;
        }
        exchange(request, self.body.into(), false).await
    }
}

/// How often the second request was read, on all connections.
fn asked(conversations: &[Conversation]) -> usize {
    let requests = conversations.iter().flat_map(|one| &one.requests);
    requests.filter(|seen| seen.target == "/second").count()
}

fn run(server: &Hostile, pause: Duration, second: Second) -> (Outcome, AgentStats, usize) {
    simulate(async {
        let agent = agent_to(server);
        let outcome = ask_again(&agent, pause, second).await;
        sleep(Duration::from_secs(1)).await;
        (outcome, agent.stats(), asked(&server.conversations()))
    })
}

/// The outcome: requests that were read, connections, retries, connections that were found unusable, and those that more
/// than the response had arrived on.
#[test]
fn each_behaviour_is_met_as_the_table_says() {
    type Row = (&'static Behaviour, usize, u64, u64, u64, u64);
    let rows: &[Row] = &[
        // The end arrives with the response, so this one is never idle.
        (&reuse::CLOSES_IDLE, 1, 2, 0, 0, 0),
        (&reuse::RESETS_IDLE, 1, 2, 0, 1, 0),
        (&reuse::CLOSES_ON_SECOND_REQUEST, 2, 2, 1, 0, 0),
        (&reuse::RESETS_ON_SECOND_REQUEST, 2, 2, 1, 0, 0),
        (&reuse::CLOSES_IN_SECOND_ANSWER, 1, 1, 0, 0, 0),
        (&reuse::EXTRA_RESPONSE, 1, 2, 0, 0, 1),
        (&reuse::LATE_RESPONSE, 1, 2, 0, 1, 0),
        (&reuse::LATE_BYTE, 1, 2, 0, 1, 0),
        (&reuse::SPLIT_RESPONSE, 1, 2, 0, 0, 1),
        (&reuse::KEEP_ALIVE_FOR_A_SECOND, 1, 2, 0, 0, 0),
        (&reuse::KEEP_ALIVE_FOR_ONE, 1, 2, 0, 0, 0),
        (&reuse::ANSWERS_AFTER_CLOSE, 1, 2, 0, 0, 0),
        (&reuse::ANSWERS_AFTER_HTTP_1_0, 1, 2, 0, 0, 0),
    ];
    let names: Vec<_> = rows.iter().map(|row| row.0.name).collect();
    let all: Vec<_> = reuse::ALL.iter().map(|one| one.name).collect();
    assert_eq!(names, all);
    for &(behaviour, asked, created, retried, stale, excess) in rows {
        let name = behaviour.name;
        let (outcome, stats, read) = run(&Hostile::new(*behaviour), PAUSE, GET);
        if let Err(why) = outcome.agrees(behaviour.verdict) {
            panic!("{name}: {why}");
        }
        let found = (
            stats.created,
            stats.retried,
            stats.closed_stale,
            stats.excess,
        );
        assert_eq!(found, (created, retried, stale, excess), "{name}");
        assert_eq!(read, asked, "{name}");
        assert_eq!(stats.in_use(), 0, "{name}");
    }
}

/// The race that no client can win: the server closes while the request is on its way. It is sent again only if its method is
/// idempotent and the whole request is still there.
#[test]
fn a_request_is_retried_exactly_when_it_is_safe() {
    let streamed = |second| Second {
        streamed: true,
        ..second
    };
    let rows = [
        (GET, true),
        (second("HEAD", ""), true),
        (second("OPTIONS", ""), true),
        (second("DELETE", ""), true),
        (second("PUT", "body"), true),
        (second("POST", "body"), false),
        (second("POST", ""), false),
        (second("PATCH", "body"), false),
        (second("PURGE", ""), false),
        (streamed(second("PUT", "body")), false),
        (streamed(second("POST", "body")), false),
    ];
    let closes = [
        reuse::CLOSES_ON_SECOND_REQUEST,
        reuse::RESETS_ON_SECOND_REQUEST,
    ];
    for behaviour in closes {
        for (second, again) in rows {
            let name = format!("{}, {}", behaviour.name, second.method);
            let server = Hostile::new(behaviour);
            let (outcome, stats, asked) = run(&server, PAUSE, second);
            assert_eq!(stats.retried, u64::from(again), "{name}");
            assert_eq!(asked, 1 + usize::from(again), "{name}");
            match outcome {
                Outcome::Whole(200, _) => {
                    assert!(again, "{name}");
                    let conversations = server.conversations();
                    let last = conversations.last().and_then(|one| one.requests.last());
                    let last = last.expect("the second try");
                    assert_eq!(last.content, second.body.as_bytes(), "{name}");
                }
                Outcome::Nothing(error) => {
                    assert!(!again && error.is_closed(), "{name}: {error}");
                    let idempotent = second.method == "PUT";
                    assert_eq!(error.is_retry_safe(), idempotent, "{name}: {error}");
                }
                other => panic!("{name}: {other:?}"),
            }
        }
    }
}

/// A server that has begun to respond has acted on the request.
#[test]
fn nothing_is_sent_again_once_an_answer_has_begun() {
    for second in [GET, second("PUT", "body"), second("POST", "body")] {
        let server = Hostile::new(reuse::CLOSES_IN_SECOND_ANSWER);
        let (outcome, stats, asked) = run(&server, PAUSE, second);
        assert_eq!((stats.retried, asked), (0, 1), "{}", second.method);
        let error = outcome.error().expect("an error");
        assert_eq!(summary(error), "wait, H1_TRUNCATED_HEAD");
        assert!(!error.is_retry_safe(), "{}: {error}", second.method);
    }
}

/// A server that closes every connection gets a bounded number of requests.
#[test]
fn a_request_is_retried_once() {
    let server = Hostile::playing(|turn: &Turn| match (turn.connection, turn.exchange) {
        (0, 0) => vec![Step::Request, Step::say(GOOD)],
        _ => vec![Step::Head, Step::Close],
    });
    let (outcome, stats, asked) = run(&server, PAUSE, GET);
    assert_eq!((stats.retried, stats.created, asked), (1, 2, 2));
    let error = outcome.error().expect("an error");
    assert_eq!(summary(error), "wait, closed");
    assert!(error.is_retry_safe(), "the user may go on trying: {error}");
}

/// A failure on a new connection is a failure of the server, not the end of an idle connection.
#[test]
fn a_request_on_a_new_connection_is_not_retried() {
    for behaviour in [
        connection::CLOSES_AT_ONCE,
        connection::CLOSES_AFTER_REQUEST,
        connection::CLOSES_IN_HEAD,
    ] {
        simulate(async {
            let server = Hostile::new(behaviour);
            let agent = agent_to(&server);
            let outcome = GET.ask(&agent).await;
            assert_eq!(outcome.agrees(Verdict::NoResponse), Ok(()));
            let stats = agent.stats();
            assert_eq!((stats.created, stats.retried), (1, 0), "{}", behaviour.name);
        });
    }
}

/// Bytes on an idle connection, however late, answer no request, and the connection is closed.
#[test]
fn unexpected_bytes_answer_no_request() {
    const EVIL: &str = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil";
    const UNASKED: &[&str] = &[
        EVIL,
        "H",
        "\r\n",
        "HTTP/1.1 100 Continue\r\n\r\n",
        "HTTP/1.1 103 Early Hints\r\n\r\n",
        "HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
    ];
    for unasked in UNASKED {
        for ticks in [1, 10, 1000] {
            // Directly behind the response, and long after.
            for later in [5, 3000] {
                let name = format!("{unasked:?} after {ticks} ticks, asked {later} ms later");
                let server = says_when_idle(ticks, unasked);
                let pause = Duration::from_millis(u64::from(ticks) * 10 + later);
                let (outcome, stats, _) = run(&server, pause, GET);
                let good = outcome.agrees(Verdict::Good(200, "hello"));
                assert_eq!(good, Ok(()), "{name}");
                assert_eq!((stats.created, stats.in_use()), (2, 0), "{name}");
                let first = &server.conversations()[0];
                assert_eq!(first.requests.len(), 1, "{name}");
            }
        }
    }
}

/// Sends this on its first connection when that has been idle for so long. On the second it behaves well.
fn says_when_idle(ticks: u32, unasked: &'static str) -> Hostile {
    Hostile::playing(move |turn: &Turn| match (turn.connection, turn.exchange) {
        (0, 0) => vec![
            Step::Request,
            Step::say(GOOD),
            Step::Wait(ticks),
            Step::say(unasked),
            Step::Listen,
        ],
        _ => vec![Step::Request, Step::say(GOOD)],
    })
}

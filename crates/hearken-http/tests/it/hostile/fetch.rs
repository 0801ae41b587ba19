//! The one-liner against malicious redirects and codings, and against every behaviour that a GET can meet.

use super::{MAX_DURATION, Met, Outcome, TAKEN_MAX, agent_to, simulate};
use hearken_http::{Agent, Error};
use hearken_testkit::hostile::{
    self, Ask, Behaviour, Ending, Hostile, Verdict, codings, connection, endless, framing, interim,
    malformed, redirects, slow,
};
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout};

/// The default is 64 MiB, which is the cost of an "endless" body.
const COLLECTED_MAX: u64 = 2 << 20;

/// The content of the URL, or the error.
async fn fetch(agent: &Agent, collect: bool) -> Outcome {
    let request = agent.get("http://hostile/");
    let request = if collect {
        request.max_body(COLLECTED_MAX)
    } else {
        request
    };
    let mut fetched = match request.send().await {
        Ok(fetched) => fetched,
        Err(error) => return Outcome::Nothing(error),
    };
    let status = fetched.status().as_u16();
    if collect {
        return match fetched.bytes().await {
            Ok(all) => Outcome::Whole(status, String::from_utf8_lossy(&all).into_owned()),
            Err(error) => Outcome::Broken(status, error),
        };
    }
    let mut content = Vec::new();
    loop {
        match fetched.data().await {
            Ok(Some(piece)) => content.extend_from_slice(&piece),
            Ok(None) => break,
            Err(error) => return Outcome::Broken(status, error),
        }
    }
    Outcome::Whole(status, String::from_utf8_lossy(&content).into_owned())
}

async fn meet(behaviour: &Behaviour, collect: bool) -> Met {
    let server = Hostile::new(*behaviour);
    let agent = agent_to(&server);
    let began = Instant::now();
    let outcome = timeout(MAX_DURATION, fetch(&agent, collect)).await;
    let outcome = outcome.unwrap_or_else(|_| panic!("{}: hangs", behaviour.name));
    let took = began.elapsed();
    let stats = agent.stats();
    sleep(Duration::from_secs(1)).await;
    Met {
        outcome,
        took,
        stats,
        conversations: server.conversations(),
    }
}

/// Which question identifies the error, and words of its text; for a response, its content.
#[derive(Clone, Copy)]
enum Expected {
    Redirect(&'static str),
    Coding(&'static str),
    Good,
    /// The content as it was sent.
    AsItCame,
}
use Expected::{AsItCame, Coding, Good, Redirect};

/// The outcome, and how many requests it took, on how many connections.
const ROWS: &[(&Behaviour, Expected, usize, usize)] = &[
    (
        &redirects::LOOP,
        Redirect("in a loop, gave up after 10"),
        11,
        1,
    ),
    (&redirects::CHAIN, Redirect("within 10 redirects"), 11, 1),
    (&redirects::SHORT_CHAIN, Good, 4, 1),
    (&redirects::WITHOUT_LOCATION, Good, 1, 1),
    (
        &redirects::TO_NO_URL,
        Redirect("\"http://[::\", where no request can go"),
        1,
        1,
    ),
    (
        &redirects::TO_FILE,
        Redirect("expected http or https"),
        1,
        1,
    ),
    (
        &redirects::TO_OTHER_SCHEME,
        Redirect("expected http or https"),
        1,
        1,
    ),
    (
        &redirects::TO_TWO_PLACES,
        Redirect("expected one Location"),
        1,
        1,
    ),
    (&redirects::WITH_ENDLESS_BODY, Good, 2, 2),
    (&codings::GZIP, Good, 1, 1),
    (&codings::GZIP_TWICE, Good, 1, 1),
    (
        &codings::GZIP_BOMB,
        Coding("at most 100 times smaller"),
        1,
        1,
    ),
    (
        &codings::GZIP_BOMB_TWICE,
        Coding("at most 100 times smaller"),
        1,
        1,
    ),
    // None of them is undone: the user gets what was sent.
    (&codings::GZIP_HUNDRED_TIMES, AsItCame, 1, 1),
    (&codings::NO_GZIP, Coding("expected gzip"), 1, 1),
    (
        &codings::GZIP_CUT,
        Coding("in the middle of its gzip data"),
        1,
        1,
    ),
    (&codings::GZIP_WRONG_CHECKSUM, Coding("expected gzip"), 1, 1),
    (
        &codings::GZIP_AND_MORE,
        Coding("behind the end of its gzip data"),
        1,
        1,
    ),
    (&codings::UNKNOWN, Good, 1, 1),
    (&codings::EMPTY_GZIP, Good, 1, 1),
];

impl Expected {
    fn is(self, error: &Error) -> bool {
        let (asked, words) = match self {
            Redirect(words) => (error.is_redirect() && !error.is_decode(), words),
            Coding(words) => (error.is_decode() && !error.is_redirect(), words),
            Good | AsItCame => return false,
        };
        asked && error.to_string().contains(words)
    }
}

/// What holds for all, however the body is read.
#[track_caller]
fn check(name: &str, met: &Met) {
    assert_eq!(met.stats.in_use(), 0, "{name}");
    for one in &met.conversations {
        assert!(one.sent_bytes < TAKEN_MAX, "{name}: {}", one.sent_bytes);
        assert_ne!(one.ending, Some(Ending::Exhausted), "{name}");
    }
}

#[test]
fn redirects_and_codings_end_as_the_table_says() {
    let all = redirects::ALL.iter().chain(codings::ALL);
    assert!(
        all.map(|one| one.name)
            .eq(ROWS.iter().map(|row| row.0.name))
    );
    for (behaviour, expected, requests, connections) in ROWS {
        let name = behaviour.name;
        for collect in [false, true] {
            let met = simulate(meet(behaviour, collect));
            check(name, &met);
            match met.outcome.error() {
                Some(error) => assert!(expected.is(error), "{name}: {error}"),
                None if matches!(expected, AsItCame) => {}
                None => assert_eq!(met.outcome.agrees(behaviour.verdict), Ok(()), "{name}"),
            }
            let asked = met.conversations.iter().map(|one| one.requests.len());
            let found = (asked.sum::<usize>(), met.conversations.len());
            assert_eq!(found, (*requests, *connections), "{name}");
            let fast = met.took < Duration::from_secs(1);
            assert!(fast, "{name}: no time limit is needed, {:?}", met.took);
        }
    }
}

/// The layer above passes the errors of the client on, and does not wait longer.
#[test]
fn every_behaviour_of_a_server_has_its_outcome() {
    let groups = [
        connection::ALL,
        malformed::ALL,
        framing::ALL,
        endless::ALL,
        slow::ALL,
        interim::ALL,
    ];
    let sockets = ["REFUSES", "NEVER_ACCEPTS", "RESETS_UNBOUNDED_BODY"];
    let mut seen = 0;
    for behaviour in groups.into_iter().flatten() {
        let name = behaviour.name;
        if behaviour.ask != Ask::Get || sockets.contains(&name) {
            continue;
        }
        seen += 1;
        // The bound applies to collecting; without it a body of four pebibytes is legal.
        let met = simulate(meet(behaviour, behaviour.verdict == Verdict::TooMuch));
        check(name, &met);
        assert_eq!(met.outcome.agrees(behaviour.verdict), Ok(()), "{name}");
        assert_eq!(met.conversations.len(), 1, "{name}: asked once");
    }
    assert!(seen > 80, "{seen}");
}

/// Credentials for one server are never sent to another.
#[test]
fn credentials_stay_where_they_belong() {
    for status in [301, 302, 303, 307, 308] {
        let there = Hostile::playing(|_| {
            let good = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
            vec![hostile::Step::Request, hostile::Step::say(good)]
        })
        .listen();
        let here = Hostile::playing(redirects::to(status, there.url("/there"))).listen();
        let mut options = hearken_http::client::AgentOptions::default();
        super::limits(&mut options);
        let agent = Agent::new(options);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        let fetched = runtime.expect("a runtime").block_on(async {
            let request = agent.get(here.url("/").as_str());
            let request = request.basic_auth("ada", "secret").header("Cookie", "a=b");
            request.header("X-Own", "kept").await
        });
        assert_eq!(fetched.expect("an answer").status(), 200, "{status}");
        let (asked, led) = (&here.requests()[0], &there.requests()[0]);
        assert!(asked.field("authorization").is_some() && asked.field("cookie").is_some());
        assert_eq!(led.field("x-own"), Some("kept"), "{status}");
        for name in ["authorization", "cookie", "proxy-authorization", "referer"] {
            assert_eq!(led.field(name), None, "{status}: {name}");
        }
    }
}

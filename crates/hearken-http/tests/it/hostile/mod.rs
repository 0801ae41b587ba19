//! The client against the misbehaving servers of the test kit: each exchange ends in a clear error within its limit, nothing
//! hangs, and a partial response is never taken for a whole one.
//!
//! Here: the outcome of one exchange ([`Met`]) and what holds for each. Beside it: in memory, with a clock that jumps, one
//! table of all errors (`table.rs`); reuse of connections and retries (`reuse.rs`); what needs real sockets
//! (`sockets.rs`); the one-liner, which follows redirects and decodes (`fetch.rs`).

mod fetch;
mod reuse;
mod sockets;
mod table;

use hearken_http::client::{AgentOptions, AgentStats, ClientRequest, Destination, Proxies};
use hearken_http::tls::TlsError;
use hearken_http::{Agent, Error};
use hearken_testkit::hostile::{Ask, Behaviour, Conversation, Ending, Hostile, Verdict};
use std::error::Error as _;
use std::io;
use std::time::Duration;
use tokio::io::duplex;
use tokio::time::{Instant, sleep, timeout};

/// Longer than any exchange, on the clock that jumps.
const MAX_DURATION: Duration = Duration::from_secs(600);
/// How much a client may take of an "endless" message: the body that it may collect, and the contents of buffers.
const TAKEN_MAX: u64 = 5 << 20;
/// A body larger than all buffers between the two.
const BODY_BYTES: usize = 1_500_000;

/// What a user sees of an exchange.
#[derive(Debug)]
enum Outcome {
    /// No response.
    Nothing(Error),
    /// A response whose body ended in an error.
    Broken(u16, Error),
    /// Status and content.
    Whole(u16, String),
}

/// The outcome of one exchange.
struct Met {
    outcome: Outcome,
    took: Duration,
    stats: AgentStats,
    conversations: Vec<Conversation>,
}

/// Time-outs that differ, so that each error shows which of them has passed.
fn limits(options: &mut AgentOptions) {
    options.proxies = Proxies::none();
    options.connect_timeout = Duration::from_secs(5);
    options.tls_timeout = Duration::from_secs(6);
    options.response_timeout = Duration::from_secs(7);
    options.limits.time.write_idle = Duration::from_secs(3);
    options.limits.time.body_idle = Duration::from_secs(4);
    options.limits.time.body_rate_after = Duration::from_secs(9);
    options.tls = options
        .tls
        .clone()
        .system_roots(false)
        .dangerously_accept_any_certificate();
}

/// An agent whose connections lead to this server in memory.
fn agent_to(server: &Hostile) -> Agent {
    let mut options = AgentOptions::default();
    limits(&mut options);
    let server = server.clone();
    options.connector(move |_: Destination| {
        let (here, there) = duplex(64 * 1024);
        let server = server.clone();
        tokio::spawn(async move { server.serve(there).await });
        async { io::Result::Ok(here) }
    });
    Agent::new(options)
}

/// With simulated time.
fn simulate<F: Future>(run: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build();
    runtime.expect("a runtime").block_on(run)
}

/// The request that shows a behaviour, and its content. `base` has no scheme.
fn request(agent: &Agent, ask: Ask, base: &str) -> Result<(ClientRequest, Vec<u8>), Error> {
    let method = match ask {
        Ask::Head => "HEAD",
        Ask::Post | Ask::PostExpecting => "POST",
        _ => "GET",
    };
    let scheme = if matches!(ask, Ask::Tls | Ask::Connect) {
        "https"
    } else {
        "http"
    };
    let mut request = agent.request(method, &format!("{scheme}://{base}/first"))?;
    if ask == Ask::Upgrade {
        request = request.set("Connection", "Upgrade").set("Upgrade", "echo");
    }
    if ask == Ask::PostExpecting {
        request = request.expect_continue();
    }
    let body = if matches!(ask, Ask::Post | Ask::PostExpecting) {
        vec![b'x'; BODY_BYTES]
    } else {
        Vec::new()
    };
    Ok((request, body))
}

/// One exchange. Collects the body where a limit on collecting must end it, and reads it piece by piece elsewhere.
async fn exchange(request: ClientRequest, body: Vec<u8>, collect: bool) -> Outcome {
    let mut response = match request.end(body).await {
        Ok(response) => response,
        Err(error) => return Outcome::Nothing(error),
    };
    let status = response.status().as_u16();
    let mut content = Vec::new();
    loop {
        let read = if collect {
            response.bytes().await.map(|all| {
                content.extend_from_slice(&all);
                None
            })
        } else {
            response.data().await
        };
        match read {
            Ok(Some(piece)) => content.extend_from_slice(&piece),
            Ok(None) => break,
            Err(error) => return Outcome::Broken(status, error),
        }
    }
    Outcome::Whole(status, String::from_utf8_lossy(&content).into_owned())
}

/// Makes the exchange with a server in memory, by an agent of its own, which it returns.
async fn meet(behaviour: &Behaviour) -> (Met, Agent, Hostile) {
    let server = Hostile::new(*behaviour);
    let agent = agent_to(&server);
    let (request, body) = request(&agent, behaviour.ask, "hostile").expect("a request");
    let began = Instant::now();
    let collect = behaviour.verdict == Verdict::TooMuch;
    let outcome = timeout(MAX_DURATION, exchange(request, body, collect)).await;
    let outcome = outcome.unwrap_or_else(|_| panic!("{}: hangs", behaviour.name));
    let took = began.elapsed();
    let stats = agent.stats();
    // The server sees how its connection ends, if it still reads.
    sleep(Duration::from_secs(1)).await;
    let met = Met {
        outcome,
        took,
        stats,
        conversations: server.conversations(),
    };
    (met, agent, server)
}

impl Outcome {
    const fn error(&self) -> Option<&Error> {
        match self {
            Self::Nothing(error) | Self::Broken(_, error) => Some(error),
            Self::Whole(..) => None,
        }
    }

    /// Whether a careful client would come to this outcome; if not, the difference.
    fn agrees(&self, verdict: Verdict) -> Result<(), String> {
        let good = match (verdict, self) {
            (Verdict::Good(status, content), Self::Whole(found, text)) => {
                (status, content) == (*found, &**text)
            }
            (Verdict::NoResponse, Self::Nothing(error))
            | (Verdict::BrokenBody, Self::Broken(_, error)) => !error.is_timeout(),
            (Verdict::TooSlow | Verdict::TooMuch, found) => found.error().is_some(),
            _ => false,
        };
        let text = || format!("{self:.200?} is not {verdict:?}");
        good.then_some(()).ok_or_else(text)
    }
}

impl Met {
    /// What holds for every behaviour of the server.
    #[track_caller]
    fn check(&self, name: &str) {
        assert_eq!(self.stats.in_use(), 0, "{name}: a connection is in use");
        assert_eq!(
            self.conversations.len(),
            1,
            "{name}: a first connection is not replaced by a second one"
        );
        let one = &self.conversations[0];
        assert!(one.requests.len() <= 1, "{name}: {:?}", one.requests);
        assert!(one.sent_bytes < TAKEN_MAX, "{name}: {}", one.sent_bytes);
        assert_ne!(one.ending, Some(Ending::Exhausted), "{name}");
        let Some(error) = self.outcome.error() else {
            return;
        };
        assert_eq!(self.stats.open, 0, "{name}: what failed is not kept");
        // A server that neither reads nor writes notices nothing.
        assert!(one.ending.is_some() || name == "NEVER_READS", "{name}");
        if error.is_retry_safe() && !error.is_connect() {
            let untouched = one.received_bytes == 0;
            let idempotent = one.requests.iter().all(|seen| seen.method != "POST");
            assert!(untouched || idempotent, "{name}: {error}");
            assert_eq!(one.sent_bytes, 0, "{name}: it has begun to answer");
        }
    }
}

/// An error in short: phase, and code or kind.
fn summary(error: &Error) -> String {
    let phase = error
        .phase()
        .map_or_else(|| "-".to_owned(), |it| it.to_string());
    let source = error.source();
    let tls = source.and_then(|source| source.downcast_ref::<TlsError>());
    let kind = if let Some(fault) = error.protocol() {
        fault.code().to_owned()
    } else if error.is_timeout() {
        "timeout".to_owned()
    } else if let Some(tls) = tls {
        format!("{:?}", tls.kind()).to_lowercase()
    } else if let Some(status) = error.proxy_status() {
        format!("refused {}", status.as_u16())
    } else if error.is_too_large() {
        "too large".to_owned()
    } else if error.is_closed() {
        let text = error.to_string();
        let reset = text.contains("reset the connection");
        if reset { "reset" } else { "closed" }.to_owned()
    } else {
        // Kinds without a method of their own: the text behind "failed".
        let text = error.to_string();
        let text = text.split_once(" failed: ").map_or(&*text, |parts| parts.1);
        text.split(';').next().unwrap_or_default().to_owned()
    };
    format!("{phase}, {kind}")
}

//! What every client peer does alike, so that only the client under test differs: arguments, loops, the check of each response.
//!
//! `PEER EXCHANGE PORT CONNECTIONS [COUNT]` does exchanges on all connections without an end, or COUNT on each. It exits with code 1
//! at the first wrong response. Not here: figures. The server counts the requests.

use std::error::Error;
use std::process::ExitCode;
use std::thread;

use bytes::Bytes;
use tokio::runtime::Builder;
use tokio::task::JoinSet;

use crate::{Exchange, Page};

/// Why an exchange failed.
pub type Failure = Box<dyn Error + Send + Sync>;

/// A response: its status, and its body in the form in which the client returns it.
pub type Answer = (u16, Content);

/// A body, read to its end.
#[derive(Debug)]
pub enum Content {
    /// The client's own shared bytes.
    Bytes(Bytes),
    /// A vector.
    Vec(Vec<u8>),
    /// The value that the client made of the JSON.
    Page(Page),
}

impl Content {
    /// Length in bytes; of a correct value, the length of its JSON.
    fn length(&self) -> usize {
        match self {
            Self::Bytes(bytes) => bytes.len(),
            Self::Vec(bytes) => bytes.len(),
            Self::Page(page) if page.items.len() == 10 => crate::JSON_BYTES,
            Self::Page(_) => 0,
        }
    }

    fn bytes(self) -> Vec<u8> {
        match self {
            Self::Bytes(bytes) => bytes.to_vec(),
            Self::Vec(bytes) => bytes,
            Self::Page(page) => serde_json::to_vec(&page).unwrap_or_default(),
        }
    }
}

/// The arguments.
#[derive(Clone, Debug)]
pub struct Job {
    /// The kind of exchange.
    pub exchange: Exchange,
    /// The URL, path included.
    pub url: String,
    /// How many exchanges are active at any time.
    pub connections: usize,
    /// Exchanges on each connection.
    count: u64,
}

/// A client that all connections share: a clone shares its pool.
pub trait Client: Clone + Send + 'static {
    /// One exchange, body read to its end. It may block where each connection has a thread.
    fn exchange(&self) -> impl Future<Output = Result<Answer, Failure>> + Send;
}

/// What runs the loops, one for each connection.
#[derive(Clone, Copy, Debug)]
pub enum Loops {
    /// Tasks on one current-thread runtime.
    Tasks,
    /// Threads.
    Threads,
}

/// Runs a client peer.
pub fn run<C: Client>(loops: Loops, make: impl FnOnce(&Job) -> Result<C, Failure>) -> ExitCode {
    let work = || {
        let job = Job::parse(&std::env::args().skip(1).collect::<Vec<_>>())?;
        work(loops, &make(&job)?, &job)
    };
    match work() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}: {:?}", error.source());
            ExitCode::FAILURE
        }
    }
}

impl Job {
    fn parse(arguments: &[String]) -> Result<Self, Failure> {
        let [name, port, connections, count @ ..] = arguments else {
            return Err("usage: PEER EXCHANGE PORT CONNECTIONS [COUNT]".into());
        };
        let mut exchanges = Exchange::OF_CLIENTS.into_iter();
        let exchange = exchanges.find(|exchange| exchange.path()[1..] == *name);
        let exchange = exchange.ok_or("no such exchange")?;
        Ok(Self {
            exchange,
            url: format!("http://127.0.0.1:{port}{}", exchange.path()),
            connections: connections.parse()?,
            count: count.first().map_or(Ok(u64::MAX), |count| count.parse())?,
        })
    }
}

/// Runs all loops to their end, or to the first failure.
fn work<C: Client>(loops: Loops, client: &C, job: &Job) -> Result<(), Failure> {
    let (threads, tasks) = match loops {
        Loops::Tasks => (1, job.connections),
        Loops::Threads => (job.connections, 1),
    };
    let (report, ends) = std::sync::mpsc::channel();
    for _ in 0..threads {
        let (client, job, report) = (client.clone(), job.clone(), report.clone());
        thread::spawn(move || {
            let run = || {
                let runtime = Builder::new_current_thread().enable_all().build()?;
                runtime.block_on(async {
                    let loops = (0..tasks).map(|_| exchanges(client.clone(), job.clone()));
                    let mut loops: JoinSet<_> = loops.collect();
                    while let Some(end) = loops.join_next().await {
                        end??;
                    }
                    Ok(())
                })
            };
            // Nothing receives after a failure: the process ends.
            let _ = report.send(run());
        });
    }
    ends.iter().take(threads).collect()
}

/// Exchanges one after the other. The first response is compared in full, the others by status and length.
async fn exchanges<C: Client>(client: C, job: Job) -> Result<(), Failure> {
    let expected = job.exchange.content().into_bytes();
    for place in 0..job.count {
        let (status, content) = client.exchange().await?;
        let length = content.length();
        let differs = || place == 0 && content.bytes() != expected;
        if status != 200 || length != expected.len() || differs() {
            return Err(format!("a wrong response: status {status}, {length} bytes").into());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

    /// Answers correctly until its good exchanges are used up.
    #[derive(Clone)]
    struct Tired(Arc<AtomicU64>);

    impl Client for Tired {
        async fn exchange(&self) -> Result<Answer, Failure> {
            let good = |left: u64| left.checked_sub(1);
            let left = self.0.fetch_update(Relaxed, Relaxed, good);
            let status = if left.is_ok() { 200 } else { 503 };
            Ok((status, Content::Vec(crate::HELLO.into())))
        }
    }

    #[test]
    fn a_count_is_kept_exactly_and_a_wrong_answer_ends_the_loops() {
        for loops in [Loops::Tasks, Loops::Threads] {
            let done = |good: u64, arguments: [&str; 4]| {
                let client = Tired(Arc::new(good.into()));
                let job = Job::parse(&arguments.map(str::to_owned)).expect("a job");
                let end = work(loops, &client, &job);
                (
                    end.map_err(|error| error.to_string()),
                    client.0.load(Relaxed),
                )
            };
            assert_eq!(done(100, ["plaintext", "1", "4", "10"]), (Ok(()), 60));
            let (end, _) = done(5, ["plaintext", "1", "2", "10"]);
            assert!(end.is_err_and(|error| error.contains("status 503")));
            // Of the correct status, but not as long as expected, or not the same.
            assert!(done(5, ["medium", "1", "1", "10"]).0.is_err());
        }
    }

    #[test]
    fn wrong_arguments_are_refused() {
        for wrong in [
            "put 80 1",
            "plaintext",
            "plaintext 80 x",
            "plaintext 80 1 x",
        ] {
            let words: Vec<String> = wrong.split(' ').map(str::to_owned).collect();
            assert!(Job::parse(&words).is_err(), "{wrong}");
        }
    }
}

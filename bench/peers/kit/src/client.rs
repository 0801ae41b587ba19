//! What every client peer does alike, so that only the client under test differs: arguments, loops, the check of each response.
//!
//! `PEER EXCHANGE PORT CONNECTIONS [COUNT]` does exchanges on all connections without an end, or COUNT on each. It exits with code 1
//! at the first wrong response. Not here: figures. The server counts the requests.

use std::error::Error;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::thread;

use tokio::runtime::Builder;
use tokio::task::JoinSet;

use crate::{Exchange, Page};

/// How many responses are compared in full. More would cost time.
const COMPARED: u64 = 100;

/// Why an exchange failed.
pub type Failure = Box<dyn Error + Send + Sync>;

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
    expected: Arc<Vec<u8>>,
    checked: Arc<AtomicU64>,
}

/// A client that all connections share: a clone shares its pool.
pub trait Client: Clone + Send + 'static {
    /// One exchange, body read to its end and given to [`Job::check`] or [`Job::check_page`]. It may block where each connection
    /// has a thread.
    fn exchange(&self) -> impl Future<Output = Result<(), Failure>> + Send;
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
            expected: Arc::new(exchange.content().into_bytes()),
            checked: Arc::default(),
        })
    }

    /// Checks status and length of a response, and of the first ones all bytes.
    ///
    /// # Errors
    /// It is not the expected one.
    pub fn check(&self, status: u16, content: &[u8]) -> Result<(), Failure> {
        let same = content.len() == self.expected.len();
        self.judge(
            status,
            same && (!self.is_early() || content == *self.expected),
        )
    }

    /// The same for the value that the client has made of the JSON.
    ///
    /// # Errors
    /// It is not the expected one.
    pub fn check_page(&self, status: u16, page: &Page) -> Result<(), Failure> {
        let same = page.items.len() == 10;
        self.judge(status, same && (!self.is_early() || page == crate::page()))
    }

    fn is_early(&self) -> bool {
        self.checked.fetch_add(1, Relaxed) < COMPARED
    }

    fn judge(&self, status: u16, same: bool) -> Result<(), Failure> {
        if status == 200 && same {
            return Ok(());
        }
        Err(format!("a wrong response, status {status}").into())
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
                    let mut loops: JoinSet<Result<(), Failure>> = JoinSet::new();
                    for _ in 0..tasks {
                        let client = client.clone();
                        loops.spawn(async move {
                            for _ in 0..job.count {
                                client.exchange().await?;
                            }
                            Ok(())
                        });
                    }
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Answers correctly until its good exchanges are used up.
    #[derive(Clone)]
    struct Tired(Job, Arc<AtomicU64>);

    impl Client for Tired {
        async fn exchange(&self) -> Result<(), Failure> {
            let left = self.1.fetch_sub(1, Relaxed);
            self.0
                .check(if left > 0 { 200 } else { 503 }, crate::HELLO.as_bytes())
        }
    }

    fn parse(line: &str) -> Result<Job, Failure> {
        let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
        Job::parse(&words)
    }

    #[test]
    fn a_count_is_kept_exactly_and_a_wrong_answer_ends_the_loops() {
        for loops in [Loops::Tasks, Loops::Threads] {
            let done = |good: u64, line: &str| {
                let job = parse(line).expect("a job");
                let client = Tired(job.clone(), Arc::new(good.into()));
                let end = work(loops, &client, &job);
                (
                    end.map_err(|error| error.to_string()),
                    client.1.load(Relaxed),
                )
            };
            assert_eq!(done(100, "plaintext 1 4 10"), (Ok(()), 60));
            let (end, _) = done(5, "plaintext 1 2 3");
            assert!(end.is_err_and(|error| error.contains("status 503")));
            // Of the correct status, but not as long as expected.
            assert!(done(5, "medium 1 1 1").0.is_err());
        }
    }

    #[test]
    fn other_content_of_the_same_length_is_wrong() {
        let job = parse("plaintext 1 1").expect("a job");
        assert!(job.check(200, crate::HELLO.as_bytes()).is_ok());
        assert!(
            job.check(200, crate::HELLO.to_lowercase().as_bytes())
                .is_err()
        );
        assert!(job.check_page(200, crate::page()).is_ok());
        assert!(job.check_page(500, crate::page()).is_err());
    }

    #[test]
    fn wrong_arguments_are_refused() {
        for wrong in [
            "put 80 1",
            "plaintext",
            "plaintext 80 x",
            "plaintext 80 1 x",
        ] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}

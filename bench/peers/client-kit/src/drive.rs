//! The loops: one for each connection, all alike, as tasks or as threads.
//!
//! Every answer is checked for its status and length. A loop ends at its first failed exchange: the runner throws such a
//! measurement away, so there is nothing to gain by going on.

use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use crate::order::{Order, Outcome, Tally};
use crate::{Answer, AsyncClient, BlockingClient, Failure};

/// How long one loop goes on.
#[derive(Clone, Copy)]
enum Until {
    Moment(Instant),
    Count(u64),
}

/// One loop's count; the same for tasks and threads.
struct Loop {
    until: Until,
    expected: u64,
    tally: Tally,
}

impl Loop {
    fn goes_on(&self) -> bool {
        let within = match self.until {
            Until::Moment(end) => Instant::now() < end,
            Until::Count(count) => self.tally.requests < count,
        };
        within && self.tally.errors == 0
    }

    fn count(&mut self, answer: Result<Answer, Failure>) {
        let complaint = match answer {
            Ok(answer) => {
                let length = answer.content.length() as u64;
                if answer.status == 200 && length == self.expected {
                    self.tally.requests += 1;
                    self.tally.bytes += length;
                    return;
                }
                format!("status {} with {length} bytes", answer.status)
            }
            Err(error) => causes(error.as_ref()),
        };
        self.tally.errors += 1;
        eprintln!("exchange failed: {complaint}");
    }
}

/// An error and what lies under it, in one line.
fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text = format!("{text}: {cause}");
        next = cause.source();
    }
    text
}

/// What each of so many loops has to do; `None` for an order that needs no loop.
fn loops(order: Order, connections: usize, expected: usize) -> Option<Vec<Loop>> {
    let until = |place: u64| match order {
        Order::Seconds(seconds) => {
            Some(Until::Moment(Instant::now() + Duration::from_secs(seconds)))
        }
        Order::Count(count) => {
            let among = connections as u64;
            Some(Until::Count(
                count / among + u64::from(place < count % among),
            ))
        }
        Order::Show => None,
    };
    (0..connections as u64)
        .map(|place| {
            until(place).map(|until| Loop {
                until,
                expected: expected as u64,
                tally: Tally::default(),
            })
        })
        .collect()
}

/// The loops' tallies together, over the time since `started`.
fn sum(tallies: impl Iterator<Item = Tally>, started: Instant) -> Outcome {
    let mut all = tallies.fold(Tally::default(), |all, one| Tally {
        requests: all.requests + one.requests,
        errors: all.errors + one.errors,
        bytes: all.bytes + one.bytes,
        duration_us: 0,
    });
    all.duration_us = started.elapsed().as_micros();
    Outcome::Done(all)
}

/// An order, done by one task for each connection.
pub(crate) async fn by_tasks<C: AsyncClient>(
    client: C,
    connections: usize,
    expected: usize,
    order: Order,
) -> Result<Outcome, Failure> {
    let Some(loops) = loops(order, connections, expected) else {
        return Ok(Outcome::Shown(client.exchange().await?));
    };
    let started = Instant::now();
    let mut tasks = JoinSet::new();
    for mut one in loops {
        let client = client.clone();
        tasks.spawn(async move {
            while one.goes_on() {
                one.count(client.exchange().await);
            }
            one.tally
        });
    }
    Ok(sum(tasks.join_all().await.into_iter(), started))
}

/// The threads of a blocking client, one for each connection.
pub(crate) struct Crew<C> {
    client: C,
    expected: usize,
    workers: Vec<Sender<Loop>>,
    done: Receiver<Tally>,
}

impl<C: BlockingClient> Crew<C> {
    pub(crate) fn new(client: &C, connections: usize, expected: usize) -> Self {
        let (report, done) = mpsc::channel();
        let workers = (0..connections).map(|_| {
            let (worker, orders) = mpsc::channel::<Loop>();
            let (client, report) = (client.clone(), report.clone());
            thread::spawn(move || {
                for mut one in orders {
                    while one.goes_on() {
                        one.count(client.exchange());
                    }
                    // Nobody listens when the process is about to end.
                    let _ = report.send(one.tally);
                }
            });
            worker
        });
        Self {
            client: client.clone(),
            expected,
            workers: workers.collect(),
            done,
        }
    }

    /// Gives the order to every thread and waits for them all.
    pub(crate) fn work(&self, order: Order) -> Result<Outcome, Failure> {
        let Some(loops) = loops(order, self.workers.len(), self.expected) else {
            return Ok(Outcome::Shown(self.client.exchange()?));
        };
        let started = Instant::now();
        for (worker, one) in self.workers.iter().zip(loops) {
            worker.send(one).map_err(|_| "a thread has ended")?;
        }
        Ok(sum(self.done.iter().take(self.workers.len()), started))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Content;

    /// Answers rightly until its `good` exchanges are used up.
    #[derive(Clone)]
    struct Tired {
        good: std::sync::Arc<std::sync::atomic::AtomicU64>,
    }

    impl Tired {
        fn after(good: u64) -> Self {
            Self {
                good: std::sync::Arc::new(good.into()),
            }
        }
    }

    impl BlockingClient for Tired {
        fn exchange(&self) -> Result<Answer, Failure> {
            let order = std::sync::atomic::Ordering::Relaxed;
            let left = self
                .good
                .fetch_update(order, order, |left| left.checked_sub(1));
            let status = if left.is_ok() { 200 } else { 503 };
            let content = Content::Vec(b"abc".to_vec());
            Ok(Answer { status, content })
        }
    }

    impl AsyncClient for Tired {
        async fn exchange(&self) -> Result<Answer, Failure> {
            BlockingClient::exchange(self)
        }
    }

    fn tally(outcome: &Result<Outcome, Failure>) -> (u64, u64, u64) {
        let Ok(Outcome::Done(tally)) = outcome else {
            panic!("expected a tally");
        };
        (tally.requests, tally.errors, tally.bytes)
    }

    #[test]
    fn a_count_is_shared_out_and_kept_exactly() {
        let crew = Crew::new(&Tired::after(100), 4, 3);
        assert_eq!(tally(&crew.work(Order::Count(10))), (10, 0, 30));
        assert_eq!(tally(&crew.work(Order::Count(3))), (3, 0, 9));
        let tasks = tokio::runtime::Builder::new_current_thread().build();
        let tasks = tasks.expect("a runtime");
        let done = tasks.block_on(by_tasks(Tired::after(100), 4, 3, Order::Count(10)));
        assert_eq!(tally(&done), (10, 0, 30));
    }

    #[test]
    fn a_wrong_answer_is_counted_and_ends_its_loop() {
        let crew = Crew::new(&Tired::after(5), 1, 3);
        assert_eq!(tally(&crew.work(Order::Count(10))), (5, 1, 15));
        // Of the right status, but not as long as expected.
        let crew = Crew::new(&Tired::after(5), 1, 4);
        assert_eq!(tally(&crew.work(Order::Seconds(60))), (0, 1, 0));
    }
}

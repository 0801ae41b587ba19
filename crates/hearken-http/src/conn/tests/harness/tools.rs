//! What handlers and clients of the tests share: gates, logs, tasks, wakers, files.

use crate::event::observe::{Observation, Observer, Step};
use std::cell::RefCell;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};

/// A waker that counts its wake-ups.
#[derive(Default)]
pub(crate) struct Bell {
    /// Since the last [`rang`](Self::rang).
    rung: AtomicUsize,
    total: AtomicUsize,
}

impl Bell {
    /// Whether it was woken since the last call.
    pub(crate) fn rang(&self) -> bool {
        self.rung.swap(0, Ordering::Relaxed) > 0
    }

    /// Number of wake-ups so far.
    pub(crate) fn total(&self) -> usize {
        self.total.load(Ordering::Relaxed)
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.rung.fetch_add(1, Ordering::Relaxed);
        self.total.fetch_add(1, Ordering::Relaxed);
    }
}

/// An anonymous file with this content.
pub(crate) fn file(content: &[u8]) -> std::fs::File {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let (process, count) = (std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    let path = std::env::temp_dir().join(format!("hearken-http-{process}-{count}"));
    std::fs::write(&path, content).unwrap();
    let file = std::fs::File::options().read(true).write(true).open(&path);
    std::fs::remove_file(&path).unwrap();
    file.unwrap()
}

/// Handlers wait at it until the test opens it.
#[derive(Clone, Default)]
pub(crate) struct Gate(Rc<RefCell<(bool, Vec<Waker>)>>);

impl Gate {
    pub(crate) fn open(&self) {
        let wakers = {
            let mut gate = self.0.borrow_mut();
            gate.0 = true;
            std::mem::take(&mut gate.1)
        };
        wakers.into_iter().for_each(Waker::wake);
    }

    pub(crate) fn wait(&self) -> impl Future<Output = ()> + use<> {
        let gate = Rc::clone(&self.0);
        std::future::poll_fn(move |cx| {
            let mut gate = gate.borrow_mut();
            if gate.0 {
                return Poll::Ready(());
            }
            gate.1.push(cx.waker().clone());
            Poll::Pending
        })
    }
}

/// Lines in the order of the events.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    pub(crate) fn add(&self, line: impl Into<String>) {
        self.0.lock().unwrap().push(line.into());
    }

    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

/// Writes each observed step into a log.
pub(crate) struct LogObserver(pub(crate) Log);

impl Observer for LogObserver {
    fn observe(&self, seen: &Observation<'_>) {
        let (exchange, step) = (seen.exchange, seen.step);
        self.0.add(match step {
            Step::Closed {
                why,
                bytes_in,
                bytes_out,
            } => format!("{exchange} closed: {why:?}, {bytes_in} in, {bytes_out} out"),
            Step::Ended { why } => format!("{exchange} Ended {why:?}"),
            Step::BodyEnd { .. } => format!("{exchange} {step:?}"),
            Step::Interim { status } | Step::ResponseHead { status, .. } => {
                format!("{exchange} {} {status}", step.name())
            }
            step => format!("{exchange} {}", step.name()),
        });
    }
}

/// Writes into a log when it is dropped.
pub(crate) struct Guard(pub(crate) Log, pub(crate) &'static str);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.add(self.1);
    }
}

struct Task {
    future: Pin<Box<dyn Future<Output = ()>>>,
    bell: Arc<Bell>,
}

thread_local! {
    static TASKS: RefCell<Vec<Task>> = const { RefCell::new(Vec::new()) };
}

/// Spawns a task beside the connection, as `spawn_local` does. Each test has its own thread, and so its own tasks.
pub(crate) fn spawn(future: impl Future<Output = ()> + 'static) {
    let bell = Arc::new(Bell::default());
    bell.rung.store(1, Ordering::Relaxed);
    let task = Task {
        future: Box::pin(future),
        bell,
    };
    TASKS.with_borrow_mut(|tasks| tasks.push(task));
}

/// Polls the tasks that were woken. True if there were any.
pub(crate) fn run_tasks() -> bool {
    let mut any = false;
    let tasks = TASKS.take();
    for mut task in tasks {
        let rang = task.bell.rang();
        any |= rang;
        let waker = Waker::from(Arc::clone(&task.bell));
        let done = rang
            && task
                .future
                .as_mut()
                .poll(&mut Context::from_waker(&waker))
                .is_ready();
        if !done {
            TASKS.with_borrow_mut(|tasks| tasks.push(task));
        }
    }
    any
}

/// Number of tasks that have not ended.
pub(crate) fn tasks() -> usize {
    TASKS.with_borrow(Vec::len)
}

/// Waits for the first of two futures.
pub(crate) async fn either<A>(one: impl Future<Output = A>, other: impl Future<Output = A>) -> A {
    let (mut one, mut other) = (Box::pin(one), Box::pin(other));
    std::future::poll_fn(move |cx| match one.as_mut().poll(cx) {
        Poll::Pending => other.as_mut().poll(cx),
        ready => ready,
    })
    .await
}

//! Lines on their way to stderr: through a bounded queue to a thread that writes them.
//!
//! A pipe that is not read blocks a write for ever. Here it blocks that thread alone; the queue fills, further lines are dropped and
//! counted, and the log says so once it is read again. Here: [`LogQueue`]. Not here: what a line says (`access.rs`).

use std::io::{self, ErrorKind, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

/// Lines that wait at most.
const LINES_MAX: usize = 8192;
/// Their bytes at most.
const BYTES_MAX: usize = 1024 * 1024;
/// Bytes that are written at once.
const BATCH_BYTES: usize = 16 * 1024;
/// Between two attempts to write where stderr does not block, because another process has set it so.
const PAUSE: Duration = Duration::from_millis(10);
/// Between two looks at the queue while the process waits for its end.
const LOOK: Duration = Duration::from_millis(2);

/// The sending side. Clones send to the same queue.
#[derive(Clone, Debug)]
pub(crate) struct LogQueue {
    lines: SyncSender<String>,
    counts: Arc<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    /// Bytes in the queue.
    bytes: AtomicUsize,
    /// Lines that were not written yet.
    lines: AtomicUsize,
    /// Lines that were dropped since the log said so last.
    dropped: AtomicU64,
}

/// Makes the line that says how many were dropped.
type NoteDropped = Box<dyn Fn(u64) -> String + Send>;

impl LogQueue {
    /// Starts the thread, which lives until the last clone is dropped. Without a thread all lines are dropped.
    pub(crate) fn new(out: impl Write + Send + 'static, note: NoteDropped) -> Self {
        let (lines, receiver) = sync_channel(LINES_MAX);
        let counts = Arc::<Counts>::default();
        let writer = Writer {
            lines: receiver,
            counts: Arc::clone(&counts),
            out,
            note,
        };
        let thread = thread::Builder::new().name("hearken-log".to_owned());
        drop(thread.spawn(move || writer.run()));
        Self { lines, counts }
    }

    /// Adds a line, or counts it if there is no room. Never blocks.
    pub(crate) fn push(&self, line: String) {
        let (counts, bytes) = (&self.counts, line.len());
        let waiting = counts.bytes.fetch_add(bytes, Ordering::Relaxed);
        counts.lines.fetch_add(1, Ordering::Relaxed);
        if waiting + bytes > BYTES_MAX || self.lines.try_send(line).is_err() {
            counts.bytes.fetch_sub(bytes, Ordering::Relaxed);
            counts.lines.fetch_sub(1, Ordering::Relaxed);
            counts.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Waits until all lines are written, but no longer than `most`.
    pub(crate) fn flush(&self, most: Duration) {
        let began = Instant::now();
        while self.counts.lines.load(Ordering::Acquire) > 0 && began.elapsed() < most {
            thread::sleep(LOOK);
        }
    }
}

/// The receiving side.
struct Writer<W> {
    lines: Receiver<String>,
    counts: Arc<Counts>,
    out: W,
    note: NoteDropped,
}

impl<W: Write> Writer<W> {
    fn run(mut self) {
        let mut batch = Vec::new();
        while let Ok(line) = self.lines.recv() {
            batch.clear();
            batch.extend_from_slice(line.as_bytes());
            let mut count = 1;
            while batch.len() < BATCH_BYTES
                && let Ok(line) = self.lines.try_recv()
            {
                batch.extend_from_slice(line.as_bytes());
                count += 1;
            }
            self.counts.bytes.fetch_sub(batch.len(), Ordering::Relaxed);
            self.write(&batch);
            let dropped = self.counts.dropped.swap(0, Ordering::Relaxed);
            if dropped > 0 {
                let note = (self.note)(dropped);
                self.write(note.as_bytes());
            }
            self.counts.lines.fetch_sub(count, Ordering::Release);
        }
    }

    /// Writes all of it. The server runs even if stderr is closed: then nothing is written.
    fn write(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            match self.out.write(bytes) {
                Ok(0) => return,
                Ok(written) => bytes = &bytes[written..],
                Err(error) => match error.kind() {
                    ErrorKind::Interrupted => {}
                    ErrorKind::WouldBlock => thread::sleep(PAUSE),
                    _ => return,
                },
            }
        }
    }
}

/// Prints on a thread of its own, and waits for that at most for `most`: for the last words of a process whose output may be a pipe
/// that is not read.
pub(crate) fn print_within(most: Duration, print: impl FnOnce() + Send + 'static) {
    let (done, printed) = sync_channel::<()>(1);
    let thread = thread::Builder::new().name("hearken-print".to_owned());
    let printing = thread.spawn(move || {
        print();
        drop(done);
    });
    if printing.is_ok() {
        // Ends when `done` is dropped, or after that time.
        let _ = printed.recv_timeout(most);
    }
}

/// Stderr without a buffer, for the queue.
pub(crate) fn stderr() -> impl Write + Send {
    io::stderr()
}

#[cfg(test)]
mod tests;

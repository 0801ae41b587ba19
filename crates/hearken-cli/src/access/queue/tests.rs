//! Queues over outputs that block, fail, or take what they get.

use super::*;
use std::sync::Mutex;
use std::sync::mpsc::{Sender, channel};

/// Collects what is written; each write waits for a turn while there is a gate.
#[derive(Clone, Default)]
struct Output {
    written: Arc<Mutex<Vec<u8>>>,
    gate: Option<Arc<Mutex<Receiver<()>>>>,
}

impl Output {
    fn gated() -> (Self, Sender<()>) {
        let (open, gate) = channel();
        let gate = Some(Arc::new(Mutex::new(gate)));
        (
            Self {
                gate,
                ..Self::default()
            },
            open,
        )
    }

    fn text(&self) -> String {
        String::from_utf8(self.written.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Some(gate) = &self.gate {
            // An error means that the gate stays open.
            let _ = gate.lock().unwrap().recv();
        }
        self.written.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn queue(out: impl Write + Send + 'static) -> LogQueue {
    LogQueue::new(out, Box::new(|dropped| format!("({dropped} dropped)\n")))
}

const PATIENCE: Duration = Duration::from_secs(20);

#[test]
fn lines_are_written_in_their_order() {
    let out = Output::default();
    let queue = queue(out.clone());
    let expected: String = (0..1000).map(|number| format!("{number}\n")).collect();
    for number in 0..1000 {
        queue.push(format!("{number}\n"));
    }
    queue.flush(PATIENCE);
    assert_eq!(out.text(), expected);
}

#[test]
fn an_output_that_blocks_holds_up_no_caller_and_the_dropped_lines_are_counted() {
    let (out, open) = Output::gated();
    let queue = queue(out.clone());
    let began = Instant::now();
    for _ in 0..3 * LINES_MAX {
        queue.push("line\n".to_owned());
    }
    queue.flush(Duration::from_millis(50));
    assert!(
        began.elapsed() < Duration::from_secs(5),
        "{:?}",
        began.elapsed()
    );
    drop(open);
    queue.flush(PATIENCE);
    let text = out.text();
    let dropped: usize = text
        .lines()
        .filter_map(|line| line.strip_prefix('(')?.strip_suffix(" dropped)"))
        .map(|number| number.parse::<usize>().unwrap())
        .sum();
    let written = text.lines().filter(|line| *line == "line").count();
    assert_eq!(
        written + dropped,
        3 * LINES_MAX,
        "each line is written or counted"
    );
    assert!(dropped >= LINES_MAX, "{dropped}");
}

#[test]
fn long_lines_are_bounded_by_their_bytes() {
    let (out, open) = Output::gated();
    let queue = queue(out.clone());
    for _ in 0..100 {
        queue.push("x".repeat(100_000));
    }
    drop(open);
    queue.flush(PATIENCE);
    assert!(out.text().len() < 2 * BYTES_MAX, "{}", out.text().len());
}

/// Fails each second write.
struct Hesitant(Output, bool);

impl Write for Hesitant {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.1 = !self.1;
        if self.1 {
            return Err(ErrorKind::WouldBlock.into());
        }
        self.0.write(&bytes[..1])
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn an_output_that_does_not_block_gets_the_whole_line() {
    let out = Output::default();
    let queue = queue(Hesitant(out.clone(), false));
    queue.push("whole\n".to_owned());
    queue.flush(PATIENCE);
    assert_eq!(out.text(), "whole\n");
}

#[test]
fn printing_is_not_waited_for_longer_than_allowed() {
    let began = Instant::now();
    print_within(Duration::from_millis(20), || thread::sleep(PATIENCE));
    assert!(began.elapsed() < Duration::from_secs(5));
    let out = Output::default();
    let mut printed = out.clone();
    print_within(PATIENCE, move || printed.write_all(b"x").unwrap());
    assert_eq!(out.text(), "x");
}

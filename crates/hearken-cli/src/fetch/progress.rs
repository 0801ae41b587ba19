//! The progress of a download: a bar on stderr, on a terminal only.

use super::plan::{FetchPlan, Output, Target};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal;
use std::time::{Duration, Instant};

/// Shows nothing until the download has taken a moment, so that short ones leave the terminal as it is.
pub(crate) struct Progress {
    began: Instant,
    /// Bytes that were there before, and the length of the whole. `None`: shows nothing.
    bounds: Option<(u64, Option<u64>)>,
    done: u64,
    bar: Option<ProgressBar>,
}

impl Progress {
    /// `left`: the length of the body, if it is known.
    pub(crate) fn new(plan: &FetchPlan, target: &Target, from: u64, left: Option<u64>) -> Self {
        let (stdout, stderr) = (std::io::stdout(), std::io::stderr());
        let to_terminal = match target.output {
            Output::File(_) | Output::Nowhere => false,
            Output::Stdout | Output::StdoutAsIs => stdout.is_terminal(),
        };
        // -v writes lines to stderr while the body comes.
        let shows = stderr.is_terminal() && !to_terminal && !plan.silent && !plan.verbose;
        Self {
            began: Instant::now(),
            bounds: shows.then(|| (from, left.map(|left| from + left))),
            done: from,
            bar: None,
        }
    }

    /// So many bytes more were written.
    pub(crate) fn add(&mut self, bytes: usize) {
        let Some((from, whole)) = self.bounds else {
            return;
        };
        self.done += bytes as u64;
        if self.bar.is_none() && self.began.elapsed() >= SILENT_FOR {
            let bar = bar(whole)
                .with_position(from)
                .with_elapsed(self.began.elapsed());
            self.bar = Some(bar);
        }
        if let Some(bar) = &self.bar {
            bar.set_position(self.done);
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn bar(whole: Option<u64>) -> ProgressBar {
    let target = ProgressDrawTarget::stderr_with_hz(10);
    let (template, bar) = match whole {
        Some(_) => (
            "{bytes} of {total_bytes} [{wide_bar}] {bytes_per_sec}, {eta} left",
            ProgressBar::with_draw_target(whole, target),
        ),
        None => (
            "{spinner} {bytes}, {bytes_per_sec}, {elapsed}",
            ProgressBar::with_draw_target(None, target),
        ),
    };
    match ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style.progress_chars("=> ")),
        Err(_) => bar,
    }
}

const SILENT_FOR: Duration = Duration::from_millis(500);

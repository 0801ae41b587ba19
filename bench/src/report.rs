//! The report: medians of all samples, as Markdown tables that are also readable in a terminal.

use std::fmt;
use std::process::Command;

use crate::Failure;
use crate::measure::Sample;
use crate::options::Options;
use crate::system::{self, version};
use crate::tables::{Peer, ROWS, Row};

/// Everything that a run has found.
#[derive(Default)]
pub(crate) struct Report {
    pub(crate) head: String,
    /// With version, and bytes of the plain response.
    pub(crate) peers: Vec<(&'static Peer, String, Option<usize>)>,
    pub(crate) samples: Vec<(&'static Peer, &'static Row, Sample)>,
    skipped: Vec<String>,
}

/// What a reader must know of the run that starts now.
pub(crate) fn head(options: &Options) -> String {
    let date = Command::new("date").args(["-u", "+%Y-%m-%d"]).output();
    let date = date.map(|date| String::from_utf8_lossy(&date.stdout).trim().to_owned());
    let wrk = version("wrk").unwrap_or_else(|reason| reason.to_string());
    let mut head = format!(
        "Machine: {}.\n{}; {} rounds of {} s after {} s of warm-up; measured on core {}, other side on core {}; {}.\n\
         CPU time is per request, of the measured process; every figure is the median of the rounds.\n",
        system::machine(),
        date.unwrap_or_default(),
        options.rounds,
        options.seconds,
        options.warmup_seconds,
        options.server_core,
        options.load_core,
        wrk.split(" Copyright").next().unwrap_or_default(),
    );
    let load = system::load_average();
    if load > 0.5 {
        head += &format!("Load average at the start {load:.1}: the machine had other work.\n");
    }
    if options.server_core == options.load_core {
        head += "Both sides share one core: throughput and latency mean little.\n";
    }
    head
}

impl Report {
    /// Records what could not be measured, a row or all of a role, and prints it.
    pub(crate) fn skip(&mut self, peer: &Peer, what: &str, reason: &Failure) {
        let line = format!("{}, {what}: {reason}", peer.name);
        eprintln!("skipped: {line}");
        if !self.skipped.contains(&line) {
            self.skipped.push(line);
        }
    }

    /// All values of a figure of a peer in a row, in order.
    fn values(&self, name: &str, row: &Row, title: &str) -> Vec<f64> {
        let samples = self.samples.iter();
        let samples = samples.filter(|(peer, of, _)| peer.name == name && *of == row);
        let figures = samples.flat_map(|(.., sample)| sample);
        let figures = figures.filter(|figure| figure.0 == title);
        let mut values: Vec<f64> = figures.map(|figure| figure.2).collect();
        values.sort_by(f64::total_cmp);
        values
    }

    /// For each figure the medians, their ratios, and for the first one the range of the rounds.
    fn table(&self, row: &Row) -> Vec<Vec<String>> {
        let mut table = vec![vec!["peer".to_owned()]];
        let of_row = || self.samples.iter().filter(|(_, of, _)| *of == row);
        for (peer, ..) in of_row() {
            if table.iter().all(|line| line[0] != peer.name) {
                table.push(vec![peer.name.to_owned()]);
            }
        }
        let mut add = |title: String, cell: &dyn Fn(&str) -> String| {
            for (place, line) in table.iter_mut().enumerate() {
                let next = if place == 0 {
                    title.clone()
                } else {
                    cell(&line[0])
                };
                line.push(next);
            }
        };
        let figures = of_row().next().into_iter().flat_map(|(.., sample)| sample);
        for (place, (title, digits, _)) in figures.enumerate() {
            let of = |name: &str| median(&self.values(name, row, title));
            add((*title).to_owned(), &|name| number(of(name), *digits));
            for (figure, base) in row.ratios() {
                // Without the base there is nothing to compare with.
                let base_value = of(base).filter(|value| *value > 0.0);
                if let Some(base_value) = base_value.filter(|_| title.starts_with(figure)) {
                    let title = format!("{} / {base}'s", title.trim_end_matches(" µs"));
                    add(title, &|name| {
                        number(of(name).map(|own| own / base_value), 2)
                    });
                }
            }
            if place == 0 && !row.once() {
                add(format!("{title}, range"), &|name| {
                    let values = self.values(name, row, title);
                    let [low, high] =
                        [values.first(), values.last()].map(|end| number(end.copied(), *digits));
                    format!("{low} to {high}")
                });
            }
        }
        table
    }
}

impl fmt::Display for Report {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "{}", self.head)?;
        for row in &ROWS {
            let table = self.table(row);
            if table.len() > 1 {
                writeln!(out, "### {}: {}\n", row.name, row.title)?;
                write_table(out, &table)?;
            }
        }
        writeln!(out, "### peers\n")?;
        let titles = ["peer", "as", "version", "bytes of the plain response"];
        let mut table = vec![titles.map(str::to_owned).to_vec()];
        for (peer, version, bytes) in &self.peers {
            let (name, role) = (peer.name.to_owned(), peer.role.name().to_owned());
            let bytes = number(bytes.map(|bytes| bytes as f64), 0);
            table.push(vec![name, role, version.clone(), bytes]);
        }
        write_table(out, &table)?;
        if !self.skipped.is_empty() {
            writeln!(out, "### skipped\n\n- {}", self.skipped.join("\n- "))?;
        }
        Ok(())
    }
}

/// The first line is the head. The first column is aligned to the left, the others to the right.
fn write_table(out: &mut fmt::Formatter<'_>, table: &[Vec<String>]) -> fmt::Result {
    let width = |column: usize| {
        let lengths = table.iter().map(|line| line[column].chars().count());
        lengths.max().unwrap_or(0).max(3)
    };
    for (place, line) in table.iter().enumerate() {
        for (column, cell) in line.iter().enumerate() {
            let width = width(column);
            match column {
                0 => write!(out, "| {cell:<width$} ")?,
                _ => write!(out, "| {cell:>width$} ")?,
            }
        }
        writeln!(out, "|")?;
        if place == 0 {
            for column in 0..line.len() {
                let end = if column == 0 { '-' } else { ':' };
                write!(out, "|{}{end}", "-".repeat(width(column) + 1))?;
            }
            writeln!(out, "|")?;
        }
    }
    writeln!(out)
}

/// The figure with so many digits behind the point, or a dash.
fn number(figure: Option<f64>, digits: usize) -> String {
    figure.map_or_else(|| "-".to_owned(), |figure| format!("{figure:.digits$}"))
}

/// The middle one of sorted figures; of an even number, the mean of the two in the middle.
fn median(figures: &[f64]) -> Option<f64> {
    let upper = figures.get(figures.len() / 2)?;
    let lower = figures.get((figures.len() - 1) / 2)?;
    Some(f64::midpoint(*lower, *upper))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tables::PEERS;

    fn report(samples: &[(&str, &str, Sample)]) -> Report {
        let mut report = Report::default();
        for (name, row, sample) in samples {
            let row = ROWS.iter().find(|one| one.name == *row).expect("a row");
            let mut peers = PEERS.iter().filter(|peer| row.measures(peer));
            let peer = peers.find(|peer| peer.name == *name).expect("a peer");
            report.samples.push((peer, row, sample.clone()));
        }
        report
    }

    /// The cell of the peer's first line below the first column with the title.
    fn cell<'t>(text: &'t str, peer: &str, title: &str) -> &'t str {
        fn cells(line: &str) -> impl Iterator<Item = &str> {
            line.split('|').map(str::trim)
        }
        let mut lines = text.lines();
        let head = lines.find(|line| cells(line).any(|cell| cell == title));
        let place = head.and_then(|head| cells(head).position(|cell| cell == title));
        let line = lines.find(|line| cells(line).nth(1) == Some(peer));
        let cell = line.and_then(|line| cells(line).nth(place?));
        cell.expect("such a column and such a line")
    }

    #[test]
    fn the_ratio_is_to_the_base_and_skipped_peers_are_named() {
        let load = |user_us: f64| vec![("user µs", 2, user_us), ("CPU µs", 2, user_us + 1.0)];
        let mut report = report(&[
            ("hyper", "plain", load(2.0)),
            ("node", "plain", load(10.0)),
            ("node", "plain", load(8.0)),
            ("reqwest", "client-get", load(9.0)),
            ("ureq", "client-get", load(4.0)),
        ]);
        report.skip(&PEERS[17], "tls", &"nginx is not installed".into());
        let text = report.to_string();
        assert_eq!(cell(&text, "node", "user µs"), "9.00", "{text}");
        assert_eq!(cell(&text, "node", "user / hyper's"), "4.50", "{text}");
        assert_eq!(
            cell(&text, "node", "user µs, range"),
            "8.00 to 10.00",
            "{text}"
        );
        assert_eq!(cell(&text, "ureq", "CPU / reqwest's"), "0.50", "{text}");
        assert!(!text.contains("CPU / hearken's"), "{text}");
        assert!(text.contains("- nginx, tls: nginx is not installed"));
    }

    #[test]
    fn instructions_are_shown_by_row_with_their_ratio() {
        let counted = |figure: f64| vec![("client-get", 0, figure), ("client-json", 0, figure)];
        let text = report(&[
            ("hearken", "client-instructions", counted(3000.0)),
            ("reqwest", "client-instructions", counted(12_000.0)),
        ]);
        let text = text.to_string();
        assert_eq!(cell(&text, "hearken", "client-json"), "3000", "{text}");
        assert_eq!(
            cell(&text, "hearken", "client-json / reqwest's"),
            "0.25",
            "{text}"
        );
    }

    #[test]
    fn the_median_is_the_middle() {
        assert_eq!(median(&[1.0, 2.0, 3.0]), Some(2.0));
        assert_eq!(median(&[1.0, 2.0, 3.0, 4.0]), Some(2.5));
        assert_eq!(median(&[]), None);
    }
}

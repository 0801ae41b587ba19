//! The report: medians of all samples as Markdown tables that are also readable in a terminal.

use std::fmt;
use std::process::Command;

use crate::options::Options;
use crate::peers::{BASE, Peer, wrk_version};
use crate::rows::{Load, Row, Sample};
use crate::system;

/// Everything that a run found.
pub struct Report {
    head: Vec<String>,
    rows: Vec<Row>,
    peers: Vec<Entrant>,
    samples: Vec<(&'static str, Row, Sample)>,
    skipped: Vec<String>,
}

struct Entrant {
    name: &'static str,
    version: String,
    answer_bytes: Option<usize>,
}

/// The columns of a row with load, but for the ratio.
type Column = (&'static str, fn(&Load) -> f64, usize);
const COLUMNS: [Column; 7] = [
    ("user µs", |load| load.user_us, 2),
    ("system µs", |load| load.system_us, 2),
    ("requests/s", |load| load.rate, 0),
    ("p50 µs", |load| load.p50_us, 0),
    ("p99 µs", |load| load.p99_us, 0),
    ("core busy %", |load| load.busy * 100.0, 0),
    ("RSS MiB", |load| load.resident_bytes / MIB, 1),
];

const MIB: f64 = 1024.0 * 1024.0;

impl Report {
    /// An empty report of a run that starts now on this machine.
    #[must_use]
    pub fn new(options: &Options) -> Self {
        let mut head = vec![
            format!("Machine: {}.", system::machine()),
            format!(
                "{}; {} rounds of {} s after {} s of warm-up; server on core {}, load on core {}; {}.",
                today(),
                options.rounds,
                options.seconds,
                options.warmup_seconds,
                options.server_core,
                options.load_core,
                wrk_version().unwrap_or_else(|reason| reason),
            ),
        ];
        let load = system::load_average();
        if load > 0.5 {
            head.push(format!(
                "Load average at the start {load:.1}: the machine had other work, read with care."
            ));
        }
        if options.server_core == options.load_core {
            head.push(
                "Server and load share one core: throughput and latency mean little.".to_owned(),
            );
        }
        Self {
            head,
            rows: options.rows.clone(),
            peers: Vec::new(),
            samples: Vec::new(),
            skipped: Vec::new(),
        }
    }

    /// A peer takes part.
    pub fn add_peer(&mut self, peer: &Peer, version: &str) {
        self.peers.push(Entrant {
            name: peer.name,
            version: version.to_owned(),
            answer_bytes: None,
        });
    }

    /// How long the peer's answer to `GET /plaintext` is.
    pub fn add_answer_bytes(&mut self, name: &str, bytes: usize) {
        if let Some(peer) = self.peers.iter_mut().find(|peer| peer.name == name) {
            peer.answer_bytes = Some(bytes);
        }
    }

    /// A measurement.
    pub fn add(&mut self, name: &'static str, row: Row, sample: Sample) {
        self.samples.push((name, row, sample));
    }

    /// A peer, or a peer's row, that could not be measured. Said at once, and again in the report.
    pub fn skip(&mut self, name: &str, row: Option<Row>, reason: &str) {
        let row = row.map_or_else(String::new, |row| format!(", {}", row.name()));
        let line = format!("{name}{row}: {reason}");
        eprintln!("skipped: {line}");
        if !self.skipped.contains(&line) {
            self.skipped.push(line);
        }
    }

    /// Whether nothing was measured.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.samples.is_empty()
    }

    fn loads(&self, name: &str, row: Row) -> Vec<Load> {
        let of_peer = self
            .samples
            .iter()
            .filter(|(peer, of, _)| *peer == name && *of == row);
        of_peer
            .filter_map(|(_, _, sample)| {
                if let Sample::Load(load) = sample {
                    Some(*load)
                } else {
                    None
                }
            })
            .collect()
    }

    fn load_table(&self, row: Row) -> Vec<Vec<String>> {
        let mut head = vec!["peer".to_owned()];
        head.extend(COLUMNS.iter().map(|(title, ..)| (*title).to_owned()));
        head.insert(3, format!("user / {BASE}'s"));
        head.insert(4, "user, lowest to highest".to_owned());
        let base = median(self.loads(BASE, row).iter().map(|load| load.user_us));
        let mut table = vec![head];
        for peer in &self.peers {
            let loads = self.loads(peer.name, row);
            let Some(user) = median(loads.iter().map(|load| load.user_us)) else {
                continue;
            };
            let mut line = vec![peer.name.to_owned()];
            line.extend(
                COLUMNS
                    .iter()
                    .map(|(_, figure, digits)| number(median(loads.iter().map(figure)), *digits)),
            );
            line.insert(
                3,
                number(base.filter(|base| *base > 0.0).map(|base| user / base), 2),
            );
            let users = || loads.iter().map(|load| load.user_us);
            let (low, high) = (
                users().fold(f64::INFINITY, f64::min),
                users().fold(0.0, f64::max),
            );
            line.insert(4, format!("{low:.2} to {high:.2}"));
            table.push(line);
        }
        table
    }

    fn idle_table(&self) -> Vec<Vec<String>> {
        let head = [
            "peer",
            "bytes per connection",
            "RSS before MiB",
            "RSS with them MiB",
        ];
        let mut table = vec![head.map(str::to_owned).to_vec()];
        for peer in &self.peers {
            let of_peer = || {
                self.samples
                    .iter()
                    .filter_map(|(name, _, sample)| match sample {
                        Sample::Idle {
                            before_bytes,
                            after_bytes,
                            bytes_per_connection,
                        } if *name == peer.name => {
                            Some((*before_bytes, *after_bytes, *bytes_per_connection))
                        }
                        _ => None,
                    })
            };
            let Some(each) = median(of_peer().map(|(_, _, each)| each)) else {
                continue;
            };
            let before = median(of_peer().map(|(before, ..)| before / MIB));
            let after = median(of_peer().map(|(_, after, _)| after / MIB));
            table.push(vec![
                peer.name.to_owned(),
                number(Some(each), 0),
                number(before, 1),
                number(after, 1),
            ]);
        }
        table
    }

    fn peer_table(&self) -> Vec<Vec<String>> {
        let mut table = vec![
            ["peer", "version", "bytes of the plain answer"]
                .map(str::to_owned)
                .to_vec(),
        ];
        for peer in &self.peers {
            let bytes = peer
                .answer_bytes
                .map_or_else(|| "-".to_owned(), |bytes| bytes.to_string());
            let version = if peer.version.is_empty() {
                "-".to_owned()
            } else {
                peer.version.clone()
            };
            table.push(vec![peer.name.to_owned(), version, bytes]);
        }
        table
    }
}

impl fmt::Display for Report {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in &self.head {
            writeln!(out, "{line}")?;
        }
        writeln!(
            out,
            "CPU time is per request, of the server process; every figure is the median of the rounds.\n"
        )?;
        for row in &self.rows {
            let table = if *row == Row::Idle {
                self.idle_table()
            } else {
                self.load_table(*row)
            };
            if table.len() > 1 {
                writeln!(out, "### {}: {}\n", row.name(), row.title())?;
                write_table(out, &table)?;
            }
        }
        if !self.peers.is_empty() {
            writeln!(out, "### peers\n")?;
            write_table(out, &self.peer_table())?;
        }
        if !self.skipped.is_empty() {
            writeln!(out, "### skipped\n")?;
        }
        self.skipped
            .iter()
            .try_for_each(|line| writeln!(out, "- {line}"))
    }
}

/// First line head, first column to the left, the others to the right.
fn write_table(out: &mut fmt::Formatter<'_>, table: &[Vec<String>]) -> fmt::Result {
    let columns = table.first().map_or(0, Vec::len);
    let width = |column: usize| {
        table
            .iter()
            .filter_map(|line| line.get(column))
            .map(|cell| cell.chars().count())
            .max()
    };
    let widths: Vec<usize> = (0..columns)
        .map(|column| width(column).unwrap_or(0).max(3))
        .collect();
    for (number, line) in table.iter().enumerate() {
        for (column, (cell, width)) in line.iter().zip(&widths).enumerate() {
            if column == 0 {
                write!(out, "| {cell:<width$} ")?;
            } else {
                write!(out, "| {cell:>width$} ")?;
            }
        }
        writeln!(out, "|")?;
        if number == 0 {
            for (column, width) in widths.iter().enumerate() {
                let (dashes, end) = ("-".repeat(width + 1), if column == 0 { '-' } else { ':' });
                write!(out, "|{dashes}{end}")?;
            }
            writeln!(out, "|")?;
        }
    }
    writeln!(out)
}

fn number(figure: Option<f64>, digits: usize) -> String {
    figure.map_or_else(|| "-".to_owned(), |figure| format!("{figure:.digits$}"))
}

/// The middle one; of an even number, the mean of the two in the middle.
fn median(figures: impl Iterator<Item = f64>) -> Option<f64> {
    let mut figures: Vec<f64> = figures.collect();
    figures.sort_by(f64::total_cmp);
    let upper = figures.get(figures.len() / 2)?;
    let lower = figures.get((figures.len() - 1) / 2)?;
    Some(f64::midpoint(*lower, *upper))
}

fn today() -> String {
    let date = Command::new("date").args(["-u", "+%Y-%m-%d"]).output();
    date.map_or_else(
        |_| "unknown date".to_owned(),
        |date| String::from_utf8_lossy(&date.stdout).trim().to_owned(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle() {
        assert_eq!(median([3.0, 1.0, 2.0].into_iter()), Some(2.0));
        assert_eq!(median([4.0, 1.0, 2.0, 3.0].into_iter()), Some(2.5));
        assert_eq!(median(std::iter::empty()), None);
    }

    #[test]
    fn the_ratio_is_to_the_base_and_skipped_peers_are_named() {
        let Ok(crate::options::Parsed::Run(options)) = crate::options::parse(std::iter::empty())
        else {
            panic!("expected a run");
        };
        let mut report = Report::new(&options);
        for (name, user_us) in [("hyper", 2.0), ("node", 8.0)] {
            let peer = crate::peers::PEERS
                .iter()
                .find(|peer| peer.name == name)
                .expect("in the catalogue");
            report.add_peer(peer, "1");
            let load = Load {
                user_us,
                system_us: 1.0,
                rate: 1.0,
                p50_us: 1.0,
                p99_us: 1.0,
                busy: 1.0,
                resident_bytes: MIB,
            };
            report.add(peer.name, Row::Plain, Sample::Load(load));
        }
        report.skip("nginx", None, "nginx is not installed");
        let text = report.to_string();
        let node = text
            .lines()
            .find(|line| line.starts_with("| node"))
            .expect("a line for node");
        assert_eq!(
            node.split('|').nth(4).map(str::trim),
            Some("4.00"),
            "{text}"
        );
        assert!(text.contains("- nginx: nginx is not installed"));
    }
}

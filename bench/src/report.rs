//! The report: medians of all samples as Markdown tables that are also readable in a terminal.

use std::fmt;
use std::process::Command;

use crate::measure::{Load, Sample};
use crate::options::Options;
use crate::peers::{Peer, wrk_version};
use crate::rows::{Role, Row};
use crate::system;
use crate::table::{median, number, write_table};

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
    role: Role,
    version: String,
    answer_bytes: Option<usize>,
}

/// A column of a row with load: its title, and its cell by all samples of a peer.
type Column = (String, Box<dyn Fn(&[Load]) -> String>);

/// A column that shows the median of one figure, with so many digits.
fn column(title: &str, figure: fn(&Load) -> Option<f64>, digits: usize) -> Column {
    let cell = move |loads: &[Load]| number(median(loads.iter().filter_map(figure)), digits);
    (title.to_owned(), Box::new(cell))
}

/// A column that shows how the median of one figure compares with that of the base.
fn ratio(title: &str, figure: fn(&Load) -> f64, (base, loads): (&str, &[Load])) -> Column {
    let of = move |loads: &[Load]| median(loads.iter().map(figure)).filter(|median| *median > 0.0);
    let base_figure = of(loads);
    let cell = move |loads: &[Load]| {
        let ratio = of(loads).zip(base_figure).map(|(own, base)| own / base);
        number(ratio, 2)
    };
    (format!("{title} / {base}'s"), Box::new(cell))
}

fn cpu_us(load: &Load) -> f64 {
    load.user_us + load.system_us
}

fn user_range(loads: &[Load]) -> String {
    let users = || loads.iter().map(|load| load.user_us);
    let (low, high) = (
        users().fold(f64::INFINITY, f64::min),
        users().fold(0.0, f64::max),
    );
    format!("{low:.2} to {high:.2}")
}

const MIB: f64 = 1024.0 * 1024.0;

impl Report {
    /// An empty report of a run that starts now on this machine.
    #[must_use]
    pub fn new(options: &Options) -> Self {
        let mut head = vec![
            format!("Machine: {}.", system::machine()),
            format!(
                "{}; {} rounds of {} s after {} s of warm-up; measured on core {}, other side on core {}; {}.",
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
            head.push("Both sides share one core: throughput and latency mean little.".to_owned());
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
            role: peer.role,
            version: version.to_owned(),
            answer_bytes: None,
        });
    }

    /// How long the peer's answer to `GET /plaintext` is.
    pub fn add_answer_bytes(&mut self, peer: &Peer, bytes: usize) {
        let mut all = self.peers.iter_mut();
        if let Some(peer) = all.find(|one| one.name == peer.name && one.role == peer.role) {
            peer.answer_bytes = Some(bytes);
        }
    }

    /// A measurement.
    pub fn add(&mut self, peer: &Peer, row: Row, sample: Sample) {
        self.samples.push((peer.name, row, sample));
    }

    /// A peer, or a peer's row, that could not be measured. Said at once, and again in the report.
    pub fn skip(&mut self, peer: &Peer, row: Option<Row>, reason: &str) {
        let what = row.map_or_else(|| peer.role.name(), Row::name);
        let line = format!("{}, {what}: {reason}", peer.name);
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

    /// The columns of a row with load. A comparison of CPU time is left out where the base has not been measured.
    fn columns(&self, row: Row) -> Vec<Column> {
        let bases = row.role().bases();
        let bases: Vec<_> = bases
            .iter()
            .map(|name| (*name, self.loads(name, row)))
            .collect();
        let mut columns = vec![
            column("user µs", |load| Some(load.user_us), 2),
            column("system µs", |load| Some(load.system_us), 2),
        ];
        if let Some((name, loads)) = bases.first() {
            columns.push(ratio("user", |load| load.user_us, (name, loads)));
        }
        columns.push(("user, lowest to highest".to_owned(), Box::new(user_range)));
        if row.role() != Role::Server {
            let present = bases.iter().filter(|(_, loads)| !loads.is_empty());
            columns.extend(present.map(|(name, loads)| ratio("CPU", cpu_us, (name, loads))));
            columns.push(column(
                "requests per CPU s",
                |load| Some(1e6 / cpu_us(load)),
                0,
            ));
        }
        columns.push(column("requests/s", |load| Some(load.rate), 0));
        if row.role() != Role::Client {
            columns.push(column(
                "p50 µs",
                |load| load.latency_us.map(|(p50, _)| p50),
                0,
            ));
            columns.push(column(
                "p99 µs",
                |load| load.latency_us.map(|(_, p99)| p99),
                0,
            ));
        }
        columns.push(column("core busy %", |load| Some(load.busy * 100.0), 0));
        columns.push(column("RSS MiB", |load| Some(load.resident_bytes / MIB), 1));
        columns
    }

    fn load_table(&self, row: Row) -> Vec<Vec<String>> {
        let columns = self.columns(row);
        let mut head = vec!["peer".to_owned()];
        head.extend(columns.iter().map(|(title, _)| title.clone()));
        let mut table = vec![head];
        for peer in self.of_role(row.role()) {
            let loads = self.loads(peer.name, row);
            if !loads.is_empty() {
                let mut line = vec![peer.name.to_owned()];
                line.extend(columns.iter().map(|(_, cell)| cell(&loads)));
                table.push(line);
            }
        }
        table
    }

    /// Counts by row, and each peer's to the first base's.
    fn instructions_table(&self) -> Vec<Vec<String>> {
        let counted = |name: &str| {
            self.samples
                .iter()
                .find_map(|(peer, _, sample)| match sample {
                    Sample::Instructions(counted) if *peer == name => Some(*counted),
                    _ => None,
                })
        };
        let base = Role::Client.bases().first().copied().unwrap_or_default();
        let of_base = counted(base);
        let mut head = vec!["peer".to_owned()];
        for row in Row::COUNTED {
            head.extend([row.name().to_owned(), format!("/ {base}'s")]);
        }
        let mut table = vec![head];
        for peer in self.of_role(Role::Client) {
            let Some(figures) = counted(peer.name) else {
                continue;
            };
            let mut line = vec![peer.name.to_owned()];
            for (place, figure) in figures.iter().enumerate() {
                let base = of_base.and_then(|base| base.get(place).copied());
                let base = base.filter(|base| *base > 0.0);
                line.push(number(Some(*figure), 0));
                line.push(number(base.map(|base| figure / base), 2));
            }
            table.push(line);
        }
        table
    }

    fn of_role(&self, role: Role) -> impl Iterator<Item = &Entrant> {
        self.peers.iter().filter(move |peer| peer.role == role)
    }

    fn idle_table(&self) -> Vec<Vec<String>> {
        let head = [
            "peer",
            "bytes per connection",
            "RSS before MiB",
            "RSS with them MiB",
        ];
        let mut table = vec![head.map(str::to_owned).to_vec()];
        for peer in self.of_role(Role::Server) {
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
            ["peer", "as", "version", "bytes of the plain answer"]
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
            let role = peer.role.name().to_owned();
            table.push(vec![peer.name.to_owned(), role, version, bytes]);
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
            "CPU time is per request, of the measured process; every figure is the median of the rounds.\n"
        )?;
        for row in &self.rows {
            let table = match row {
                Row::Idle => self.idle_table(),
                Row::ClientInstructions => self.instructions_table(),
                _ => self.load_table(*row),
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

    fn report() -> Report {
        let Ok(crate::options::Parsed::Run(options)) = crate::options::parse(std::iter::empty())
        else {
            panic!("expected a run");
        };
        Report::new(&options)
    }

    fn peer(name: &str, role: Role) -> &'static Peer {
        let mut all = crate::peers::PEERS.iter();
        let found = all.find(|peer| peer.name == name && peer.role == role);
        found.expect("in the catalogue")
    }

    fn load(user_us: f64) -> Load {
        Load {
            user_us,
            system_us: 1.0,
            rate: 1.0,
            latency_us: None,
            busy: 1.0,
            resident_bytes: MIB,
        }
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
        let mut report = report();
        for (name, row, user_us) in [
            ("hyper", Row::Plain, 2.0),
            ("node", Row::Plain, 8.0),
            ("reqwest", Row::ClientGet, 9.0),
            ("ureq", Row::ClientGet, 4.0),
        ] {
            let peer = peer(name, row.role());
            report.add_peer(peer, "1");
            report.add(peer, row, Sample::Load(load(user_us)));
        }
        report.skip(peer("nginx", Role::Tls), None, "nginx is not installed");
        let text = report.to_string();
        assert_eq!(cell(&text, "node", "user / hyper's"), "4.00", "{text}");
        assert_eq!(cell(&text, "ureq", "CPU / reqwest's"), "0.50", "{text}");
        assert!(!text.contains("CPU / hearken's"), "{text}");
        assert!(text.contains("- nginx, tls: nginx is not installed"));
    }

    #[test]
    fn instructions_are_shown_by_row_with_their_ratio() {
        let mut report = report();
        for (name, figure) in [("hearken", 3000.0), ("reqwest", 12_000.0)] {
            let peer = peer(name, Role::Client);
            report.add_peer(peer, "1");
            let counted = [figure; Row::COUNTED.len()];
            report.add(peer, Row::ClientInstructions, Sample::Instructions(counted));
        }
        let text = report.to_string();
        assert_eq!(cell(&text, "hearken", "client-json"), "3000", "{text}");
        assert_eq!(cell(&text, "hearken", "/ reqwest's"), "0.25", "{text}");
    }
}

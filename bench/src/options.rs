//! The command line: flags in, one plain [`Options`] value out. Reads nothing else and prints nothing.

use std::path::PathBuf;

use crate::peers::{self, Peer};
use crate::rows::Row;

/// What `--help` prints.
pub const USAGE: &str = "\
Builds, checks and measures HTTP servers side by side; see docs/benchmarking.md.

usage: cargo run --release --manifest-path bench/Cargo.toml -- [options]

  --only NAME,...      these peers (default: all; --list names them)
  --rows NAME,...      these rows (default: plain,pipelined,json,upload,download,idle)
  --seconds N          length of one measurement (default 5)
  --warmup N           seconds of load before it, not counted (default 1)
  --rounds N           rounds over all peers; medians are reported (default 3)
  --idle N             connections of the row `idle` (default 10000)
  --server-core N      core of the server (default 0)
  --load-core N        core of the load generator (default 1)
  --markdown FILE      write the report to FILE too
  --list               list peers and rows, and say what is not installed
  --help               this text
";

/// A run, as asked for.
#[derive(Clone, Debug)]
pub struct Options {
    /// The peers, in the order of the catalogue.
    pub peers: Vec<&'static Peer>,
    /// The rows, in the order of the report.
    pub rows: Vec<Row>,
    /// Length of one measurement.
    pub seconds: u32,
    /// Load before each measurement, in seconds.
    pub warmup_seconds: u32,
    /// Rounds over all peers.
    pub rounds: u32,
    /// Connections of the row `idle`.
    pub idle_connections: u32,
    /// The core that the server is pinned to.
    pub server_core: usize,
    /// The core that the load generator is pinned to.
    pub load_core: usize,
    /// Where the report goes besides standard output.
    pub markdown: Option<PathBuf>,
}

/// What the command line asks for.
#[derive(Clone, Debug)]
pub enum Parsed {
    /// Measure.
    Run(Options),
    /// Print [`USAGE`].
    Help,
    /// Print the peers and rows.
    List,
}

/// Reads the arguments (without the program's name).
///
/// # Errors
/// A line that says which argument is wrong and what was expected.
pub fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Parsed, String> {
    let mut options = Options {
        peers: peers::PEERS.iter().collect(),
        rows: Row::ALL.to_vec(),
        seconds: 5,
        warmup_seconds: 1,
        rounds: 3,
        idle_connections: 10_000,
        server_core: 0,
        load_core: 1,
        markdown: None,
    };
    while let Some(flag) = arguments.next() {
        match flag.as_str() {
            "--help" | "-h" => return Ok(Parsed::Help),
            "--list" => return Ok(Parsed::List),
            _ => {}
        }
        let mut value = || {
            arguments
                .next()
                .ok_or_else(|| format!("{flag} wants a value"))
        };
        match flag.as_str() {
            "--only" => {
                options.peers = choose(&value()?, "peer", peers::PEERS.iter(), |peer| peer.name)?
            }
            "--rows" => {
                options.rows = choose(&value()?, "row", Row::ALL.into_iter(), |row| row.name())?
            }
            "--seconds" => options.seconds = at_least_one(&flag, &value()?)?,
            "--warmup" => options.warmup_seconds = at_least_one(&flag, &value()?)?,
            "--rounds" => options.rounds = at_least_one(&flag, &value()?)?,
            "--idle" => options.idle_connections = at_least_one(&flag, &value()?)?,
            "--server-core" => options.server_core = core(&flag, &value()?)?,
            "--load-core" => options.load_core = core(&flag, &value()?)?,
            "--markdown" => options.markdown = Some(value()?.into()),
            _ => return Err(format!("{flag} is no option")),
        }
    }
    Ok(Parsed::Run(options))
}

/// The named ones of `all`, in the order of `all`.
fn choose<T>(
    names: &str,
    what: &str,
    all: impl Iterator<Item = T> + Clone,
    name: impl Fn(&T) -> &'static str,
) -> Result<Vec<T>, String> {
    let names: Vec<&str> = names
        .split(',')
        .map(str::trim)
        .filter(|name| !name.is_empty())
        .collect();
    for wanted in &names {
        if !all.clone().any(|one| name(&one) == *wanted) {
            let known: Vec<&str> = all.map(|one| name(&one)).collect();
            return Err(format!(
                "{wanted} is no {what}; there are {}",
                known.join(", ")
            ));
        }
    }
    if names.is_empty() {
        return Err(format!("expected the name of a {what}"));
    }
    Ok(all.filter(|one| names.contains(&name(one))).collect())
}

fn at_least_one(flag: &str, value: &str) -> Result<u32, String> {
    value
        .parse()
        .ok()
        .filter(|number| *number > 0)
        .ok_or_else(|| format!("{flag} wants a number from 1 up, not {value}"))
}

fn core(flag: &str, value: &str) -> Result<usize, String> {
    value
        .parse()
        .map_err(|_| format!("{flag} wants the number of a core, not {value}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse_line(line: &str) -> Result<Parsed, String> {
        parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn chosen_peers_and_rows_keep_the_order_of_the_catalogue() {
        let Ok(Parsed::Run(options)) =
            parse_line("--only node,hyper --rows pipelined,plain --seconds 2")
        else {
            panic!("expected a run");
        };
        assert_eq!(
            options
                .peers
                .iter()
                .map(|peer| peer.name)
                .collect::<Vec<_>>(),
            ["hyper", "node"]
        );
        assert_eq!(options.rows, [Row::Plain, Row::Pipelined]);
        assert_eq!(options.seconds, 2);
    }

    #[test]
    fn wrong_arguments_are_named() {
        for (line, word) in [
            ("--only iis", "iis"),
            ("--only ,", "peer"),
            ("--rows x", "x"),
            ("--seconds 0", "--seconds"),
            ("--rounds", "--rounds"),
            ("--fast", "--fast"),
        ] {
            let message = parse_line(line).expect_err("expected an error");
            assert!(message.contains(word), "{line}: {message}");
        }
    }
}

//! The command line: flags in, one plain [`Options`] value out. Reads nothing else and prints nothing.

use std::path::PathBuf;

use crate::peers::{self, Peer};
use crate::rows::Row;

/// What `--help` prints.
pub const USAGE: &str = "\
Builds, checks and measures HTTP servers and clients side by side; see docs/benchmarking.md.

usage: cargo run --release --manifest-path bench/Cargo.toml -- [options]

  --only NAME,...      these peers (default: all; --list names them)
  --rows NAME,...      these rows, or all of `server`, `client`, `tls` (default: all; --list names them)
  --seconds N          length of one measurement (default 5)
  --warmup N           seconds of load before it, not counted (default 1)
  --rounds N           rounds over all peers; medians are reported (default 3)
  --idle N             connections of the row `idle` (default 10000)
  --server-core N      core of whoever is measured (default 0)
  --load-core N        core of the load generator, or of the server that clients ask (default 1)
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
    /// The core of whoever is measured.
    pub server_core: usize,
    /// The core of the other side: the load generator, or the server that measured clients ask.
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
                options.peers = choose(
                    &value()?,
                    "peer",
                    peers::PEERS.iter(),
                    (|peer| peer.name, |peer, name| peer.name == name),
                )?
            }
            "--rows" => {
                options.rows = choose(
                    &value()?,
                    "row",
                    Row::ALL.into_iter(),
                    (|row| row.name(), |row, name| row.is_called(name)),
                )?
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
    options
        .peers
        .retain(|peer| options.rows.iter().any(|row| row.role() == peer.role));
    if options.peers.is_empty() {
        return Err("none of these peers takes part in any of these rows".to_owned());
    }
    Ok(Parsed::Run(options))
}

/// The named ones of `all`, in the order of `all`. `naming` says how each is called, and whether a name means it: several may
/// share one.
fn choose<T>(
    names: &str,
    what: &str,
    all: impl Iterator<Item = T> + Clone,
    naming: (impl Fn(&T) -> &'static str, impl Fn(&T, &str) -> bool),
) -> Result<Vec<T>, String> {
    let (name, is_called) = naming;
    let names: Vec<&str> = names
        .split(',')
        .map(str::trim)
        .filter(|name| !name.is_empty())
        .collect();
    for wanted in &names {
        if !all.clone().any(|one| is_called(&one, wanted)) {
            let mut known: Vec<&str> = Vec::new();
            for one in all {
                if !known.contains(&name(&one)) {
                    known.push(name(&one));
                }
            }
            return Err(format!(
                "{wanted} is no {what}; there are {}",
                known.join(", ")
            ));
        }
    }
    if names.is_empty() {
        return Err(format!("expected the name of a {what}"));
    }
    Ok(all
        .filter(|one| names.iter().any(|name| is_called(one, name)))
        .collect())
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
    use crate::rows::Role;

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
    fn a_peer_takes_part_only_in_the_roles_of_the_rows() {
        let roles = |line: &str| -> Vec<(&str, Role)> {
            let Ok(Parsed::Run(options)) = parse_line(line) else {
                panic!("expected a run");
            };
            let peers = options.peers.iter();
            peers.map(|peer| (peer.name, peer.role)).collect()
        };
        assert_eq!(
            roles("--only hyper,reqwest --rows tls"),
            [("hyper", Role::Tls)]
        );
        assert_eq!(
            roles("--rows client-get,tls-full --only nginx,ureq"),
            [("ureq", Role::Client), ("nginx", Role::Tls)]
        );
        assert!(parse_line("--rows client --only nginx").is_err());
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

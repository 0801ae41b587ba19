//! The command line: flags in, one plain [`Options`] value out. Reads nothing else and prints nothing.

use std::path::PathBuf;
use std::str::FromStr;

use crate::tables::{PEERS, Peer, ROWS, Row};

pub(crate) const USAGE: &str = "\
Builds, checks and measures HTTP servers and clients side by side; see docs/benchmarking.md.

usage: cargo run --release --manifest-path bench/Cargo.toml -- [options]

  --only NAME,...      these peers (default: all; --list names them)
  --rows NAME,...      these rows, or all of `server`, `client`, `tls` (default: all; --list names them)
  --seconds N          length of one measurement (default 5)
  --warmup N           seconds of load before it, not counted (default 1)
  --rounds N           rounds over all peers; medians are reported (default 3)
  --idle N             connections of the rows `idle` and `idle-upgraded` (default 10000)
  --server-core N      core of the measured process (default 0)
  --load-core N        core of the other side: the load generator, or the server that clients ask (default 1)
  --markdown FILE      write the report to FILE too
  --list               list peers and rows, and what is not installed
  --help               this text
";

/// A run.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    /// In the order of the table.
    pub(crate) peers: Vec<&'static Peer>,
    /// In the order of the table.
    pub(crate) rows: Vec<&'static Row>,
    pub(crate) seconds: u32,
    pub(crate) warmup_seconds: u32,
    pub(crate) rounds: u32,
    pub(crate) idle_connections: usize,
    pub(crate) server_core: usize,
    pub(crate) load_core: usize,
    pub(crate) markdown: Option<PathBuf>,
}

/// Reads the arguments, without the program's name. The error names the wrong argument.
pub(crate) fn parse(arguments: &[String]) -> Result<Options, String> {
    let mut options = Options {
        peers: PEERS.iter().collect(),
        rows: ROWS.iter().collect(),
        seconds: 5,
        warmup_seconds: 1,
        rounds: 3,
        idle_connections: 10_000,
        server_core: 0,
        load_core: 1,
        markdown: None,
    };
    for pair in arguments.chunks(2) {
        let [flag, value] = pair else {
            return Err(format!("{} needs a value, or is unknown", pair[0]));
        };
        match flag.as_str() {
            "--only" => {
                options.peers = choose(value, "peer", &PEERS, |peer, name| peer.name == name)?
            }
            "--rows" => options.rows = choose(value, "row", &ROWS, Row::is_called)?,
            "--seconds" => options.seconds = number(flag, value, 1)?,
            "--warmup" => options.warmup_seconds = number(flag, value, 1)?,
            "--rounds" => options.rounds = number(flag, value, 1)?,
            "--idle" => options.idle_connections = number(flag, value, 1)?,
            "--server-core" => options.server_core = number(flag, value, 0)?,
            "--load-core" => options.load_core = number(flag, value, 0)?,
            "--markdown" => options.markdown = Some(value.into()),
            _ => return Err(format!("{flag} is unknown")),
        }
    }
    let Options { peers, rows, .. } = &mut options;
    peers.retain(|peer| rows.iter().any(|row| row.measures(peer)));
    if peers.is_empty() {
        return Err("none of these peers takes part in any of these rows".to_owned());
    }
    Ok(options)
}

/// The entries of a table that have one of the names.
fn choose<T>(
    names: &str,
    what: &str,
    table: &'static [T],
    is_called: impl Fn(&T, &str) -> bool,
) -> Result<Vec<&'static T>, String> {
    let names: Vec<&str> = names.split(',').map(str::trim).collect();
    for name in &names {
        if !table.iter().any(|one| is_called(one, name)) {
            return Err(format!("there is no {what} \"{name}\"; --list names them"));
        }
    }
    let chosen = table
        .iter()
        .filter(|one| names.iter().any(|name| is_called(one, name)));
    Ok(chosen.collect())
}

fn number<N: Copy + FromStr + PartialOrd>(flag: &str, value: &str, least: N) -> Result<N, String> {
    let number = value.parse().ok().filter(|number| *number >= least);
    number.ok_or_else(|| format!("{flag} needs a number, not {value}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tables::Role;

    fn parse_line(line: &str) -> Result<Options, String> {
        let arguments = line.split_whitespace().map(str::to_owned);
        parse(&arguments.collect::<Vec<_>>())
    }

    fn run(line: &str) -> Options {
        parse_line(line).expect("a run")
    }

    #[test]
    fn chosen_peers_and_rows_keep_the_order_of_the_catalogue() {
        let options = run("--only node,hyper --rows pipelined,plain --seconds 2");
        let peers: Vec<_> = options.peers.iter().map(|peer| peer.name).collect();
        let rows: Vec<_> = options.rows.iter().map(|row| row.name).collect();
        assert_eq!(
            (peers, rows),
            (vec!["hyper", "node"], vec!["plain", "pipelined"])
        );
        assert_eq!(options.seconds, 2);
        assert_eq!(run("--rows tls").rows.len(), 4);
    }

    #[test]
    fn a_peer_takes_part_only_in_the_roles_of_the_rows() {
        let roles = |line: &str| -> Vec<_> {
            let peers = run(line).peers.into_iter();
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

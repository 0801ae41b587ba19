//! The flags `-o` and `-O` in the order in which they were given: the first belongs to the first URL, as in curl.
//!
//! Here: [`Outputs`], by hand, because clap's derive keeps the order within one flag only.

use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches, value_parser};
use std::path::PathBuf;

/// Where the body of one URL goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum OutputFlag {
    /// `-o FILE`.
    File(PathBuf),
    /// `-O`: a file with the name at the end of the URL.
    RemoteName,
}

/// See the module.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Outputs(pub(crate) Vec<OutputFlag>);

const FILE: &str = "output";
const REMOTE: &str = "remote_name";

impl Args for Outputs {
    fn augment_args(command: Command) -> Command {
        command
            .arg(
                Arg::new(FILE)
                    .long("output")
                    .short('o')
                    .value_name("FILE")
                    .action(ArgAction::Append)
                    .value_parser(value_parser!(PathBuf))
                    .help("Write the body to this file; repeat it for further URLs; - is stdout"),
            )
            .arg(
                Arg::new(REMOTE)
                    .long("remote-name")
                    .short('O')
                    .action(ArgAction::Append)
                    .num_args(0)
                    .default_missing_value("")
                    .help("Write the body to a file with the name at the end of the URL; repeat it for further URLs"),
            )
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for Outputs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let places = |id| matches.indices_of(id).into_iter().flatten();
        let files = matches.get_many::<PathBuf>(FILE).into_iter().flatten();
        let files = files.map(|path| OutputFlag::File(path.clone()));
        let mut found: Vec<(usize, OutputFlag)> = places(FILE).zip(files).collect();
        found.extend(places(REMOTE).map(|at| (at, OutputFlag::RemoteName)));
        found.sort_by_key(|(at, _)| *at);
        Ok(Self(found.into_iter().map(|(_, flag)| flag).collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

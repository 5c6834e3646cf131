//! What can be typed.
//!
//! [`Arguments`] is the whole of it. A program with arguments of its own flattens [`Globals`] and [`Command`] into them.

mod bench;
mod enqueue;
mod look;
mod mend;
mod number;
mod work;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

pub use bench::Bench;
pub use enqueue::Enqueue;
pub use look::{Jobs, Selection, Show, Tasks};
pub use mend::{Cancel, Chosen, Clean, Retry};
pub use work::Work;

/// Background jobs on the store that you already have.
#[derive(Debug, Parser)]
#[command(name = "kinetik", version, max_term_width = 100)]
pub struct Arguments {
    /// What all commands take.
    #[command(flatten)]
    pub globals: Globals,
    /// The command.
    #[command(subcommand)]
    pub command: Command,
}

/// What all commands take.
#[derive(Args, Debug)]
#[command(next_help_heading = "Everywhere")]
pub struct Globals {
    /// The store: sqlite:PATH, redis://HOST:PORT or mongodb://HOST:PORT/DATABASE [default: KINETIK_STORE, then the config file's, then sqlite:kinetik.db]
    #[arg(long, global = true, value_name = "URL")]
    pub store: Option<String>,
    /// The config file [default: kinetik.toml in the working directory, if there is one]
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The queue, which keeps jobs apart in one store [default: the config file's, then kinetik]
    #[arg(long, global = true, value_name = "NAME")]
    pub queue: Option<String>,
    /// Writes one JSON value a line; messages for people go to standard error
    #[arg(long, global = true)]
    pub json: bool,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Puts jobs into the queue: one from the command line, or many from a file
    Enqueue(Enqueue),
    /// Works jobs off
    Work(Work),
    /// Shows the tasks that the config file or a living worker defines, and how many jobs of each stand where
    Tasks(Tasks),
    /// Shows how many jobs stand where, and the newest of them
    Jobs(Jobs),
    /// Shows everything about a job, its log included
    Show(Show),
    /// Calls jobs off, those that run too; what is over cannot be
    Cancel(Cancel),
    /// Queues jobs again that failed or timed out, for one more attempt at least
    Retry(Retry),
    /// Removes finished jobs with their logs, never one that is not over
    Clean(Clean),
    /// Shows the processes that work on the queue, and what each of them runs
    Workers,
    /// Measures how fast jobs go in and out of the store, in a queue of its own that it removes afterwards
    Bench(Bench),
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_arguments_are_sound() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn what_all_commands_take_stands_apart_in_the_help() {
        let mut program = Arguments::command();
        program.build();
        let help = program.find_subcommand_mut("work").unwrap().render_help();
        let help = help.to_string();
        let (own, shared) = help.split_once("\nEverywhere:\n").unwrap();
        assert!(own.contains("--grace") && !shared.contains("--grace"), "{help}");
        assert!(shared.contains("--store") && !own.contains("--store"), "{help}");
    }

    #[test]
    fn a_negative_priority_is_a_value() {
        let arguments =
            Arguments::try_parse_from(["kinetik", "enqueue", "t", "-1.5", "--priority", "-5"]).unwrap();
        let Command::Enqueue(enqueue) = arguments.command else {
            panic!("{arguments:?}")
        };
        assert_eq!((enqueue.priority, enqueue.data.as_deref()), (-5, Some("-1.5")));
    }
}

//! The project's own commands: `cargo xtask COMMAND`.
//!
//! `main` reads the command line; each command has a file of its own. [`cargo`] runs what cargo can do already.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "these are commands for a terminal"
)]

mod cargo;
mod cases;
mod ci;
mod demo;
mod kill_rounds;
mod peers;
mod services;
mod test;
mod tidy;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// The project's own commands.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs cases of the query language on a store.
    Cases(cases::Arguments),
    /// Runs every check of the project: the gate before a change goes in.
    Ci,
    /// Works off a shipped file of jobs with real commands, and shows what happened.
    Demo,
    /// Kills workers and a producer on one store at random, and counts what is left.
    KillRounds(kill_rounds::Arguments),
    /// Measures ours beside other queues.
    Peers(peers::Arguments),
    /// Starts Redis servers, for tests and for trying things out.
    Services(services::Arguments),
    /// Runs all tests; arguments are passed on to `cargo test`.
    #[command(disable_help_flag = true)]
    Test {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
    /// Checks the habits that no other tool checks, and lists the longest files and functions.
    Tidy,
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().command {
        Command::Cases(arguments) => cases::run(&arguments),
        Command::Ci => ci::run(),
        Command::Demo => demo::run(),
        Command::KillRounds(arguments) => kill_rounds::run(&arguments),
        Command::Peers(arguments) => peers::run(&arguments),
        Command::Services(arguments) => services::run(&arguments),
        Command::Test { arguments } => test::run(&arguments),
        Command::Tidy => tidy::run(),
    };
    match outcome {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

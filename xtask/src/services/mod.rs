//! `cargo xtask services`: Redis and MongoDB servers on free loopback ports, for tests and for trying things out.
//!
//! A [`Service`] is one server or a cluster, by its [`Kind`]. Its data lie in a temporary folder, and both end with the
//! command. What runs on a service finds it by its environment: [`URL`], [`AUTHORITY`] and [`PROGRAM_STORE`].

mod cluster;
mod install;
mod server;
mod service;
mod signals;
mod suites;
mod tls;

use std::ffi::OsString;
use std::process::{Command, ExitCode};

use anyhow::bail;
use clap::{Args, Subcommand, ValueEnum as _};

pub(crate) use service::{Kind, Service};
use signals::Signals;

/// Names the server that the tests of `seed-redis` use instead of starting one.
const URL: &str = "SEED_REDIS_URL";

/// Names the file with the authorities that are trusted, where that server is spoken to by TLS: ours vouches for it. It is
/// heard by whatever asks the system whom to trust, seed-redis and cargo among it.
const AUTHORITY: &str = "SSL_CERT_FILE";

/// Names the server that the program's tests use instead of an SQLite file. Each test takes a database of its own.
const PROGRAM_STORE: &str = "KINETIK_TEST_STORE";

/// Starts servers of Redis and MongoDB; without a command of its own all kinds, until ctrl-c or the end of the standard input.
#[derive(Args, Debug)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    action: Option<Action>,
    /// Only services of this kind; may be given more than once
    #[arg(long, value_name = "KIND")]
    kind: Vec<Kind>,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Runs a command with the URL of a service in KINETIK_TEST_STORE, and in SEED_REDIS_URL or KINETIK_TEST_MONGO_URL
    Run {
        /// The kind of service
        #[arg(long, value_name = "KIND", default_value_t = Kind::Plain)]
        kind: Kind,
        /// The command and its arguments
        #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
        command: Vec<OsString>,
    },
    /// Runs the tests that need services: of seed-redis on a cluster and by TLS, of the program on a durable Redis and on MongoDB
    Test {
        /// Only the tests on this kind; may be given more than once
        #[arg(long, value_name = "KIND")]
        kind: Vec<Kind>,
        /// The whole suite of stores on a cluster and by TLS, which takes some minutes, and not its most telling cases
        #[arg(long)]
        whole: bool,
    },
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    match &arguments.action {
        None => show(&arguments.kind),
        Some(Action::Run { kind, command }) => run_command(*kind, command),
        Some(Action::Test { kind, whole }) => suites::run(kind, *whole),
    }
}

/// Starts services, prints how they are reached, and ends them when told.
fn show(kinds: &[Kind]) -> anyhow::Result<ExitCode> {
    let kinds = if kinds.is_empty() {
        Kind::value_variants()
    } else {
        kinds
    };
    let mut signals = Signals::listen()?;
    let services = kinds.iter().map(|&kind| Service::start(kind));
    let services = services.collect::<anyhow::Result<Vec<_>>>()?;
    for service in &services {
        println!("{service}");
    }
    eprintln!("until ctrl-c or the end of the standard input");
    signals.wait();
    Ok(ExitCode::SUCCESS)
}

fn run_command(kind: Kind, words: &[OsString]) -> anyhow::Result<ExitCode> {
    let [program, arguments @ ..] = words else {
        bail!("no command to run");
    };
    let mut signals = Signals::listen()?;
    let service = Service::start(kind)?;
    let mut command = Command::new(program);
    command.args(arguments).envs(service.environment());
    let status = signals.run(command)?;
    // A command that a signal ended has no code.
    let code = status
        .code()
        .and_then(|code| u8::try_from(code).ok())
        .unwrap_or(1);
    Ok(ExitCode::from(code))
}

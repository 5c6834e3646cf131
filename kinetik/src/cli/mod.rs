//! The commands of the `kinetik` program, public so that another program can have them too.
//!
//! [`args`] says what can be typed, [`config`] reads `kinetik.toml`, [`exec`] runs tasks that are commands, and
//! [`output`] is the only place that prints; each command has a file of its own. A program that defines tasks in Rust
//! calls [`main_with`], and its users type the same commands:
//!
//! ```no_run
//! use std::process::ExitCode;
//!
//! fn main() -> ExitCode {
//!     kinetik::cli::main_with(|queue| queue.define("greet").action(async |_| Ok("hello".into())))
//! }
//! ```
//!
//! One with commands of its own flattens [`Globals`] and [`Command`] into its arguments, and hands them to [`run`]:
//!
//! ```
//! use std::process::ExitCode;
//!
//! use kinetik::cli::{self, Command, Globals, clap};
//!
//! #[derive(clap::Parser)]
//! struct Arguments {
//!     #[command(flatten)]
//!     globals: Globals,
//!     #[command(subcommand)]
//!     command: Mine,
//! }
//!
//! #[derive(clap::Subcommand)]
//! enum Mine {
//!     /// Serves the shop
//!     Serve,
//!     #[command(flatten)]
//!     Jobs(Command),
//! }
//!
//! fn shop(arguments: &Arguments) -> ExitCode {
//!     match &arguments.command {
//!         Mine::Serve => ExitCode::SUCCESS,
//!         Mine::Jobs(command) => cli::run(&arguments.globals, command, |queue| {
//!             queue.define("greet").action(async |job| Ok(format!("hello {}", job.job().data).into()))
//!         }),
//!     }
//! }
//! # use clap::Parser;
//! # let folder = tempfile::tempdir().unwrap();
//! # let store = format!("sqlite:{}", folder.path().join("shop.db").display());
//! # for words in [&["shop", "serve"][..], &["shop", "enqueue", "greet", "1"], &["shop", "work", "--drain"]] {
//! #     let words = words.iter().copied().chain(["--store", &store]);
//! #     assert_eq!(shop(&Arguments::try_parse_from(words).unwrap()), ExitCode::SUCCESS);
//! # }
//! # let file = kinetik::open(&store).unwrap();
//! # let runtime = tokio::runtime::Runtime::new().unwrap();
//! # let counts = runtime.block_on(async {
//! #     let queue = kinetik::Queue::open(file).await.unwrap();
//! #     queue.counts(&kinetik::Filter::all()).await.unwrap()
//! # });
//! # assert_eq!(counts[0].status, kinetik::Status::Completed);
//! ```

pub mod args;
mod bench;
mod breakdown;
mod change;
mod clean;
pub mod config;
mod count;
mod definitions;
mod duration;
mod enqueue;
pub mod exec;
mod jobs;
pub mod output;
mod progress;
mod selection;
mod show;
mod signals;
mod tasks;
mod unreadable;
mod work;
mod workers;

use std::env::VarError;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::Parser;
use kinetik_core::{DEFAULT_QUEUE, Queue, QueueBuilder};
use seed::store::url::without_password;
use tokio_util::task::TaskTracker;

pub use args::{Arguments, Command, Globals};
pub use clap;

use change::Change;
use config::Config;
use output::Output;

/// Where jobs are kept if nothing says more.
const DEFAULT_STORE: &str = "sqlite:kinetik.db";

/// How long what still runs at the end may take to notice it.
const END: Duration = Duration::from_secs(1);

/// Runs the program with the arguments of this process; its tasks are those of the config file.
pub fn main() -> ExitCode {
    main_with(|_| Ok(()))
}

/// Runs the program with tasks that `define` adds to those of the config file.
pub fn main_with(define: impl FnOnce(&Queue) -> kinetik_core::Result<()>) -> ExitCode {
    match Arguments::try_parse() {
        Ok(Arguments { globals, command }) => run(&globals, &command, define),
        Err(fault) => output::usage(&fault),
    }
}

/// Carries a command out, with tasks that `define` adds to those of the config file. What goes wrong is told on standard
/// error and by the exit code.
///
/// # Panics
/// Within an asynchronous runtime, since it has one of its own.
pub fn run(
    globals: &Globals,
    command: &Command,
    define: impl FnOnce(&Queue) -> kinetik_core::Result<()>,
) -> ExitCode {
    let output = Output::new(globals.json);
    let outcome = run_to_end(globals, command, define, &output).and_then(|()| output.flush());
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever read the output has seen enough of it.
        Err(fault) if output::is_closed(&fault) => ExitCode::SUCCESS,
        Err(fault) => {
            output.error(&fault);
            ExitCode::FAILURE
        }
    }
}

fn run_to_end(
    globals: &Globals,
    command: &Command,
    define: impl FnOnce(&Queue) -> kinetik_core::Result<()>,
    output: &Output,
) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let outcome = runtime.block_on(carry_out(globals, command, define, output));
    // What still runs is dropped, and the commands of dropped jobs end with it.
    runtime.shutdown_timeout(END);
    outcome
}

async fn carry_out(
    globals: &Globals,
    command: &Command,
    define: impl FnOnce(&Queue) -> kinetik_core::Result<()>,
    output: &Output,
) -> Result<()> {
    let open = Opened::open(globals, |queue| settings(queue, command), define);
    match command {
        Command::Enqueue(command) => enqueue::run(&open.await?, command, output).await,
        Command::Work(command) => work::run(&open.await?, command, output).await,
        Command::Tasks(command) => tasks::run(&open.await?, command, output).await,
        Command::Jobs(command) => jobs::run(&open.await?, command, output).await,
        Command::Show(command) => show::run(&open.await?, command, output).await,
        Command::Cancel(command) => change::run(&open.await?, Change::Cancel, &command.chosen, output).await,
        Command::Retry(command) => change::run(&open.await?, Change::Retry, &command.chosen, output).await,
        Command::Clean(command) => clean::run(&open.await?, command, output).await,
        Command::Workers => workers::run(&open.await?, output).await,
        // It works in queues of its own, so that the store may also be one that keeps nothing.
        Command::Bench(command) => bench::run(globals, command, output).await,
    }
}

/// Sets what a command says about the queue itself.
fn settings(mut queue: QueueBuilder, command: &Command) -> QueueBuilder {
    let Command::Work(command) = command else {
        return queue;
    };
    if let Some(lease) = command.lease {
        queue = queue.lease(lease);
    }
    if let Some(crashes) = command.max_crashes {
        queue = queue.max_crashes(crashes);
    }
    queue
}

/// What every command works with: the config file and the queue, with all tasks defined on it.
struct Opened {
    config: Config,
    queue: Queue,
    /// Knows the commands that still run.
    commands: TaskTracker,
    /// What is to be known of the way the store is set up.
    warnings: Vec<String>,
}

impl Opened {
    async fn open(
        globals: &Globals,
        settings: impl FnOnce(QueueBuilder) -> QueueBuilder,
        define: impl FnOnce(&Queue) -> kinetik_core::Result<()>,
    ) -> Result<Self> {
        let config = Config::find(globals.config.as_deref())?;
        let named = NamedStore::find(globals, &config)?;
        if named.url.starts_with("memory:") {
            bail!(
                "the store memory:{} keeps jobs within one process, and this one ends with its command: name one that \
                 lasts, such as --store sqlite:kinetik.db",
                named.told_by()
            );
        }
        let crate::open::Opened { store, warnings } = named.open().await?;
        let name = globals
            .queue
            .as_deref()
            .or(config.queue.as_deref())
            .unwrap_or(DEFAULT_QUEUE);
        let queue = settings(Queue::builder(store).name(name)).open().await?;
        let commands = TaskTracker::new();
        config.define(&queue, &commands)?;
        define(&queue)?;
        Ok(Self {
            config,
            queue,
            commands,
            warnings,
        })
    }
}

/// Tells what is to be known of the way a store is set up.
fn warn(warnings: &[String], output: &Output) {
    warnings
        .iter()
        .for_each(|warning| output.note(&format!("warning: {warning}")));
}

/// Which store is meant, and who says so.
struct NamedStore {
    url: String,
    /// None if the user has just written it, or nobody names one.
    named_by: Option<String>,
}

impl NamedStore {
    /// Returns what the flag names, or the environment, or the config file, or else the usual store.
    fn find(globals: &Globals, config: &Config) -> Result<Self> {
        if let Some(url) = &globals.store {
            return Ok(Self {
                url: url.clone(),
                named_by: None,
            });
        }
        if let Some(url) = environment("KINETIK_STORE")? {
            return Ok(Self {
                url,
                named_by: Some("the environment variable KINETIK_STORE".to_owned()),
            });
        }
        let (url, place) = config.store.clone().unzip();
        Ok(Self {
            url: url.unwrap_or_else(|| DEFAULT_STORE.to_owned()),
            named_by: place,
        })
    }

    async fn open(&self) -> Result<crate::open::Opened> {
        let opened = crate::open::connect_with_warnings(&self.url).await;
        opened.with_context(|| {
            let url = without_password(&self.url);
            format!("cannot open the store {url}{}", self.told_by())
        })
    }

    /// Says who names it, where that is not plain to see.
    fn told_by(&self) -> String {
        let named_by = self.named_by.as_ref();
        named_by.map_or_else(String::new, |place| format!(" (named by {place})"))
    }
}

/// Returns a variable of the environment; one that says nothing is as good as none.
fn environment(name: &str) -> Result<Option<String>> {
    match std::env::var(name) {
        Ok(value) => Ok(Some(value).filter(|value| !value.trim().is_empty())),
        Err(VarError::NotPresent) => Ok(None),
        Err(VarError::NotUnicode(_)) => bail!("the environment variable {name} is not UTF-8"),
    }
}

/// Names a file as messages do.
fn file_name(path: &Path) -> String {
    path.display().to_string()
}

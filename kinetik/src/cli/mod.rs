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

pub mod args;
mod bench;
pub mod config;
mod duration;
mod enqueue;
pub mod exec;
mod jobs;
pub mod output;
mod progress;
mod show;
mod signals;
mod work;

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::Parser;
use kinetik_core::{DEFAULT_QUEUE, Queue, QueueBuilder};
use seed::Store;
use tokio_util::task::TaskTracker;

use args::{Arguments, Command, Globals};
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
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(fault) => return output::usage(&fault),
    };
    let output = Output::new(arguments.globals.json);
    let outcome = run_to_end(arguments, define, &output).and_then(|()| output.flush());
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
    arguments: Arguments,
    define: impl FnOnce(&Queue) -> kinetik_core::Result<()>,
    output: &Output,
) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let outcome = runtime.block_on(run(arguments, define, output));
    // What still runs is dropped, and the commands of dropped jobs end with it.
    runtime.shutdown_timeout(END);
    outcome
}

async fn run(
    arguments: Arguments,
    define: impl FnOnce(&Queue) -> kinetik_core::Result<()>,
    output: &Output,
) -> Result<()> {
    let open = Opened::open(
        &arguments.globals,
        |queue| settings(queue, &arguments.command),
        define,
    );
    match &arguments.command {
        Command::Enqueue(command) => enqueue::run(&open.await?, command, output).await,
        Command::Work(command) => work::run(&open.await?, command, output).await,
        Command::Jobs(command) => jobs::run(&open.await?, command, output).await,
        Command::Show(command) => show::run(&open.await?, command, output).await,
        // It works in queues of its own, so that the store may also be one that keeps nothing.
        Command::Bench(command) => bench::run(&arguments.globals, command, output).await,
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
}

impl Opened {
    async fn open(
        globals: &Globals,
        settings: impl FnOnce(QueueBuilder) -> QueueBuilder,
        define: impl FnOnce(&Queue) -> kinetik_core::Result<()>,
    ) -> Result<Self> {
        let config = Config::find(globals.config.as_deref())?;
        let url = store_url(globals, &config);
        if url.starts_with("memory:") {
            bail!(
                "the store memory: keeps jobs within one process, and this one ends with its command: name one that \
                 lasts, such as --store sqlite:kinetik.db"
            );
        }
        let store = open_store(&url)?;
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
        })
    }
}

fn open_store(url: &str) -> Result<Arc<dyn Store>> {
    crate::open(url).with_context(|| format!("cannot open the store {}", without_password(url)))
}

/// Returns the store's URL: from the flag, the environment, the config file, or the usual one.
fn store_url(globals: &Globals, config: &Config) -> String {
    let environment = || std::env::var("KINETIK_STORE").ok().filter(|url| !url.is_empty());
    let given = globals
        .store
        .clone()
        .or_else(environment)
        .or_else(|| config.store.clone());
    given.unwrap_or_else(|| DEFAULT_STORE.to_owned())
}

/// Returns a URL as it may be shown.
fn without_password(url: &str) -> String {
    match url
        .split_once("//")
        .and_then(|(scheme, rest)| Some((scheme, rest.split_once('@')?.1)))
    {
        Some((scheme, host)) => format!("{scheme}//…@{host}"),
        None => url.to_owned(),
    }
}

/// Names a file as messages do.
fn file_name(path: &Path) -> String {
    path.display().to_string()
}

//! `cargo xtask kill-rounds`: workers and a producer on one store, killed again and again, and what is left.
//!
//! Each round starts a producer and some workers as processes of their own, kills one of them at random moments with
//! SIGKILL and starts another in its place, until nearly all jobs have run; a last one drains what is left. A store that
//! is a server is killed likewise, and started again with its data. Each job's effect is a line in a file, written in one
//! piece by the process that runs it. Afterwards the file, the queue and the producer's own list are compared
//! ([`verdict`]).

mod crew;
mod roles;
mod site;
mod verdict;

use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use clap::{Args, Subcommand, ValueEnum};

use crate::services::{Kind, Service};
use crew::{Crew, Part, Running, Server};
use site::Site;

/// How long a round may take before it counts as hanging.
const LIMIT: Duration = Duration::from_secs(600);

/// How many workers run at once.
const WORKERS: usize = 3;

/// How often the processes are looked after.
const PAUSE: Duration = Duration::from_millis(5);

/// Kills workers and a producer at random, and counts what is left.
#[derive(Args, Debug)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    role: Option<Role>,
    /// The store: an SQLite file, a Redis server that is started, and killed too, or MongoDB (a stand-in keeps nothing, and
    /// is not killed)
    #[arg(long, value_enum, default_value_t = StoreKind::Sqlite)]
    store: StoreKind,
    /// How many rounds
    #[arg(long, default_value_t = 10)]
    rounds: u32,
    /// How many jobs are enqueued in each
    #[arg(long, default_value_t = 20_000)]
    jobs: u64,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum StoreKind {
    Sqlite,
    Redis,
    Mongo,
}

/// What a process of a round does; started by the command itself.
#[derive(Debug, Subcommand)]
enum Role {
    /// Enqueues jobs until all are
    #[command(hide = true)]
    Produce {
        #[command(flatten)]
        site: Site,
        jobs: u64,
    },
    /// Works jobs off
    #[command(hide = true)]
    Work(Site),
    /// Works off what is left
    #[command(hide = true)]
    Drain(Site),
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    match &arguments.role {
        Some(Role::Produce { site, jobs }) => roles::produce(site, *jobs)?,
        Some(Role::Work(site)) => roles::work(site)?,
        Some(Role::Drain(site)) => roles::drain(site)?,
        None => return rounds(arguments),
    }
    Ok(ExitCode::SUCCESS)
}

fn rounds(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let mut is_fine = true;
    for number in 1..=arguments.rounds {
        is_fine &= round(number, arguments)?;
    }
    let verdict = if is_fine {
        "all rounds held"
    } else {
        "a round did not hold"
    };
    println!("{verdict}");
    Ok(ExitCode::from(u8::from(!is_fine)))
}

/// Carries one round out and says whether all held.
fn round(number: u32, arguments: &Arguments) -> anyhow::Result<bool> {
    let folder = tempfile::tempdir().context("no folder for the round")?;
    let mut server = match arguments.store {
        StoreKind::Sqlite => None,
        StoreKind::Redis => Some(Server::new(Service::start(Kind::Durable)?)),
        StoreKind::Mongo => Some(Server::that_lasts(Service::start(Kind::Mongo)?)),
    };
    let site = Site {
        folder: folder.path().to_owned(),
        store: match &server {
            None => format!("sqlite:{}", folder.path().join("jobs.db").display()),
            Some(server) => server.url().to_owned(),
        },
    };
    let started = Instant::now();
    let mut crew = Crew::new(&site, arguments.jobs);
    work_off(&mut crew, &mut server, arguments.jobs)
        .with_context(|| format!("round {number} after {:.1?}", started.elapsed()))?;
    // What is read then is what it had stored.
    server.iter_mut().try_for_each(Server::replace)?;
    let verdict = verdict::of(&site)?;
    let servers = match &server {
        None => String::new(),
        Some(server) => format!(" and {} of the server", server.kills),
    };
    println!(
        "round {number}: {verdict}, {} kills{servers}, {:.1?}",
        crew.kills,
        started.elapsed()
    );
    Ok(verdict.holds(arguments.jobs))
}

/// Has jobs enqueued and worked off by processes that do not live long.
fn work_off(crew: &mut Crew<'_>, server: &mut Option<Server>, jobs: u64) -> anyhow::Result<()> {
    let end = Instant::now() + LIMIT;
    let mut producer = crew.start(Part::Produce)?;
    let workers = (0..WORKERS).map(|_| crew.start(Part::Work));
    let mut workers = workers.collect::<anyhow::Result<Vec<Running>>>()?;
    loop {
        ensure!(Instant::now() < end, "it takes longer than {LIMIT:?}");
        server.iter_mut().try_for_each(Server::replace_when_due)?;
        workers
            .iter_mut()
            .try_for_each(|worker| crew.replace_when_due(worker))?;
        let has_enqueued = producer.child.try_wait()?.is_some_and(|status| status.success());
        // Workers are killed until nearly all is done; the last ones are left to the one that drains.
        if has_enqueued && crew.count_effects() >= jobs * 9 / 10 {
            break;
        }
        if !has_enqueued {
            crew.replace_when_due(&mut producer)?;
        }
        thread::sleep(PAUSE); // tidy: a sleep, because processes are looked after
    }
    workers.iter_mut().try_for_each(|worker| crew.kill(worker))?;
    let mut last = crew.start(Part::Drain)?;
    let status = loop {
        ensure!(Instant::now() < end, "it takes longer than {LIMIT:?}");
        server.iter_mut().try_for_each(Server::replace_when_due)?;
        match last.child.try_wait()? {
            Some(status) => break status,
            None => thread::sleep(PAUSE), // tidy: a sleep, because processes are looked after
        }
    };
    ensure!(status.success(), "the last worker failed: {status}");
    Ok(())
}

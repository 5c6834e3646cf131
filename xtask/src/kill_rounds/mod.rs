//! `cargo xtask kill-rounds`: workers and a producer on one SQLite file, killed again and again, and what is left.
//!
//! Each round starts a producer and some workers as processes of their own, kills one of them at random moments with
//! SIGKILL and starts another in its place, until nearly all jobs have run; a last one drains what is left. Each job's
//! effect is a line in a file, written in one piece by the process that runs it. Afterwards the file, the queue and the
//! producer's own list are compared ([`verdict`]).

mod roles;
mod verdict;

use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use clap::{Args, Subcommand};

/// How long a round may take before it counts as hanging.
const LIMIT: Duration = Duration::from_secs(600);

/// A process is killed after a random time of at most so long.
const LONGEST_LIFE: Duration = Duration::from_millis(900);

/// How many workers run at once.
const WORKERS: usize = 3;

/// Kills workers and a producer at random, and counts what is left.
#[derive(Args, Debug)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    role: Option<Role>,
    /// How many rounds
    #[arg(long, default_value_t = 10)]
    rounds: u32,
    /// How many jobs are enqueued in each
    #[arg(long, default_value_t = 20_000)]
    jobs: u64,
}

/// What a process of a round does; started by the command itself.
#[derive(Debug, Subcommand)]
enum Role {
    /// Enqueues jobs until all are
    #[command(hide = true)]
    Produce { folder: PathBuf, jobs: u64 },
    /// Works jobs off
    #[command(hide = true)]
    Work { folder: PathBuf },
    /// Works off what is left
    #[command(hide = true)]
    Drain { folder: PathBuf },
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    match &arguments.role {
        Some(Role::Produce { folder, jobs }) => roles::produce(folder, *jobs)?,
        Some(Role::Work { folder }) => roles::work(folder)?,
        Some(Role::Drain { folder }) => roles::drain(folder)?,
        None => {
            let mut is_fine = true;
            for round in 1..=arguments.rounds {
                is_fine &= self::round(round, arguments.jobs)?;
            }
            println!(
                "{}",
                if is_fine {
                    "all rounds held"
                } else {
                    "a round did not hold"
                }
            );
            return Ok(ExitCode::from(u8::from(!is_fine)));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Carries one round out and says whether all held.
fn round(number: u32, jobs: u64) -> anyhow::Result<bool> {
    let folder = tempfile::tempdir().context("no folder for the round")?;
    let started = Instant::now();
    let mut crew = Crew {
        folder: folder.path(),
        jobs,
        kills: 0,
    };
    let mut producer = crew.start("produce")?;
    let mut workers: Vec<Running> = (0..WORKERS)
        .map(|_| crew.start("work"))
        .collect::<anyhow::Result<_>>()?;
    loop {
        ensure!(
            started.elapsed() < LIMIT,
            "round {number} takes longer than {LIMIT:?}"
        );
        for worker in &mut workers {
            crew.replace_when_due(worker, "work")?;
        }
        let has_enqueued = producer.child.try_wait()?.is_some_and(|status| status.success());
        // Workers are killed until nearly all is done; the last ones are left to the one that drains.
        if has_enqueued && roles::count_lines(&roles::effects(folder.path())).unwrap_or(0) >= jobs * 9 / 10 {
            break;
        }
        if !has_enqueued {
            crew.replace_when_due(&mut producer, "produce")?;
        }
        thread::sleep(Duration::from_millis(5)); // tidy: a sleep, because processes are looked after
    }
    workers.iter_mut().try_for_each(|worker| crew.kill(worker))?;
    let mut last = crew.start("drain")?;
    let status = last.child.wait()?;
    ensure!(status.success(), "the last worker failed: {status}");
    let verdict = verdict::of(folder.path())?;
    println!(
        "round {number}: {verdict}, {} kills, {:.1?}",
        crew.kills,
        started.elapsed()
    );
    Ok(verdict.holds(jobs))
}

/// Starts and kills the processes of a round.
struct Crew<'f> {
    folder: &'f Path,
    jobs: u64,
    kills: u32,
}

struct Running {
    child: Child,
    dies_at: Instant,
}

impl Crew<'_> {
    fn start(&self, role: &str) -> anyhow::Result<Running> {
        let mut command = Command::new(std::env::current_exe()?);
        command
            .args(["kill-rounds", role])
            .arg(self.folder)
            .stdin(Stdio::null());
        if role == "produce" {
            command.arg(self.jobs.to_string());
        }
        let child = command
            .spawn()
            .with_context(|| format!("cannot start a process to {role}"))?;
        Ok(Running {
            child,
            dies_at: Instant::now() + rand::random_range(Duration::ZERO..LONGEST_LIFE),
        })
    }

    fn replace_when_due(&mut self, running: &mut Running, role: &str) -> anyhow::Result<()> {
        if let Some(status) = running.child.try_wait()? {
            anyhow::bail!("a process to {role} ended by itself: {status}");
        }
        if Instant::now() >= running.dies_at {
            self.kill(running)?;
            *running = self.start(role)?;
        }
        Ok(())
    }

    /// Kills a process we started; on Unix this is SIGKILL.
    fn kill(&mut self, running: &mut Running) -> anyhow::Result<()> {
        running.child.kill()?;
        running.child.wait()?;
        self.kills += 1;
        Ok(())
    }
}

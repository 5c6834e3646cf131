//! The processes of a round, and their server if there is one: started, killed at random, and started again.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};

use super::site::{self, Site};
use crate::services::Service;

/// A process is killed after a random time of at most so long.
const LONGEST_LIFE: Duration = Duration::from_millis(900);

/// A server is killed after a random time of at most so long. It is seldom enough for work to go on in between.
const LONGEST_SERVICE: Duration = Duration::from_secs(4);

/// What a process does in a round.
#[derive(Clone, Copy, Debug)]
pub(super) enum Part {
    Produce,
    Work,
    Drain,
}

impl Part {
    fn name(self) -> &'static str {
        match self {
            Self::Produce => "produce",
            Self::Work => "work",
            Self::Drain => "drain",
        }
    }
}

/// Starts and kills the processes of a round.
pub(super) struct Crew<'s> {
    site: &'s Site,
    jobs: u64,
    pub(super) kills: u32,
}

/// A process; it is killed if its round fails.
pub(super) struct Running {
    part: Part,
    pub(super) child: Child,
    dies_at: Instant,
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl<'s> Crew<'s> {
    pub(super) fn new(site: &'s Site, jobs: u64) -> Self {
        Self { site, jobs, kills: 0 }
    }

    /// Returns how often a job has run so far.
    pub(super) fn count_effects(&self) -> u64 {
        // There is no file before the first.
        site::count_lines(&self.site.effects()).unwrap_or(0)
    }

    pub(super) fn start(&self, part: Part) -> anyhow::Result<Running> {
        let mut command = Command::new(std::env::current_exe()?);
        command
            .args(["kill-rounds", part.name()])
            .arg(&self.site.folder)
            .arg(&self.site.store)
            .stdin(Stdio::null());
        if let Part::Produce = part {
            command.arg(self.jobs.to_string());
        }
        let child = command.spawn();
        Ok(Running {
            part,
            child: child.with_context(|| format!("cannot start a process to {}", part.name()))?,
            dies_at: random_time(LONGEST_LIFE),
        })
    }

    pub(super) fn replace_when_due(&mut self, running: &mut Running) -> anyhow::Result<()> {
        if let Some(status) = running.child.try_wait()? {
            bail!("a process to {} ended by itself: {status}", running.part.name());
        }
        if Instant::now() >= running.dies_at {
            self.kill(running)?;
            *running = self.start(running.part)?;
        }
        Ok(())
    }

    /// Kills a process we started; on Unix this is SIGKILL.
    pub(super) fn kill(&mut self, running: &mut Running) -> anyhow::Result<()> {
        running.child.kill()?;
        running.child.wait()?;
        self.kills += 1;
        Ok(())
    }
}

/// The server of a round.
pub(super) struct Server {
    service: Service,
    /// None if it is left alone.
    dies_at: Option<Instant>,
    pub(super) kills: u32,
}

impl Server {
    pub(super) fn new(service: Service) -> Self {
        Self {
            service,
            dies_at: Some(random_time(LONGEST_SERVICE)),
            kills: 0,
        }
    }

    /// Takes a server that would lose all that it has.
    pub(super) fn that_lasts(service: Service) -> Self {
        Self {
            service,
            dies_at: None,
            kills: 0,
        }
    }

    pub(super) fn url(&self) -> &str {
        self.service.url()
    }

    pub(super) fn replace_when_due(&mut self) -> anyhow::Result<()> {
        if self.dies_at.is_some_and(|time| Instant::now() >= time) {
            self.replace()?;
        }
        Ok(())
    }

    /// Kills the server unless it is left alone, and starts it again with what it had stored.
    pub(super) fn replace(&mut self) -> anyhow::Result<()> {
        if self.dies_at.is_none() {
            return Ok(());
        }
        self.service.crash()?;
        self.kills += 1;
        self.dies_at = Some(random_time(LONGEST_SERVICE));
        Ok(())
    }
}

fn random_time(longest: Duration) -> Instant {
    Instant::now() + rand::random_range(Duration::ZERO..longest)
}

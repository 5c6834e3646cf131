//! What a round left behind, compared with what was asked for.

use std::collections::{HashMap, HashSet};
use std::fmt;

use futures::TryStreamExt;
use kinetik_core::{Job, Status};
use seed::Filter;

use super::roles;
use super::site::{Site, read};

/// How long an id is.
const ID: usize = 36;

/// The counts of a round.
#[derive(Debug, Default)]
pub(super) struct Verdict {
    /// Jobs that the producer was told are enqueued.
    acknowledged: u64,
    /// Jobs that the queue holds.
    stored: u64,
    completed: u64,
    /// Jobs in any other status.
    others: u64,
    /// Jobs that were acknowledged and are not there.
    lost: u64,
    /// Effects in all.
    effects: u64,
    /// Completed jobs without an effect.
    without_effect: u64,
    /// Effects of a job beyond its first: it ran again after a kill.
    repeated: u64,
    /// Jobs that ran twice under one token, or that two ends were stored of.
    held_twice: u64,
    /// How often workers were seen to have died with a job.
    crashes: i64,
    integrity: String,
}

impl Verdict {
    pub(super) fn holds(&self, jobs: u64) -> bool {
        let wrong = [self.others, self.lost, self.without_effect, self.held_twice];
        self.acknowledged >= jobs && wrong == [0; 4] && self.integrity == "ok"
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} acknowledged, {} stored, {} completed, {} otherwise, {} lost, {} effects, {} without effect, \
             {} repeated, {} held twice, {} crashes noted, integrity {}",
            self.acknowledged,
            self.stored,
            self.completed,
            self.others,
            self.lost,
            self.effects,
            self.without_effect,
            self.repeated,
            self.held_twice,
            self.crashes,
            self.integrity
        )
    }
}

/// Reads what a round left.
pub(super) fn of(site: &Site) -> anyhow::Result<Verdict> {
    let mut verdict = Verdict::default();
    let acknowledged = read(&site.enqueued())?;
    verdict.acknowledged = acknowledged.lines().count() as u64;
    let effects = read(&site.effects())?;
    let mut ran: HashMap<&str, HashSet<&str>> = HashMap::new();
    for line in effects.lines() {
        let Some((id, token)) = effect(line) else {
            continue;
        };
        verdict.effects += 1;
        if !ran.entry(id).or_default().insert(token) {
            verdict.held_twice += 1;
        }
    }
    verdict.repeated = verdict.effects - ran.len() as u64;
    let jobs = jobs(site)?;
    let mut stored = HashSet::new();
    for job in &jobs {
        verdict.stored += 1;
        verdict.crashes += job.crashes;
        stored.insert(job.id.as_str());
        match job.status {
            Status::Completed => verdict.completed += 1,
            _ => verdict.others += 1,
        }
        verdict.without_effect += u64::from(!ran.contains_key(job.id.as_str()));
        let ends = job.log.iter().filter(|line| line.message == "completed").count();
        verdict.held_twice += u64::from(ends != 1);
    }
    let is_lost = |line: &&str| id(line).is_none_or(|id| !stored.contains(id));
    verdict.lost = acknowledged.lines().filter(is_lost).count() as u64;
    verdict.integrity = site
        .check_integrity()
        .map_or_else(|fault| fault.to_string(), |()| "ok".to_owned());
    Ok(verdict)
}

/// Reads a line of effects: an id and a token.
fn effect(line: &str) -> Option<(&str, &str)> {
    let (before, token) = line.rsplit_once(' ')?;
    Some((id(before)?, token))
}

/// Reads the id at the end. A process that is killed as it writes, across the end of a page, leaves the beginning of its
/// line before the next one's; that job runs, or is enqueued, again.
fn id(text: &str) -> Option<&str> {
    text.get(text.len().checked_sub(ID)?..)
}

/// Reads all jobs that the store holds.
fn jobs(site: &Site) -> anyhow::Result<Vec<Job>> {
    roles::runtime()?.block_on(async {
        let found = site.queue().await?.find(Filter::all(), |find| find).await?;
        let jobs = found.map_ok(|document| Job::from_document(&document));
        let jobs = jobs.try_collect::<Vec<_>>().await?;
        Ok(jobs.into_iter().collect::<kinetik_core::Result<_>>()?)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read_behind_the_beginning_of_another() {
        let (id, other) = (
            "01a219f0-b7a2-7612-8f32-854aa521e0c5",
            "01a219f0-b7a2-7612-8f32-854bd8cad272",
        );
        assert_eq!(effect(&format!("{id} 0.1.ab")), Some((id, "0.1.ab")));
        assert_eq!(
            effect(&format!("{}{id} 0.1.ab", &other[..20])),
            Some((id, "0.1.ab"))
        );
        assert_eq!(effect(&format!("{other} 0.{id} 0.1.ab")), Some((id, "0.1.ab")));
        assert_eq!(effect(&other[..20]), None);
        for line in [id.to_owned(), format!("{}{id}", &other[..20])] {
            assert_eq!(super::id(&line), Some(id));
        }
        assert_eq!(super::id(&other[..20]), None);
    }
}

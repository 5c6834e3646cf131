//! Taking jobs from workers that are gone.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::Ordering;
use std::time::Duration;

use seed::store::{Find, StoreExt, WriteBatch, WriteItem, WriteOutcome};
use seed::value::Text;
use seed::{DateTime, Document, Filter, Projection, Sort, Value, doc};

use super::{Session, text};
use crate::error::Result;
use crate::job::log::LogLine;
use crate::job::{Failure, FailureKind, Status, guard};

/// How many jobs are handed back in one trip.
const STEP: usize = 100;

/// What was seen of other sessions, and when by our own clock.
#[derive(Debug, Default)]
pub(super) struct Others {
    /// Those that are stored.
    seen: HashMap<Text, Seen>,
    /// Those that have jobs and are not stored, and when that was first seen.
    missing: HashMap<Text, Duration>,
}

#[derive(Clone, Copy, Debug)]
struct Seen {
    renewed: Option<DateTime>,
    at: Duration,
}

impl Session {
    /// Hands back every running job whose session does not live, whatever its tag or task.
    ///
    /// Jobs are read before sessions, and a session is stored before its first claim: so one that is not found was taken
    /// away. Its process may live all the same, if the store was emptied, and then stores another within an interval; it
    /// is gone when a whole lease has passed, as a session that is stored would be.
    pub(super) async fn rescue(&self, others: &mut Others) -> Result<()> {
        let (running, faults) = self.running().await?;
        if !faults.is_empty() {
            // They keep nobody from being rescued; a loop sees to them and tells of them.
            self.has_unreadable.store(true, Ordering::Relaxed);
            self.beat();
        }
        let (documents, _) = self
            .store
            .find_readable(Find::new(self.setting.rules.sessions.clone(), Filter::all()))
            .await?;
        let (mut live, mut dead) = (HashSet::new(), HashSet::new());
        for document in &documents {
            let is_dead = others.is_silent(document, self.setting.time.now(), self.now_and_interval())
                && self.clear_away(document).await?;
            let id: Text = text(document, "_id").into();
            if is_dead {
                dead.insert(id)
            } else {
                live.insert(id)
            };
        }
        others.seen.retain(|id, _| live.contains(id));
        let sessions = running.iter().map(|job| Text::from(text(job, "session")));
        let missing = sessions
            .filter(|id| !live.contains(id) && !dead.contains(id))
            .collect();
        let lease = self.setting.rules.lease;
        dead.extend(others.are_gone(missing, self.setting.runtime.elapsed(), lease));
        let lost = running
            .into_iter()
            .filter(|job| dead.contains(text(job, "session")))
            .filter_map(|job| job.id().cloned());
        let lost: Vec<Value> = lost.collect();
        for step in lost.chunks(STEP) {
            self.hand_back(step, &dead, &documents).await?;
        }
        Ok(())
    }

    fn now_and_interval(&self) -> (Duration, Duration) {
        (self.setting.runtime.elapsed(), self.setting.rules.interval())
    }

    /// Returns the ids and sessions of all running jobs that can be read, and the faults of the others.
    async fn running(&self) -> Result<(Vec<Document>, Vec<seed::Error>)> {
        let filter = Filter::parse(&doc! { "status": (Status::Processing.name()) })?;
        let only_session = Projection::parse(&doc! { "session": 1 })?;
        // In the order of the index that has just these: no other is asked for, and nothing has to be kept for sorting.
        let request = Find::new(self.setting.rules.jobs.clone(), filter)
            .sort(Sort::parse(&doc! { "session": 1 })?)
            .projection(only_session);
        Ok(self.store.find_readable(request).await?)
    }

    /// Takes a lapsed session away, unless it was renewed after all; says whether it is gone.
    async fn clear_away(&self, session: &Document) -> Result<bool> {
        let id = session.id().cloned().unwrap_or_default();
        let renewed = session.get("renewed").cloned().unwrap_or_default();
        let filter = Filter::parse(&doc! { "_id": { "$eq": id }, "renewed": { "$eq": renewed } })?;
        let batch = WriteBatch::new(
            self.setting.rules.sessions.clone(),
            vec![WriteItem::Delete(filter)],
        );
        match self.store.write(batch).await?.into_iter().next() {
            Some(WriteOutcome::Failed(fault)) => Err(fault.into()),
            outcome => Ok(matches!(outcome, Some(WriteOutcome::Deleted(1)))),
        }
    }

    async fn hand_back(&self, ids: &[Value], dead: &HashSet<Text>, sessions: &[Document]) -> Result<()> {
        let ids: seed::value::Array = ids.iter().cloned().collect();
        let filter = doc! { "_id": { "$in": ids }, "status": (Status::Processing.name()) };
        let request = Find::new(self.setting.rules.jobs.clone(), Filter::parse(&filter)?);
        let (jobs, _) = self.store.find_readable(request).await?;
        // Another worker may have it by now.
        let lost: Vec<Document> = jobs
            .into_iter()
            .filter(|job| dead.contains(text(job, "session")))
            .collect();
        let holder = |job: &Document| {
            let mut holders = sessions.iter();
            holders.find(|session| text(session, "_id") == text(job, "session"))
        };
        let items = lost.iter().map(|job| self.handing_back(job.clone(), holder(job)));
        let faults = self.write(items.collect::<Result<_>>()?).await?;
        // What the store refuses of one job must not keep the others from coming back, nor be tried for ever.
        let refused = lost.iter().zip(faults).filter_map(|(job, fault)| {
            let fault = fault.filter(|fault| !fault.is_retryable())?;
            Some(self.ending_barely(job.clone(), &fault))
        });
        self.write(refused.collect::<Result<_>>()?).await?;
        Ok(())
    }

    /// Writes to jobs, each on its own; gives the fault of each that the store refused.
    async fn write(&self, items: Vec<WriteItem>) -> Result<Vec<Option<seed::Error>>> {
        if items.is_empty() {
            return Ok(Vec::new());
        }
        let batch = WriteBatch::new(self.setting.rules.jobs.clone(), items);
        let faults = self
            .store
            .write(batch)
            .await?
            .into_iter()
            .map(|outcome| match outcome {
                WriteOutcome::Failed(fault) => Some(fault),
                _ => None,
            });
        Ok(faults.collect())
    }

    /// Ends a job that the store does not take back, by the bare fact.
    fn ending_barely(&self, job: Document, fault: &seed::Error) -> Result<WriteItem> {
        let message = format!("its worker is gone, and the store refused to take it back: {fault}");
        let failure = Failure::of_kind(FailureKind::Crashed, message);
        let set = failure.ending(Status::Failed, self.setting.time.now());
        let id = job.id().cloned().unwrap_or_default();
        guard::held(id, held_by(&job), job, set, doc! { "session": "", "token": "" })
    }

    /// Hands one job back, or ends it if it has taken down too many workers. The log gets what the dead worker could not
    /// write; the token goes, so that nothing that it still sends is taken for an ending.
    fn handing_back(&self, job: Document, holder: Option<&Document>) -> Result<WriteItem> {
        let now = self.setting.time.now();
        let number = |name: &str| job.get(name).and_then(Value::as_i64).unwrap_or_default();
        let crashes = number("crashes").saturating_add(1);
        let worker = holder.map_or_else(
            || "the worker".to_owned(),
            |holder| {
                let process = holder.get("process").and_then(Value::as_i64).unwrap_or_default();
                format!("process {process} on {}", text(holder, "host"))
            },
        );
        let mut lines = Vec::new();
        let attempt = number("attempt").saturating_add(1);
        let started = job.get("started").and_then(Value::as_date);
        if let Some(started) = started
            && !guard::has_line(&job, started, &guard::started(attempt))
        {
            lines.push(LogLine::new(started, guard::started(attempt)));
        }
        lines.push(LogLine::new(now, format!("crashed: {worker} is gone")));
        let is_poison = crashes >= i64::from(self.setting.rules.max_crashes);
        let mut set = doc! { "status": (Status::Queued.name()), "crashes": crashes };
        let mut unset = doc! { "session": "", "token": "" };
        if is_poison {
            let workers = if crashes == 1 { "worker" } else { "workers" };
            let message = format!("the job took down {crashes} {workers}");
            lines.push(LogLine::new(now, format!("failed: {message}")));
            let failure = Failure::of_kind(FailureKind::Crashed, message);
            for (name, value) in failure.ending(Status::Failed, now) {
                set.set(name, value);
            }
        } else {
            unset.set("started", "");
        }
        let lines = lines.iter().map(LogLine::to_value).collect();
        set.set("log", guard::log_with(&job, lines));
        let id = job.id().cloned().unwrap_or_default();
        guard::held(id, held_by(&job), job, set, unset)
    }
}

/// Says who holds a job, as a guard: nobody else must have it by now.
fn held_by(job: &Document) -> Document {
    let field = |name: &str| job.get(name).cloned().unwrap_or_default();
    doc! { "session": { "$eq": (field("session")) }, "token": { "$eq": (field("token")) } }
}

impl Others {
    /// Tells whether a session's time is over, and nothing was heard of it for a whole interval of our own clock.
    fn is_silent(
        &mut self,
        session: &Document,
        now: DateTime,
        (elapsed, interval): (Duration, Duration),
    ) -> bool {
        let date = |name: &str| session.get(name).and_then(Value::as_date);
        let renewed = date("renewed");
        let seen = self
            .seen
            .entry(text(session, "_id").into())
            .or_insert(Seen { renewed, at: elapsed });
        if seen.renewed != renewed {
            *seen = Seen { renewed, at: elapsed };
        }
        let is_over = date("until").is_none_or(|until| until < now);
        is_over && elapsed.saturating_sub(seen.at) >= interval
    }

    /// Takes note of all sessions that are missing now, and gives those that have been for a lease.
    fn are_gone(&mut self, missing: HashSet<Text>, elapsed: Duration, lease: Duration) -> Vec<Text> {
        self.missing.retain(|id, _| missing.contains(id));
        for id in missing {
            self.missing.entry(id).or_insert(elapsed);
        }
        let gone = self.missing.iter();
        gone.filter(|(_, since)| elapsed.saturating_sub(**since) >= lease)
            .map(|(id, _)| id.clone())
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INTERVAL: Duration = Duration::from_secs(10);

    fn session(renewed: i64) -> Document {
        let renewed = DateTime::from_millis(renewed);
        doc! { "_id": "s", "renewed": renewed, "until": (renewed.saturating_add(3 * INTERVAL)) }
    }

    fn at(seconds: u64) -> (Duration, Duration) {
        (Duration::from_secs(seconds), INTERVAL)
    }

    #[test]
    fn a_session_is_silent_when_its_time_is_over_and_it_was_watched_for_an_interval() {
        let (mut others, late) = (Others::default(), DateTime::from_millis(100_000));
        assert!(
            !others.is_silent(&session(0), late, at(5)),
            "seen for the first time"
        );
        assert!(
            !others.is_silent(&session(0), late, at(14)),
            "not watched for long enough"
        );
        assert!(others.is_silent(&session(0), late, at(15)));
        let early = DateTime::from_millis(29_000);
        assert!(
            !others.is_silent(&session(0), early, at(99)),
            "its time is not over"
        );
    }

    #[test]
    fn a_session_that_is_missing_is_gone_after_a_lease() {
        let (mut others, lease) = (Others::default(), 3 * INTERVAL);
        let mut gone = |missing: &[&str], seconds| {
            let missing = missing.iter().map(|id| Text::from(*id)).collect();
            others.are_gone(missing, Duration::from_secs(seconds), lease)
        };
        assert!(gone(&["a"], 5).is_empty());
        assert!(gone(&["a", "b"], 34).is_empty());
        assert_eq!(gone(&["a", "b"], 35), ["a"]);
        assert!(gone(&[], 40).is_empty());
        assert!(gone(&["b"], 64).is_empty(), "it was there meanwhile");
        assert_eq!(gone(&["b"], 94), ["b"]);
    }

    #[test]
    fn a_renewal_begins_the_count_again() {
        let (mut others, late) = (Others::default(), DateTime::from_millis(100_000));
        others.is_silent(&session(0), late, at(0));
        assert!(!others.is_silent(&session(1), late, at(20)));
        assert!(others.is_silent(&session(1), late, at(30)));
    }
}

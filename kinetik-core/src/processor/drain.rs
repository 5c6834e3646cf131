//! When a draining loop has nothing left.
//!
//! A worker that died leaves its jobs `processing` until its lease is over, and from outside it looks like one that works
//! on. So a loop whose own work is done ends only when each other worker that holds a job under its tags has given a sign
//! of life since; what a dead one held comes back, and is run.

use std::collections::HashMap;

use seed::store::{Find, StoreExt};
use seed::value::Text;
use seed::{DateTime, Document, Filter, Projection, Value, doc};

use super::Loop;
use crate::error::Result;
use crate::event::Event;
use crate::job::Status;
use crate::session::Worker;

/// What is known of others since nothing was left to claim.
#[derive(Debug, Default)]
pub(super) struct Elsewhere {
    /// The sessions that held jobs, and when each had been renewed by the first look.
    holders: HashMap<Text, Option<DateTime>>,
    /// Whether nobody has to be waited for. What came back until then is found by one more look for work.
    is_settled: bool,
}

impl Loop {
    /// Tells whether nothing is left to claim, and nothing can come back from a worker that died.
    pub(super) async fn is_drained(&mut self) -> Result<bool> {
        if !self.running.is_empty() || !self.outbox.is_empty() {
            self.elsewhere = Elsewhere::default();
        } else if !self.may_have_work {
            if self.elsewhere.is_settled {
                return Ok(true);
            }
            self.elsewhere.is_settled = self.is_nobody_awaited().await?;
            self.may_have_work = self.elsewhere.is_settled;
        }
        Ok(false)
    }

    /// Tells whether each worker that holds a job which could be run here has given a sign of life.
    async fn is_nobody_awaited(&mut self) -> Result<bool> {
        let holders = self.holders_elsewhere().await?;
        if holders.is_empty() {
            return Ok(true);
        }
        let is_first_look = !self.elsewhere.is_awaited();
        let renewals = self.renewals().await?;
        let mut jobs = 0;
        for holder in &holders {
            let renewed = renewals.get(holder).copied();
            jobs += u64::from(!self.elsewhere.has_heard_of(holder, renewed));
        }
        if is_first_look {
            self.tell(&Event::Waiting { jobs });
        }
        Ok(jobs == 0)
    }

    /// Returns for each job that runs elsewhere, and could be run here, the session that holds it.
    async fn holders_elsewhere(&self) -> Result<Vec<Text>> {
        let tags: Vec<Value> = self.tags.iter().map(|tag| tag.as_str().into()).collect();
        let filter = Filter::parse(&doc! {
            "status": (Status::Processing.name()), "tag": { "$in": tags },
            "task": { "$in": (self.task_names()) }, "session": { "$ne": (self.session.clone()) }
        })?;
        let request = Find::new(self.queue.collection().clone(), filter)
            .projection(Projection::parse(&doc! { "session": 1 })?);
        let (jobs, _) = self.queue.store().find_readable(request).await?;
        let session = |job: &Document| job.get("session").and_then(Value::as_str).map(Text::from);
        Ok(jobs.iter().map(|job| session(job).unwrap_or_default()).collect())
    }

    /// Returns when each session was renewed.
    async fn renewals(&self) -> Result<HashMap<Text, DateTime>> {
        let workers = self.queue.workers().await?;
        let renewal = |worker: Worker| Some((Text::from(worker.id), worker.renewed?));
        Ok(workers.into_iter().filter_map(renewal).collect())
    }
}

impl Elsewhere {
    /// Tells whether a session was renewed since the first look. One that is gone was not: its jobs are about to be
    /// rescued.
    fn has_heard_of(&mut self, session: &Text, renewed: Option<DateTime>) -> bool {
        let first = *self.holders.entry(session.clone()).or_insert(renewed);
        renewed.is_some() && renewed != first
    }

    /// Tells whether the loop waits for others.
    pub(super) fn is_awaited(&self) -> bool {
        !self.holders.is_empty() && !self.is_settled
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_heard_of_when_it_is_renewed_and_not_when_it_is_gone() {
        let (mut elsewhere, session) = (Elsewhere::default(), Text::from("s"));
        let at = |millis| Some(DateTime::from_millis(millis));
        assert!(
            !elsewhere.has_heard_of(&session, at(1)),
            "seen for the first time"
        );
        assert!(!elsewhere.has_heard_of(&session, at(1)), "not renewed");
        assert!(elsewhere.has_heard_of(&session, at(2)));
        assert!(!elsewhere.has_heard_of(&session, None), "gone");
    }
}

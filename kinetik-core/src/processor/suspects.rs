//! Jobs that took down their workers, or ran beside one that did.
//!
//! From a crash alone it cannot be told which of the jobs that ran was its cause. So a job that has one more crash left
//! has its last chance alone: a loop lets all else in the process end, runs it, and nobody claims meanwhile. What then
//! takes its worker down is the cause, and its innocent neighbours complete.

use seed::store::{Find, StoreExt, WriteItem};
use seed::{Document, Filter, Value, doc};

use super::Loop;
use crate::error::Result;
use crate::job::Status;
use crate::session::{Alone, Presence};

/// What a loop has that is to run a suspect alone.
#[derive(Debug)]
pub(super) struct Isolation {
    /// Keeps all others of this process out.
    _alone: Alone,
    is_running: bool,
}

impl Loop {
    /// Returns from how many crashes on a job is a suspect; none if the first crash is the last one.
    pub(super) fn suspect_from(&self) -> Option<i64> {
        let crashes = i64::from(self.queue.max_crashes()) - 1;
        (crashes > 0).then_some(crashes)
    }

    /// Looks whether a suspect waits under one of the tags, and if so keeps others from claiming; says so.
    pub(super) async fn look_for_suspects(&mut self) -> Result<bool> {
        let (Some(crashes), Some(seat)) = (self.suspect_from(), &self.seat) else {
            return Ok(false);
        };
        if self.isolation.is_some() || seat.member.is_shut() {
            // Another one is on it.
            return Ok(self.isolation.is_some());
        }
        for filter in self.suspects(crashes)? {
            let request = Find::new(self.queue.collection().clone(), filter);
            if self.queue.store().find_one(request).await?.is_some() {
                let alone = self.seat.as_ref().and_then(|seat| seat.member.shut());
                self.isolation = alone.map(|alone| Isolation {
                    _alone: alone,
                    is_running: false,
                });
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Comes in to claim, if that is allowed just now.
    pub(super) fn enter(&self) -> Option<Presence> {
        let member = &self.seat.as_ref()?.member;
        match self.isolation {
            None => member.enter(),
            Some(_) => member.enter_alone(),
        }
    }

    /// Tells whether this loop must wait for others: for a suspect that runs elsewhere, or until it can run its own.
    pub(super) fn is_shut_out(&self) -> bool {
        let Some(seat) = &self.seat else { return false };
        match &self.isolation {
            None => seat.member.is_shut(),
            Some(isolation) => !isolation.is_running && seat.member.is_anyone_present(),
        }
    }

    /// Claims one suspect.
    pub(super) fn suspect_item(&self) -> Result<Option<WriteItem>> {
        match self.suspect_from() {
            Some(crashes) => self.claim_item(self.suspects(crashes)?, 1),
            None => Ok(None),
        }
    }

    /// Notes how many suspects a trip that asked for one has brought.
    pub(super) fn note_suspects(&mut self, claimed: usize) {
        match &mut self.isolation {
            Some(isolation) if claimed > 0 => isolation.is_running = true,
            _ => self.isolation = None,
        }
    }

    /// Ends the isolation when the suspect has ended.
    pub(super) fn end_isolation(&mut self) {
        let has_run = self
            .isolation
            .as_ref()
            .is_some_and(|isolation| isolation.is_running);
        if has_run && self.running.is_empty() {
            self.isolation = None;
            self.may_have_work = true;
        }
    }

    fn suspects(&self, crashes: i64) -> Result<Vec<Filter>> {
        let tasks = self.task_names();
        let of_tag = |tag: &String| -> Result<Filter> {
            let filter: Document = doc! {
                "status": (Status::Queued.name()), "tag": (tag.as_str()), "task": { "$in": (tasks.clone()) },
                "crashes": { "$gte": crashes }
            };
            Ok(Filter::parse(&filter)?)
        };
        self.tags.iter().map(of_tag).collect()
    }

    /// Returns the names of the tasks that are defined here.
    pub(super) fn task_names(&self) -> Vec<Value> {
        self.queue.tasks().iter().map(|task| task.name().into()).collect()
    }
}

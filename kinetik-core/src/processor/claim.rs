//! One trip to the store: endings go out, claimed jobs come back.

use seed::store::{WriteBatch, WriteItem, WriteOutcome};
use seed::{Document, ErrorKind, Filter, Sort, Update, Value, doc};

use super::{Loop, Waiting, finish};
use crate::error::Result;
use crate::event::Event;
use crate::job::{Status, guard};

impl Loop {
    /// Stores all endings and claims up to `claims` jobs, in one batch of writes.
    pub(super) async fn trip(&mut self, claims: usize) -> Result<Vec<Document>> {
        if self.failures > 0 {
            // An answer was lost: what the call did shows in what we hold.
            self.check_holdings().await?;
        }
        // What was found to be ours has taken slots.
        let claims = claims.min(self.slots.saturating_sub(self.running.len()));
        let mut items: Vec<WriteItem> = self.outbox.iter().map(|waiting| waiting.item.clone()).collect();
        match self.isolation {
            _ if claims == 0 => {}
            None => items.extend(self.claim_item(self.ordinary()?, claims)?),
            Some(_) if self.running.is_empty() => items.extend(self.suspect_item()?),
            Some(_) => {}
        }
        if items.is_empty() {
            self.succeeded();
            return Ok(Vec::new());
        }
        let mut batch = WriteBatch::new(self.queue.collection().clone(), items);
        if self.outbox.iter().all(Waiting::is_final) {
            // Nobody has anything to do because of it: not of a claim, nor of a job that is over.
            batch = batch.quiet();
        }
        if self.outbox.is_empty() {
            // A power cut ends whoever would run the jobs, and those that were claimed come back one way or the other.
            batch = batch.eager();
        }
        let outcomes = match self.queue.store().write(batch).await {
            Ok(outcomes) => outcomes,
            Err(fault) => {
                // Whether it was carried out is not known; the next trip finds out.
                self.failures = self.failures.max(1);
                return Err(fault.into());
            }
        };
        let mut outcomes = outcomes.into_iter();
        let mut refused = Vec::new();
        let (mut failed, mut is_unreadable) = (None, false);
        for waiting in std::mem::take(&mut self.outbox) {
            match outcomes.next() {
                Some(WriteOutcome::Updated(updated)) if updated.matched > 0 => self.stored(&waiting),
                Some(WriteOutcome::Failed(fault)) if fault.kind() == ErrorKind::Unreadable => {
                    self.given_up.insert(waiting.id, waiting.token);
                    is_unreadable = true;
                }
                Some(WriteOutcome::Failed(fault)) => {
                    // It is this job's alone: the others, and what was claimed, must not suffer for it.
                    if fault.is_retryable() {
                        self.outbox.push(waiting);
                    } else {
                        self.end_barely(waiting, &fault);
                    }
                    failed = Some(fault);
                }
                _ => refused.push(waiting),
            }
        }
        let claimed = match outcomes.next() {
            Some(WriteOutcome::Found(documents)) => {
                // Where the store changes and then reads, one may have been called off in between.
                documents.into_iter().filter(guard::is_held).collect()
            }
            Some(WriteOutcome::Failed(fault)) => return Err(fault.into()),
            _ => Vec::new(),
        };
        match failed {
            Some(fault) => self.tell(&Event::StoreFailed(fault.into())),
            None => self.succeeded(),
        }
        for waiting in refused {
            self.settle_refused(&waiting).await?;
        }
        if is_unreadable {
            self.set_aside().await?;
        }
        Ok(claimed)
    }

    /// Returns what the loop takes, tag by tag: jobs whose tasks are defined here, suspects aside.
    fn ordinary(&self) -> Result<Vec<Filter>> {
        let tasks = self.task_names();
        let suspect_from = self.suspect_from();
        let of_tag = |tag: &String| -> Result<Filter> {
            // A job whose task nobody here defines is left for those who have it.
            let mut filter = doc! {
                "status": (Status::Queued.name()), "tag": (tag.as_str()), "task": { "$in": (tasks.clone()) }
            };
            if let Some(crashes) = suspect_from {
                // Not `$lt`: a count that cannot be read makes no suspect, and is found out when the job is decoded.
                filter.push("crashes", doc! { "$not": { "$gte": crashes } });
            }
            Ok(Filter::parse(&filter)?)
        };
        self.tags.iter().map(of_tag).collect()
    }

    /// Claims up to `limit` of the jobs that match; the filters are tried in their order.
    pub(super) fn claim_item(&self, filters: Vec<Filter>, limit: usize) -> Result<Option<WriteItem>> {
        if filters.is_empty() || self.queue.tasks().is_empty() {
            return Ok(None);
        }
        let token = self.new_token();
        let update = Update::parse(
            &doc! { "$set": {
                "status": (Status::Processing.name()), "session": (self.session.as_str()), "token": token,
                "started": (self.queue.now())
            } },
            &[],
        )?;
        let sort = Sort::parse(&doc! { "priority": (-1), "_id": 1 })?;
        Ok(Some(WriteItem::FindAndUpdate {
            filters,
            sort,
            limit,
            update,
        }))
    }

    /// Deals with an ending that matched nothing: it was stored by an earlier try, or the job is no longer ours.
    async fn settle_refused(&mut self, waiting: &Waiting) -> Result<()> {
        let job = self.stored_job(waiting.key.clone()).await?;
        let is_of_token = |job: &Document| job.get("token").and_then(Value::as_str) == Some(&waiting.token);
        // An ended job keeps the token that ended it.
        if job.is_some_and(|job| is_of_token(&job) && !guard::is_held(&job)) {
            self.stored(waiting);
        } else {
            self.tell(&Event::Refused {
                id: waiting.id.to_string(),
            });
        }
        Ok(())
    }

    /// Ends a job whose end the store refuses for good, by the bare fact: left as it is, it would be run again and again.
    fn end_barely(&mut self, waiting: Waiting, fault: &seed::Error) {
        match finish::bare(&waiting, fault, self.queue.now()) {
            Some(bare) if !waiting.is_bare => self.outbox.push(bare),
            _ => drop(self.given_up.insert(waiting.id, waiting.token)),
        }
    }

    fn stored(&mut self, waiting: &Waiting) {
        self.summary.count(waiting.ending.status);
        let event = match waiting.ending.status {
            Status::Queued => Event::HandedBack {
                id: waiting.id.to_string(),
                task: waiting.task.to_string(),
            },
            status => Event::Finished {
                id: waiting.id.to_string(),
                task: waiting.task.to_string(),
                status,
                error: waiting.ending.error.clone(),
            },
        };
        self.tell(&event);
    }
}

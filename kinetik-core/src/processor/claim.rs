//! One trip to the store: endings go out, claimed jobs come back.

use seed::store::{StoreExt, WriteBatch, WriteItem, WriteOutcome};
use seed::{Document, Filter, Sort, Update, Value, doc};

use super::Loop;
use crate::error::Result;
use crate::event::Event;
use crate::job::Status;

impl Loop {
    /// Stores all endings and claims up to `claims` jobs, in one batch of writes.
    pub(super) async fn trip(&mut self, claims: usize) -> Result<Vec<Document>> {
        if self.failures > 0 {
            // An answer was lost: what the call did shows in what we hold.
            self.check_holdings().await?;
        }
        let mut items: Vec<WriteItem> = self.outbox.iter().map(|waiting| waiting.item.clone()).collect();
        if claims > 0 {
            items.extend(self.claim_item(claims)?);
        }
        if items.is_empty() {
            return Ok(Vec::new());
        }
        let batch = WriteBatch::new(self.queue.collection().clone(), items);
        let outcomes = match self.queue.store().write(batch).await {
            Ok(outcomes) => outcomes,
            Err(fault) => {
                // Whether it was carried out is not known; the next trip finds out.
                self.failures = self.failures.max(1);
                return Err(fault.into());
            }
        };
        let mut claimed = Vec::new();
        let mut refused = Vec::new();
        for (waiting, outcome) in std::mem::take(&mut self.outbox).into_iter().zip(&outcomes) {
            match outcome {
                WriteOutcome::Updated(updated) if updated.matched > 0 => self.stored(&waiting),
                WriteOutcome::Failed(fault) => return Err(fault.clone().into()),
                _ => refused.push(waiting),
            }
        }
        for outcome in outcomes {
            match outcome {
                WriteOutcome::Found(documents) => claimed.extend(documents),
                WriteOutcome::Failed(fault) => return Err(fault.into()),
                WriteOutcome::Inserted(_) | WriteOutcome::Updated(_) | WriteOutcome::Deleted(_) => {}
            }
        }
        self.succeeded();
        for waiting in refused {
            self.settle_refused(&waiting).await?;
        }
        Ok(claimed)
    }

    fn claim_item(&self, limit: usize) -> Result<Option<WriteItem>> {
        let tasks: Vec<Value> = self.queue.tasks().iter().map(|task| task.name().into()).collect();
        if tasks.is_empty() || self.tags.is_empty() {
            return Ok(None);
        }
        let of_tag = |tag: &String| {
            // A job whose task nobody here defines is left for those who have it.
            let filter = doc! {
                "status": (Status::Queued.name()), "tag": (tag.as_str()), "task": { "$in": (tasks.clone()) }
            };
            Filter::parse(&filter)
        };
        let filters = self.tags.iter().map(of_tag).collect::<Result<_, _>>()?;
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
    async fn settle_refused(&mut self, waiting: &super::Waiting) -> Result<()> {
        let job = self
            .queue
            .store()
            .get(self.queue.collection(), waiting.key.clone())
            .await?;
        let text = |name: &str| job.as_ref().and_then(|job| job.get(name)).and_then(Value::as_str);
        // An ended job keeps the token that ended it.
        if text("token") == Some(&waiting.token) && text("status") != Some(Status::Processing.name()) {
            self.stored(waiting);
        } else {
            self.tell(&Event::Refused {
                id: waiting.id.to_string(),
            });
        }
        Ok(())
    }

    fn stored(&mut self, waiting: &super::Waiting) {
        self.summary.count(waiting.ending.status);
        let event = match waiting.ending.status {
            Status::Queued => Event::HandedBack {
                id: waiting.id.to_string(),
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

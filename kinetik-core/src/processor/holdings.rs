//! Whether what runs here is still ours, and what is ours runs here.

use std::collections::HashMap;
use std::sync::Arc;

use seed::store::{Find, FindAndUpdate, StoreExt, WriteBatch, WriteItem};
use seed::value::Text;
use seed::{Document, ErrorKind, Filter, Projection, Sort, Update, Value, doc};

use super::{Loop, finish};
use crate::error::Result;
use crate::event::Event;
use crate::job::{Status, guard};
use crate::task::Attempt;

impl Loop {
    /// Makes a token for a claim: whose it is within the session, and a part that nobody else has.
    pub(super) fn new_token(&self) -> String {
        let random = self.queue.runtime().random();
        format!("{}{random:016x}", self.token_prefix())
    }

    fn token_prefix(&self) -> String {
        let member = self.seat.as_ref().map(|seat| seat.member.token_prefix());
        format!("{}{:x}.", member.unwrap_or_default(), self.lane)
    }

    /// Compares what runs with what the store says. Jobs that were called off or taken from us are let go; jobs that are
    /// ours and do not run, because the answer to a claim was lost, are set going, or handed back by a loop that stops.
    pub(super) async fn check_holdings(&mut self) -> Result<()> {
        let filter = doc! { "status": (Status::Processing.name()), "session": (self.session.clone()) };
        let request = Find::new(self.queue.collection().clone(), Filter::parse(&filter)?)
            .projection(Projection::parse(&doc! { "token": 1 })?);
        let prefix = self.token_prefix();
        let mut held: HashMap<Text, Text> = HashMap::new();
        let (documents, faults) = self.queue.store().find_readable(request).await?;
        for document in documents {
            let text = |name: &str| document.get(name).and_then(Value::as_str);
            if let (Some(id), Some(token)) = (text("_id"), text("token"))
                && token.starts_with(&prefix)
            {
                held.insert(id.into(), token.into());
            }
        }
        let lost: Vec<Text> = self
            .running
            .iter()
            .filter(|(id, running)| held.get(*id) != Some(&running.token))
            .map(|(id, _)| id.clone())
            .collect();
        for id in lost {
            self.lose(&id).await?;
        }
        for (id, token) in held {
            let is_ending = self
                .outbox
                .iter()
                .any(|waiting| waiting.token == token && waiting.id == id);
            let is_given_up = self.given_up.get(&id) == Some(&token);
            if is_ending || is_given_up || self.running.contains_key(&id) {
                continue;
            }
            let job = self.stored_job(id.into()).await?;
            let is_ours = |job: &Document| {
                job.get("token").and_then(Value::as_str) == Some(&token) && guard::is_held(job)
            };
            match job.filter(is_ours) {
                // Nothing is begun any more.
                Some(job) if self.stop.is_cancelled() => {
                    let attempt = Arc::new(Attempt::new(job));
                    let now = self.queue.now();
                    self.outbox
                        .extend(finish::waiting(&attempt, &token, finish::handed_back(), now));
                }
                Some(job) => self.set_going(job),
                None => {}
            }
        }
        match faults.is_empty() {
            true => Ok(()),
            false => self.set_aside().await,
        }
    }

    /// Fetches a job as it is stored; none if there is no such job, or it cannot be read.
    pub(super) async fn stored_job(&self, id: Value) -> Result<Option<Document>> {
        match self.queue.store().get(self.queue.collection(), id).await {
            Err(fault) if fault.kind() == ErrorKind::Unreadable => Ok(None),
            job => Ok(job?),
        }
    }

    /// Has what is held and cannot be read taken out of the way of those who look for what is held, and tells of it.
    pub(super) async fn set_aside(&self) -> Result<()> {
        // A claim takes out of its index what it cannot read. This one finds nothing else: whoever holds a job has a token.
        let filter = doc! { "status": (Status::Processing.name()), "token": { "$exists": false } };
        let update = doc! { "$set": { "status": (Status::Processing.name()) } };
        let request = FindAndUpdate::new(
            self.queue.collection().clone(),
            Filter::parse(&filter)?,
            Update::parse(&update, &[])?,
        )
        .sort(Sort::parse(&doc! { "session": 1 })?);
        match self.queue.store().find_and_update(request).await {
            Err(fault) if fault.kind() == ErrorKind::Unreadable => {
                self.tell(&Event::Unreadable(fault.into()));
                Ok(())
            }
            result => Ok(result.map(drop)?),
        }
    }

    /// Goes on in another session if this process has one now: others took it to be dead, or the store was emptied.
    /// Jobs that others have taken are let go; those that are still ours are brought along.
    pub(super) async fn follow_session(&mut self) -> Result<()> {
        let Some((session, life)) = self.seat.as_ref().map(|seat| seat.member.current()) else {
            return Ok(());
        };
        if life == self.life {
            return Ok(());
        }
        if self.failures > 0 {
            // What was claimed under the old one, without an answer, is found there alone.
            self.check_holdings().await?;
        }
        let ids: Vec<Text> = self.running.keys().cloned().collect();
        let set = Update::parse(&doc! { "$set": { "session": (session.clone()) } }, &[])?;
        let items = ids.iter().map(|id| {
            let holder = doc! { "token": (self.running[id].token.as_str()) };
            Ok(WriteItem::update(guard::filter(id.into(), holder)?, set.clone()))
        });
        let items: Vec<WriteItem> = items.collect::<Result<_>>()?;
        if !items.is_empty() {
            let batch = WriteBatch::new(self.queue.collection().clone(), items).quiet();
            for (id, outcome) in ids.iter().zip(self.queue.store().write(batch).await?) {
                if outcome.matched() == 0 {
                    self.lose(id).await?;
                }
            }
        }
        (self.session, self.life) = (session, life);
        Ok(())
    }

    /// Lets go of a job that is no longer ours: its action is told, and what it gives back will be dropped.
    pub(super) async fn lose(&mut self, id: &Text) -> Result<()> {
        if let Some(running) = self.running.remove(id) {
            running.attempt.cancellation().cancel();
            let job = self.stored_job(id.into()).await?;
            let status = job
                .as_ref()
                .and_then(|job| job.get("status"))
                .and_then(Value::as_str);
            let id = id.to_string();
            self.tell(&match status == Some(Status::Cancelled.name()) {
                true => Event::Cancelled { id },
                false => Event::Refused { id },
            });
        }
        Ok(())
    }
}

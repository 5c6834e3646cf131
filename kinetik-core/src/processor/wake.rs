//! When a processor rests, and what wakes it.

use std::sync::Arc;
use std::time::Duration;

use seed::{DateTime, Value};

use super::{FLUSH_INTERVAL, Hearing, Loop};
use crate::error::Result;
use crate::promote;
use crate::queue::Queue;

/// How often a busy loop looks whether delayed jobs were added.
const DUE_INTERVAL: Duration = Duration::from_secs(1);

/// How often a loop makes sure that what it runs is still its own. A job that was called off hears of it by then.
const CHECK_INTERVAL: Duration = Duration::from_secs(1);

/// How often a loop that runs nothing looks whether something is its own: a claim may be carried out late, long after its
/// answer was given up.
const IDLE_CHECK_INTERVAL: Duration = Duration::from_secs(10);

/// What is due when.
#[derive(Debug)]
pub(super) struct Rest {
    /// When the next delayed job is due, as far as is known.
    next_due: Option<DateTime>,
    /// Whether a delayed job may have been added that is due before all others.
    is_unsure: bool,
    looked_at: Option<Duration>,
    flushed_at: Option<Duration>,
    checked_at: Option<Duration>,
    idle_checked_at: Option<Duration>,
}

impl Rest {
    pub(super) fn new(now: Duration) -> Self {
        Self {
            next_due: None,
            is_unsure: true,
            looked_at: None,
            flushed_at: Some(now),
            checked_at: Some(now),
            idle_checked_at: Some(now),
        }
    }

    /// Tells whether delayed jobs must be looked at before the next claim. A wake-up alone is no reason: most often it is
    /// for a job that can be claimed at once.
    pub(super) fn is_promotion_due(&self, queue: &Queue) -> bool {
        let elapsed = queue.runtime().elapsed();
        self.looked_at
            .is_none_or(|at| elapsed.saturating_sub(at) >= DUE_INTERVAL)
            || self.next_due.is_some_and(|due| due <= queue.now())
    }

    /// Tells whether it is not known when the next delayed job is due.
    pub(super) fn is_unsure(&self) -> bool {
        self.is_unsure
    }

    pub(super) fn is_check_due(&mut self, elapsed: Duration) -> bool {
        is_due(&mut self.checked_at, elapsed, CHECK_INTERVAL)
    }

    pub(super) fn is_idle_check_due(&mut self, elapsed: Duration) -> bool {
        is_due(&mut self.idle_checked_at, elapsed, IDLE_CHECK_INTERVAL)
    }

    pub(super) fn is_flush_due(&mut self, elapsed: Duration) -> bool {
        is_due(&mut self.flushed_at, elapsed, FLUSH_INTERVAL)
    }
}

/// Tells whether an interval has passed since the last time, and begins the next if so.
fn is_due(last: &mut Option<Duration>, elapsed: Duration, interval: Duration) -> bool {
    let is_due = last.is_none_or(|at| elapsed.saturating_sub(at) >= interval);
    if is_due {
        *last = Some(elapsed);
    }
    is_due
}

impl Loop {
    /// Queues what is due and notes when the next delayed job will be; says whether anything was queued.
    pub(super) async fn promote(&mut self, rest: &mut Rest) -> Result<bool> {
        let now = self.queue.refreshed_now().await?;
        let next_due = async || match promote::next_due(&self.queue).await {
            // Others may be due all the same.
            Err(fault) if fault.is_of_a_document() => Ok((None, true)),
            due => due.map(|due| (due, due.is_some_and(|due| due <= now))),
        };
        let mut promoted = false;
        let (mut due, may_be_due) = next_due().await?;
        if may_be_due {
            promoted = promote::promote_due(&self.queue, now).await?;
            (due, _) = next_due().await?;
        }
        rest.next_due = due;
        rest.is_unsure = false;
        rest.looked_at = Some(self.queue.runtime().elapsed());
        Ok(promoted)
    }

    /// Waits until there may be something to do.
    pub(super) async fn rest(&mut self, hearing: &mut Hearing, rest: &mut Rest) {
        let runtime = Arc::clone(self.queue.runtime());
        let is_full = self.is_full();
        let mut longest = self.interval;
        if let Some(due) = rest.next_due {
            longest = longest.min(due.since(self.queue.now()));
        }
        if !self.running.is_empty() || !self.outbox.is_empty() || self.elsewhere.is_awaited() {
            longest = longest.min(FLUSH_INTERVAL);
        }
        if !self.may_claim() || self.is_shut_out() {
            // However much is due, it cannot be claimed before the session is renewed, or the door opened again.
            longest = FLUSH_INTERVAL;
        }
        let stop = self.stop.clone();
        let mut has_ended = false;
        let renewed = async {
            match &mut self.seat {
                Some(seat) => seat.changed().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = stop.cancelled() => {}
            Some(done) = self.done.recv() => {
                // With the slot that is free now comes the next claim.
                self.may_have_work |= is_full;
                self.end(done);
                has_ended = true;
            }
            Some(message) = hearing.cancels.next() => {
                let id = message.get("id").and_then(Value::as_str).unwrap_or_default();
                if self.running.contains_key(id) {
                    rest.checked_at = None;
                }
            }
            () = renewed => {}
            () = hearing.watch.changed(), if !is_full => {
                self.may_have_work = true;
                rest.is_unsure = true;
            }
            () = runtime.sleep(longest) => self.may_have_work |= !is_full,
        }
        if has_ended {
            // Others that are about to end travel in the same trip.
            runtime.yield_now().await;
        }
    }
}

//! The processor: a loop that works jobs off, tag after tag.
//!
//! Before each claim the loop looks at its first tag first, and it never claims more than it has free slots, so that a
//! late important job waits for one slot and not for a batch. What has ended and the next claim travel to the store in
//! one trip (`claim`). When all tags are empty it rests until a wake-up, the next delayed job, or its interval (`wake`).
//! Actions run apart from the loop (`run`), work out there what their end means for the job (`finish`), and tell the loop
//! over a channel. Each second the loop makes sure that what it runs is still its own (`holdings`).

mod builder;
mod claim;
mod drain;
mod finish;
mod holdings;
mod lanes;
mod run;
mod summary;
mod suspects;
mod wake;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use seed::Value;
use seed::store::{Subscription, Watch, WriteItem};
use seed::value::Text;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

pub use builder::{Processor, ProcessorBuilder};
pub use summary::Summary;

use crate::backoff::Backoff;
use crate::error::Result;
use crate::event::Event;
use crate::queue::Queue;
use crate::session::Presence;
use crate::task::Attempt;
use finish::Ending;
use lanes::{Lanes, Seat};
use run::Done;
use suspects::Isolation;

/// How often what actions say is stored while they run.
const FLUSH_INTERVAL: Duration = Duration::from_millis(500);

/// How often what has ended is tried to be stored when a loop ends.
const LAST_TRIES: u32 = 5;

type Listener = Arc<dyn Fn(&Event) + Send + Sync>;

/// A job that runs here.
#[derive(Debug)]
struct Running {
    token: Text,
    task: Text,
    attempt: Arc<Attempt>,
    _presence: Option<Presence>,
}

/// An ending that waits to be stored.
#[derive(Debug)]
struct Waiting {
    /// The id, as text if it is no text.
    id: Text,
    key: Value,
    token: Text,
    task: Text,
    ending: Ending,
    item: WriteItem,
    /// Whether this is the bare end of a job whose real one the store refused.
    is_bare: bool,
}

/// What wakes the loop from outside.
struct Hearing {
    watch: Watch,
    cancels: Subscription,
}

struct Loop {
    queue: Queue,
    tags: Vec<String>,
    slots: usize,
    interval: Duration,
    grace: Duration,
    drains: bool,
    listener: Option<Listener>,
    lane: usize,
    lanes: Arc<Lanes>,
    is_resting: bool,
    /// This lane's seat in the session of its process, once it works.
    seat: Option<Seat>,
    session: Text,
    life: u64,
    stop: CancellationToken,
    running: HashMap<Text, Running>,
    outbox: Vec<Waiting>,
    /// Jobs whose end the store refuses in any form, with their tokens. They are left to those who come after us.
    given_up: HashMap<Text, Text>,
    done: mpsc::UnboundedReceiver<Done>,
    done_sender: mpsc::UnboundedSender<Done>,
    summary: Summary,
    failures: u32,
    /// Whether it was told that the store fails, and not yet that it answers again.
    is_away: bool,
    /// Whether the last look found something, so that another one is due.
    may_have_work: bool,
    isolation: Option<Isolation>,
    elsewhere: drain::Elsewhere,
}

impl Loop {
    fn new(
        builder: &ProcessorBuilder,
        slots: usize,
        lane: usize,
        drains: bool,
        stop: CancellationToken,
        lanes: Arc<Lanes>,
    ) -> Self {
        // At most one message waits for each running job, so the channel is bounded by the slots.
        let (done_sender, done) = mpsc::unbounded_channel();
        Self {
            queue: builder.queue.clone(),
            tags: builder.tags.clone(),
            slots,
            interval: builder.interval,
            grace: builder.grace,
            drains,
            listener: builder.listener.clone(),
            lane,
            lanes,
            is_resting: false,
            seat: None,
            session: Text::default(),
            life: 0,
            stop,
            running: HashMap::new(),
            outbox: Vec::new(),
            given_up: HashMap::new(),
            done,
            done_sender,
            summary: Summary::default(),
            failures: 0,
            is_away: false,
            may_have_work: true,
            isolation: None,
            elsewhere: drain::Elsewhere::default(),
        }
    }

    async fn run(mut self) -> Result<Summary> {
        let Some(mut hearing) = self.begin().await? else {
            return Ok(self.summary);
        };
        let worked = self.work(&mut hearing).await;
        if worked.is_err() {
            // The other lanes end as well. What this one holds is still stored or handed back, as far as the store takes it.
            self.stop.cancel();
        }
        let ended = self.shut_down().await;
        worked.and(ended)?;
        Ok(self.summary)
    }

    /// Works until the loop is stopped, a drain has reached its end, or the store refuses something for good.
    async fn work(&mut self, hearing: &mut Hearing) -> Result<()> {
        let mut rest = wake::Rest::new(self.queue.runtime().elapsed());
        while !self.stop.is_cancelled() {
            self.take_done();
            match self.step_towards_end(&mut rest).await {
                Ok(true) => break,
                Ok(false) => {}
                Err(fault) => {
                    self.survive(fault).await?;
                    self.may_have_work = true;
                    continue;
                }
            }
            if !self.may_have_work || self.is_full() || !self.may_claim() || self.is_shut_out() {
                self.rest(hearing, &mut rest).await;
            }
        }
        Ok(())
    }

    /// Joins the session and opens what wakes the loop, before the first look, so that nothing comes in between unseen.
    /// Gives nothing if the loop was stopped before the store answered.
    async fn begin(&mut self) -> Result<Option<Hearing>> {
        while !self.stop.is_cancelled() {
            match self.try_to_begin().await {
                Ok(hearing) => return Ok(Some(hearing)),
                Err(fault) => self.survive(fault).await?,
            }
        }
        Ok(None)
    }

    async fn try_to_begin(&mut self) -> Result<Hearing> {
        let store = self.queue.store();
        let watch = store.watch(self.queue.collection()).await?;
        let cancels = store.subscribe(&self.queue.cancel_topic()).await?;
        let seat = self.lanes.seat(&self.queue).await?;
        (self.session, self.life) = seat.member.current();
        self.seat = Some(seat);
        Ok(Hearing { watch, cancels })
    }

    /// Takes a step, and says whether a loop that drains has reached its end.
    async fn step_towards_end(&mut self, rest: &mut wake::Rest) -> Result<bool> {
        self.step(rest).await?;
        Ok(self.drains && self.is_drained().await?)
    }

    /// Stores what has ended, claims for the free slots, and sets going what was claimed.
    async fn step(&mut self, rest: &mut wake::Rest) -> Result<()> {
        self.follow_session().await?;
        if rest.is_promotion_due(&self.queue) {
            self.may_have_work |= self.promote(rest).await?;
        }
        if self
            .seat
            .as_ref()
            .is_some_and(|seat| seat.member.takes_unreadable())
        {
            self.set_aside().await?;
        }
        let elapsed = self.queue.runtime().elapsed();
        let is_running = !self.running.is_empty();
        if rest.is_check_due(elapsed) {
            if is_running || rest.is_idle_check_due(elapsed) {
                self.check_holdings().await?;
            }
            self.may_have_work |= self.look_for_suspects().await?;
        }
        if is_running && rest.is_flush_due(elapsed) {
            self.flush().await?;
        }
        self.end_isolation();
        let is_claiming =
            self.may_have_work && !self.is_full() && !self.stop.is_cancelled() && self.may_claim();
        let presence = if is_claiming { self.enter() } else { None };
        let claims = match presence {
            Some(_) => self.slots - self.running.len(),
            None => 0,
        };
        if self.outbox.is_empty() && claims == 0 {
            return Ok(());
        }
        let was_working = self.may_have_work;
        let is_for_suspects = self.isolation.is_some();
        let claimed = self.trip(claims).await?;
        if claims > 0 {
            if is_for_suspects {
                self.note_suspects(claimed.len());
            }
            // A look for suspects alone says nothing of the others.
            self.may_have_work = is_for_suspects || !claimed.is_empty();
            if !claimed.is_empty() {
                self.lanes.end_rest(&mut self.is_resting);
                claimed.into_iter().for_each(|document| self.set_going(document));
                // They begin before the next trip is made ready; what ends at once travels with it.
                self.queue.runtime().yield_now().await;
            }
        }
        drop(presence);
        if was_working && !self.may_have_work {
            // Whether a delayed job is due must be known before the loop may rest, and before a drain may end.
            let is_idle = self.running.is_empty();
            if rest.is_unsure() || (is_idle && self.drains) {
                self.may_have_work = self.promote(rest).await?;
            }
            if is_idle {
                self.may_have_work |= self.look_for_suspects().await?;
            }
            if is_idle && !self.may_have_work && self.lanes.begin_rest(&mut self.is_resting) {
                self.tell(&Event::Empty);
            }
        }
        Ok(())
    }

    /// Tells whether nothing more can be claimed before something ends.
    fn is_full(&self) -> bool {
        let is_kept_free = self.isolation.is_some() && !self.running.is_empty();
        self.running.len() >= self.slots || is_kept_free
    }

    fn may_claim(&self) -> bool {
        self.seat.as_ref().is_some_and(|seat| seat.member.may_claim())
    }

    /// Takes in what has ended, without waiting.
    fn take_done(&mut self) {
        while let Ok(done) = self.done.try_recv() {
            self.end(done);
        }
    }

    /// Waits after a failed call; gives the fault back if trying again cannot help.
    async fn survive(&mut self, fault: crate::Error) -> Result<()> {
        // A document that cannot be read is taken out of the way by the claim that meets it; a store that is damaged is not.
        let is_of_documents = fault.is_of_a_document() && self.failures < LAST_TRIES;
        if !fault.is_retryable() && !is_of_documents {
            return Err(fault);
        }
        self.failures += 1;
        self.is_away |= !is_of_documents;
        self.tell(&match is_of_documents {
            true => Event::Unreadable(fault),
            false => Event::StoreFailed(fault),
        });
        let runtime = Arc::clone(self.queue.runtime());
        let wait = runtime.sleep(Backoff::OF_CALLS.wait(self.failures, runtime.random()));
        tokio::select! {
            () = wait => {}
            () = self.stop.cancelled() => {}
        }
        Ok(())
    }

    fn succeeded(&mut self) {
        if std::mem::take(&mut self.failures) > 0 {
            // It may have come back empty, or others may have taken this process to be dead.
            if let Some(seat) = &self.seat {
                seat.member.renew_soon();
            }
            if std::mem::take(&mut self.is_away) {
                self.tell(&Event::StoreBack);
            }
        }
    }

    /// Waits for what runs, within the grace time, and hands the rest back.
    async fn shut_down(&mut self) -> Result<()> {
        let runtime = Arc::clone(self.queue.runtime());
        self.wait_for_running(self.grace).await;
        self.give_up().await;
        self.hand_back_all();
        // The store may be away just now, and so may the answer of the last claim; what has ended is worth a few tries.
        let mut tries = 0;
        while !self.outbox.is_empty() || self.failures > 0 {
            tries += 1;
            match self.trip(0).await {
                Ok(_) if tries <= LAST_TRIES => {}
                // The store answers, and takes some of it neither whole nor barely. It comes back when the session is gone.
                Ok(_) => return Ok(()),
                Err(fault) if fault.is_retryable() && tries <= LAST_TRIES => {
                    self.tell(&Event::StoreFailed(fault));
                    runtime
                        .sleep(Backoff::OF_CALLS.wait(tries, runtime.random()))
                        .await;
                }
                Err(fault) => return Err(fault),
            }
        }
        Ok(())
    }

    /// Tells what still runs to end, and waits as long as its tasks may take for that, so that nobody begins what is handed
    /// back beside it.
    async fn give_up(&mut self) {
        let mut longest = Duration::ZERO;
        for running in self.running.values() {
            running.attempt.give_up();
            let task = self.queue.task(&running.task);
            longest = task.map_or(longest, |task| longest.max(task.wind_down));
        }
        if !longest.is_zero() {
            self.wait_for_running(longest).await;
        }
    }

    /// Takes in what ends until nothing runs, or the time is over.
    async fn wait_for_running(&mut self, longest: Duration) {
        let mut time = self.queue.runtime().sleep(longest);
        while !self.running.is_empty() {
            tokio::select! {
                biased;
                Some(done) = self.done.recv() => self.end(done),
                () = &mut time => break,
            }
        }
    }

    fn tell(&self, event: &Event) {
        if let Some(listener) = &self.listener {
            // Whoever listens has nothing to do with the jobs: a panic there must not take the loop from them.
            let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| listener(event)));
        }
    }
}

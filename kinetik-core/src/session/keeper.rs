//! Keeping a session alive.

use std::sync::Arc;
use std::time::Duration;

use seed::store::{Delete, WriteBatch, WriteItem, WriteOutcome};
use seed::value::Text;
use seed::{ErrorKind, Filter, Update, doc};
use tokio_util::sync::DropGuard;

use super::Session;
use super::rescue::Others;
use crate::backoff::Backoff;
use crate::error::Result;

/// How often the end of a session is tried to be stored; after that it lapses by itself.
const LAST_TRIES: u32 = 3;

/// Renews the session and looks after the others until all loops have left.
///
/// This must not run where actions run: one that never waits would keep it from its work.
///
/// `ended` tells those who wait for the end, also if this is dropped.
pub(super) async fn keep(session: Arc<Session>, ended: DropGuard) {
    let (runtime, interval) = (
        Arc::clone(&session.setting.runtime),
        session.setting.rules.interval(),
    );
    let mut others = Others::default();
    let mut failures = 0;
    let mut looked_at: Option<Duration> = None;
    loop {
        let is_look_due = looked_at.is_none_or(|at| runtime.elapsed().saturating_sub(at) >= interval);
        if failures == 0 && is_look_due {
            looked_at = Some(runtime.elapsed());
            // However long that takes, the own session must be renewed in time. What is left comes with the next look.
            let is_done = tokio::select! {
                rescued = session.rescue(&mut others) => rescued.is_ok(),
                () = runtime.sleep(interval) => false,
            };
            if !is_done {
                failures = 1;
            }
        }
        let wait = match failures {
            0 => interval,
            failures => Backoff::OF_CALLS.wait(failures, runtime.random()).min(interval),
        };
        tokio::select! {
            () = runtime.sleep(wait) => {}
            () = session.news.notified() => {}
        }
        if session.state().is_closed {
            break;
        }
        match session.renew().await {
            Ok(()) => failures = 0,
            Err(_) => failures += 1,
        }
        if failures > 0 {
            // Who is out of touch with the store cannot say that others are silent.
            others = Others::default();
        }
    }
    session.end().await;
    // Whoever waits for the end may be about to close the store, so nothing of it is held any more.
    drop(session);
    drop(ended);
}

impl Session {
    /// Says that this process lives. If the session is no longer there, another one begins.
    async fn renew(&self) -> Result<()> {
        let setting = &self.setting;
        let begun_at = setting.runtime.elapsed();
        let now = setting.time.asked(&*self.store).await?;
        let (id, announced) = {
            let state = self.state();
            (state.id.clone(), self.announced(&state, now))
        };
        let item = WriteItem::update(
            Filter::parse(&doc! { "_id": id })?,
            Update::parse(&doc! { "$set": announced }, &[])?,
        );
        let batch = WriteBatch::new(setting.rules.sessions.clone(), vec![item])
            .urgent()
            .eager();
        let is_renewed = match self.store.write(batch).await?.into_iter().next() {
            // Nor can others read that it lives.
            Some(WriteOutcome::Failed(fault)) if fault.kind() == ErrorKind::Unreadable => false,
            Some(WriteOutcome::Failed(fault)) => return Err(fault.into()),
            outcome => outcome.is_some_and(|outcome| outcome.matched() > 0),
        };
        if !is_renewed {
            // Others took this process to be dead, or the store was emptied. What they have not taken goes on in the next life.
            self.begin_new_life(setting.new_id(now));
            self.insert(now).await?;
        }
        self.state().renewed_at = Some(begun_at);
        self.beat();
        Ok(())
    }

    fn begin_new_life(&self, id: Text) {
        let mut state = self.state();
        state.id = id;
        state.life += 1;
        state.renewed_at = None;
        self.beat();
    }

    /// Takes the session away, so that nobody has to wait for it to lapse.
    async fn end(&self) {
        let runtime = &self.setting.runtime;
        for tries in 1..=LAST_TRIES {
            if self.remove().await.is_ok() {
                break;
            }
            runtime
                .sleep(Backoff::OF_CALLS.wait(tries, runtime.random()))
                .await;
        }
    }

    async fn remove(&self) -> Result<()> {
        let id = self.state().id.clone();
        let filter = Filter::parse(&doc! { "_id": id })?;
        let request = Delete::new(self.setting.rules.sessions.clone(), filter);
        self.store.delete(request).await?;
        Ok(())
    }
}

//! Draining: a worker on jobs that wait already.

use std::sync::Arc;

use kinetik_core::Result;
use seed::Value;

use super::Measurement;
use super::gate::Gate;
use super::payload::Payload;
use super::site::Site;

/// Enqueues jobs and lets a worker run all of them, from the first handler to the store's word that nothing is left.
pub(super) async fn all(site: &mut Site<'_>, measured: &mut Measurement) -> Result<()> {
    let jobs = measured.jobs;
    site.fill(jobs).await?;
    let kept = site.completed().await?;
    let called = site.micros();
    let gate = work_until(site, 1, jobs).await?;
    let ended = site.drained().await?;
    measured.took(ended.saturating_sub(gate.first()), jobs);
    measured.start_ms = Some((gate.first() - called) as f64 / 1e3);
    let lost = jobs.saturating_sub(site.completed().await?.saturating_sub(kept));
    measured.lost = Some(lost).filter(|lost| *lost > 0);
    Ok(())
}

/// Enqueues many jobs and times how fast some of them start, with many before and behind them.
pub(super) async fn within_backlog(site: &mut Site<'_>, measured: &mut Measurement) -> Result<()> {
    let backlog = site.bench().backlog;
    measured.backlog = Some(backlog);
    site.fill(backlog).await?;
    let before = (backlog / 10).min(100);
    let jobs = measured.jobs.min(backlog - before - 1);
    let called = site.micros();
    let gate = work_until(site, before, before + jobs).await?;
    measured.took(gate.between(), jobs);
    measured.start_ms = Some((gate.first() - called) as f64 / 1e3);
    Ok(())
}

/// Starts a worker whose handlers read their data and return, and waits until the last one that matters has started.
pub(super) async fn work_until(site: &mut Site<'_>, from: u64, last: u64) -> Result<Arc<Gate>> {
    let (gate, opened) = Gate::new(site.bench(), from, last);
    let passed = Arc::clone(&gate);
    site.work(move |context| {
        passed.pass();
        async move { Payload::read(&context).map(|_| Value::Null) }
    })
    .await?;
    // The gate is held here, so that it opens and is never given up.
    let _ = site.while_working(opened).await?;
    Ok(gate)
}

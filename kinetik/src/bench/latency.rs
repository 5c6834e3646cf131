//! Latency: how soon an idle worker starts a job.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use kinetik_core::Result;
use seed::Value;

use super::measurement::percentile;
use super::payload::Payload;
use super::site::{Site, TASK};
use super::{LIST, Measurement, Step, gate, payload};

/// How long the worker has nothing to do before the first job.
const IDLE: Duration = Duration::from_millis(1_500);

/// A job that is sent later than this after its time is counted as late.
const LATE: Duration = Duration::from_millis(5);

/// How long after the last one all jobs must have started.
const TAIL: Duration = Duration::from_secs(40);

/// How often it is seen whether all jobs have started.
const LOOK: Duration = Duration::from_millis(5);

/// The times from sending to starting, in milliseconds.
type Times = Arc<Mutex<Vec<f64>>>;

/// Sends jobs on a fixed timetable to a worker that was idle before.
pub(super) async fn measure(site: &mut Site<'_>, measured: &mut Measurement) -> Result<()> {
    let times = Times::default();
    start(site, &times).await?;
    site.bench().runtime.sleep(IDLE).await;
    let began = site.micros();
    let late = site.while_working(send(site, measured.jobs)).await??;
    site.while_working(all_started(site, &times, measured.jobs))
        .await?;
    let took = site.micros() - began;
    let mut times = std::mem::take(&mut *times.lock().unwrap_or_else(PoisonError::into_inner));
    let lost = measured.jobs.saturating_sub(times.len() as u64);
    measured.took(took, times.len() as u64);
    times.sort_by(f64::total_cmp);
    measured.p50_ms = percentile(&times, 0.5);
    measured.p90_ms = percentile(&times, 0.9);
    measured.p99_ms = percentile(&times, 0.99);
    measured.max_ms = percentile(&times, 1.0);
    measured.late_sends = Some(late).filter(|late| *late > 0);
    measured.lost = Some(lost).filter(|lost| *lost > 0);
    Ok(())
}

/// Starts a worker whose handlers note how long ago their job was sent.
async fn start(site: &mut Site<'_>, times: &Times) -> Result<()> {
    let (runtime, times) = (site.bench().runtime.clone(), times.clone());
    site.work(move |context| {
        let (now, times) = (gate::micros(&*runtime), times.clone());
        async move {
            let sent = Payload::read(&context)?.sent()?;
            let time = now.saturating_sub(sent) as f64 / 1e3;
            times.lock().unwrap_or_else(PoisonError::into_inner).push(time);
            Ok(Value::Null)
        }
    })
    .await
}

/// Sends the jobs, each at its time or as soon after it as the one before is enqueued; returns how many were late.
async fn send(site: &Site<'_>, jobs: u64) -> Result<u64> {
    let bench = site.bench();
    let began = bench.runtime.elapsed();
    let mut late = 0;
    for number in 0..jobs {
        let offset = bench
            .interval
            .saturating_mul(u32::try_from(number).unwrap_or(u32::MAX));
        let due = began.saturating_add(offset);
        if let Some(wait) = due.checked_sub(bench.runtime.elapsed()) {
            bench.runtime.sleep(wait).await;
        }
        late += u64::from(bench.runtime.elapsed().saturating_sub(due) > LATE);
        let data = payload::make(number, bench.payload, site.micros());
        site.queue().create(TASK, data).save().await?;
        if number % (LIST / 10) == 0 {
            bench.tell(Step {
                what: "sending",
                done: number,
                total: jobs,
            });
        }
    }
    Ok(late)
}

async fn all_started(site: &Site<'_>, times: &Times, jobs: u64) {
    let runtime = &site.bench().runtime;
    let end = runtime.elapsed() + TAIL;
    let started = || times.lock().unwrap_or_else(PoisonError::into_inner).len() as u64;
    while started() < jobs && runtime.elapsed() < end {
        runtime.sleep(LOOK).await;
    }
}

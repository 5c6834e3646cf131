//! Enqueuing: one job a call, and lists of them.

use kinetik_core::Result;

use super::measurement::percentile;
use super::site::{Site, TASK};
use super::{LIST, Measurement, Step, payload};

/// Enqueues one job after the other, each when the store has answered for the one before.
pub(super) async fn one_at_a_time(site: &Site<'_>, measured: &mut Measurement) -> Result<()> {
    let (bench, jobs) = (site.bench(), measured.jobs);
    let mut calls_ms = Vec::with_capacity(usize::try_from(jobs).unwrap_or_default());
    let began = site.micros();
    for number in 0..jobs {
        let called = bench.runtime.elapsed();
        let data = payload::make(number, bench.payload, 0);
        site.queue().create(TASK, data).save().await?;
        calls_ms.push((bench.runtime.elapsed() - called).as_secs_f64() * 1e3);
        if number % LIST == 0 {
            bench.tell(Step {
                what: "enqueuing",
                done: number,
                total: jobs,
            });
        }
    }
    measured.took(site.micros() - began, jobs);
    calls_ms.sort_by(f64::total_cmp);
    measured.p50_ms = percentile(&calls_ms, 0.5);
    measured.p99_ms = percentile(&calls_ms, 0.99);
    Ok(())
}

/// Enqueues lists of jobs.
pub(super) async fn in_bulk(site: &Site<'_>, measured: &mut Measurement) -> Result<()> {
    let began = site.micros();
    site.fill(measured.jobs).await?;
    measured.took(site.micros() - began, measured.jobs);
    Ok(())
}

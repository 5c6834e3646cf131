//! `kinetik bench`: measures how fast jobs go in and out of the store.

use anyhow::{Result, bail};
use indicatif::ProgressBar;
use tokio_util::sync::CancellationToken;

use super::args;
use super::args::Globals;
use super::config::Config;
use super::output::Output;
use super::signals::Signals;
use super::{NamedStore, warn};
use crate::bench::{Bench, Measurement, Step, Workload};

const BAR: &str = "{msg:>32} {wide_bar} {pos}/{len}";

/// The columns for people. With several rounds there is one more, and the others are medians.
const COLUMNS: [&str; 8] = [
    "workload", "jobs", "jobs/s", "p50 ms", "p90 ms", "p99 ms", "max ms", "start ms",
];

pub(super) async fn run(globals: &Globals, command: &args::Bench, output: &Output) -> Result<()> {
    let named = NamedStore::find(globals, &Config::find(globals.config.as_deref())?)?;
    let (scheme, _) = named.url.split_once(':').unwrap_or((&named.url, ""));
    let opened = named.open().await?;
    warn(&opened.warnings, output);
    let mut bench = Bench::new(opened.store, scheme)
        .payload(command.payload as usize)
        .slots(command.concurrency.into())
        .finished(command.finished)
        .backlog(command.backlog.unwrap_or(0))
        .interval(command.interval)
        .seconds(command.seconds);
    if let Some(jobs) = command.jobs {
        bench = bench.jobs(jobs);
    }
    let options = named.url.split_once('?').map(|(_, options)| options);
    let set_up: Vec<&str> = options
        .into_iter()
        .chain(opened.warnings.iter().map(String::as_str))
        .collect();
    if !set_up.is_empty() {
        bench = bench.durability(format!("as the store is set up: {}", set_up.join("; ")));
    }
    let measured = measure_all(&bench, command, output).await?;
    if !output.is_json() {
        table(&measured, command.rounds > 1, output)?;
    }
    Ok(())
}

/// Carries out all workloads of a round before the next begins, so that what slows the machine down meets all alike.
async fn measure_all(bench: &Bench, command: &args::Bench, output: &Output) -> Result<Vec<Measurement>> {
    let workloads = if command.workload.is_empty() {
        &Workload::ALL[..]
    } else {
        &command.workload
    };
    let mut signals = Signals::listen()?;
    let mut all = Vec::new();
    for _ in 0..command.rounds {
        for &workload in workloads {
            let bar = output.show_bar(0, BAR);
            let bench = bench.clone().on_step(move |step| show(&bar, workload, step));
            let measured = run_apart(bench, workload, &mut signals).await;
            output.hide_bar();
            let Some(measured) = measured? else {
                bail!("stopped by a signal: the queue of the measurement was removed");
            };
            if output.is_json() {
                output.json(&measured.to_document())?;
                output.flush()?;
            }
            all.push(measured);
        }
    }
    Ok(all)
}

/// Measures in a task of the runtime, for that is where those who enqueue are. This thread only waits, and to wake it for
/// each answer would be measured too.
async fn run_apart(bench: Bench, workload: Workload, signals: &mut Signals) -> Result<Option<Measurement>> {
    let stop = CancellationToken::new();
    let stopped = stop.clone().cancelled_owned();
    let mut measuring = tokio::spawn(async move { bench.run_until(workload, stopped).await });
    let measured = tokio::select! {
        measured = &mut measuring => measured,
        () = signals.next() => {
            stop.cancel();
            measuring.await
        }
    };
    Ok(measured??)
}

fn show(bar: &ProgressBar, workload: Workload, step: Step) {
    if !bar.is_hidden() {
        bar.set_message(format!("{workload}: {}", step.what));
        bar.set_length(step.total);
        bar.set_position(step.done);
    }
}

fn table(measured: &[Measurement], has_rounds: bool, output: &Output) -> Result<()> {
    let mut workloads: Vec<Workload> = Vec::new();
    for measurement in measured {
        if !workloads.contains(&measurement.workload) {
            workloads.push(measurement.workload);
        }
    }
    let mut rows = Vec::new();
    for workload in workloads {
        let rounds = measured
            .iter()
            .filter(|measurement| measurement.workload == workload);
        rows.push(row(&rounds.collect::<Vec<_>>(), has_rounds));
    }
    if let Some(first) = measured.first() {
        let Measurement {
            store,
            durability,
            payload_bytes,
            ..
        } = first;
        output.line(&format!(
            "store {store}, durability {durability}; {payload_bytes} bytes a job"
        ))?;
        output.line("")?;
    }
    let mut header = COLUMNS.to_vec();
    if has_rounds {
        header.push("jobs/s from to");
    }
    output.table(&header, rows)?;
    for lost in measured.iter().filter_map(|measurement| measurement.lost) {
        output.note(&format!("{lost} jobs did not start or complete"));
    }
    Ok(())
}

/// Makes the row of a workload, of all its rounds.
fn row(rounds: &[&Measurement], has_rounds: bool) -> Vec<String> {
    let first = rounds[0];
    let rates = || rounds.iter().map(|round| round.jobs_per_s);
    let time = |of: fn(&Measurement) -> Option<f64>| {
        let times: Vec<f64> = rounds.iter().filter_map(|round| of(round)).collect();
        median(times).map(|time| format!("{time:.3}")).unwrap_or_default()
    };
    let rate = median(rates().map(|rate| rate as f64).collect()).unwrap_or_default();
    let mut cells = vec![
        described(first),
        first.jobs.to_string(),
        format!("{rate:.0}"),
        time(|round| round.p50_ms),
        time(|round| round.p90_ms),
        time(|round| round.p99_ms),
        time(|round| round.max_ms),
        time(|round| round.start_ms),
    ];
    if has_rounds {
        let (least, most) = (rates().min().unwrap_or(0), rates().max().unwrap_or(0));
        cells.push(format!("{least} {most}"));
    }
    cells
}

/// Names a workload with what sets it apart from its usual form.
fn described(measured: &Measurement) -> String {
    let Measurement {
        workload,
        concurrency,
        retained,
        backlog,
        ..
    } = measured;
    match (workload, retained, backlog) {
        (_, Some(finished), _) => format!("{workload}, {finished} finished, {concurrency} slots"),
        (_, _, Some(waiting)) => format!("{workload}, {waiting} waiting, {concurrency} slots"),
        (Workload::Drain | Workload::Latency, ..) => format!("{workload}, {concurrency} slots"),
        _ => workload.to_string(),
    }
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    let upper = *values.get(middle)?;
    Some(if values.len() % 2 == 1 {
        upper
    } else {
        f64::midpoint(values[middle - 1], upper)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_median_is_in_the_middle() {
        assert_eq!(median(vec![3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(vec![4.0, 1.0, 3.0, 2.0]), Some(2.5));
        assert_eq!(median(Vec::new()), None);
    }
}

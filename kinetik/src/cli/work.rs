//! `kinetik work`: works jobs off until it is told to stop, or until nothing is left.

use std::sync::Arc;

use anyhow::{Result, bail};
use futures::future::join_all;
use kinetik_core::{Processor, Summary};
use seed::doc;
use tokio_util::sync::CancellationToken;

use super::args::Work;
use super::count::number;
use super::output::Output;
use super::progress::Progress;
use super::selection::check_names;
use super::signals::Signals;
use super::{Opened, environment, warn};

pub(super) async fn run(opened: &Opened, command: &Work, output: &Output) -> Result<()> {
    if opened.queue.tasks().is_empty() {
        bail!("no task is defined: write tasks into kinetik.toml, or name the file with --config");
    }
    let loops = loops(opened, command)?;
    warn(&opened.warnings, output);
    let mut signals = Signals::listen()?;
    let progress = Arc::new(Progress::new(output));
    let processors: Vec<Processor> = loops
        .into_iter()
        .map(|tags| start(opened, command, tags, &progress))
        .collect();
    let stops: Vec<CancellationToken> = processors.iter().map(Processor::stop_token).collect();
    let mut ending = std::pin::pin!(end(opened, processors, &stops));
    let summary = tokio::select! {
        summary = &mut ending => summary?,
        () = signals.next() => {
            output.note("stopping: what runs may finish; a second signal ends at once");
            stops.iter().for_each(CancellationToken::cancel);
            tokio::select! {
                summary = &mut ending => summary?,
                () = signals.next() => bail!("ended at once by a second signal: what ran will be run again"),
            }
        }
    };
    progress.end();
    report(summary, output)
}

/// Returns the tags of each loop: as typed, from the environment, or those of all tasks.
fn loops(opened: &Opened, command: &Work) -> Result<Vec<Vec<String>>> {
    let (loops, example) = if command.tags.is_empty() {
        let tags = environment("QUEUE")?.map(|tags| split(&tags));
        let tags = tags.unwrap_or_else(|| tags_of_tasks(opened));
        (vec![tags], "QUEUE=mail,reports")
    } else {
        let loops = command.tags.iter().map(|tags| split(tags)).collect();
        (loops, "--tags mail,reports")
    };
    if loops.iter().any(Vec::is_empty) {
        bail!("tags are names with commas between them: {example}");
    }
    check_names("tag", loops.iter().flatten())?;
    Ok(loops)
}

fn split(tags: &str) -> Vec<String> {
    tags.split(',')
        .map(str::trim)
        .filter(|tag| !tag.is_empty())
        .map(str::to_owned)
        .collect()
}

/// Returns the tags in the order of the config file, then those of tasks that the program defines itself.
fn tags_of_tasks(opened: &Opened) -> Vec<String> {
    let mut tags = opened.config.tags();
    for task in opened.queue.tasks() {
        if !tags.iter().any(|tag| tag == task.tag()) {
            tags.push(task.tag().to_owned());
        }
    }
    tags
}

fn start(opened: &Opened, command: &Work, tags: Vec<String>, progress: &Arc<Progress>) -> Processor {
    let progress = Arc::clone(progress);
    let mut builder = opened
        .queue
        .process(tags)
        .on_event(move |event| progress.follow(event));
    if let Some(slots) = command.concurrency {
        builder = builder.slots(slots.into());
    }
    if let Some(interval) = command.interval {
        builder = builder.interval(interval);
    }
    if let Some(grace) = command.grace {
        builder = builder.grace(grace);
    }
    if command.drain {
        builder.start_draining()
    } else {
        builder.start()
    }
}

/// Waits for all loops, and for commands that are still ending; if one loop fails, the others stop.
async fn end(opened: &Opened, processors: Vec<Processor>, stops: &[CancellationToken]) -> Result<Summary> {
    let joined = join_all(processors.into_iter().map(async |processor| {
        let summary = processor.join().await;
        if summary.is_err() {
            stops.iter().for_each(CancellationToken::cancel);
        }
        summary
    }));
    let summaries: Vec<_> = joined.await;
    opened.commands.close();
    opened.commands.wait().await;
    Ok(summaries
        .into_iter()
        .collect::<kinetik_core::Result<Vec<_>>>()?
        .into_iter()
        .sum())
}

fn report(summary: Summary, output: &Output) -> Result<()> {
    let Summary {
        completed,
        failed,
        timed_out,
        retried,
        handed_back,
    } = summary;
    if output.is_json() {
        return output.json(&doc! {
            "completed": (number(completed)), "failed": (number(failed)), "timed_out": (number(timed_out)),
            "retried": (number(retried)), "handed_back": (number(handed_back))
        });
    }
    let mut line = format!("{completed} completed, {failed} failed, {timed_out} timed out");
    for (count, what) in [(retried, "retried"), (handed_back, "handed back")] {
        if count > 0 {
            line.push_str(&format!(", {count} {what}"));
        }
    }
    output.line(&line)
}

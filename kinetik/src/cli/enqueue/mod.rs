//! `kinetik enqueue`: one job from the command line, or many from a file.
//!
//! A file is read twice: once to check every line, once to enqueue them, so that a bad line anywhere means that nothing
//! is enqueued. A pipe can be read only once: it is enqueued batch by batch, and a fault says how far it came.
//! [`batches`] reads lines in bounded memory, [`line`] makes jobs of them.

mod batches;
mod line;

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use anyhow::{Context, Result, anyhow, bail};
use kinetik_core::{NewJob, Queue};
use seed::value::json;
use seed::{Document, doc};

use super::args::Enqueue;
use super::definitions::Definitions;
use super::output::Output;
use super::{Opened, count, file_name};
use batches::{Batch, Batches};

const BAR: &str = "{msg:>9} {wide_bar} {bytes}/{total_bytes}";
const SPINNER: &str = "{spinner} {pos} jobs enqueued, {per_sec}";

pub(super) async fn run(opened: &Opened, command: &Enqueue, output: &Output) -> Result<()> {
    let queue = &opened.queue;
    let Some(path) = &command.from else {
        let Some(task) = &command.task else {
            bail!("name a task, or a file of jobs with --from");
        };
        return one(queue, task, command, output).await;
    };
    let to = Destination {
        queue,
        defined: Definitions::of(queue).await?,
    };
    if path == Path::new("-") {
        from_pipe(&to, io::stdin(), "standard input", output).await
    } else {
        from_path(&to, path, output).await
    }
}

/// Where the jobs of an input go.
struct Destination<'q> {
    queue: &'q Queue,
    defined: Definitions,
}

impl Destination<'_> {
    /// Reads a job from a line; one without a tag waits where its task is looked for.
    fn read(&self, line: &str) -> Result<NewJob> {
        let job = line::read(line, |task| self.defined.tag_of(task))?;
        self.queue.check(&job)?;
        Ok(job)
    }
}

/// Returns the tag that a living worker has a task under. Nobody is asked for a task that is defined here, whose tag the
/// queue knows, since whoever enqueues one job pays for the question each time.
async fn tag_elsewhere(queue: &Queue, task: &str) -> Result<Option<String>> {
    if queue.tasks().iter().any(|here| here.name() == task) {
        return Ok(None);
    }
    let defined = Definitions::of(queue).await?;
    Ok(defined.tag_of(task).map(str::to_owned))
}

async fn one(queue: &Queue, task: &str, command: &Enqueue, output: &Output) -> Result<()> {
    let data = match command.data.as_deref() {
        Some("-") => Some(Cow::Owned(batches::read_text(io::stdin())?)),
        data => data.map(Cow::Borrowed),
    };
    let data = data
        .map(|text| json::parse_plain(&text))
        .transpose()
        .context("the data is not JSON")?;
    let tag = match &command.tag {
        Some(tag) => Some(tag.clone()),
        None => tag_elsewhere(queue, task).await?,
    };
    let mut job = queue
        .create(task, data.unwrap_or_default())
        .priority(command.priority);
    if let Some(tag) = tag {
        job = job.tag(tag);
    }
    if let Some(delay) = command.delay {
        job = job.delay(delay);
    }
    if let Some(time) = command.at {
        job = job.at(time);
    }
    if let Some(attempts) = command.attempts {
        job = job.attempts(attempts);
    }
    let id = job.save().await?;
    let untold = format!("the job {id} is enqueued, but its id cannot be told");
    tell(output, &doc! { "_id": (id.as_str()) }, &id, untold)
}

/// Says what was enqueued; `untold` is said if it cannot be, or whoever takes that for the jobs' failure would enqueue them
/// again.
fn tell(output: &Output, document: &Document, line: &str, untold: String) -> Result<()> {
    let told = if output.is_json() {
        output.json(document)
    } else {
        output.line(line)
    };
    told.and_then(|()| output.flush()).context(untold)
}

async fn from_path(to: &Destination<'_>, path: &Path, output: &Output) -> Result<()> {
    let name = file_name(path);
    let open = || File::open(path).with_context(|| format!("cannot open {name}"));
    let file = open()?;
    let metadata = file.metadata().with_context(|| format!("cannot read {name}"))?;
    if metadata.is_dir() {
        bail!("{name} is a folder: name a file of jobs, one JSON document a line");
    }
    if !metadata.is_file() {
        return from_pipe(to, file, &name, output).await;
    }
    let bar = output.show_bar(metadata.len(), BAR);
    bar.set_message("checking");
    check_all(to, Batches::read(file, &name), |come| {
        bar.set_position(come.bytes)
    })
    .await?;
    bar.set_message("enqueuing");
    let jobs = enqueue_all(to, Batches::read(open()?, &name), |come| {
        bar.set_position(come.bytes)
    })
    .await?;
    report(jobs, &name, output)
}

async fn from_pipe(
    to: &Destination<'_>,
    pipe: impl Read + Send + 'static,
    name: &str,
    output: &Output,
) -> Result<()> {
    let spinner = output.show_spinner(SPINNER);
    let jobs = enqueue_all(to, Batches::read(pipe, name), |come| {
        spinner.set_position(come.jobs)
    })
    .await?;
    report(jobs, name, output)
}

fn report(jobs: u64, name: &str, output: &Output) -> Result<()> {
    output.hide_bar();
    let (document, jobs) = (doc! { "enqueued": (count::number(jobs)) }, count::jobs(jobs));
    let untold = format!("enqueued {jobs} of {name}, but this cannot be told");
    tell(output, &document, &format!("{jobs} enqueued from {name}"), untold)
}

/// How far an input has come.
#[derive(Clone, Copy, Debug, Default)]
struct Come {
    jobs: u64,
    bytes: u64,
}

async fn check_all(to: &Destination<'_>, mut batches: Batches, tell: impl Fn(Come)) -> Result<()> {
    let mut come = Come::default();
    while let Some(batch) = batches.next().await {
        let checked = batch.and_then(|batch| match jobs_of(to, &batch) {
            (_, Some(fault)) => Err(fault),
            (_, None) => Ok(batch.bytes),
        });
        come.bytes += checked.map_err(|fault| anyhow!("{fault:#}; nothing was enqueued"))?;
        tell(come);
    }
    Ok(())
}

async fn enqueue_all(to: &Destination<'_>, mut batches: Batches, tell: impl Fn(Come)) -> Result<u64> {
    let mut come = Come::default();
    while let Some(batch) = batches.next().await {
        let enqueued = match batch {
            Ok(batch) => enqueue_batch(to, &batch, &mut come).await,
            Err(fault) => Err(fault),
        };
        enqueued.map_err(|fault| anyhow!("{fault:#}; {} before it were enqueued", count::jobs(come.jobs)))?;
        tell(come);
    }
    Ok(come.jobs)
}

/// Enqueues the jobs of a batch up to its first bad line.
async fn enqueue_batch(to: &Destination<'_>, batch: &Batch, come: &mut Come) -> Result<()> {
    let (jobs, fault) = jobs_of(to, batch);
    come.jobs += to.queue.create_many(jobs).await?.len() as u64;
    come.bytes += batch.bytes;
    fault.map_or(Ok(()), Err)
}

/// Makes the jobs of a batch up to its first bad line, and says what is wrong with that one.
fn jobs_of(to: &Destination<'_>, batch: &Batch) -> (Vec<NewJob>, Option<anyhow::Error>) {
    let mut jobs = Vec::with_capacity(batch.lines.len());
    for (number, text) in &batch.lines {
        match to.read(text) {
            Ok(job) => jobs.push(job),
            Err(fault) => return (jobs, Some(anyhow!("{}:{number}: {fault:#}", batch.name))),
        }
    }
    (jobs, None)
}

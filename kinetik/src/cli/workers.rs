//! `kinetik workers`: who works on the queue, and on what.

use anyhow::Result;
use kinetik_core::{Queue, Status, Worker, WorkerLoop};
use seed::store::{Find, StoreExt};
use seed::value::Array;
use seed::{DateTime, Document, Filter, Projection, Value, doc};

use super::Opened;
use super::count::number;
use super::output::{Output, shown};

const COLUMNS: [&str; 8] = [
    "host", "process", "state", "tags", "slots", "runs", "started", "renewed",
];

/// A job that runs, with the session of the worker that has it.
#[derive(Debug)]
struct Held {
    session: String,
    job: Document,
}

pub(super) async fn run(opened: &Opened, output: &Output) -> Result<()> {
    // Jobs first: a session that is not found afterwards is gone, and not about to begin.
    let held = held(&opened.queue).await?;
    let workers = opened.queue.workers().await?;
    if output.is_json() {
        for worker in &workers {
            output.json(&to_document(worker, &held))?;
        }
    } else {
        show(&workers, &held, output)?;
    }
    let orphans = held
        .iter()
        .filter(|held| !workers.iter().any(|worker| worker.id == held.session));
    match orphans.count() {
        0 => {}
        1 => output.note("1 job is held by a worker that is gone: the next living one hands it back"),
        jobs => output.note(&format!(
            "{jobs} jobs are held by workers that are gone: the next living one hands them back"
        )),
    }
    Ok(())
}

async fn held(queue: &Queue) -> Result<Vec<Held>> {
    let filter = Filter::parse(&doc! { "status": (Status::Processing.name()) })?;
    let fields = Projection::parse(&doc! { "session": 1, "task": 1, "started": 1 })?;
    let request = Find::new(queue.collection().clone(), filter).projection(fields);
    // What cannot be read has no worker to be shown with.
    let (jobs, _) = queue.store().find_readable(request).await?;
    let held = jobs.into_iter().map(|mut job| {
        let session = job.remove("session").as_ref().map(shown).unwrap_or_default();
        Held { session, job }
    });
    Ok(held.collect())
}

fn show(workers: &[Worker], held: &[Held], output: &Output) -> Result<()> {
    if workers.is_empty() {
        return output.line("no workers");
    }
    let rows = workers.iter().map(|worker| row(worker, of(worker, held).count()));
    output.table(&COLUMNS, rows.collect())?;
    let runs: Vec<Vec<String>> = workers
        .iter()
        .flat_map(|worker| of(worker, held).map(|job| job_row(worker, job)))
        .collect();
    if runs.is_empty() {
        return Ok(());
    }
    output.line("")?;
    output.table(&["process", "runs", "task", "since"], runs)
}

/// Returns the jobs that a worker runs.
fn of<'h>(worker: &Worker, held: &'h [Held]) -> impl Iterator<Item = &'h Document> {
    held.iter()
        .filter(|held| held.session == worker.id)
        .map(|held| &held.job)
}

fn row(worker: &Worker, jobs: usize) -> Vec<String> {
    let tags: Vec<String> = worker.loops.iter().map(|each| each.tags.join(",")).collect();
    let slots: usize = worker.loops.iter().map(|each| each.slots).sum();
    vec![
        worker.host.clone(),
        worker.process.to_string(),
        state(worker).to_owned(),
        tags.join("; "),
        slots.to_string(),
        jobs.to_string(),
        time(worker.started),
        time(worker.renewed),
    ]
}

fn job_row(worker: &Worker, job: &Document) -> Vec<String> {
    let text = |name: &str| job.get(name).map(shown).unwrap_or_default();
    vec![
        worker.process.to_string(),
        text("_id"),
        text("task"),
        text("started"),
    ]
}

fn state(worker: &Worker) -> &'static str {
    if worker.is_live { "live" } else { "lapsed" }
}

fn time(time: Option<DateTime>) -> String {
    time.map(|time| time.to_string()).unwrap_or_default()
}

fn to_document(worker: &Worker, held: &[Held]) -> Document {
    let loops: Array = worker.loops.iter().map(loop_document).collect();
    let tasks: Array = worker
        .tasks
        .iter()
        .map(|task| Value::from(task.name.as_str()))
        .collect();
    let jobs: Array = of(worker, held).cloned().map(Value::from).collect();
    let time = |time: Option<DateTime>| time.map(Value::from);
    doc! {
        "_id": (worker.id.as_str()),
        "host": (worker.host.as_str()),
        "process": (worker.process),
        "state": (state(worker)),
        "started": (time(worker.started)),
        "renewed": (time(worker.renewed)),
        "loops": loops,
        "tasks": tasks,
        "jobs": jobs
    }
}

fn loop_document(each: &WorkerLoop) -> Value {
    let tags: Array = each.tags.iter().map(|tag| Value::from(tag.as_str())).collect();
    doc! { "tags": tags, "slots": (number(each.slots)) }.into()
}

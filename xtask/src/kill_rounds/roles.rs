//! The processes of a round.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use kinetik_core::{NewJob, Queue, Status};
use seed::store::Count;
use seed::{Filter, Value, doc};
use seed_sqlite::{Options, SqliteStore};

/// The lease of the workers: short, for a round should not wait for the dead.
const LEASE: Duration = Duration::from_millis(900);

/// Jobs that happen to run wherever a process is killed must not count as its murderers.
const MAX_CRASHES: u32 = 1_000_000;

const SLOTS: usize = 16;

pub(super) fn database(folder: &Path) -> PathBuf {
    folder.join("jobs.db")
}

/// Where the producer notes what the queue has taken.
pub(super) fn enqueued(folder: &Path) -> PathBuf {
    folder.join("enqueued")
}

/// Where workers note what they did: a job's id and the token it ran under.
pub(super) fn effects(folder: &Path) -> PathBuf {
    folder.join("effects")
}

pub(super) async fn queue(folder: &Path) -> anyhow::Result<Queue> {
    let store = SqliteStore::open_with(&Options::new(database(folder)), Arc::new(seed::SystemClock))?;
    let queue = Queue::builder(Arc::new(store))
        .lease(LEASE)
        .max_crashes(MAX_CRASHES);
    Ok(queue.open().await?)
}

fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread().enable_all().build()?)
}

/// Enqueues jobs, one at a time and in lists, and notes each that the queue took, until there are enough.
pub(super) fn produce(folder: &Path, jobs: u64) -> anyhow::Result<()> {
    runtime()?.block_on(async {
        let queue = queue(folder).await?;
        let mut file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(enqueued(folder))?;
        let mut done = count_lines(&enqueued(folder))?;
        while done < jobs {
            let list = match done % 7 {
                0 => 1,
                rest => 40 * rest,
            };
            let list = list.min(jobs - done);
            let ids = match list {
                1 => vec![queue.create("effect", done as i64).tag("a").save().await?],
                _ => {
                    let job = |at: u64| NewJob::new("effect", at as i64).tag(["a", "b"][(at % 2) as usize]);
                    queue.create_many((done..done + list).map(job).collect()).await?
                }
            };
            // One write, so that a kill leaves whole lines; a torn last line is not counted.
            file.write_all((ids.join("\n") + "\n").as_bytes())?;
            done += list;
        }
        Ok(())
    })
}

pub(super) fn count_lines(path: &Path) -> anyhow::Result<u64> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(text.matches('\n').count() as u64)
}

async fn worker(folder: &Path) -> anyhow::Result<Queue> {
    let queue = queue(folder).await?;
    let file = OpenOptions::new()
        .create(true)
        .append(true)
        .open(effects(folder))?;
    let file = Arc::new(file);
    queue.define("effect").action(move |job| {
        let file = Arc::clone(&file);
        async move {
            let token = job.job().token.as_deref().unwrap_or("none");
            // Appended in one write: lines of several processes do not mix.
            (&*file).write_all(format!("{} {token}\n", job.job().id).as_bytes())?;
            Ok(Value::Null)
        }
    })?;
    Ok(queue)
}

/// Works until it is killed.
pub(super) fn work(folder: &Path) -> anyhow::Result<()> {
    runtime()?.block_on(async {
        let queue = worker(folder).await?;
        queue.process(["a", "b"]).slots(SLOTS).start().join().await?;
        Ok(())
    })
}

/// Works until nothing waits or runs any more, the jobs of the dead included.
pub(super) fn drain(folder: &Path) -> anyhow::Result<()> {
    runtime()?.block_on(async {
        let queue = worker(folder).await?;
        let worker = queue.process(["a", "b"]).slots(SLOTS).start();
        let names = [Status::Delayed, Status::Queued, Status::Processing].map(|status| status.name());
        let live = names
            .iter()
            .map(|name| Filter::parse(&doc! { "status": *name }))
            .collect::<seed::Result<Vec<_>>>()?;
        let mut watch = queue.store().watch(queue.collection()).await?;
        loop {
            let mut left = 0;
            for filter in &live {
                let request = Count::new(queue.collection().clone(), filter.clone());
                left += queue.store().count(request).await?;
            }
            if left == 0 {
                break;
            }
            watch.changed().await;
        }
        worker.stop().await?;
        Ok(())
    })
}

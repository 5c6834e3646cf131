//! The processes of a round.

use std::fs::OpenOptions;
use std::io::Write;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use kinetik_core::{NewJob, Queue, Result, Status};
use seed::store::Count;
use seed::{Filter, Value, doc};
use tokio::time::timeout;

use super::site::{Site, count_lines};

const SLOTS: usize = 16;

/// How often it is counted what is left, if no wake-up comes: those of a server that dies are lost.
const COUNT_INTERVAL: Duration = Duration::from_secs(1);

pub(super) fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread().enable_all().build()?)
}

/// Enqueues jobs, one at a time and in lists, and notes each that the queue took, until there are enough.
pub(super) fn produce(site: &Site, jobs: u64) -> anyhow::Result<()> {
    runtime()?.block_on(async {
        let queue = site.queue().await?;
        let mut file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(site.enqueued())?;
        let mut done = count_lines(&site.enqueued())?;
        while done < jobs {
            let list = match done % 7 {
                0 => 1,
                rest => 40 * rest,
            };
            let last = jobs.min(done + list);
            let ids = site.persist(|| enqueue(&queue, done..last)).await?;
            // One write, so that a kill leaves whole lines; a torn last line is not counted.
            file.write_all((ids.join("\n") + "\n").as_bytes())?;
            done = last;
        }
        Ok(())
    })
}

async fn enqueue(queue: &Queue, numbers: Range<u64>) -> Result<Vec<String>> {
    if numbers.end - numbers.start == 1 {
        let job = queue.create("effect", numbers.start as i64).tag("a");
        return Ok(vec![job.save().await?]);
    }
    let job = |at: u64| NewJob::new("effect", at as i64).tag(["a", "b"][(at % 2) as usize]);
    queue.create_many(numbers.map(job).collect()).await
}

async fn worker(site: &Site) -> anyhow::Result<Queue> {
    let queue = site.queue().await?;
    let file = OpenOptions::new()
        .create(true)
        .append(true)
        .open(site.effects())?;
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
pub(super) fn work(site: &Site) -> anyhow::Result<()> {
    runtime()?.block_on(async {
        let queue = worker(site).await?;
        queue.process(["a", "b"]).slots(SLOTS).start().join().await?;
        Ok(())
    })
}

/// Works until nothing waits or runs any more, the jobs of the dead included.
pub(super) fn drain(site: &Site) -> anyhow::Result<()> {
    runtime()?.block_on(async {
        let queue = worker(site).await?;
        let worker = queue.process(["a", "b"]).slots(SLOTS).start();
        let mut watch = queue.store().watch(queue.collection()).await?;
        while site.persist(|| count_live(&queue)).await? > 0 {
            // Whether it was woken or waited long enough, it counts again.
            let _ = timeout(COUNT_INTERVAL, watch.changed()).await;
        }
        worker.stop().await?;
        Ok(())
    })
}

async fn count_live(queue: &Queue) -> Result<u64> {
    let mut count = 0;
    for status in [Status::Delayed, Status::Queued, Status::Processing] {
        let filter = Filter::parse(&doc! { "status": status.name() })?;
        let request = Count::new(queue.collection().clone(), filter);
        count += queue.store().count(request).await?;
    }
    Ok(count)
}

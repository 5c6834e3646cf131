//! A store that keeps many finished jobs.

use futures::TryStreamExt;
use kinetik_core::job::ids::JobIds;
use kinetik_core::{Error, ErrorKind, Result};
use seed::Document;
use seed::store::Insert;

use super::site::{Site, completed};
use super::{LIST, Measurement, Step, drain};

/// Lets one job run to its end and writes copies of it straight to the store, so that they have the form of finished
/// jobs whatever that is.
pub(super) async fn keep_finished(site: &mut Site<'_>, measured: &mut Measurement) -> Result<()> {
    let total = site.bench().finished;
    measured.retained = Some(total);
    if total == 0 {
        return Ok(());
    }
    measured.notes = Some("the finished jobs are one that ran and copies of it".to_owned());
    site.fill(1).await?;
    drain::work_until(site, 1, 1).await?;
    site.drained().await?;
    // Else it would take the jobs that are to wait for the next worker.
    site.stop().await?;
    let pattern = site
        .queue()
        .find(completed()?, |find| find.limit(1))
        .await?
        .try_next()
        .await?;
    let pattern = pattern.ok_or_else(|| Error::new(ErrorKind::NotFound, "the first job did not complete"))?;
    copy(site, &pattern, total).await
}

async fn copy(site: &Site<'_>, pattern: &Document, total: u64) -> Result<()> {
    let (ids, bench) = (JobIds::default(), site.bench());
    let mut done = 1;
    while done < total {
        let end = total.min(done + LIST);
        let copies = (done..end).map(|_| {
            let mut copy = pattern.clone();
            copy.set("_id", ids.next(site.queue().now(), bench.runtime.random()));
            copy
        });
        let request = Insert::new(site.queue().collection().clone(), copies.collect());
        bench.store.insert(request).await?;
        done = end;
        bench.tell(Step {
            what: "keeping finished jobs",
            done,
            total,
        });
    }
    Ok(())
}

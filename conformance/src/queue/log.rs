//! What jobs say while they run and what they leave.

use std::sync::Arc;
use std::time::Duration;

use kinetik_core::Status;
use seed::{Value, doc};
use tokio::sync::Notify;

use super::world::{World, job, lines, pass, wait_for_end};
use crate::case::simulated_cases;
use crate::fixture::Stores;

simulated_cases![log_progress_and_result_are_kept_with_the_job,];

async fn log_progress_and_result_are_kept_with_the_job(stores: Stores) {
    let queue = World::queue(stores).await;
    let (started, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (starts, goes_on) = (Arc::clone(&started), Arc::clone(&go_on));
    queue
        .define("tells")
        .action(move |job| {
            let (started, go_on) = (Arc::clone(&starts), Arc::clone(&goes_on));
            async move {
                job.log_with("half way", doc! {"n": 1}.into());
                job.progress(1.0, 2.0);
                started.notify_one();
                go_on.notified().await;
                job.log("there");
                Ok(doc! {"sent": true}.into())
            }
        })
        .unwrap();
    let id = queue.create("tells", Value::Null).save().await.unwrap();
    let worker = queue.process(["default"]).start();
    started.notified().await;
    // What a running action says can be seen while it runs.
    pass(Duration::from_secs(2)).await;
    let found = job(&queue, &id).await;
    assert_eq!(found.status, Status::Processing);
    assert_eq!(
        found.progress.map(|progress| (progress.current, progress.total)),
        Some((1.0, 2.0))
    );
    go_on.notify_one();
    wait_for_end(&queue, &id).await;
    worker.stop().await.unwrap();

    let found = job(&queue, &id).await;
    assert_eq!(
        lines(&found),
        ["created", "attempt 1 started", "half way", "there", "completed"]
    );
    assert_eq!(found.log[2].data, doc! {"n": 1}.into());
    assert_eq!(found.result, doc! {"sent": true}.into());
}

//! What a worker that is stopped does with what runs.

use std::time::Duration;

use kinetik_core::{Failure, Status};
use seed::Value;

use super::notes::Notes;
use super::world::{World, job, pass, wait_for_status};
use crate::case::simulated_cases;
use crate::fixture::Stores;

simulated_cases![
    a_stop_waits_for_what_runs_and_hands_back_what_takes_too_long,
    a_failure_during_the_stop_is_stored,
    what_is_handed_back_has_ended_if_it_winds_down,
];

async fn a_stop_waits_for_what_runs_and_hands_back_what_takes_too_long(stores: Stores) {
    let queue = World::queue(stores).await;
    queue
        .define("sleeps")
        .action(async |job| {
            let seconds = job.data::<u64>()?;
            pass(Duration::from_secs(seconds)).await;
            Ok(Value::Null)
        })
        .unwrap();
    let short = queue.create("sleeps", 2).save().await.unwrap();
    let long = queue.create("sleeps", 500).save().await.unwrap();
    let worker = queue
        .process(["default"])
        .slots(2)
        .grace(Duration::from_secs(10))
        .start();
    wait_for_status(&queue, &long, Status::Processing).await;
    let summary = worker.stop().await.unwrap();
    assert_eq!((summary.completed, summary.handed_back), (1, 1));
    assert_eq!(job(&queue, &short).await.status, Status::Completed);
    let job = job(&queue, &long).await;
    assert_eq!((job.status, job.attempt, job.started), (Status::Queued, 0, None));
}

/// A failure that came during a shutdown stayed active (first seen in BullMQ, issue 834).
async fn a_failure_during_the_stop_is_stored(stores: Stores) {
    let queue = World::queue(stores).await;
    queue
        .define("fails")
        .action(async |_| {
            pass(Duration::from_secs(2)).await;
            Err(Failure::new("late"))
        })
        .unwrap();
    let id = queue.create("fails", Value::Null).save().await.unwrap();
    let worker = queue.process(["default"]).start();
    wait_for_status(&queue, &id, Status::Processing).await;
    assert_eq!(worker.stop().await.unwrap().failed, 1);
    assert_eq!(job(&queue, &id).await.status, Status::Failed);
}

/// Another worker began a job while the action of the one that stopped still ran.
async fn what_is_handed_back_has_ended_if_it_winds_down(stores: Stores) {
    let (queue, notes) = (World::queue(stores).await, Notes::default());
    let noting = notes.clone();
    let task = queue.define("slow").wind_down(Duration::from_secs(60));
    let action = move |job: kinetik_core::Context| {
        let notes = noting.clone();
        async move {
            job.cancellation().cancelled().await;
            let data = job.job().data.clone();
            match data.as_str() {
                Some("fails") => pass(Duration::from_secs(20)).await,
                Some("completes") => pass(Duration::from_secs(30)).await,
                _ => std::future::pending().await,
            }
            notes.add(&data);
            if data == "completes".into() {
                Ok(Value::Null)
            } else {
                Err(Failure::new("stopped"))
            }
        }
    };
    task.action(action).unwrap();
    let mut ids = Vec::new();
    for data in ["fails", "completes", "never ends"] {
        ids.push(queue.create("slow", data).save().await.unwrap());
    }
    let worker = queue.process(["default"]).grace(Duration::from_secs(10)).start();
    for id in &ids {
        wait_for_status(&queue, id, Status::Processing).await;
    }
    let start = queue.now();
    let summary = worker.stop().await.unwrap();
    assert_eq!(
        (summary.completed, summary.handed_back, summary.failed),
        (1, 2, 0)
    );
    assert_eq!(notes.taken(), ["fails", "completes"]);
    let took = queue.now().since(start);
    assert!(
        took >= Duration::from_secs(70) && took < Duration::from_secs(75),
        "{took:?}"
    );
    assert_eq!(job(&queue, &ids[1]).await.status, Status::Completed);
    for id in [&ids[0], &ids[2]] {
        let job = job(&queue, id).await;
        assert_eq!((job.status, job.attempt, job.started), (Status::Queued, 0, None));
    }
}

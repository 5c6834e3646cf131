//! In which order jobs are taken, and how many at once.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use kinetik_core::{NewJob, Status};
use seed::Value;

use super::notes::Notes;
use super::world::{World, job};
use crate::case::simulated_cases;
use crate::fixture::Stores;

simulated_cases![
    jobs_come_by_tag_then_priority_then_creation,
    the_first_tag_is_looked_at_before_each_job,
    no_more_jobs_run_than_there_are_slots,
    a_job_that_is_added_wakes_an_idle_processor_at_once,
    a_job_whose_task_nobody_defines_is_left_alone,
];

async fn jobs_come_by_tag_then_priority_then_creation(stores: Stores) {
    let (queue, notes) = (World::queue(stores).await, Notes::default());
    notes.define(&queue, "note", "a");
    for (data, tag, priority) in [
        ("b", "b", 9),
        ("a1", "a", 0),
        ("a2", "a", 0),
        ("low", "a", -1),
        ("high", "a", 5),
    ] {
        queue
            .create("note", data)
            .tag(tag)
            .priority(priority)
            .save()
            .await
            .unwrap();
    }
    let summary = queue.process(["a", "b"]).slots(1).drain().await.unwrap();
    assert_eq!(notes.taken(), ["high", "a1", "a2", "low", "b"]);
    assert_eq!(summary.completed, 5);
}

async fn the_first_tag_is_looked_at_before_each_job(stores: Stores) {
    let (queue, notes) = (World::queue(stores).await, Notes::default());
    notes.define(&queue, "note", "b");
    let (other, heard) = (queue.clone(), notes.clone());
    queue
        .define("adds")
        .tag("b")
        .action(move |job| {
            let (queue, notes) = (other.clone(), heard.clone());
            async move {
                queue.create("note", "important").tag("a").save().await?;
                notes.add(&job.job().data);
                Ok(Value::Null)
            }
        })
        .unwrap();
    queue.create("adds", "first").save().await.unwrap();
    queue.create("note", "second").save().await.unwrap();
    queue.process(["a", "b"]).slots(1).drain().await.unwrap();
    assert_eq!(notes.taken(), ["first", "important", "second"]);
}

async fn no_more_jobs_run_than_there_are_slots(stores: Stores) {
    let queue = World::queue(stores).await;
    let running = Arc::new(Mutex::new((0, 0)));
    let counted = Arc::clone(&running);
    queue
        .define("counts")
        .action(move |_| {
            let running = Arc::clone(&counted);
            async move {
                {
                    let mut running = running.lock().unwrap();
                    running.0 += 1;
                    running.1 = running.0.max(running.1);
                }
                tokio::task::yield_now().await;
                running.lock().unwrap().0 -= 1;
                Ok(Value::Null)
            }
        })
        .unwrap();
    queue
        .create_many((0..50).map(|at| NewJob::new("counts", i64::from(at))).collect())
        .await
        .unwrap();
    let summary = queue.process(["default"]).slots(3).drain().await.unwrap();
    assert_eq!(summary.completed, 50);
    assert_eq!(running.lock().unwrap().1, 3);
}

async fn a_job_that_is_added_wakes_an_idle_processor_at_once(stores: Stores) {
    let (queue, notes) = (World::queue(stores).await, Notes::default());
    notes.define(&queue, "note", "a");
    let worker = queue.process(["a"]).interval(Duration::from_secs(600)).start();
    tokio::time::advance(Duration::from_secs(60)).await;
    let start = queue.now();
    queue.create("note", "x").save().await.unwrap();
    notes.wait_for(1).await;
    assert_eq!(queue.now(), start);
    assert_eq!(worker.stop().await.unwrap().completed, 1);
}

async fn a_job_whose_task_nobody_defines_is_left_alone(stores: Stores) {
    let (queue, notes) = (World::queue(stores).await, Notes::default());
    notes.define(&queue, "note", "a");
    let unknown = queue
        .create("unknown", Value::Null)
        .tag("a")
        .priority(9)
        .save()
        .await
        .unwrap();
    queue.create("note", "known").save().await.unwrap();
    assert_eq!(queue.process(["a"]).drain().await.unwrap().completed, 1);
    let job = job(&queue, &unknown).await;
    assert_eq!((job.status, job.attempt), (Status::Queued, 0));
}

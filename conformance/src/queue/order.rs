//! In which order jobs are taken, and how many at once.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use kinetik_core::{NewJob, Status};
use seed::store::Find;
use seed::{ErrorKind, Filter, Sort, Value, doc};

use super::notes::Notes;
use super::world::{World, job};
use crate::case::simulated_cases;
use crate::fixture::Stores;

simulated_cases![
    jobs_come_by_tag_then_priority_then_creation,
    jobs_of_several_tasks_come_in_one_order,
    the_first_tag_is_looked_at_before_each_job,
    no_more_jobs_run_than_there_are_slots,
    a_job_that_is_added_wakes_an_idle_processor_at_once,
    a_job_whose_task_nobody_defines_is_left_alone,
    jobs_that_are_left_to_others_cost_a_claim_nothing,
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

async fn jobs_of_several_tasks_come_in_one_order(stores: Stores) {
    let queue = World::queue(stores).await;
    for slots in [1, 40] {
        let notes = Notes::default();
        let name = |at: i64| format!("task-{slots}-{}", at * at % 5);
        (0..5).for_each(|at| notes.define(&queue, &name(at), "a"));
        let priority = |at: i64| at * 3 % 4;
        let new = |at: i64| NewJob::new(name(at), at.to_string()).priority(priority(at));
        queue.create_many((0..60).map(new).collect()).await.unwrap();
        let mut expected: Vec<i64> = (0..60).collect();
        expected.sort_by_key(|at| (-priority(*at), *at));
        let expected: Vec<String> = expected.iter().map(i64::to_string).collect();
        assert_eq!(
            queue.process(["a"]).slots(slots).drain().await.unwrap().completed,
            60
        );
        assert_eq!(notes.taken(), expected, "{slots} at once");
    }
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

/// A claim went through all jobs of its tag that others have to run, each time.
async fn jobs_that_are_left_to_others_cost_a_claim_nothing(stores: Stores) {
    let (queue, notes) = (World::queue(stores).await, Notes::default());
    notes.define(&queue, "note", "a");
    notes.define(&queue, "rest", "a");
    let others = (0..500).map(|at: i64| NewJob::new("others", at).tag("a").priority(9));
    queue.create_many(others.collect()).await.unwrap();
    queue.create("note", "known").save().await.unwrap();
    let claimed = doc! {
        "status": "queued", "tag": "a", "task": { "$in": ["note", "rest"] }, "crashes": { "$not": { "$gte": 2 } }
    };
    let look = Find::new(queue.collection().clone(), Filter::parse(&claimed).unwrap())
        .sort(Sort::parse(&doc! { "priority": -1, "_id": 1 }).unwrap())
        .limit(10);
    match queue.store().explain(look).await {
        Ok(explained) => {
            // A server that plans by itself explains in its own words.
            let scanned = explained.get("scanned").and_then(Value::as_i64);
            assert_eq!(scanned.unwrap_or(1), 1, "{explained}");
        }
        // A stand-in for one may not explain at all.
        Err(fault) => assert_eq!(fault.kind(), ErrorKind::Unsupported, "{fault}"),
    }
    assert_eq!(queue.process(["a"]).drain().await.unwrap().completed, 1);
    assert_eq!(notes.taken(), ["known"]);
}

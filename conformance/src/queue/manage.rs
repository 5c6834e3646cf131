//! Reviving jobs, clearing them away, and counting them.

use std::time::Duration;

use kinetik_core::{ErrorKind, Failure, Status};
use seed::{Filter, Value};

use super::notes::Notes;
use super::world::{World, count, job, lines, pass};
use crate::case::simulated_cases;
use crate::fixture::Stores;

simulated_cases![
    a_failed_job_that_is_revived_gets_another_attempt,
    only_what_failed_can_be_revived,
    finished_jobs_are_cleared_away_by_age_task_tag_and_status,
    live_jobs_are_never_cleared_away,
    jobs_are_counted_by_task_and_status,
    several_queues_in_one_store_do_not_meet,
];

async fn a_failed_job_that_is_revived_gets_another_attempt(stores: Stores) {
    let queue = World::queue(stores).await;
    let bad = queue.define("bad");
    bad.action(async |job| match job.attempt() {
        1 => Err(Failure::new("no")),
        _ => Ok("yes".into()),
    })
    .unwrap();
    let id = queue.create("bad", Value::Null).save().await.unwrap();
    assert_eq!(queue.process(["default"]).drain().await.unwrap().failed, 1);
    queue.retry(&id).await.unwrap();
    let revived = job(&queue, &id).await;
    assert_eq!((revived.status, revived.finished), (Status::Queued, None));
    assert_eq!(queue.process(["default"]).drain().await.unwrap().completed, 1);
    let ended = job(&queue, &id).await;
    assert_eq!((ended.status, ended.attempt), (Status::Completed, 2));
    assert_eq!((ended.result.clone(), ended.error.clone()), ("yes".into(), None));
    assert_eq!(
        lines(&ended),
        [
            "created",
            "attempt 1 started",
            "failed: no",
            "queued again by hand",
            "attempt 2 started",
            "completed"
        ]
    );
}

async fn only_what_failed_can_be_revived(stores: Stores) {
    let (queue, notes) = (World::queue(stores).await, Notes::default());
    notes.define(&queue, "note", "a");
    let done = queue.create("note", 1).save().await.unwrap();
    queue.process(["a"]).drain().await.unwrap();
    let waiting = queue.create("note", 2).save().await.unwrap();
    let cancelled = queue.create("note", 3).save().await.unwrap();
    queue.cancel(&cancelled).await.unwrap();
    for id in [done, waiting, cancelled] {
        let before = job(&queue, &id).await;
        let refused = queue.retry(&id).await.unwrap_err();
        assert_eq!((refused.kind(), refused.job()), (ErrorKind::Invalid, Some(&*id)));
        assert_eq!(job(&queue, &id).await, before);
    }
    assert_eq!(
        queue.retry("nobody").await.unwrap_err().kind(),
        ErrorKind::NotFound
    );
}

async fn finished_jobs_are_cleared_away_by_age_task_tag_and_status(stores: Stores) {
    let (queue, notes) = (World::queue(stores).await, Notes::default());
    notes.define(&queue, "note", "a");
    notes.define(&queue, "other", "b");
    let fails = queue.define("fails").tag("a");
    fails.action(async |_| Err(Failure::new("no"))).unwrap();
    let fill = async || {
        for task in ["note", "other", "fails"] {
            queue.create(task, 1).save().await.unwrap();
        }
        queue.process(["a", "b"]).drain().await.unwrap();
    };
    fill().await;
    pass(Duration::from_secs(3_600)).await;
    fill().await;
    let old = Duration::from_secs(60);
    assert_eq!(queue.clean().older(old).task("note").run().await.unwrap(), 1);
    assert_eq!(
        queue.clean().older(old).run().await.unwrap(),
        1,
        "the other one that completed"
    );
    assert_eq!(
        queue.clean().status(Status::Failed).tag("b").run().await.unwrap(),
        0
    );
    assert_eq!(
        queue
            .clean()
            .status(Status::Failed)
            .tag("b")
            .tag("a")
            .run()
            .await
            .unwrap(),
        2
    );
    assert_eq!(count(&queue, &[]).await, 2);
    assert_eq!(queue.clean().run().await.unwrap(), 2);
}

async fn live_jobs_are_never_cleared_away(stores: Stores) {
    let queue = World::queue(stores).await;
    queue.create("note", 1).save().await.unwrap();
    queue
        .create("note", 1)
        .delay(Duration::from_secs(9))
        .save()
        .await
        .unwrap();
    for status in Status::ALL {
        match queue.clean().status(status).run().await {
            Ok(removed) => assert_eq!((removed, status.is_final()), (0, true)),
            Err(refused) => assert_eq!((refused.kind(), status.is_final()), (ErrorKind::Invalid, false)),
        }
    }
    assert_eq!(count(&queue, &[]).await, 2);
}

async fn jobs_are_counted_by_task_and_status(stores: Stores) {
    let (queue, notes) = (World::queue(stores).await, Notes::default());
    notes.define(&queue, "note", "a");
    for _ in 0..3 {
        queue.create("note", 1).save().await.unwrap();
    }
    queue.process(["a"]).drain().await.unwrap();
    queue.create("note", 1).save().await.unwrap();
    queue
        .create("later", 1)
        .delay(Duration::from_secs(9))
        .save()
        .await
        .unwrap();
    let off = queue.create("off", 1).save().await.unwrap();
    queue.cancel(&off).await.unwrap();
    let counts = queue.counts(&Filter::all()).await.unwrap();
    let counts: Vec<_> = counts
        .iter()
        .map(|at| (at.task.as_str(), at.status, at.count))
        .collect();
    assert_eq!(
        counts,
        [
            ("later", Status::Delayed, 1),
            ("note", Status::Queued, 1),
            ("note", Status::Completed, 3),
            ("off", Status::Cancelled, 1)
        ]
    );
}

async fn several_queues_in_one_store_do_not_meet(stores: Stores) {
    let world = World::of(stores);
    let store = world.store().await;
    let one = world.process_with(store.clone(), |queue| queue.name("one")).await;
    let other = world.process_with(store, |queue| queue.name("other")).await;
    let notes = Notes::default();
    notes.define(&other.queue, "note", "a");
    let id = one.queue.create("note", 1).tag("a").save().await.unwrap();
    other.queue.create("note", 2).tag("a").save().await.unwrap();
    assert_eq!(other.queue.process(["a"]).drain().await.unwrap().completed, 1);
    assert_eq!(notes.values(), [2.into()]);
    assert_eq!(job(&one.queue, &id).await.status, Status::Queued);
    assert!(other.queue.job(&id).await.unwrap().is_none());
}

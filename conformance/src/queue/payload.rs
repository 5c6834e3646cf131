//! What jobs carry.

use std::time::Duration;

use kinetik_core::{ErrorKind, FailureKind, NewJob, Status};
use seed::store::Insert;
use seed::{CollectionSpec, DateTime, IndexSpec, Value, doc};

use super::notes::Notes;
use super::world::{World, count, document, job, pass};
use crate::case::simulated_cases;
use crate::fixture::Stores;

simulated_cases![
    what_cannot_be_read_fails_once_and_the_others_flow,
    what_can_never_be_queued_fails_and_the_others_flow,
    data_of_any_type_arrives_as_it_was_given,
    what_may_not_be_enqueued_is_refused_and_leaves_nothing,
    each_job_of_many_keeps_its_options,
    each_job_is_created_when_it_is_created,
    a_payload_of_megabytes_arrives_as_it_was_given,
    a_job_whose_end_is_refused_fails_and_is_not_run_again,
];

/// A payload that could not be decoded blocked all others (first seen in River, pull request 1324).
async fn what_cannot_be_read_fails_once_and_the_others_flow(stores: Stores) {
    let (queue, notes) = (World::queue(stores).await, Notes::default());
    notes.define(&queue, "note", "a");
    let broken =
        doc! {"_id": "broken", "task": "note", "tag": "a", "status": "queued", "priority": 0, "data": 1};
    queue
        .store()
        .insert(Insert::new(queue.collection().clone(), vec![broken]))
        .await
        .unwrap();
    queue
        .define("typed")
        .tag("a")
        .action(async |job| job.result(&job.data::<Vec<String>>()?))
        .unwrap();
    let typed = queue.create("typed", 5).save().await.unwrap();
    queue.create("note", "fine").save().await.unwrap();

    let summary = queue.process(["a"]).drain().await.unwrap();
    assert_eq!((summary.completed, summary.failed), (1, 2));
    let error = job(&queue, &typed).await.error.unwrap();
    assert_eq!(error.kind, FailureKind::Decode);
    let kept = document(&queue, "broken").await;
    assert_eq!(kept.get("status"), Some(&"failed".into()));
    assert_eq!(kept.get("data"), Some(&1.into()));
}

/// One job that was due and could never be queued stopped every worker.
async fn what_can_never_be_queued_fails_and_the_others_flow(stores: Stores) {
    let (queue, notes) = (World::queue(stores).await, Notes::default());
    notes.define(&queue, "note", "a");
    // No index takes two arrays. A server that does, or has no such index, lets the job be claimed, and it cannot be read.
    let endless = doc! {
        "_id": "endless", "task": ["note"], "tag": ["a"], "status": "delayed", "run_at": (DateTime::from_millis(0)),
        "attempt": (i64::MAX)
    };
    queue
        .store()
        .insert(Insert::new(queue.collection().clone(), vec![endless]))
        .await
        .unwrap();
    let later = queue.create("note", "fine").delay(Duration::from_secs(5));
    later.save().await.unwrap();
    pass(Duration::from_secs(6)).await;
    assert_eq!(queue.process(["a"]).drain().await.unwrap().completed, 1);
    let kept = document(&queue, "endless").await;
    assert_eq!(kept.get("status"), Some(&"failed".into()));
    assert_eq!(kept.get("task"), Some(&vec!["note"].into()));
}

/// An array arrived as null (first seen in the first Kinetik).
async fn data_of_any_type_arrives_as_it_was_given(stores: Stores) {
    let (queue, notes) = (World::queue(stores).await, Notes::default());
    notes.define(&queue, "note", "a");
    let values: Vec<Value> = vec![
        vec![1, 2].into(),
        "x".into(),
        5.into(),
        Value::Null,
        doc! {}.into(),
        doc! {"a.b": {"$c": 1}}.into(),
        doc! {"$date": 1, "$oid": "no", "": {"$$": []}}.into(),
        "a\0b\u{1b}[31m \u{feff}😀 \u{10ffff}".into(),
        vec![i64::MIN, i64::MAX, 0].into(),
        vec![f64::NAN, f64::INFINITY, -0.0, 5e-324].into(),
    ];
    for value in &values {
        queue.create("note", value.clone()).save().await.unwrap();
    }
    queue.process(["a"]).slots(1).drain().await.unwrap();
    assert_eq!(notes.values(), values);
}

async fn what_may_not_be_enqueued_is_refused_and_leaves_nothing(stores: Stores) {
    let queue = World::queue(stores).await;
    let deep = (0..91).fold(Value::Null, |inner, _| Value::from(vec![inner]));
    let refused = [
        (NewJob::new("a:b", 1), ErrorKind::Invalid),
        (NewJob::new("", 1), ErrorKind::Invalid),
        (NewJob::new("a", 1).tag("x\n"), ErrorKind::Invalid),
        (NewJob::new("a", "x".repeat(8 * 1024 * 1024)), ErrorKind::TooLarge),
        (NewJob::new("a", deep), ErrorKind::TooLarge),
    ];
    for (job, kind) in refused {
        let error = queue
            .create_many(vec![NewJob::new("fine", 1), job])
            .await
            .unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.to_string().starts_with("job 1: "), "{error}");
    }
    assert_eq!(count(&queue, &[]).await, 0);
}

/// Per-job options were ignored by a bulk insert (first seen in River, pull request 149).
async fn each_job_of_many_keeps_its_options(stores: Stores) {
    let queue = World::queue(stores).await;
    let jobs = (0..1_000_i64).map(|at| {
        let job = NewJob::new("task", at).priority(at % 7).attempts(2);
        if at % 2 == 0 {
            job.delay(Duration::from_secs(60 + at as u64))
        } else {
            job
        }
    });
    let ids = queue.create_many(jobs.collect()).await.unwrap();
    assert!(ids.is_sorted());
    for (at, id) in (0_i64..).zip(&ids) {
        let job = job(&queue, id).await;
        assert_eq!((job.data, job.priority, job.max_attempts), (at.into(), at % 7, 2));
        assert_eq!(
            job.run_at.map(|due| due.since(job.created).as_secs()),
            (at % 2 == 0).then_some(60 + at as u64)
        );
        assert_eq!(
            job.status,
            if at % 2 == 0 {
                Status::Delayed
            } else {
                Status::Queued
            }
        );
        assert_eq!(job.log[0].message, "created");
    }
}

/// All jobs of a process were created when it was started (first seen in the first Kinetik).
async fn each_job_is_created_when_it_is_created(stores: Stores) {
    let world = World::of(stores);
    let queue = world.process().await.queue;
    let first = queue.create("note", 1).save().await.unwrap();
    pass(Duration::from_secs(60)).await;
    let second = queue.create("note", 2).save().await.unwrap();
    let (first, second) = (job(&queue, &first).await, job(&queue, &second).await);
    assert_eq!(second.created.since(first.created).as_secs(), 60);
    assert_eq!(second.log[0].at, second.created);
}

/// Very large data gave an id but no job (first seen in php-resque, issue 28).
async fn a_payload_of_megabytes_arrives_as_it_was_given(stores: Stores) {
    let (queue, notes) = (World::queue(stores).await, Notes::default());
    notes.define(&queue, "note", "a");
    let large = Value::from("é\"\\\n".repeat(1_000_000));
    let id = queue.create("note", large.clone()).save().await.unwrap();
    assert_eq!(job(&queue, &id).await.data, large);
    let summary = queue.process(["a"]).drain().await.unwrap();
    assert_eq!(summary.completed, 1);
    assert_eq!(notes.values(), [large]);
}

/// An end that the store refused for good left the job as running, and to be run again beside others.
async fn a_job_whose_end_is_refused_fails_and_is_not_run_again(stores: Stores) {
    let (queue, runs) = (World::queue(stores).await, Notes::default());
    // Somebody has put an index of their own on the jobs.
    let theirs = IndexSpec::new("theirs", &doc! { "result": 1 }).unwrap();
    let theirs = theirs.unique().partial(&doc! { "result": { "$exists": true } });
    let spec = CollectionSpec::new(queue.collection().clone()).version(1_000);
    queue.store().ensure(&spec.index(theirs.unwrap())).await.unwrap();
    let ran = runs.clone();
    let keyed = queue.define("keyed").tag("a");
    keyed
        .action(move |job| {
            ran.add(&job.job().data);
            async { Ok("taken".into()) }
        })
        .unwrap();
    let first = queue.create("keyed", 1).save().await.unwrap();
    let second = queue.create("keyed", 2).save().await.unwrap();
    let worker = queue.process(["a"]).slots(1).start();
    runs.wait_for(2).await;
    pass(Duration::from_secs(100)).await;
    worker.stop().await.unwrap();
    assert_eq!(runs.values(), [1.into(), 2.into()]);
    assert_eq!(job(&queue, &first).await.status, Status::Completed);
    let refused = job(&queue, &second).await;
    assert_eq!((refused.status, refused.attempt), (Status::Failed, 1));
    let message = refused.error.unwrap().message;
    assert!(message.contains("theirs"), "{message}");
    assert_eq!(refused.result, Value::Null);
}

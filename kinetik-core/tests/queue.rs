//! What the queue promises, on a clock that only moves when everything waits.

mod setting;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use kinetik_core::{ErrorKind, Failure, FailureKind, NewJob, Status};
use seed::store::Insert;
use seed::{Value, doc};
use setting::{Notes, open};
use tokio::sync::Notify;

#[tokio::test(start_paused = true)]
async fn jobs_come_by_tag_then_priority_then_creation() {
    let (queue, notes) = (open().await, Notes::default());
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

#[tokio::test(start_paused = true)]
async fn the_first_tag_is_looked_at_before_each_job() {
    let (queue, notes) = (open().await, Notes::default());
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

#[tokio::test(start_paused = true)]
async fn no_more_jobs_run_than_there_are_slots() {
    let queue = open().await;
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

/// Due jobs waited until some other job was added (first seen in BullMQ, issue 2534).
#[tokio::test(start_paused = true)]
async fn a_delayed_job_starts_at_its_time_without_other_traffic() {
    let (queue, notes) = (open().await, Notes::default());
    notes.define(&queue, "note", "a");
    let worker = queue.process(["a"]).interval(Duration::from_secs(600)).start();
    tokio::task::yield_now().await;
    let start = queue.now();
    let delays = [1, 2_000, 61_000, 3_600_000];
    for delay in delays {
        queue
            .create("note", delay)
            .delay(Duration::from_millis(delay as u64))
            .save()
            .await
            .unwrap();
    }
    for (at, delay) in delays.into_iter().enumerate() {
        notes.wait_for(at + 1).await;
        let late = queue
            .now()
            .since(start)
            .checked_sub(Duration::from_millis(delay as u64));
        assert!(
            late.is_some_and(|late| late <= Duration::from_millis(2)),
            "{delay} ms: {late:?}"
        );
    }
    worker.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_job_that_is_added_wakes_an_idle_processor_at_once() {
    let (queue, notes) = (open().await, Notes::default());
    notes.define(&queue, "note", "a");
    let worker = queue.process(["a"]).interval(Duration::from_secs(600)).start();
    tokio::time::advance(Duration::from_secs(60)).await;
    let start = queue.now();
    queue.create("note", "x").save().await.unwrap();
    notes.wait_for(1).await;
    assert_eq!(queue.now(), start);
    assert_eq!(worker.stop().await.unwrap().completed, 1);
}

/// One try too many, and no pause between tries (first seen in the first Kinetik, and in apalis, issue 510).
#[tokio::test(start_paused = true)]
async fn a_failing_job_is_tried_just_so_often_at_growing_times() {
    for attempts in 1..=3 {
        let queue = open().await;
        let tries = Arc::new(Mutex::new(Vec::new()));
        let noted = Arc::clone(&tries);
        queue
            .define("bad")
            .attempts(attempts)
            .action(move |job| {
                let tries = Arc::clone(&noted);
                async move {
                    tries
                        .lock()
                        .unwrap()
                        .push((job.attempt(), tokio::time::Instant::now()));
                    Err(Failure::new("no").code("E1"))
                }
            })
            .unwrap();
        let id = queue.create("bad", Value::Null).save().await.unwrap();
        let worker = queue.process(["default"]).start();
        setting::wait_for_end(&queue, &id).await;
        let summary = worker.stop().await.unwrap();
        assert_eq!((summary.failed, summary.retried), (1, u64::from(attempts) - 1));

        let job = queue.job(&id).await.unwrap().unwrap();
        assert_eq!((job.status, job.attempt), (Status::Failed, i64::from(attempts)));
        assert_eq!(job.error.unwrap(), Failure::new("no").code("E1"));
        let tries = tries.lock().unwrap();
        let numbers: Vec<_> = tries.iter().map(|(number, _)| *number).collect();
        assert_eq!(numbers, (1..=i64::from(attempts)).collect::<Vec<_>>());
        let pauses: Vec<_> = tries.windows(2).map(|pair| pair[1].1 - pair[0].1).collect();
        assert!(
            pauses.iter().all(|pause| *pause >= Duration::from_millis(500)),
            "{pauses:?}"
        );
        assert!(pauses.is_sorted(), "{pauses:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_action_that_takes_too_long_is_told_and_its_job_timed_out() {
    let queue = open().await;
    let told = Arc::new(Notify::new());
    let tells = Arc::clone(&told);
    queue
        .define("slow")
        .timeout(Duration::from_secs(5))
        .action(move |job| {
            let told = Arc::clone(&tells);
            async move {
                job.cancellation().cancelled().await;
                told.notify_one();
                job.log("too late to be heard");
                Ok("late".into())
            }
        })
        .unwrap();
    let id = queue.create("slow", Value::Null).save().await.unwrap();
    let summary = queue.process(["default"]).drain().await.unwrap();
    told.notified().await;
    assert_eq!(summary.timed_out, 1);
    let job = queue.job(&id).await.unwrap().unwrap();
    assert_eq!((job.status, job.attempt), (Status::Timeout, 1));
    assert_eq!(job.result, Value::Null);
    assert_eq!(job.error.as_ref().unwrap().kind, FailureKind::Timeout);
    assert_eq!(job.ran_for(), Some(Duration::from_secs(5)));
}

#[tokio::test(start_paused = true)]
async fn a_panic_is_a_failure_and_the_others_go_on() {
    let (queue, notes) = (open().await, Notes::default());
    notes.define(&queue, "note", "default");
    queue
        .define("panics")
        .action(async |_| panic!("at the disco"))
        .unwrap();
    let id = queue.create("panics", Value::Null).save().await.unwrap();
    queue.create("note", "fine").save().await.unwrap();
    let summary = queue.process(["default"]).slots(1).drain().await.unwrap();
    assert_eq!((summary.failed, summary.completed), (1, 1));
    let error = queue.job(&id).await.unwrap().unwrap().error.unwrap();
    assert_eq!(
        (error.kind, error.message.as_str()),
        (FailureKind::Panicked, "the action panicked: at the disco")
    );
}

#[tokio::test(start_paused = true)]
async fn log_progress_and_result_are_kept_with_the_job() {
    let queue = open().await;
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
    setting::pass(Duration::from_secs(2)).await;
    let job = queue.job(&id).await.unwrap().unwrap();
    assert_eq!(job.status, Status::Processing);
    assert_eq!(
        job.progress.map(|progress| (progress.current, progress.total)),
        Some((1.0, 2.0))
    );
    go_on.notify_one();
    setting::wait_for_end(&queue, &id).await;
    worker.stop().await.unwrap();

    let job = queue.job(&id).await.unwrap().unwrap();
    let lines: Vec<_> = job.log.iter().map(|line| line.message.as_str()).collect();
    assert_eq!(
        lines,
        ["created", "attempt 1 started", "half way", "there", "completed"]
    );
    assert_eq!(job.log[2].data, doc! {"n": 1}.into());
    assert_eq!(job.result, doc! {"sent": true}.into());
}

#[tokio::test(start_paused = true)]
async fn a_stop_waits_for_what_runs_and_hands_back_what_takes_too_long() {
    let queue = open().await;
    queue
        .define("sleeps")
        .action(async |job| {
            let seconds = job.data::<u64>()?;
            setting::pass(Duration::from_secs(seconds)).await;
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
    setting::wait_for_status(&queue, &long, Status::Processing).await;
    let summary = worker.stop().await.unwrap();
    assert_eq!((summary.completed, summary.handed_back), (1, 1));
    assert_eq!(
        queue.job(&short).await.unwrap().unwrap().status,
        Status::Completed
    );
    let job = queue.job(&long).await.unwrap().unwrap();
    assert_eq!((job.status, job.attempt, job.started), (Status::Queued, 0, None));
}

/// A failure that came during a shutdown stayed active (first seen in BullMQ, issue 834).
#[tokio::test(start_paused = true)]
async fn a_failure_during_the_stop_is_stored() {
    let queue = open().await;
    queue
        .define("fails")
        .action(async |_| {
            setting::pass(Duration::from_secs(2)).await;
            Err(Failure::new("late"))
        })
        .unwrap();
    let id = queue.create("fails", Value::Null).save().await.unwrap();
    let worker = queue.process(["default"]).start();
    setting::wait_for_status(&queue, &id, Status::Processing).await;
    assert_eq!(worker.stop().await.unwrap().failed, 1);
    assert_eq!(queue.job(&id).await.unwrap().unwrap().status, Status::Failed);
}

#[tokio::test(start_paused = true)]
async fn a_job_whose_task_nobody_defines_is_left_alone() {
    let (queue, notes) = (open().await, Notes::default());
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
    let job = queue.job(&unknown).await.unwrap().unwrap();
    assert_eq!((job.status, job.attempt), (Status::Queued, 0));
}

/// A payload that could not be decoded blocked all others (first seen in River, pull request 1324).
#[tokio::test(start_paused = true)]
async fn what_cannot_be_read_fails_once_and_the_others_flow() {
    let (queue, notes) = (open().await, Notes::default());
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
    let error = queue.job(&typed).await.unwrap().unwrap().error.unwrap();
    assert_eq!(error.kind, FailureKind::Decode);
    let kept = setting::document(&queue, "broken").await;
    assert_eq!(kept.get("status"), Some(&"failed".into()));
    assert_eq!(kept.get("data"), Some(&1.into()));
}

/// An array arrived as null (first seen in the first Kinetik).
#[tokio::test(start_paused = true)]
async fn data_of_any_type_arrives_as_it_was_given() {
    let (queue, notes) = (open().await, Notes::default());
    notes.define(&queue, "note", "a");
    let values: Vec<Value> = vec![
        vec![1, 2].into(),
        "x".into(),
        5.into(),
        Value::Null,
        doc! {}.into(),
        doc! {"a.b": {"$c": 1}}.into(),
    ];
    for value in &values {
        queue.create("note", value.clone()).save().await.unwrap();
    }
    queue.process(["a"]).slots(1).drain().await.unwrap();
    assert_eq!(notes.values(), values);
}

#[tokio::test(start_paused = true)]
async fn what_may_not_be_enqueued_is_refused_and_leaves_nothing() {
    let queue = open().await;
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
    assert_eq!(setting::count(&queue).await, 0);
}

/// Per-job options were ignored by a bulk insert (first seen in River, pull request 149).
#[tokio::test(start_paused = true)]
async fn each_job_of_many_keeps_its_options() {
    let queue = open().await;
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
        let job = queue.job(id).await.unwrap().unwrap();
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

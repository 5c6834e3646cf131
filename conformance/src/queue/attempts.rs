//! How attempts end, and what comes after.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use kinetik_core::{Failure, FailureKind, Status};
use seed::Value;
use tokio::sync::Notify;

use super::notes::Notes;
use super::world::{World, job, pass, wait_for_end};
use crate::case::simulated_cases;
use crate::fixture::Stores;

simulated_cases![
    a_failing_job_is_tried_just_so_often_at_growing_times,
    an_action_that_takes_too_long_is_told_and_its_job_timed_out,
    an_attempt_that_winds_down_is_over_before_the_next_begins,
    a_panic_is_a_failure_and_the_others_go_on,
    a_panic_of_a_listener_stops_nothing,
];

/// One try too many, and no pause between tries (first seen in the first Kinetik, and in apalis, issue 510).
async fn a_failing_job_is_tried_just_so_often_at_growing_times(stores: Stores) {
    let world = World::of(stores);
    for attempts in 1..=3 {
        let queue = world
            .process_with(world.store().await, |queue| {
                queue.name(format!("queue {attempts}"))
            })
            .await
            .queue;
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
        wait_for_end(&queue, &id).await;
        let summary = worker.stop().await.unwrap();
        assert_eq!((summary.failed, summary.retried), (1, u64::from(attempts) - 1));

        let job = job(&queue, &id).await;
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

async fn an_action_that_takes_too_long_is_told_and_its_job_timed_out(stores: Stores) {
    let queue = World::queue(stores).await;
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
    let job = job(&queue, &id).await;
    assert_eq!((job.status, job.attempt), (Status::Timeout, 1));
    assert_eq!(job.result, Value::Null);
    assert_eq!(job.error.as_ref().unwrap().kind, FailureKind::Timeout);
    assert_eq!(job.ran_for(), Some(Duration::from_secs(5)));
}

async fn a_panic_is_a_failure_and_the_others_go_on(stores: Stores) {
    let (queue, notes) = (World::queue(stores).await, Notes::default());
    notes.define(&queue, "note", "default");
    queue
        .define("panics")
        .action(async |_| panic!("at the disco"))
        .unwrap();
    queue
        .define("panics early")
        .action(|job| {
            assert!(!job.job().data.is_null(), "at the disco");
            async { Ok(Value::Null) }
        })
        .unwrap();
    let mut ids = Vec::new();
    for task in ["panics", "panics early"] {
        ids.push(queue.create(task, Value::Null).save().await.unwrap());
    }
    queue.create("note", "fine").save().await.unwrap();
    let summary = queue.process(["default"]).slots(1).drain().await.unwrap();
    assert_eq!((summary.failed, summary.completed), (2, 1));
    for id in ids {
        let error = job(&queue, &id).await.error.unwrap();
        assert_eq!(
            (error.kind, error.message.as_str()),
            (FailureKind::Panicked, "the action panicked: at the disco")
        );
    }
}

async fn a_panic_of_a_listener_stops_nothing(stores: Stores) {
    let (queue, notes) = (World::queue(stores).await, Notes::default());
    notes.define(&queue, "note", "default");
    for at in 0..3 {
        queue.create("note", at).save().await.unwrap();
    }
    let worker = queue.process(["default"]);
    let worker = worker.on_event(|event| panic!("at each event, such as {event:?}"));
    assert_eq!(worker.drain().await.unwrap().completed, 3);
}

/// Two attempts of one job ran side by side, and more actions than there are slots.
async fn an_attempt_that_winds_down_is_over_before_the_next_begins(stores: Stores) {
    let (queue, notes) = (World::queue(stores).await, Notes::default());
    let noting = notes.clone();
    let task = queue
        .define("slow")
        .tag("a")
        .attempts(2)
        .timeout(Duration::from_secs(5))
        .wind_down(Duration::from_secs(60));
    let action = move |job: kinetik_core::Context| {
        let notes = noting.clone();
        async move {
            notes.add(&format!("begins {}", job.attempt()).into());
            job.cancellation().cancelled().await;
            // The second one never ends by itself, and is waited for no longer than it may take.
            match job.attempt() {
                1 => pass(Duration::from_secs(20)).await,
                _ => std::future::pending().await,
            }
            notes.add(&format!("ends {}", job.attempt()).into());
            Ok(Value::Null)
        }
    };
    task.action(action).unwrap();
    notes.define(&queue, "other", "a");
    let slow = queue.create("slow", 1).priority(1).save().await.unwrap();
    let other = queue.create("other", "other").save().await.unwrap();
    let start = queue.now();
    let worker = queue.process(["a"]).slots(1).start();
    let other = wait_for_end(&queue, &other).await;
    let slow = wait_for_end(&queue, &slow).await;
    assert_eq!(notes.taken(), ["begins 1", "ends 1", "other", "begins 2"]);
    assert_eq!((other.status, slow.status), (Status::Completed, Status::Timeout));
    // 25 s, a pause of about a second, then 65 s.
    let took = slow.finished.unwrap().since(start);
    assert!(
        took >= Duration::from_secs(90) && took <= Duration::from_secs(95),
        "{took:?}"
    );
    worker.stop().await.unwrap();
}

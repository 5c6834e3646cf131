//! Jobs that take their workers down, and producers that die.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use kinetik_core::{Event, FailureKind, Queue, Status};
use seed::Value;
use seed::faulty::{Fault, Faulty};
use seed::store::{Find, StoreExt};

use super::notes::Notes;
use super::world::{LEASE, World, count, count_lines, job, lines, pass};
use crate::case::simulated_cases;
use crate::fixture::Stores;

simulated_cases![
    a_job_that_takes_its_workers_down_fails_as_crashed,
    the_limit_of_crashes_is_that_of_the_queue,
    crashes_are_no_attempts,
    a_drain_runs_what_a_dead_worker_held,
    a_drain_runs_what_is_left_when_a_lease_is_over,
    a_drain_leaves_a_living_worker_its_jobs,
    a_producer_that_dies_leaves_no_half_created_job,
];

/// Runs workers under a supervisor, each taken down by the job of the task `abort`, until `rounds` have passed.
async fn supervise(world: &World, max_crashes: u32, notes: &Notes, rounds: u32) -> u32 {
    let mut deaths = 0;
    for _ in 0..rounds {
        let process = world
            .process_with(world.store().await, |queue| queue.max_crashes(max_crashes))
            .await;
        notes.define(&process.queue, "note", "a");
        let killer = process.killer();
        let has_died = Arc::new(std::sync::atomic::AtomicBool::new(false));
        let dies = Arc::clone(&has_died);
        let abort = process.queue.define("abort").tag("a");
        abort
            .action(move |_| {
                dies.store(true, std::sync::atomic::Ordering::SeqCst);
                killer.kill();
                async { std::future::pending().await }
            })
            .unwrap();
        let worker = process.queue.process(["a"]).slots(3).start();
        pass(2 * LEASE).await;
        if has_died.load(std::sync::atomic::Ordering::SeqCst) {
            deaths += 1;
            drop(worker);
        } else {
            worker.stop().await.unwrap();
        }
    }
    deaths
}

/// A job that killed its worker was enqueued again for ever (first seen in Faktory, issue 99).
async fn a_job_that_takes_its_workers_down_fails_as_crashed(stores: Stores) {
    let (world, notes) = (World::of(stores), Notes::default());
    let setter = world.process().await;
    for at in 0..5 {
        setter.queue.create("note", at).tag("a").save().await.unwrap();
    }
    let id = setter
        .queue
        .create("abort", Value::Null)
        .tag("a")
        .save()
        .await
        .unwrap();
    for at in 5..10 {
        setter.queue.create("note", at).tag("a").save().await.unwrap();
    }
    let deaths = supervise(&world, 3, &notes, 8).await;
    assert_eq!(deaths, 3, "the restarts come to an end");
    let poison = job(&setter.queue, &id).await;
    assert_eq!(
        (poison.status, poison.crashes, poison.attempt),
        (Status::Failed, 3, 0)
    );
    assert_eq!(poison.error.as_ref().unwrap().kind, FailureKind::Crashed);
    assert_eq!(count_lines(&poison, "crashed"), 3, "{:?}", poison.log);
    assert_eq!(count_lines(&poison, "attempt 1 started"), 3, "{:?}", poison.log);
    assert_eq!(count(&setter.queue, &[Status::Completed]).await, 10);
    assert_eq!(count(&setter.queue, &[Status::Processing]).await, 0);
}

async fn the_limit_of_crashes_is_that_of_the_queue(stores: Stores) {
    let (world, notes) = (World::of(stores), Notes::default());
    let setter = world.process().await;
    let id = setter
        .queue
        .create("abort", Value::Null)
        .tag("a")
        .save()
        .await
        .unwrap();
    assert_eq!(supervise(&world, 1, &notes, 3).await, 1);
    assert_eq!(job(&setter.queue, &id).await.status, Status::Failed);
}

async fn crashes_are_no_attempts(stores: Stores) {
    let world = World::of(stores);
    let (process, notes) = (world.process().await, Notes::default());
    notes.define_endless(&process.queue, "slow", "a");
    let id = process
        .queue
        .create("slow", 1)
        .tag("a")
        .attempts(1)
        .save()
        .await
        .unwrap();
    let worker = process.queue.process(["a"]).start();
    notes.wait_for(1).await;
    process.kill().await;
    drop(worker);
    let second = world.process().await;
    let fails = second.queue.define("slow").tag("a");
    fails
        .action(async |_| Err(kinetik_core::Failure::new("no")))
        .unwrap();
    let worker = second.queue.process(["a"]).start();
    let ended = super::world::wait_for_end(&second.queue, &id).await;
    assert_eq!(
        (ended.status, ended.attempt, ended.crashes),
        (Status::Failed, 1, 1)
    );
    worker.stop().await.unwrap();
}

/// A drain ended at once beside the job of a worker that had just died, and left it running for ever.
async fn a_drain_runs_what_a_dead_worker_held(stores: Stores) {
    check_drain_after_death(stores, Duration::ZERO).await;
}

async fn a_drain_runs_what_is_left_when_a_lease_is_over(stores: Stores) {
    check_drain_after_death(stores, 2 * LEASE).await;
}

async fn check_drain_after_death(stores: Stores, since: Duration) {
    let world = World::of(stores);
    let (dead, notes) = (world.process().await, Notes::default());
    notes.define_endless(&dead.queue, "note", "a");
    let id = dead.queue.create("note", 1).save().await.unwrap();
    let worker = dead.queue.process(["a"]).start();
    notes.wait_for(1).await;
    dead.kill().await;
    drop(worker);
    pass(since).await;
    let process = world.process().await;
    notes.define(&process.queue, "note", "a");
    let waited = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&waited);
    let drain = process.queue.process(["a"]).on_event(move |event| {
        if let Event::Waiting { jobs } = event {
            told.lock().unwrap().push(*jobs);
        }
    });
    assert_eq!(drain.drain().await.unwrap().completed, 1);
    assert_eq!(*waited.lock().unwrap(), [1], "told once");
    let job = job(&process.queue, &id).await;
    assert_eq!((job.status, job.crashes), (Status::Completed, 1));
}

async fn a_drain_leaves_a_living_worker_its_jobs(stores: Stores) {
    let world = World::of(stores);
    let (living, notes) = (world.process().await, Notes::default());
    notes.define_endless(&living.queue, "long", "a");
    let id = living.queue.create("long", 1).save().await.unwrap();
    let worker = living.queue.process(["a"]).start();
    notes.wait_for(1).await;
    let drainer = world.process().await;
    notes.define(&drainer.queue, "long", "a");
    notes.define(&drainer.queue, "other", "b");
    drainer.queue.create("other", 2).save().await.unwrap();
    let began = tokio::time::Instant::now();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let drain = |tag: &str| {
        let seen = Arc::clone(&seen);
        let processor = drainer.queue.process([tag]).on_event(move |event| {
            let line = format!("{:?}: {event:?}", began.elapsed());
            seen.lock().unwrap().push(line);
        });
        processor.drain()
    };
    assert_eq!(drain("b").await.unwrap().completed, 1);
    assert_eq!(
        began.elapsed(),
        Duration::ZERO,
        "nothing of this tag is held by others: {:?}",
        seen.lock().unwrap()
    );
    assert_eq!(drain("a").await.unwrap().completed, 0);
    assert!(began.elapsed() < LEASE, "{:?}", began.elapsed());
    assert_eq!(job(&drainer.queue, &id).await.status, Status::Processing);
    drop(worker);
}

/// Jobs stood half created when their producer died between two writes (first seen in the first Kinetik).
async fn a_producer_that_dies_leaves_no_half_created_job(stores: Stores) {
    let world = World::of(stores);
    let looker = world.process().await;
    for dies_at in 1..=6 {
        for fault in [Fault::Cut, Fault::LoseAnswer] {
            let faulty = Faulty::over(world.store().await);
            let producer = world.process_with(Arc::new(faulty.clone()), |queue| queue).await;
            faulty.fail(dies_at, &[], fault.clone());
            for at in 0..5 {
                let job = producer.queue.create("note", at);
                let job = match at {
                    2 => job.delay(LEASE),
                    _ => job,
                };
                if job.save().await.is_err() {
                    break;
                }
            }
            producer.kill().await;
        }
    }
    check_all_complete(&looker.queue).await;
    let created = count(&looker.queue, &[]).await;
    let notes = Notes::default();
    notes.define(&looker.queue, "note", "default");
    pass(2 * LEASE).await;
    let summary = looker.queue.process(["default"]).drain().await.unwrap();
    assert_eq!(summary.completed, created, "each of them can be run");
}

async fn check_all_complete(queue: &Queue) {
    let request = Find::new(queue.collection().clone(), seed::Filter::all());
    let found = queue.store().find_all(request).await.unwrap();
    assert!(!found.is_empty());
    for document in found {
        let job = kinetik_core::Job::from_document(&document).unwrap();
        assert_eq!(lines(&job), ["created"]);
        assert!(
            matches!(job.status, Status::Queued | Status::Delayed),
            "{document:?}"
        );
        assert_eq!(job.status == Status::Delayed, job.run_at.is_some());
    }
}

//! A store that fails under a working queue: calls that are refused, answers that are lost, at each place in turn.

use std::sync::Arc;
use std::time::Duration;

use kinetik_core::Status;
use seed::Value;
use seed::faulty::{Call, Fault, Faulty, Wait};

use super::notes::Notes;
use super::world::{LEASE, World, count, job, pass};
use crate::case::simulated_cases;
use crate::fixture::Stores;

simulated_cases![
    a_call_that_fails_anywhere_loses_no_job,
    an_answer_that_is_lost_anywhere_runs_no_job_twice,
    a_lost_answer_to_an_enqueue_leaves_one_job,
    work_goes_on_after_an_outage,
    a_look_that_takes_long_does_not_cost_the_lease,
];

const JOBS: i64 = 6;

/// Works a few jobs off with a fault at the nth call, for each n until there are no more calls.
async fn at_each_call(stores: Stores, fault: Fault, check: impl Fn(&Notes, u64)) {
    let world = World::of(stores);
    for nth in 1.. {
        let faulty = Faulty::over(world.store().await);
        let name = format!("queue {nth}");
        let process = world
            .process_with(Arc::new(faulty.clone()), |queue| queue.name(name.clone()))
            .await;
        let notes = Notes::default();
        notes.define(&process.queue, "note", "a");
        for at in 0..JOBS {
            process.queue.create("note", at).tag("a").save().await.unwrap();
        }
        let before = faulty.calls(&[]);
        faulty.fail(nth, &[], fault.clone());
        let worker = process.queue.process(["a"]).slots(2).start();
        pass(2 * LEASE).await;
        let calls = faulty.calls(&[]) - before;
        worker.stop().await.unwrap();
        assert_eq!(
            count(&process.queue, &[Status::Completed]).await,
            JOBS as u64,
            "fault at call {nth}"
        );
        check(&notes, nth);
        if nth > calls.min(40) {
            return;
        }
    }
}

async fn a_call_that_fails_anywhere_loses_no_job(stores: Stores) {
    at_each_call(stores, Fault::Refuse, |notes, nth| {
        assert_eq!(notes.values().len(), JOBS as usize, "fault at call {nth}");
    })
    .await;
}

async fn an_answer_that_is_lost_anywhere_runs_no_job_twice(stores: Stores) {
    at_each_call(stores, Fault::LoseAnswer, |notes, nth| {
        assert_eq!(notes.values().len(), JOBS as usize, "answer lost at call {nth}");
    })
    .await;
}

async fn a_lost_answer_to_an_enqueue_leaves_one_job(stores: Stores) {
    let world = World::of(stores);
    let faulty = Faulty::over(world.store().await);
    let process = world.process_with(Arc::new(faulty.clone()), |queue| queue).await;
    faulty.fail(1, &[Call::Insert], Fault::LoseAnswer);
    let id = process.queue.create("note", 1).save().await.unwrap();
    assert_eq!(job(&process.queue, &id).await.data, 1.into());
    assert_eq!(count(&process.queue, &[]).await, 1);
    faulty.fail(1, &[Call::Insert], Fault::Refuse);
    process.queue.create("note", 2).save().await.unwrap();
    assert_eq!(count(&process.queue, &[]).await, 2);
}

async fn work_goes_on_after_an_outage(stores: Stores) {
    let world = World::of(stores);
    let faulty = Faulty::over(world.store().await);
    let process = world.process_with(Arc::new(faulty.clone()), |queue| queue).await;
    let (notes, setter) = (Notes::default(), world.process().await);
    let noted = notes.clone();
    let slow = process.queue.define("slow").tag("a");
    slow.action(move |job| {
        let notes = noted.clone();
        async move {
            job.log("at work");
            pass(Duration::from_secs(7)).await;
            notes.add(&job.job().data);
            Ok(Value::Null)
        }
    })
    .unwrap();
    let worker = process.queue.process(["a"]).slots(1).start();
    for at in 0..10 {
        setter.queue.create("slow", at).tag("a").save().await.unwrap();
    }
    for _ in 0..4 {
        pass(Duration::from_secs(11)).await;
        faulty.cut();
        pass(Duration::from_secs(19)).await;
        faulty.mend();
    }
    notes.wait_for(10).await;
    assert_eq!(worker.stop().await.unwrap().completed, 10);
    assert_eq!(notes.values().len(), 10, "each ran once");
}

/// A look for the dead that waited for a slow disk kept the looker from saying that it lives.
async fn a_look_that_takes_long_does_not_cost_the_lease(stores: Stores) {
    let world = World::of(stores);
    let calls = Faulty::over(world.store().await);
    let slow = world.process_with(Arc::new(calls.clone()), |queue| queue).await;
    let other = world.process().await;
    let starts = Notes::default();
    for process in [&slow, &other] {
        let starts = starts.clone();
        let long = process.queue.define("long").tag("a");
        long.action(move |job| {
            starts.add(&job.job().data);
            async move {
                pass(4 * LEASE).await;
                Ok(Value::Null)
            }
        })
        .unwrap();
    }
    let id = slow.queue.create("long", 1).tag("a").save().await.unwrap();
    let worker = slow.queue.process(["a"]).start();
    starts.wait_for(1).await;
    let looker = other.queue.process(["a"]).start();
    // One of them is the loop's, for delayed jobs; the next one looks for the dead.
    for nth in [1, 2] {
        let long = Fault::Delay(Wait::until(|| pass(3 * LEASE)));
        calls.fail(nth, &[Call::Find], long);
    }
    pass(8 * LEASE).await;
    assert_eq!(starts.values(), [1.into()], "it was taken from its worker");
    assert_eq!(job(&slow.queue, &id).await.status, Status::Completed);
    worker.stop().await.unwrap();
    looker.stop().await.unwrap();
}

//! Calling jobs off, wherever they stand.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use kinetik_core::{ErrorKind, Event, Failure, Status};
use seed::Value;
use seed::faulty::{Call, Faulty};

use super::notes::Notes;
use super::world::{World, count_lines, job, lines, pass, wait_for_end, wait_for_status};
use crate::case::simulated_cases;
use crate::fixture::Stores;

simulated_cases![
    a_waiting_job_that_is_called_off_never_runs,
    a_running_action_hears_of_it_within_two_seconds,
    it_is_heard_of_without_messages_too,
    what_is_over_cannot_be_called_off,
    #[needs(native_watch)]
    an_end_and_a_call_off_at_one_moment_leave_one_of_them,
    two_who_call_off_the_same_job_agree,
];

async fn a_waiting_job_that_is_called_off_never_runs(stores: Stores) {
    let (queue, notes) = (World::queue(stores).await, Notes::default());
    notes.define(&queue, "note", "a");
    let queued = queue.create("note", 1).save().await.unwrap();
    let delayed = queue
        .create("note", 2)
        .delay(Duration::from_secs(5))
        .save()
        .await
        .unwrap();
    queue.cancel(&queued).await.unwrap();
    queue.cancel(&delayed).await.unwrap();
    let worker = queue.process(["a"]).start();
    pass(Duration::from_secs(60)).await;
    assert_eq!(worker.stop().await.unwrap().completed, 0);
    assert_eq!(notes.values(), []);
    for id in [queued, delayed] {
        let job = job(&queue, &id).await;
        assert_eq!(job.status, Status::Cancelled);
        assert!(job.finished.is_some());
        // The text said that a job was created when it was called off (first seen in the first Kinetik).
        assert_eq!(lines(&job), ["created", "cancelled"]);
    }
}

async fn a_running_action_hears_of_it_within_two_seconds(stores: Stores) {
    hears_of_it(stores, false).await;
}

/// Without notices a cancel had no effect on a running job (first seen in River, pull request 1245).
async fn it_is_heard_of_without_messages_too(stores: Stores) {
    hears_of_it(stores, true).await;
}

async fn hears_of_it(stores: Stores, without_messages: bool) {
    let world = World::of(stores);
    let (runs, calls) = (world.process().await, Faulty::over(world.store().await));
    let other = world.process_with(Arc::new(calls.clone()), |queue| queue).await;
    if without_messages {
        calls.refuse(Call::Publish);
    }
    let (notes, ended) = (Notes::default(), Notes::default());
    let (starts, ends, queue) = (notes.clone(), ended.clone(), runs.queue.clone());
    let slow = runs.queue.define("slow");
    slow.action(move |job| {
        starts.add(&job.job().data);
        let (ends, queue) = (ends.clone(), queue.clone());
        async move {
            job.cancellation().cancelled().await;
            ends.add(&queue.now().into());
            Ok("late".into())
        }
    })
    .unwrap();
    let heard: Arc<Mutex<Vec<String>>> = Arc::default();
    let faults: Arc<Mutex<Vec<String>>> = Arc::default();
    let (hears, fails) = (Arc::clone(&heard), Arc::clone(&faults));
    let worker = runs
        .queue
        .process(["default"])
        .on_event(move |event| match event {
            Event::Cancelled { id } => hears.lock().unwrap().push(id.clone()),
            Event::Finished { .. } | Event::Refused { .. } => panic!("{event:?}"),
            Event::StoreFailed(fault) => fails.lock().unwrap().push(fault.to_string()),
            _ => {}
        });
    let worker = worker.start();
    let id = other.queue.create("slow", 1).save().await.unwrap();
    notes.wait_for(1).await;
    pass(Duration::from_millis(1_300)).await;
    other.queue.cancel(&id).await.unwrap();
    let called_off = other.queue.now();
    ended.wait_for(1).await;
    let heard_at = ended.values()[0].as_date().unwrap();
    let late = heard_at.since(called_off);
    assert!(
        late <= Duration::from_secs(2),
        "heard after {late:?}, the store having failed with {:?}",
        faults.lock().unwrap()
    );
    pass(Duration::from_secs(5)).await;
    assert_eq!(*heard.lock().unwrap(), [&*id], "told once");
    let job = job(&other.queue, &id).await;
    assert_eq!((job.status, job.result), (Status::Cancelled, Value::Null));
    assert_eq!(worker.stop().await.unwrap().completed, 0);
}

async fn what_is_over_cannot_be_called_off(stores: Stores) {
    let (queue, notes) = (World::queue(stores).await, Notes::default());
    notes.define(&queue, "note", "a");
    let id = queue.create("note", 1).save().await.unwrap();
    queue.process(["a"]).drain().await.unwrap();
    let refused = queue.cancel(&id).await.unwrap_err();
    assert_eq!((refused.kind(), refused.job()), (ErrorKind::Invalid, Some(&*id)));
    assert!(refused.to_string().contains("completed"), "{refused}");
    let unknown = queue.cancel("nobody").await.unwrap_err();
    assert_eq!(
        (unknown.kind(), unknown.job()),
        (ErrorKind::NotFound, Some("nobody"))
    );
    assert_eq!(job(&queue, &id).await.status, Status::Completed);
}

/// Finishing overwrote a cancel (first seen in the first Kinetik).
async fn an_end_and_a_call_off_at_one_moment_leave_one_of_them(stores: Stores) {
    let world = World::of(stores);
    let (runs, other) = (world.process().await, world.process().await);
    let starts = Notes::default();
    let (short, notes) = (runs.queue.define("short"), starts.clone());
    short
        .action(move |job| {
            notes.add(&job.job().data);
            async {
                pass(Duration::from_millis(5)).await;
                Err(Failure::new("over"))
            }
        })
        .unwrap();
    let told: Arc<Mutex<Vec<(String, Status)>>> = Arc::default();
    let tells = Arc::clone(&told);
    let worker = runs.queue.process(["default"]).on_event(move |event| {
        let ended = match event {
            Event::Finished { id, status, .. } => (id.clone(), *status),
            Event::Cancelled { id } | Event::Refused { id } => (id.clone(), Status::Cancelled),
            _ => return,
        };
        tells.lock().unwrap().push(ended);
    });
    let worker = worker.start();
    let mut called_off = 0;
    let rounds = world.scaled(1_000);
    for round in 0..rounds {
        let id = other.queue.create("short", round).save().await.unwrap();
        starts.wait_for(round as usize + 1).await;
        pass(Duration::from_millis((round % 8) as u64)).await;
        let outcome = other.queue.cancel(&id).await;
        let ended = wait_for_end(&other.queue, &id).await;
        let expected = match outcome {
            Ok(()) => Status::Cancelled,
            Err(_) => Status::Failed,
        };
        assert_eq!(ended.status, expected, "round {round}");
        assert_eq!(count_lines(&ended, "cancelled"), usize::from(outcome.is_ok()));
        // The worker is told the same, and nothing changes afterwards.
        pass(Duration::from_secs(2)).await;
        let last = told.lock().unwrap().iter().rfind(|(of, _)| *of == id).cloned();
        if let Some((_, told)) = last {
            assert_eq!(told, expected, "round {round}");
        }
        assert_eq!(job(&other.queue, &id).await.status, expected);
        called_off += i64::from(outcome.is_ok());
    }
    assert!(
        called_off > 0 && called_off < rounds,
        "both must occur: {called_off} of {rounds}"
    );
    worker.stop().await.unwrap();
}

async fn two_who_call_off_the_same_job_agree(stores: Stores) {
    let world = World::of(stores);
    let (one, other) = (world.process().await, world.process().await);
    let id = one.queue.create("note", 1).save().await.unwrap();
    one.queue.cancel(&id).await.unwrap();
    other.queue.cancel(&id).await.unwrap();
    let job = wait_for_status(&one.queue, &id, Status::Cancelled).await;
    assert_eq!(count_lines(&job, "cancelled"), 1);
}

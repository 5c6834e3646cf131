//! Many workers at once, on the threads and the time of this machine.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use kinetik_core::{NewJob, Queue, Status};
use seed::Value;

use super::world::{count, count_lines};
use crate::case::cases;
use crate::fixture::Stores;

cases![
    no_job_is_taken_by_two_workers,
    actions_that_never_wait_do_not_cost_the_lease,
];

/// Two workers took the same job (first seen in the first Kinetik, which fetched and then saved).
async fn no_job_is_taken_by_two_workers(stores: Stores) {
    let jobs = stores.scaled(4_000);
    let taken: Arc<Mutex<HashMap<i64, u32>>> = Arc::default();
    let mut workers = Vec::new();
    let setter = Queue::open(stores.open().await).await.unwrap();
    for start in (0..jobs).step_by(1_000) {
        let end = jobs.min(start + 1_000);
        setter
            .create_many((start..end).map(|at| NewJob::new("note", at)).collect())
            .await
            .unwrap();
    }
    for _ in 0..8 {
        let queue = Queue::open(stores.open().await).await.unwrap();
        let taken = Arc::clone(&taken);
        let note = queue.define("note");
        note.action(move |job| {
            let at = job.job().data.as_i64().unwrap_or(-1);
            *taken.lock().unwrap().entry(at).or_default() += 1;
            async { Ok(Value::Null) }
        })
        .unwrap();
        workers.push(queue.process(["default"]).slots(8).start_draining());
    }
    let mut completed = 0;
    for worker in workers {
        completed += worker.join().await.unwrap().completed;
    }
    assert_eq!(completed, jobs as u64);
    let times: Vec<u32> = taken.lock().unwrap().values().copied().collect();
    assert_eq!(times, vec![1; jobs as usize]);
    assert_eq!(count(&setter, &[Status::Completed]).await, jobs as u64);
}

/// Work that never waits looked stalled and was run a second time (first seen in Bull, issue 299).
async fn actions_that_never_wait_do_not_cost_the_lease(stores: Stores) {
    let lease = Duration::from_millis(900);
    let store = stores.open_on_this_machines_time().await;
    let renewals = |queue: &Queue| {
        let queue = queue.clone();
        move || {
            let workers = futures::executor::block_on(queue.workers()).unwrap();
            workers.iter().map(|worker| worker.renewed).max().flatten()
        }
    };
    let mut workers = Vec::new();
    let mut queues = Vec::new();
    for _ in 0..2 {
        let queue = Queue::builder(Arc::clone(&store))
            .lease(lease)
            .open()
            .await
            .unwrap();
        let look = renewals(&queue);
        let spin = queue.define("spin");
        spin.action(move |_| {
            // The thread is not given back before the session has lived through two leases.
            let start = look();
            while look() < start.map(|start| start.saturating_add(2 * lease)) {
                std::hint::spin_loop();
            }
            async { Ok(Value::Null) }
        })
        .unwrap();
        queues.push(queue);
    }
    let mut ids = Vec::new();
    for _ in 0..4 {
        ids.push(queues[0].create("spin", Value::Null).save().await.unwrap());
    }
    for queue in &queues {
        workers.push(queue.process(["default"]).slots(2).start_draining());
    }
    for worker in workers {
        worker.join().await.unwrap();
    }
    for id in ids {
        let job = queues[0].job(&id).await.unwrap().unwrap();
        assert_eq!((job.status, job.crashes), (Status::Completed, 0), "{:?}", job.log);
        assert_eq!(count_lines(&job, "attempt"), 1);
    }
}

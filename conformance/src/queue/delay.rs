//! Jobs that wait for their time.

use std::time::Duration;

use seed::store::Insert;
use seed::{Value, doc};

use super::notes::Notes;
use super::world::World;
use crate::case::simulated_cases;
use crate::fixture::Stores;

simulated_cases![
    a_delayed_job_starts_at_its_time_without_other_traffic,
    one_whose_time_is_no_date_holds_up_no_other,
];

/// Due jobs waited until some other job was added (first seen in BullMQ, issue 2534).
async fn a_delayed_job_starts_at_its_time_without_other_traffic(stores: Stores) {
    let (queue, notes) = (World::queue(stores).await, Notes::default());
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

async fn one_whose_time_is_no_date_holds_up_no_other(stores: Stores) {
    let (queue, notes) = (World::queue(stores).await, Notes::default());
    notes.define(&queue, "note", "a");
    let never = [Value::Null, "soon".into(), 0.into(), true.into()];
    let never = never.into_iter().enumerate().map(|(at, run_at)| {
        doc! { "_id": (format!("broken {at}")), "task": "note", "tag": "a", "status": "delayed", "run_at": run_at }
    });
    let insert = Insert::new(queue.collection().clone(), never.collect());
    queue.store().insert(insert).await.unwrap();
    let worker = queue.process(["a"]).interval(Duration::from_secs(600)).start();
    tokio::task::yield_now().await;
    let start = queue.now();
    let delay = Duration::from_secs(60);
    queue.create("note", 1).delay(delay).save().await.unwrap();
    notes.wait_for(1).await;
    let waited = queue.now().since(start);
    assert!(waited >= delay && waited < delay * 2, "{waited:?}");
    worker.stop().await.unwrap();
}

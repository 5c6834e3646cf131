//! The same work leaves the same documents on every store.

use std::time::Duration;

use kinetik_core::{Failure, NewJob, Queue};
use seed::store::{Find, StoreExt};
use seed::value::{Array, json};
use seed::{Document, Filter, Value, doc};

use super::world::{World, pass};
use crate::case::simulated_cases;
use crate::fixture::Stores;

simulated_cases![a_workload_leaves_the_documents_that_every_store_has,];

/// What is left, a job a line, as the store in memory had it first.
const EXPECTED: &str = include_str!("same.jsonl");

async fn a_workload_leaves_the_documents_that_every_store_has(stores: Stores) {
    let world = World::of(stores);
    let queue = world.process().await.queue;
    define(&queue);
    let ids = queue.create_many(jobs()).await.unwrap();
    queue.cancel(&ids[2]).await.unwrap();
    let summary = queue.process(["first", "second"]).slots(1).drain().await.unwrap();
    assert!(summary.failed > 0 && summary.timed_out > 0);
    queue.retry(&ids[5]).await.unwrap();
    pass(Duration::from_secs(3_600)).await;
    queue.process(["first", "second"]).slots(1).drain().await.unwrap();

    let all = Find::new(queue.collection().clone(), Filter::all());
    let left: Vec<Document> = queue.store().find_all(all).await.unwrap();
    let left: Vec<String> = left
        .iter()
        .map(|job| json::document_to_stored(&told(job)))
        .collect();
    let expected: Vec<&str> = EXPECTED.lines().collect();
    assert_eq!(left, expected, "what is left:\n{}", left.join("\n"));
}

fn define(queue: &Queue) {
    let within = async |millis: u64| pass(Duration::from_millis(millis)).await;
    queue
        .define("echo")
        .tag("first")
        .action(move |job| async move {
            within(20).await;
            job.log("said");
            job.progress(1.0, 4.0);
            Ok(job.job().data.clone())
        })
        .unwrap();
    queue
        .define("fail")
        .tag("second")
        .action(move |_| async move {
            within(5).await;
            Err(Failure::new("no ü").code("E1"))
        })
        .unwrap();
    queue
        .define("slow")
        .tag("second")
        .timeout(Duration::from_secs(2))
        .action(|job| async move {
            job.cancellation().cancelled().await;
            Ok(Value::Null)
        })
        .unwrap();
}

fn jobs() -> Vec<NewJob> {
    let array: Array = [Value::from(1), 2.0.into(), Value::Null].into_iter().collect();
    vec![
        NewJob::new("echo", doc! { "b": 1, "a": { "$date": 1, "x.y": array } }),
        NewJob::new("echo", "text \u{0}"),
        NewJob::new("echo", "called off"),
        NewJob::new("echo", i64::MAX).priority(5),
        NewJob::new("echo", -0.0).delay(Duration::from_secs(60)),
        NewJob::new("fail", Value::Null),
        NewJob::new("slow", Value::Null).priority(-1),
        NewJob::new("echo", true)
            .tag("second")
            .delay(Duration::from_secs(7_200)),
    ]
}

/// Returns a job without what is drawn at random each time, its fields by their names: MongoDB adds new ones in that
/// order.
fn told(job: &Document) -> Document {
    let mut fields: Vec<(String, Value)> = job
        .iter()
        .filter(|(name, _)| !["session", "token"].contains(name))
        .map(|(name, value)| (name.to_owned(), value.clone()))
        .collect();
    fields.sort_by(|(one, _), (other, _)| one.cmp(other));
    fields
        .into_iter()
        .map(|(name, value)| (name.into(), value))
        .collect()
}

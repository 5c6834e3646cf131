//! Looking at jobs: filters, orders and pages give what a plain look at all of them gives.

use std::time::Duration;

use futures::TryStreamExt;
use kinetik_core::{Failure, NewJob, Queue};
use seed::store::{Find, StoreExt};
use seed::{Document, Filter, Sort, Value, doc};

use super::world::World;
use crate::case::simulated_cases;
use crate::fixture::Stores;

simulated_cases![
    found_jobs_are_those_of_a_plain_look,
    pages_have_no_doubles_and_no_gaps_while_jobs_change
];

async fn fill(queue: &Queue, jobs: i64) {
    let flaky = queue.define("flaky").tag("a");
    flaky
        .action(
            async |job| match job.data::<Document>()?.get("n").and_then(Value::as_i64) {
                Some(n) if n % 5 == 0 => Err(Failure::new("no").code("E5")),
                n => Ok(n.into()),
            },
        )
        .unwrap();
    for start in (0..jobs).step_by(500) {
        let job = |n: i64| {
            let data = match n % 3 {
                0 => doc! { "n": n, "to": "ada", "list": [n, (n + 1)] },
                1 => doc! { "n": n, "to": null },
                _ => doc! { "n": n },
            };
            let job = NewJob::new(["flaky", "later"][(n % 2) as usize], data)
                .tag(["a", "b", "c"][(n % 3) as usize])
                .priority(n % 4 - 1);
            if n % 7 == 0 {
                job.delay(Duration::from_secs(n as u64))
            } else {
                job
            }
        };
        queue
            .create_many((start..jobs.min(start + 500)).map(job).collect())
            .await
            .unwrap();
    }
    queue.process(["a", "c"]).drain().await.unwrap();
}

/// Filters and orders gave the wrong rows (first seen in River, pull requests 212 and 1327).
async fn found_jobs_are_those_of_a_plain_look(stores: Stores) {
    let world = World::of(stores);
    let queue = world.process().await.queue;
    fill(&queue, world.scaled(2_000)).await;
    let all = Find::new(queue.collection().clone(), Filter::all());
    let all = queue.store().find_all(all).await.unwrap();
    let middle = all[all.len() / 2].get("created").cloned().unwrap();
    let filters = [
        doc! { "tag": { "$in": ["a", "c"] } },
        doc! { "status": "failed" },
        doc! { "status": "completed", "task": "flaky" },
        doc! { "data.n": { "$gte": 5, "$lt": 60 } },
        doc! { "data.list": 9 },
        doc! { "$or": [{ "tag": "b", "priority": 2 }, { "status": "delayed" }] },
        doc! { "data.to": null },
        doc! { "data.to": { "$exists": false } },
        doc! { "run_at": { "$exists": true }, "status": { "$ne": "delayed" } },
        doc! { "created": { "$gte": middle } },
        doc! { "error.code": "E5" },
    ];
    let sorts = [
        doc! {},
        doc! { "priority": -1, "_id": 1 },
        doc! { "finished": -1 },
        doc! { "data.to": 1, "data.n": -1 },
    ];
    for filter in &filters {
        let filter = Filter::parse(filter).unwrap();
        for sort in &sorts {
            let sort = Sort::parse(sort).unwrap();
            let expected: Vec<Document> = all
                .iter()
                .filter(|document| filter.matches(document).unwrap())
                .cloned()
                .collect();
            let expected = sort.sort(expected).unwrap();
            for (skip, limit) in [(0, 10_000), (3, 10), (0, 1)] {
                let (sort, filter) = (sort.clone(), filter.clone());
                let found = queue.find(filter.clone(), |find| find.sort(sort).skip(skip).limit(limit));
                let found: Vec<Document> = found.await.unwrap().try_collect().await.unwrap();
                let expected = expected.iter().skip(skip as usize).take(limit as usize);
                assert!(
                    found.iter().eq(expected),
                    "{filter:?}, skip {skip}, limit {limit}"
                );
            }
        }
    }
}

async fn pages_have_no_doubles_and_no_gaps_while_jobs_change(stores: Stores) {
    let world = World::of(stores);
    let queue = world.process().await.queue;
    fill(&queue, world.scaled(2_000)).await;
    let quiet =
        doc! { "task": "flaky", "tag": { "$in": ["a", "c"] }, "status": { "$in": ["completed", "failed"] } };
    let filter = Filter::parse(&quiet).unwrap();
    let total = queue.find(filter.clone(), |find| find).await.unwrap();
    let total: Vec<Document> = total.try_collect().await.unwrap();
    let mut stream = queue.find(filter, |find| find).await.unwrap();
    let mut seen = Vec::new();
    while let Some(document) = stream.try_next().await.unwrap() {
        seen.push(document.id().cloned().unwrap());
        if seen.len() % 50 == 0 {
            // Others come and go meanwhile.
            let id = queue.create("later", 1).tag("b").save().await.unwrap();
            queue.cancel(&id).await.unwrap();
        }
    }
    let expected: Vec<_> = total
        .iter()
        .map(|document| document.id().cloned().unwrap())
        .collect();
    assert_eq!(seen, expected);
}

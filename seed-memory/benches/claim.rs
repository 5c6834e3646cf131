//! What a queue asks of its store: inserts in batches, claims, and updates under a guard, 50 at a time.

#![allow(
    clippy::unwrap_used,
    reason = "a measurement that fails has nothing to tell but that"
)]

use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use futures::executor::block_on;
use seed::store::{FindAndUpdate, Insert, Store, WriteBatch, WriteItem, WriteOutcome};
use seed::{CollectionSpec, Document, Filter, IndexSpec, Result, Sort, Update, doc};
use seed_memory::MemoryStore;

/// The allocator of the program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How many jobs each measurement is made with.
const JOBS: usize = 20_000;
const INSERTED_AT_ONCE: usize = 1_000;
const CLAIMED_AT_ONCE: usize = 50;

/// The three indexes that a job is in while it lives and when it is over.
fn spec() -> Result<CollectionSpec> {
    let index =
        |name: &str, fields: Document, partial: Document| IndexSpec::new(name, &fields)?.partial(&partial);
    Ok(CollectionSpec::new("jobs")
        .index(index(
            "queued",
            doc! {"tag": 1, "priority": (-1)},
            doc! {"status": "queued"},
        )?)
        .index(index(
            "processing",
            doc! {"session": 1},
            doc! {"status": "processing"},
        )?)
        .index(index(
            "finished",
            doc! {"task": 1, "status": 1, "finished": 1},
            doc! {"finished": {"$exists": true}},
        )?))
}

/// A job with a hundred bytes of data.
fn job(number: usize) -> Document {
    doc! {
        "_id": (format!("018bcfe5-6800-7000-8000-{number:012}")), "task": "send email", "tag": "notifications",
        "status": "queued", "priority": 0, "data": {"to": "somebody@example.org", "text": ("x".repeat(60))},
        "created": (seed::DateTime::from_millis(1_700_000_000_000)), "attempt": 0, "max_attempts": 1, "crashes": 0,
        "log": [{"at": (seed::DateTime::from_millis(1_700_000_000_000)), "message": "created"}]
    }
}

fn empty_store() -> MemoryStore {
    let store = MemoryStore::new();
    block_on(store.ensure(&spec().unwrap())).unwrap();
    store
}

fn insert(store: &MemoryStore, jobs: Vec<Document>) {
    let mut jobs = jobs.into_iter().peekable();
    while jobs.peek().is_some() {
        let batch = jobs.by_ref().take(INSERTED_AT_ONCE).collect();
        block_on(store.insert(Insert::new("jobs", batch))).unwrap();
    }
}

fn claim(store: &MemoryStore) -> Vec<Document> {
    let filter = Filter::parse(&doc! {"status": "queued", "tag": "notifications"}).unwrap();
    let claim = doc! {"$set": {"status": "processing", "session": "s", "token": "t"}};
    let request = FindAndUpdate::new("jobs", filter, Update::parse(&claim, &[]).unwrap())
        .sort(Sort::parse(&doc! {"priority": (-1), "_id": 1}).unwrap())
        .limit(CLAIMED_AT_ONCE);
    block_on(store.find_and_update(request)).unwrap()
}

fn finish(store: &MemoryStore, claimed: Vec<Document>) {
    let finish =
        doc! {"$set": {"status": "completed", "finished": 1, "result": "ok"}, "$unset": {"session": ""}};
    let item = |job: Document| {
        let guard = doc! {"_id": (job.id()), "status": "processing", "token": "t"};
        WriteItem::update_known(
            job,
            Filter::parse(&guard).unwrap(),
            Update::parse(&finish, &[]).unwrap(),
        )
    };
    let batch = WriteBatch::new("jobs", claimed.into_iter().map(item).collect());
    let outcomes = block_on(store.write(batch)).unwrap();
    assert!(
        outcomes
            .iter()
            .all(|outcome| matches!(outcome, WriteOutcome::Updated(updated) if updated.matched == 1))
    );
}

/// Times what `work` says over as many rounds as are asked for.
fn rounds(rounds: u64, mut work: impl FnMut() -> Duration) -> Duration {
    (0..rounds).map(|_| work()).sum()
}

fn benches(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("jobs in memory");
    group
        .throughput(Throughput::Elements(JOBS as u64))
        .sample_size(10);
    group.bench_function("insert, 1,000 at a time", |bencher| {
        bencher.iter_custom(|count| {
            rounds(count, || {
                let (store, jobs) = (empty_store(), (0..JOBS).map(job).collect());
                let start = Instant::now();
                insert(&store, jobs);
                start.elapsed()
            })
        });
    });
    group.bench_function("claim, 50 at a time", |bencher| {
        bencher.iter_custom(|count| {
            rounds(count, || {
                let store = empty_store();
                insert(&store, (0..JOBS).map(job).collect());
                let start = Instant::now();
                while !claim(&store).is_empty() {}
                start.elapsed()
            })
        });
    });
    group.bench_function("update under a guard, 50 at a time", |bencher| {
        bencher.iter_custom(|count| {
            rounds(count, || {
                let store = empty_store();
                insert(&store, (0..JOBS).map(job).collect());
                let claims: Vec<_> =
                    std::iter::from_fn(|| Some(claim(&store)).filter(|jobs| !jobs.is_empty())).collect();
                let start = Instant::now();
                claims.into_iter().for_each(|jobs| finish(&store, jobs));
                start.elapsed()
            })
        });
    });
    // What is worked out on the caller's thread is worked out on both cores; the collection's lock is shared.
    group.bench_function("update under a guard, 50 at a time, two callers", |bencher| {
        bencher.iter_custom(|count| {
            rounds(count, || {
                let store = empty_store();
                insert(&store, (0..JOBS).map(job).collect());
                let mut claims: Vec<_> =
                    std::iter::from_fn(|| Some(claim(&store)).filter(|jobs| !jobs.is_empty())).collect();
                let half = claims.split_off(claims.len() / 2);
                let start = Instant::now();
                std::thread::scope(|scope| {
                    for claims in [claims, half] {
                        scope.spawn(|| claims.into_iter().for_each(|jobs| finish(&store, jobs)));
                    }
                });
                start.elapsed()
            })
        });
    });
    group.finish();
}

criterion_group!(claims, benches);
criterion_main!(claims);

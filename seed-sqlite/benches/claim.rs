//! What a queue asks of its store: inserts, claims, and updates under a guard, with the indexes and documents of jobs.

#![allow(
    clippy::unwrap_used,
    reason = "a measurement that fails has nothing to tell but that"
)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};
use futures::executor::block_on;
use seed::clock::SystemClock;
use seed::store::{Insert, Store, WriteBatch, WriteItem, WriteOutcome};
use seed::{CollectionSpec, DateTime, Document, Filter, IndexSpec, Result, Sort, Update, doc};
use seed_sqlite::{Options, SqliteStore, Synchronous};

/// How many jobs each measurement is made with.
const JOBS: usize = 20_000;
const INSERTED_AT_ONCE: usize = 1_000;
const CLAIMED_AT_ONCE: usize = 50;

/// How many jobs are inserted one by one.
const SINGLE: usize = 5_000;

const NOW: DateTime = DateTime::from_millis(1_700_000_000_000);

/// The indexes that a queue declares: three over what is live, one over what is over.
fn spec() -> Result<CollectionSpec> {
    let index =
        |name: &str, fields: Document, partial: Document| IndexSpec::new(name, &fields)?.partial(&partial);
    Ok(CollectionSpec::new("jobs")
        .index(index(
            "queued",
            doc! {"tag": 1, "priority": (-1)},
            doc! {"status": "queued"},
        )?)
        .index(index("delayed", doc! {"run_at": 1}, doc! {"status": "delayed"})?)
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
        "created": NOW, "attempt": 0, "max_attempts": 1, "crashes": 0,
        "log": [{"at": NOW, "message": "created"}]
    }
}

/// A file that is gone when the measurement is over.
struct Bench {
    store: SqliteStore,
    _folder: tempfile::TempDir,
}

impl Bench {
    fn new(synchronous: Synchronous) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let options = Options::new(folder.path().join("jobs.db")).synchronous(synchronous);
        let store = SqliteStore::open_with(&options, Arc::new(SystemClock)).unwrap();
        block_on(store.ensure(&spec().unwrap())).unwrap();
        Self {
            store,
            _folder: folder,
        }
    }

    fn filled(synchronous: Synchronous) -> Self {
        let bench = Self::new(synchronous);
        bench.insert((0..JOBS).map(job).collect(), INSERTED_AT_ONCE);
        bench
    }

    fn insert(&self, jobs: Vec<Document>, at_once: usize) {
        let mut jobs = jobs.into_iter().peekable();
        while jobs.peek().is_some() {
            let batch = jobs.by_ref().take(at_once).collect();
            block_on(self.store.insert(Insert::new("jobs", batch))).unwrap();
        }
    }

    /// Finishes jobs and claims others in one trip; returns those that were claimed.
    fn trip(&self, finished: Vec<Document>, claimed: usize) -> Vec<Document> {
        let mut items: Vec<_> = finished.into_iter().map(finish).collect();
        items.extend((claimed > 0).then(|| claim(claimed)));
        let outcomes = block_on(self.store.write(WriteBatch::new("jobs", items))).unwrap();
        let mut found = Vec::new();
        for outcome in outcomes {
            match outcome {
                WriteOutcome::Found(jobs) => found = jobs,
                other => assert_eq!(other.matched(), 1),
            }
        }
        found
    }

    fn claims(&self) -> Vec<Vec<Document>> {
        std::iter::from_fn(|| Some(self.trip(Vec::new(), CLAIMED_AT_ONCE)).filter(|jobs| !jobs.is_empty()))
            .collect()
    }
}

fn claim(limit: usize) -> WriteItem {
    let filter = Filter::parse(&doc! {"status": "queued", "tag": "notifications"}).unwrap();
    let update = doc! {"$set": {"status": "processing", "session": "s", "token": "t", "started": NOW}};
    WriteItem::FindAndUpdate {
        filters: vec![filter],
        sort: Sort::parse(&doc! {"priority": (-1), "_id": 1}).unwrap(),
        limit,
        update: Update::parse(&update, &[]).unwrap(),
    }
}

fn finish(job: Document) -> WriteItem {
    let log = doc! {"log": [{"at": NOW, "message": "created"}, {"at": NOW, "message": "completed"}]};
    let mut set = doc! {"status": "completed", "finished": NOW, "attempt": 1, "result": "ok"};
    set.extend(log);
    let update = doc! {"$set": set, "$unset": {"session": ""}};
    let guard = doc! {"_id": {"$eq": (job.id())}, "status": "processing", "token": "t"};
    WriteItem::update_known(
        job,
        Filter::parse(&guard).unwrap(),
        Update::parse(&update, &[]).unwrap(),
    )
}

/// Adds up what `work` took over as many rounds as are asked for.
fn rounds(rounds: u64, mut work: impl FnMut() -> Duration) -> Duration {
    (0..rounds).map(|_| work()).sum()
}

fn timed(work: impl FnOnce()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}

fn measure(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    jobs: usize,
    mut work: impl FnMut() -> Duration,
) {
    group.throughput(Throughput::Elements(jobs as u64));
    group.bench_function(name, |bencher| {
        bencher.iter_custom(|count| rounds(count, &mut work));
    });
}

fn measure_all(criterion: &mut Criterion, name: &str, synchronous: Synchronous) {
    let mut group = criterion.benchmark_group(name);
    group.sample_size(10);
    measure(&mut group, "insert one at a time", SINGLE, || {
        let (bench, jobs) = (Bench::new(synchronous), (0..SINGLE).map(job).collect());
        timed(|| bench.insert(jobs, 1))
    });
    measure(&mut group, "insert 1,000 at a time", JOBS, || {
        let (bench, jobs) = (Bench::new(synchronous), (0..JOBS).map(job).collect());
        timed(|| bench.insert(jobs, INSERTED_AT_ONCE))
    });
    measure(&mut group, "claim 50 at a time", JOBS, || {
        let bench = Bench::filled(synchronous);
        timed(|| drop(bench.claims()))
    });
    measure(&mut group, "update under a guard, 50 at a time", JOBS, || {
        let bench = Bench::filled(synchronous);
        let claims = bench.claims();
        timed(|| claims.into_iter().for_each(|jobs| drop(bench.trip(jobs, 0))))
    });
    measure(&mut group, "finish 50 and claim 50 in one trip", JOBS, || {
        let bench = Bench::filled(synchronous);
        let mut held = bench.trip(Vec::new(), CLAIMED_AT_ONCE);
        timed(|| {
            while !held.is_empty() {
                held = bench.trip(held, CLAIMED_AT_ONCE);
            }
        })
    });
    group.finish();
}

fn benches(criterion: &mut Criterion) {
    measure_all(criterion, "jobs in SQLite, NORMAL", Synchronous::Normal);
    measure_all(criterion, "jobs in SQLite, FULL", Synchronous::Full);
}

criterion_group!(claims, benches);
criterion_main!(claims);

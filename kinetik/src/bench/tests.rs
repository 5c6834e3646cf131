//! Each workload on the store in memory, in simulated time.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use kinetik_core::ErrorKind;
use kinetik_core::job::collection::jobs_collection;
use kinetik_core::runtime::BoxFuture;
use seed::Filter;
use seed::faulty::{Call, Fault, Faulty};
use seed::store::Count;
use seed_memory::MemoryStore;

use super::*;

/// Tokio's runtime with numbers that are known before: 1, 2, 3 …
#[derive(Debug, Default)]
struct Known {
    tokio: TokioRuntime,
    drawn: AtomicU64,
}

impl Runtime for Known {
    fn elapsed(&self) -> Duration {
        self.tokio.elapsed()
    }

    fn sleep(&self, time: Duration) -> BoxFuture {
        self.tokio.sleep(time)
    }

    fn yield_now(&self) -> BoxFuture {
        self.tokio.yield_now()
    }

    fn spawn(&self, future: BoxFuture) {
        self.tokio.spawn(future);
    }

    fn spawn_apart(&self, future: BoxFuture) {
        self.tokio.spawn(future);
    }

    fn parallelism(&self) -> usize {
        self.tokio.parallelism()
    }

    fn random(&self) -> u64 {
        self.drawn.fetch_add(1, Ordering::SeqCst) + 1
    }
}

/// A measurement on a store that can be made to fail.
fn on_faulty() -> (Faulty, Bench) {
    let store = Faulty::over(Arc::new(MemoryStore::new()));
    let bench = Bench::new(Arc::new(store.clone()), "memory").runtime(Arc::new(Known::default()));
    (store, bench)
}

/// Returns how many jobs the queue of the first measurement holds.
async fn left(store: &Faulty) -> u64 {
    let request = Count::new(jobs_collection("bench-0000000000000001"), Filter::all());
    store.count(request).await.unwrap()
}

async fn measured(workload: Workload, adjust: impl FnOnce(Bench) -> Bench) -> Measurement {
    let (store, bench) = on_faulty();
    let measured = adjust(bench).run(workload).await.unwrap();
    assert_eq!(left(&store).await, 0, "the queue is removed");
    // A queue has a collection of jobs and one of sessions.
    assert_eq!(
        store.calls(&[Call::DropCollection]),
        2 * store.calls(&[Call::Ensure])
    );
    measured
}

#[tokio::test(start_paused = true)]
async fn one_at_a_time_has_the_percentiles_of_a_call() {
    let measured = measured(Workload::Enqueue, |bench| bench.jobs(30)).await;
    assert_eq!(
        (measured.jobs, measured.concurrency, measured.payload_bytes),
        (30, 1, 100)
    );
    assert!(measured.p50_ms.is_some() && measured.p99_ms.is_some() && measured.max_ms.is_none());
}

#[tokio::test(start_paused = true)]
async fn bulk_enqueues_lists() {
    let (store, bench) = on_faulty();
    let measured = bench.jobs(2_500).run(Workload::Bulk).await.unwrap();
    assert_eq!(store.calls(&[Call::Insert]), 3);
    assert_eq!(measured.jobs, 2_500);
    assert_eq!(measured.bulk_api.as_deref(), Some("create_many, 1000 a call"));
}

#[tokio::test(start_paused = true)]
async fn a_drain_completes_every_job() {
    let measured = measured(Workload::Drain, |bench| bench.jobs(1_200).slots(50)).await;
    assert_eq!(
        (measured.jobs, measured.concurrency, measured.lost),
        (1_200, 50, None)
    );
    assert!(measured.start_ms.is_some());
}

#[tokio::test(start_paused = true)]
async fn latency_keeps_its_timetable() {
    let measured = measured(Workload::Latency, |bench| bench.seconds(3)).await;
    assert_eq!(
        (measured.jobs, measured.late_sends, measured.lost),
        (600, None, None)
    );
    // Simulated time passes only while everybody waits, so a job starts when it is sent.
    assert_eq!((measured.p50_ms, measured.max_ms), (Some(0.0), Some(0.0)));
    // The last of 600 jobs is sent after 599 intervals of 5 ms.
    assert!((2.995..3.01).contains(&measured.seconds), "{}", measured.seconds);
}

#[tokio::test(start_paused = true)]
async fn history_is_kept_and_not_measured() {
    let (store, bench) = on_faulty();
    let most = Arc::new(AtomicU64::new(0));
    let kept = most.clone();
    let bench = bench.jobs(40).finished(1_500).on_step(move |step| {
        if step.what == "keeping finished jobs" {
            kept.fetch_max(step.done, Ordering::SeqCst);
        }
    });
    let measured = bench.run(Workload::History).await.unwrap();
    assert_eq!(
        (measured.jobs, measured.retained, measured.lost),
        (40, Some(1_500), None)
    );
    assert_eq!(most.load(Ordering::SeqCst), 1_500);
    assert_eq!(left(&store).await, 0);
}

#[tokio::test(start_paused = true)]
async fn finished_jobs_are_as_the_queue_writes_them() {
    let (_, bench) = on_faulty();
    let bench = bench.finished(3);
    let mut site = Site::open(&bench).await.unwrap();
    let mut measured = Measurement::new(&bench, Workload::History, 1);
    history::keep_finished(&mut site, &mut measured).await.unwrap();
    assert_eq!(site.completed().await.unwrap(), 3);
    // No worker is left that would take the jobs to be measured, whose handlers were then never seen to start.
    site.fill(5).await.unwrap();
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert_eq!(
        (site.remaining().await.unwrap(), site.completed().await.unwrap()),
        (5, 3)
    );
    site.remove().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_backlog_is_measured_in_its_middle() {
    let small = measured(Workload::History, |bench| bench.jobs(2_000).backlog(300)).await;
    // 30 start before and one is left behind.
    assert_eq!(
        (small.jobs, small.backlog, small.retained),
        (269, Some(300), None)
    );
    let large = measured(Workload::History, |bench| bench.jobs(200).backlog(2_000)).await;
    assert_eq!(large.jobs, 200);
}

#[tokio::test(start_paused = true)]
async fn whether_anything_is_left_is_seen_without_a_scan() {
    let (store, bench) = on_faulty();
    let site = Site::open(&bench).await.unwrap();
    let completed = site::completed().unwrap();
    let filters = site.live().iter().chain([&completed]);
    for (filter, index) in filters.zip(["queued", "processing", "finished"]) {
        let request = seed::store::Find::new(site.queue().collection().clone(), filter.clone());
        let plan = store.explain(request).await.unwrap().to_string();
        assert!(plan.contains("\"full\":false"), "{plan}");
        assert!(
            plan.contains(&format!("\"index\":\"{index}\",\"ranges\":1")),
            "{plan}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_queue_is_removed_also_when_the_measurement_fails() {
    let (store, bench) = on_faulty();
    store.refuse(Call::Insert);
    let error = bench.jobs(5_000).run(Workload::Drain).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Store);
    assert_eq!(left(&store).await, 0);
}

#[tokio::test(start_paused = true)]
async fn a_queue_that_cannot_be_removed_is_named() {
    let (store, bench) = on_faulty();
    store.fail(1, &[Call::DropCollection], Fault::Refuse);
    let error = bench
        .jobs(5)
        .run(Workload::Enqueue)
        .await
        .unwrap_err()
        .to_string();
    assert!(error.contains("bench-0000000000000001"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_stop_ends_it_and_removes_the_queue() {
    let (store, bench) = on_faulty();
    let working = Arc::new(tokio::sync::Notify::new());
    let stop = working.clone();
    let bench = bench.seconds(1_000).on_step(move |step| {
        if step.done >= 100 {
            working.notify_one();
        }
    });
    let outcome = bench.run_until(Workload::Latency, stop.notified()).await;
    assert_eq!(outcome.unwrap(), None);
    assert_eq!(left(&store).await, 0);
}

#[tokio::test(start_paused = true)]
async fn steps_tell_how_far_it_has_come() {
    let (_, bench) = on_faulty();
    let steps = Arc::new(Mutex::new(Vec::new()));
    let told = steps.clone();
    let bench = bench
        .jobs(2_000)
        .on_step(move |step| told.lock().unwrap().push((step.what, step.done)));
    bench.run(Workload::Drain).await.unwrap();
    let expected = [
        ("enqueuing", 1_000),
        ("enqueuing", 2_000),
        ("working", 1_000),
        ("working", 2_000),
    ];
    assert_eq!(*steps.lock().unwrap(), expected);
}

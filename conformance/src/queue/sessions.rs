//! Worker sessions: who lives, who is taken for dead, and what the living do for jobs of the dead.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use kinetik_core::{Event, Status};
use seed::faulty::{Call, Faulty};
use seed::store::Delete;
use seed::{Filter, Value};

use super::notes::Notes;
use super::world::{LEASE, Process, World, count, count_lines, job, pass, wait_for_status};
use crate::case::simulated_cases;
use crate::fixture::Stores;

simulated_cases![
    a_killed_worker_loses_no_job,
    jobs_of_any_tag_are_rescued_by_whoever_lives,
    a_job_of_a_task_that_only_the_dead_knew_is_queued_again,
    jobs_are_rescued_though_their_session_is_gone,
    a_living_worker_whose_session_is_gone_keeps_its_jobs,
    a_worker_that_lives_keeps_its_job_for_as_long_as_it_takes,
    a_delay_longer_than_the_lease_makes_no_copies,
    a_worker_that_was_taken_for_dead_lets_go_and_goes_on_anew,
    a_result_that_comes_too_late_is_refused,
    a_worker_out_of_touch_claims_nothing,
    an_outage_is_no_death,
    sessions_say_who_works_on_what_and_end_with_the_worker,
    loops_of_one_process_share_its_session,
];

/// A job vanished with the worker that ran it (first seen in Sidekiq, issue 6829).
async fn a_killed_worker_loses_no_job(stores: Stores) {
    let world = World::of(stores);
    let (first, notes) = (world.process().await, Notes::default());
    notes.define_endless(&first.queue, "slow", "a");
    let mut ids = Vec::new();
    for _ in 0..5 {
        ids.push(first.queue.create("slow", 1).save().await.unwrap());
    }
    let worker = first.queue.process(["a"]).slots(5).start();
    notes.wait_for(5).await;
    first.kill().await;
    drop(worker);

    let (second, again) = (world.process().await, Notes::default());
    again.define(&second.queue, "slow", "a");
    let worker = second.queue.process(["a"]).start();
    let killed_at = second.queue.now();
    again.wait_for(5).await;
    assert!(second.queue.now().since(killed_at) <= 2 * LEASE);
    worker.stop().await.unwrap();
    for id in ids {
        let job = job(&second.queue, &id).await;
        assert_eq!((job.status, job.crashes), (Status::Completed, 1));
        assert_eq!(count_lines(&job, "attempt 1 started"), 2, "{:?}", job.log);
        assert_eq!(count_lines(&job, "crashed"), 1, "{:?}", job.log);
    }
}

/// Jobs stood in `running` for months, since only a worker of their tag would have freed them (first seen in River, issue
/// 1258).
async fn jobs_of_any_tag_are_rescued_by_whoever_lives(stores: Stores) {
    let world = World::of(stores);
    let setter = world.process().await;
    for at in 0..world.scaled(200) {
        let tag = ["a", "b", "c"][(at % 3) as usize];
        setter.queue.create("slow", at).tag(tag).save().await.unwrap();
    }
    let define = |process: &Process| {
        let slow = process.queue.define("slow").timeout(Duration::from_secs(5));
        slow.action(async |_| std::future::pending().await).unwrap();
    };
    for round in 0..12 {
        let process = world.process().await;
        define(&process);
        let worker = process.queue.process(["a", "b", "c"]).start();
        pass(Duration::from_millis(700 + 531 * round)).await;
        process.kill().await;
        drop(worker);
    }
    let last = world.process().await;
    define(&last);
    let worker = last.queue.process(["a"]).start();
    pass(3 * LEASE).await;
    worker.stop().await.unwrap();
    assert_eq!(count(&last.queue, &[Status::Processing]).await, 0);
}

/// The rescuer threw jobs away whose task it did not know (first seen in River, issue 1105).
async fn a_job_of_a_task_that_only_the_dead_knew_is_queued_again(stores: Stores) {
    let world = World::of(stores);
    let (one, other, notes) = (world.process().await, world.process().await, Notes::default());
    notes.define(&one.queue, "x", "x");
    notes.define_endless(&other.queue, "y", "y");
    let id = one
        .queue
        .create("y", 1)
        .tag("y")
        .attempts(4)
        .save()
        .await
        .unwrap();
    let works = other.queue.process(["y"]).start();
    notes.wait_for(1).await;
    let lives = one.queue.process(["x"]).start();
    other.kill().await;
    drop(works);
    pass(2 * LEASE).await;
    let queued = job(&one.queue, &id).await;
    assert_eq!(
        (queued.status, queued.attempt, queued.max_attempts),
        (Status::Queued, 0, 4)
    );
    let third = world.process().await;
    notes.define(&third.queue, "y", "y");
    assert_eq!(third.queue.process(["y"]).drain().await.unwrap().completed, 1);
    lives.stop().await.unwrap();
}

async fn jobs_are_rescued_though_their_session_is_gone(stores: Stores) {
    let world = World::of(stores);
    let (first, notes) = (world.process().await, Notes::default());
    notes.define_endless(&first.queue, "slow", "a");
    let id = first.queue.create("slow", 1).save().await.unwrap();
    let worker = first.queue.process(["a"]).start();
    notes.wait_for(1).await;
    first.kill().await;
    drop(worker);
    let second = world.process().await;
    let all = Delete::new(sessions_of(&second), Filter::all());
    second.queue.store().delete(all).await.unwrap();
    let (killed_at, worker) = (second.queue.now(), second.queue.process(["b"]).start());
    let rescued = wait_for_status(&second.queue, &id, Status::Queued).await;
    assert_eq!(rescued.crashes, 1);
    let took = second.queue.now().since(killed_at);
    assert!(took >= LEASE, "it might have lived: {took:?}");
    assert!(took <= 2 * LEASE, "{took:?}");
    worker.stop().await.unwrap();
}

/// A server that was emptied made living workers look dead: their jobs ran twice, and were said to have crashed.
async fn a_living_worker_whose_session_is_gone_keeps_its_jobs(stores: Stores) {
    let world = World::of(stores);
    let (one, other, notes) = (world.process().await, world.process().await, Notes::default());
    for process in [&one, &other] {
        let noted = notes.clone();
        let long = process.queue.define("long").tag("a");
        long.action(move |job| {
            noted.add(&job.job().data);
            async {
                pass(5 * LEASE).await;
                Ok(Value::Null)
            }
        })
        .unwrap();
    }
    let before = one.queue.create("long", 1).save().await.unwrap();
    let worker = one.queue.process(["a"]).slots(2).start();
    notes.wait_for(1).await;
    let all = Delete::new(sessions_of(&one), Filter::all());
    one.queue.store().delete(all).await.unwrap();
    // One job runs already, the other is claimed before the worker has seen that its session is gone.
    let after = one.queue.create("long", 2).save().await.unwrap();
    notes.wait_for(2).await;
    let rescuer = other.queue.process(["a"]).start();
    pass(LEASE / 2).await;
    assert_eq!(one.queue.workers().await.unwrap().len(), 2, "it is back");
    pass(6 * LEASE).await;
    for id in [before, after] {
        let job = job(&one.queue, &id).await;
        assert_eq!((job.status, job.crashes), (Status::Completed, 0), "{:?}", job.log);
    }
    assert_eq!(notes.values().len(), 2, "each ran once");
    assert_eq!(worker.stop().await.unwrap().completed, 2);
    rescuer.stop().await.unwrap();
}

async fn a_worker_that_lives_keeps_its_job_for_as_long_as_it_takes(stores: Stores) {
    let world = World::of(stores);
    let (one, other) = (world.process().await, world.process().await);
    for process in [&one, &other] {
        let long = process.queue.define("long");
        long.action(async |_| {
            pass(20 * LEASE).await;
            Ok(Value::Null)
        })
        .unwrap();
    }
    let id = one.queue.create("long", 1).save().await.unwrap();
    let workers = [
        one.queue.process(["default"]).start(),
        other.queue.process(["default"]).start(),
    ];
    pass(21 * LEASE).await;
    for worker in workers {
        worker.stop().await.unwrap();
    }
    let job = job(&one.queue, &id).await;
    assert_eq!((job.status, job.crashes), (Status::Completed, 0));
    assert_eq!(count_lines(&job, "attempt"), 1);
}

/// A delay longer than the visibility time-out delivered many copies (first seen in Celery, kombu issue 337).
async fn a_delay_longer_than_the_lease_makes_no_copies(stores: Stores) {
    let world = World::of(stores);
    let (setter, notes) = (world.process().await, Notes::default());
    let due = setter.queue.now().saturating_add(Duration::from_secs(120));
    for at in 0..100 {
        let job = setter.queue.create("note", at).delay(Duration::from_secs(120));
        job.save().await.unwrap();
    }
    let early = Arc::new(Mutex::new(0));
    let start = async || {
        let process = world.process().await;
        let (noted, early, queue) = (notes.clone(), Arc::clone(&early), process.queue.clone());
        let note = process.queue.define("note");
        note.action(move |job| {
            *early.lock().unwrap() += i32::from(queue.now() < due);
            noted.add(&job.job().data);
            async { Ok(Value::Null) }
        })
        .unwrap();
        let worker = process.queue.process(["default"]).start();
        (process, worker)
    };
    let mut workers = Vec::new();
    for _ in 0..4 {
        workers.push(start().await);
    }
    for restart in 0..8 {
        pass(Duration::from_secs(20)).await;
        let (process, worker) = workers.remove(0);
        if restart % 2 == 0 {
            process.kill().await;
            drop(worker);
        } else {
            worker.stop().await.unwrap();
        }
        workers.push(start().await);
    }
    notes.wait_for(100).await;
    pass(3 * LEASE).await;
    assert_eq!((notes.values().len(), *early.lock().unwrap()), (100, 0));
    for (_, worker) in workers {
        worker.stop().await.unwrap();
    }
}

/// Two processes, the first of which loses touch with the store in the middle of a job.
struct CutOff {
    cut: Process,
    faulty: Faulty,
    other: Process,
    refused: Arc<Mutex<Vec<String>>>,
    worker: kinetik_core::Processor,
    id: String,
}

impl CutOff {
    /// The job runs at the first process and takes `time`; `first` and `then` note who ran it.
    async fn start(world: &World, time: Duration, first: &Notes, then: &Notes) -> Self {
        let faulty = Faulty::over(world.store().await);
        let cut = world.process_with(Arc::new(faulty.clone()), |queue| queue).await;
        let other = world.process().await;
        let noted = first.clone();
        let long = cut.queue.define("long").tag("a");
        long.action(move |job| {
            noted.add(&job.job().data);
            async move {
                tokio::select! {
                    () = pass(time) => Ok("by the first".into()),
                    () = job.cancellation().cancelled() => Err(kinetik_core::Failure::new("told to end")),
                }
            }
        })
        .unwrap();
        then.define(&other.queue, "long", "a");
        let id = cut.queue.create("long", 1).save().await.unwrap();
        let refused: Arc<Mutex<Vec<String>>> = Arc::default();
        let noted = Arc::clone(&refused);
        let worker = cut.queue.process(["a"]).on_event(move |event| {
            if let Event::Refused { id } = event {
                noted.lock().unwrap().push(id.clone());
            }
        });
        let worker = worker.start();
        first.wait_for(1).await;
        faulty.cut();
        Self {
            cut,
            faulty,
            other,
            refused,
            worker,
            id,
        }
    }
}

async fn a_worker_that_was_taken_for_dead_lets_go_and_goes_on_anew(stores: Stores) {
    let world = World::of(stores);
    let (first, then) = (Notes::default(), Notes::default());
    let at = CutOff::start(&world, 100 * LEASE, &first, &then).await;
    let rescuer = at.other.queue.process(["a"]).start();
    then.wait_for(1).await;
    at.faulty.mend();
    pass(LEASE).await;
    assert_eq!(*at.refused.lock().unwrap(), [&*at.id], "the first was told");
    rescuer.stop().await.unwrap();
    let next = at.other.queue.create("long", 2).save().await.unwrap();
    wait_for_status(&at.other.queue, &next, Status::Processing).await;
    first.wait_for(2).await;
    at.cut.kill().await;
    drop(at.worker);
}

/// A worker that was taken for dead ended its job a second time (first seen in Solid Queue, pull request 761).
async fn a_result_that_comes_too_late_is_refused(stores: Stores) {
    let world = World::of(stores);
    let (first, then) = (Notes::default(), Notes::default());
    let at = CutOff::start(&world, 3 * LEASE, &first, &then).await;
    let rescuer = at.other.queue.process(["a"]).start();
    then.wait_for(1).await;
    // The first has its result by now, and cannot store it before the store is back.
    pass(3 * LEASE).await;
    at.faulty.mend();
    pass(LEASE).await;
    assert_eq!(*at.refused.lock().unwrap(), [&*at.id]);
    let job = job(&at.other.queue, &at.id).await;
    assert_eq!(
        (job.status, job.result, job.crashes),
        (Status::Completed, Value::Null, 1)
    );
    rescuer.stop().await.unwrap();
    at.worker.stop().await.unwrap();
}

async fn a_worker_out_of_touch_claims_nothing(stores: Stores) {
    let world = World::of(stores);
    let faulty = Faulty::over(world.store().await);
    let (process, notes) = (
        world.process_with(Arc::new(faulty.clone()), |queue| queue).await,
        Notes::default(),
    );
    notes.define(&process.queue, "note", "a");
    let worker = process.queue.process(["a"]).start();
    pass(Duration::from_secs(1)).await;
    // Only the store's time cannot be had, so no renewal succeeds; claims would.
    faulty.refuse(Call::Now);
    pass(LEASE).await;
    let setter = world.process().await;
    let id = setter.queue.create("note", 1).tag("a").save().await.unwrap();
    pass(LEASE).await;
    assert_eq!(job(&setter.queue, &id).await.status, Status::Queued);
    faulty.mend();
    notes.wait_for(1).await;
    worker.stop().await.unwrap();
}

async fn an_outage_is_no_death(stores: Stores) {
    let world = World::of(stores);
    let mut workers = Vec::new();
    let notes = Notes::default();
    for _ in 0..3 {
        let faulty = Faulty::over(world.store().await);
        let process = world.process_with(Arc::new(faulty.clone()), |queue| queue).await;
        let noted = notes.clone();
        let long = process.queue.define("long");
        long.action(move |job| {
            noted.add(&job.job().data);
            async {
                pass(20 * LEASE).await;
                Ok(Value::Null)
            }
        })
        .unwrap();
        process.queue.create("long", 1).save().await.unwrap();
        let worker = process.queue.process(["default"]).slots(1).start();
        workers.push((process, faulty, worker));
    }
    notes.wait_for(3).await;
    workers.iter().for_each(|(_, faulty, _)| faulty.cut());
    pass(10 * LEASE).await;
    // They come back one after the other; the first must not bury the others, whose time is long over.
    for (_, faulty, _) in &workers {
        faulty.mend();
        pass(Duration::from_secs(3)).await;
    }
    pass(15 * LEASE).await;
    assert_eq!(notes.values().len(), 3, "each job ran once");
    let queue = &workers[0].0.queue;
    assert_eq!(count(queue, &[Status::Completed]).await, 3);
    for (_, _, worker) in workers {
        assert_eq!(worker.stop().await.unwrap().completed, 1);
    }
}

async fn sessions_say_who_works_on_what_and_end_with_the_worker(stores: Stores) {
    let world = World::of(stores);
    let (one, other, notes) = (world.process().await, world.process().await, Notes::default());
    assert_eq!(one.queue.workers().await.unwrap(), []);
    notes.define(&one.queue, "note", "a");
    let first = one.queue.process(["a", "b"]).slots(3).start();
    let second = other.queue.process(["c"]).start();
    pass(Duration::from_secs(1)).await;
    let workers = other.queue.workers().await.unwrap();
    let tags: Vec<_> = workers.iter().map(|worker| &worker.loops[0].tags[..]).collect();
    assert_eq!(tags, [vec!["a", "b"], vec!["c"]]);
    assert_eq!(workers[0].loops[0].slots, 3);
    assert_eq!(
        (
            workers[0].tasks[0].name.as_str(),
            workers[0].tasks[0].tag.as_str()
        ),
        ("note", "a")
    );
    assert_eq!(workers[0].process, i64::from(std::process::id()));
    assert!(
        workers
            .iter()
            .all(|worker| worker.is_live && !worker.host.is_empty())
    );

    other.kill().await;
    drop(second);
    pass(LEASE).await;
    let lives: Vec<_> = one
        .queue
        .workers()
        .await
        .unwrap()
        .iter()
        .map(|worker| worker.is_live)
        .collect();
    assert_eq!(
        lives,
        [true, false],
        "the dead one is shown until it is cleared away"
    );
    pass(LEASE).await;
    assert_eq!(one.queue.workers().await.unwrap().len(), 1);
    first.stop().await.unwrap();
    assert_eq!(one.queue.workers().await.unwrap(), []);
}

async fn loops_of_one_process_share_its_session(stores: Stores) {
    let world = World::of(stores);
    let process = world.process().await;
    let first = process.queue.process(["a"]).start();
    let second = process.queue.process(["b"]).start();
    pass(Duration::from_secs(1)).await;
    let workers = process.queue.workers().await.unwrap();
    assert_eq!(workers.len(), 1);
    assert_eq!(workers[0].loops.len(), 2);
    first.stop().await.unwrap();
    pass(Duration::from_secs(1)).await;
    let workers = process.queue.workers().await.unwrap();
    assert_eq!((workers.len(), workers[0].loops.len()), (1, 1));
    second.stop().await.unwrap();
    assert_eq!(process.queue.workers().await.unwrap(), []);
}

fn sessions_of(process: &Process) -> String {
    format!("{}.sessions", process.queue.name())
}

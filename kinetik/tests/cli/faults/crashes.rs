//! Workers that die.

use std::collections::HashSet;
use std::os::unix::process::ExitStatusExt as _;

use rustix::process::Signal;
use serde_json::{Value, json};

use super::{ask_to_stop, start};
use crate::place::{HOLD, Place, Running, finish, log, shell, signal};

fn kill(mut worker: Running) {
    worker.kill().unwrap();
    worker.wait().unwrap();
}

/// Returns how many lines of a job's log begin so.
fn count(job: &Value, beginning: &str) -> usize {
    log(job).iter().filter(|line| line.starts_with(beginning)).count()
}

/// A hard-killed worker made its job vanish (first seen in Sidekiq, issue 6829).
#[test]
fn jobs_of_a_killed_worker_run_again() {
    let place = Place::new(&[&shell("slow", HOLD, "tag = \"a\"")]);
    let (mut up, gate) = (place.bell("up"), place.gate("gate"));
    let ids: Vec<String> = (0..5)
        .map(|at| place.enqueue(&["slow", &at.to_string()]))
        .collect();
    let worker = start(&place, &["--concurrency", "5"]);
    let first: HashSet<String> = (0..5).map(|_| up.ring()).collect();
    assert_eq!(first, ids.iter().cloned().collect());
    kill(worker);
    let worker = start(&place, &["--concurrency", "5"]);
    let second: HashSet<String> = (0..5).map(|_| up.ring()).collect();
    assert_eq!(second, first, "each is claimed again");
    drop(gate);
    signal(&worker, Signal::TERM);
    let ran = finish(worker);
    assert_eq!(
        (ran.code, &*ran.out),
        (Some(0), "5 completed, 0 failed, 0 timed out\n"),
        "{ran:?}"
    );
    for id in &ids {
        let job = place.job(id);
        assert_eq!(
            (&job["status"], &job["crashes"]),
            (&json!("completed"), &json!(1)),
            "{job}"
        );
        assert_eq!(
            (count(&job, "attempt 1 started"), count(&job, "crashed")),
            (2, 1),
            "{job}"
        );
    }
    assert_eq!(place.count(), 5);
}

/// A drain ended beside the job of a worker that had died, and exited with 0.
#[test]
fn a_drain_waits_for_the_job_of_a_killed_worker() {
    let place = Place::new(&[&shell("slow", HOLD, "")]);
    let (mut up, gate) = (place.bell("up"), place.gate("gate"));
    let id = place.enqueue(&["slow"]);
    let worker = start(&place, &[]);
    up.ring();
    kill(worker);
    let drain = place.start(&["work", "--drain", "--lease", "1s"]);
    assert_eq!(up.ring(), id);
    drop(gate);
    let ran = finish(drain);
    assert_eq!(
        (ran.code, &*ran.out),
        (Some(0), "1 completed, 0 failed, 0 timed out\n"),
        "{ran:?}"
    );
    assert!(ran.err.contains("waiting for a job of another worker"), "{ran:?}");
}

/// Thousands of jobs sat in 'running' for months though a timeout was set (first seen in River, issue 1258).
#[test]
fn no_job_stays_running_behind_its_dead_worker_whatever_its_tag() {
    let tags = ["a", "b", "c"];
    let tasks = tags.map(|tag| shell(tag, HOLD, &format!("tag = \"{tag}\"\ntimeout = \"10m\"")));
    let place = Place::new(&tasks.each_ref().map(String::as_str));
    let (mut up, gate) = (place.bell("up"), place.gate("gate"));
    let lines: String = (0..200)
        .map(|at| format!("{{\"task\": \"{}\"}}\n", tags[at % 3]))
        .collect();
    place.write("jobs.jsonl", &lines);
    place.ok(&["enqueue", "--from", "jobs.jsonl"]);
    let of = |tag: &str| {
        start(
            &place,
            &["--tags", tag, "--concurrency", "4", "--max-crashes", "9"],
        )
    };
    let mut workers: Vec<Running> = tags.iter().map(|tag| of(tag)).collect();
    (0..12).for_each(|_| drop(up.ring()));
    for round in [1, 2, 1, 0] {
        kill(workers.remove(round));
        workers.insert(round, of(tags[round]));
        // What the dead one ran may come back at any worker of its tag, after its lease.
        (0..4).for_each(|_| drop(up.ring()));
    }
    kill(workers.remove(2));
    kill(workers.remove(1));
    // Only the worker for one tag is left, and it hands back the jobs of all others.
    loop {
        let running = place.json(&["jobs", "--counts", "-s", "processing", "-a", "b", "-a", "c"]);
        if running.is_empty() {
            break;
        }
        std::thread::yield_now();
    }
    let mut last = workers.remove(0);
    ask_to_stop(&mut last);
    drop(gate);
    assert_eq!(finish(last).code, Some(0));
    assert_eq!(place.json(&["jobs", "-s", "processing"]), [] as [Value; 0]);
    assert_eq!(place.count(), 200);
    assert_eq!(
        place.json(&["jobs", "-s", "failed", "-s", "timeout"]),
        [] as [Value; 0]
    );
}

/// A job that killed its worker was enqueued again for ever (first seen in Faktory, issue 99).
#[test]
fn a_job_that_kills_its_workers_fails_and_the_others_complete() {
    let place = Place::new(&[
        &shell("abort", "kill -KILL $PPID", ""),
        "name = \"good\"\nrun = [\"true\"]",
    ]);
    let bad = place.enqueue(&["abort", "--attempts", "3"]);
    place.write("jobs.jsonl", &"{\"task\": \"good\"}\n".repeat(10));
    place.ok(&["enqueue", "--from", "jobs.jsonl"]);
    let mut deaths = 0;
    let mut worker = start(&place, &[]);
    // A supervisor: whenever a worker dies it starts another.
    loop {
        if let Some(status) = worker.try_wait().unwrap() {
            assert_eq!(status.signal(), Some(9), "{status}");
            deaths += 1;
            assert!(deaths <= 3, "it goes on for ever");
            worker = start(&place, &[]);
        }
        // Counts are taken one after the other: what moves meanwhile can be in none of them.
        let completed = place.json(&["jobs", "-t", "good", "-s", "completed"]).len();
        if place.job(&bad)["status"] == "failed" && completed == 10 {
            break;
        }
    }
    signal(&worker, Signal::TERM);
    assert_eq!(finish(worker).code, Some(0));
    let job = place.job(&bad);
    assert_eq!(
        (&job["status"], &job["error"]["kind"]),
        (&json!("failed"), &json!("crashed")),
        "{job}"
    );
    assert_eq!((deaths, &job["crashes"]), (3, &json!(3)));
    assert_eq!(place.json(&["jobs", "-t", "good", "-s", "completed"]).len(), 10);
}

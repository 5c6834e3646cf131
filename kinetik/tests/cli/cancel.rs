//! `kinetik cancel`

use rustix::process::Signal;
use serde_json::json;

use crate::place::{Place, finish, log, shell, signal};

const NOTE: &str = "name = \"note\"\nrun = [\"true\"]";

#[test]
fn jobs_are_called_off_by_their_ids() {
    let place = Place::new(&[NOTE]);
    let queued = place.enqueue(&["note"]);
    let delayed = place.enqueue(&["note", "--delay", "1h"]);
    let kept = place.enqueue(&["note"]);
    assert_eq!(
        place.ok(&["cancel", &queued, &delayed, &queued]),
        "2 jobs cancelled\n"
    );
    assert_eq!(log(&place.job(&queued)), ["created", "cancelled"]);
    assert_eq!(place.job(&delayed)["status"], "cancelled");
    assert_eq!(place.job(&kept)["status"], "queued");
    // Once more changes nothing.
    assert_eq!(
        place.json(&["cancel", &queued]),
        [json!({"_id": queued, "status": "cancelled"})]
    );
    assert_eq!(log(&place.job(&queued)), ["created", "cancelled"]);
}

#[test]
fn jobs_are_called_off_by_what_they_have_in_common() {
    let place = Place::new(&[NOTE]);
    place.enqueue(&["note", "1", "--tag", "a"]);
    place.ok(&["work", "--drain", "--tags", "a"]);
    for (data, tag) in [("1", "a"), ("2", "a"), ("3", "b")] {
        place.enqueue(&["note", data, "--tag", tag]);
    }
    assert_eq!(
        place.ok(&["cancel", "-a", "a", "--query", r#"{"data": {"$gte": 2}}"#]),
        "1 job cancelled\n"
    );
    assert_eq!(place.json(&["cancel", "-t", "note"]).len(), 2);
    assert_eq!(place.ok(&["cancel", "-t", "note"]), "0 jobs cancelled\n");
    assert_eq!(
        place.json(&["jobs", "--counts"]),
        [
            json!({"task": "note", "status": "completed", "count": 1}),
            json!({"task": "note", "status": "cancelled", "count": 3}),
        ]
    );
}

#[test]
fn a_wrong_id_among_them_changes_nothing() {
    let place = Place::new(&[NOTE]);
    let done = place.enqueue(&["note"]);
    place.ok(&["work", "--drain"]);
    let queued = place.enqueue(&["note"]);
    let error = place.fails(1, &["cancel", &queued, "no-such-id"]);
    assert!(
        error.contains("no-such-id") && error.contains("nothing was changed"),
        "{error}"
    );
    let error = place.fails(1, &["cancel", &queued, &done]);
    assert!(error.contains(&done) && error.contains("completed"), "{error}");
    let error = place.fails(1, &["cancel", "-s", "completed"]);
    assert!(error.contains("completed"), "{error}");
    place.fails(1, &["cancel", "--query", "{"]);
    place.fails(1, &["cancel", "-t", "a:b"]);
    place.fails(1, &["cancel", &queued, "-t", "note"]);
    place.fails(2, &["cancel"]);
    assert_eq!(place.job(&queued)["status"], "queued");
}

#[test]
fn a_running_command_is_ended_with_all_it_has_started() {
    let place = Place::new(&[&shell("slow", "sleep 600 > pipe & exec sleep 600 > pipe", "")]);
    place.pipe("pipe");
    let id = place.enqueue(&["slow"]);
    let worker = place.start(&["work"]);
    let mut pipe = std::fs::File::open(place.path("pipe")).unwrap();
    place.ok(&["cancel", &id]);
    // It is closed only when both processes are gone.
    std::io::Read::read_to_end(&mut pipe, &mut Vec::new()).unwrap();
    assert_eq!(place.job(&id)["status"], "cancelled");
    signal(&worker, Signal::TERM);
    let ran = finish(worker);
    assert_eq!(
        (ran.code, &*ran.out),
        (Some(0), "0 completed, 0 failed, 0 timed out\n")
    );
}

/// Whoever read no further, as `head` does, stopped the cancelling half way.
#[test]
fn a_reader_that_leaves_stops_no_change() {
    let place = Place::new(&[NOTE]);
    let jobs: String = (0..500)
        .map(|at| format!("{{\"task\": \"note\", \"data\": {at}}}\n"))
        .collect();
    assert_eq!(place.run_with(&["enqueue", "--from", "-"], &jobs).code, Some(0));
    let mut child = place.start(&["cancel", "-t", "note", "--json"]);
    drop(child.stdout.take());
    let ran = finish(child);
    assert_eq!((ran.code, &*ran.err), (Some(0), ""));
    assert_eq!(
        place.json(&["jobs", "--counts"]),
        [json!({"task": "note", "status": "cancelled", "count": 500})]
    );
}

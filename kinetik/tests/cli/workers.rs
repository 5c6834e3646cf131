//! `kinetik workers`

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::place::{HOLD, Place, finish, shell, signal};

#[test]
fn a_worker_is_shown_with_what_it_runs() {
    let place = Place::new(&[&shell(
        "hold",
        "echo up > up; exec timeout 60 cat gate",
        "tag = \"a\"",
    )]);
    place.pipe("up");
    place.pipe("gate");
    assert_eq!(place.ok(&["workers"]), "no workers\n");
    let id = place.enqueue(&["hold"]);
    let worker = place.start(&["work", "--tags", "a,b", "--tags", "c", "--concurrency", "3"]);
    place.wait_for("up");
    let shown = place.json(&["workers"]).remove(0);
    assert_eq!(
        (&shown["process"], &shown["state"], &shown["tasks"]),
        (&json!(worker.id()), &json!("live"), &json!(["hold"]))
    );
    let mut loops = shown["loops"].as_array().unwrap().clone();
    loops.sort_by_key(ToString::to_string);
    assert_eq!(
        loops,
        [
            json!({"tags": ["a", "b"], "slots": 3}),
            json!({"tags": ["c"], "slots": 3})
        ]
    );
    assert_eq!(
        (&shown["jobs"][0]["_id"], &shown["jobs"][0]["task"]),
        (&json!(id), &json!("hold"))
    );
    for field in ["host", "started", "renewed"] {
        assert!(!shown[field].as_str().unwrap().is_empty(), "{field} in {shown}");
    }
    let table = place.ok(&["workers"]);
    for part in ["live", &worker.id().to_string(), "a,b", &id, "hold"] {
        assert!(table.contains(part), "{part} in {table}");
    }
    let job = place.ok(&["show", &id]);
    assert!(job.contains(&format!("process {}", worker.id())), "{job}");
    place.open("gate");
    signal(&worker, Signal::TERM);
    assert_eq!(finish(worker).code, Some(0));
    assert_eq!(place.ok(&["workers"]), "no workers\n");
}

#[test]
fn a_job_waits_under_the_tag_of_its_task_which_a_worker_elsewhere_defines() {
    let hold = shell("hold", HOLD, "tag = \"held\"");
    let place = Place::new(&[&hold, "name = \"note\"\ntag = \"notes\"\nrun = [\"true\"]"]);
    let (mut up, gate) = (place.bell("up"), place.gate("gate"));
    place.enqueue(&["hold"]);
    let worker = place.start(&["work"]);
    up.ring();
    // Somebody who knows the store, and no more.
    place.write("bare.toml", &format!("store = \"{}\"\n", place.store()));
    let id = place.enqueue(&["note", "--config", "bare.toml"]);
    assert_eq!(place.job(&id)["tag"], "notes");
    let lines = r#"{"task": "note"} {"task": "note", "tag": "b"} {"task": "other"}"#;
    place.write("jobs.jsonl", &lines.replace("} {", "}\n{"));
    place.ok(&["enqueue", "--from", "jobs.jsonl", "--config", "bare.toml"]);
    let jobs = place.json(&["jobs", "-t", "note", "-t", "other", "--sort", "_id"]);
    let tags: Vec<&Value> = jobs.iter().map(|job| &job["tag"]).collect();
    assert_eq!(tags, ["notes", "notes", "b", "default"]);
    drop(gate);
    signal(&worker, Signal::TERM);
    assert_eq!(finish(worker).code, Some(0));
}

#[test]
fn a_worker_that_died_has_lapsed_once_its_lease_is_over() {
    let place = Place::new(&[&shell("hold", "echo up > up; exec timeout 60 cat gate", "")]);
    place.pipe("up");
    place.pipe("gate");
    place.enqueue(&["hold"]);
    let mut worker = place.start(&["work", "--lease", "500ms"]);
    place.wait_for("up");
    worker.kill().unwrap();
    worker.wait().unwrap();
    while place.json(&["workers"])[0]["state"] != "lapsed" {
        std::thread::yield_now();
    }
    assert!(place.ok(&["workers"]).contains("lapsed"));
    place.open("gate");
}

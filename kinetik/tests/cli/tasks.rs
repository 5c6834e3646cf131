//! `kinetik tasks`

use serde_json::json;

use crate::place::{Place, finish, shell, signal};
use rustix::process::Signal;

const NOTE: &str =
    "name = \"note\"\ntag = \"notes\"\ndesc = \"Takes a note\"\ntimeout = \"1m30s\"\nrun = [\"true\"]";

#[test]
fn tasks_are_shown_with_their_jobs() {
    let place = Place::new(&[NOTE, "name = \"idle\"\nrun = [\"true\"]"]);
    place.enqueue(&["note"]);
    place.ok(&["work", "--drain"]);
    place.enqueue(&["note"]);
    place.enqueue(&["foreign", "--delay", "1h"]);
    insta::assert_snapshot!(place.ok(&["tasks"]), @r"
    NAME     TAG      TIMEOUT  DEFINED BY  JOBS                   DESCRIPTION
    foreign  -        -        nobody      1 delayed
    idle     default  -        here        -
    note     notes    1m30s    here        1 queued, 1 completed  Takes a note
    ");
    assert_eq!(
        place.json(&["tasks"]),
        [
            json!({"name": "foreign", "tag": null, "description": "", "timeout": null, "here": false, "workers": 0,
                "counts": {"delayed": 1}}),
            json!({"name": "idle", "tag": "default", "description": "", "timeout": null, "here": true, "workers": 0,
                "counts": {}}),
            json!({"name": "note", "tag": "notes", "description": "Takes a note", "timeout": 90_000, "here": true,
                "workers": 0, "counts": {"queued": 1, "completed": 1}}),
        ]
    );
    let one = place.json(&["tasks", "-t", "idle"]);
    assert_eq!((one.len(), &one[0]["name"]), (1, &json!("idle")));
}

#[test]
fn a_living_worker_tells_of_the_tasks_that_it_defines() {
    let place = Place::new(&[&shell(
        "hold",
        "echo up > up; exec timeout 60 cat gate",
        "tag = \"t\"\ndesc = \"Waits\"\ntimeout = \"2m\"",
    )]);
    place.pipe("up");
    place.pipe("gate");
    place.enqueue(&["hold"]);
    let worker = place.start(&["work"]);
    place.wait_for("up");
    // Whoever looks has no config file with that task.
    place.write("other.toml", &format!("store = \"{}\"", place.store()));
    assert_eq!(
        place.json(&["tasks", "--config", "other.toml"]),
        [
            json!({"name": "hold", "tag": "t", "description": "Waits", "timeout": 120_000, "here": false,
            "workers": 1, "counts": {"processing": 1}})
        ]
    );
    assert!(place.ok(&["tasks"]).contains("here, 1 worker"));
    place.open("gate");
    signal(&worker, Signal::TERM);
    assert_eq!(finish(worker).code, Some(0));
    let after = place.ok(&["tasks", "--config", "other.toml"]);
    assert!(after.contains("nobody"), "{after}");
}

#[test]
fn no_tasks_are_no_error_but_an_unknown_one_is() {
    let place = Place::new(&[]);
    assert!(place.ok(&["tasks"]).contains("kinetik.toml"));
    assert_eq!(place.ok(&["tasks", "--json"]), "");
    let error = place.fails(1, &["tasks", "-t", "nobody-has-it"]);
    assert!(error.contains("nobody-has-it"), "{error}");
    let error = place.fails(1, &["tasks", "-t", "a:b"]);
    assert!(error.contains("colon"), "{error}");
}

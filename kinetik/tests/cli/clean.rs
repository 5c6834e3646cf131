//! `kinetik clean`

use serde_json::json;

use crate::place::{Place, shell};

/// A place with finished jobs: two that completed and one that failed, and one that waits.
fn place() -> Place {
    let place = Place::new(&[
        "name = \"note\"\ntag = \"a\"\nrun = [\"true\"]",
        "name = \"other\"\ntag = \"b\"\nrun = [\"true\"]",
        &shell("bad", "exit 1", "tag = \"a\""),
    ]);
    for task in ["note", "other", "bad"] {
        place.enqueue(&[task]);
    }
    place.ok(&["work", "--drain"]);
    place.enqueue(&["note"]);
    place
}

#[test]
fn completed_jobs_are_removed_unless_told() {
    let place = place();
    assert_eq!(place.ok(&["clean"]), "2 jobs removed\n");
    assert_eq!(
        place.json(&["jobs", "--counts"]),
        [
            json!({"task": "bad", "status": "failed", "count": 1}),
            json!({"task": "note", "status": "queued", "count": 1}),
        ]
    );
    assert_eq!(place.json(&["clean", "-s", "failed"]), [json!({"removed": 1})]);
    assert_eq!(place.count(), 1);
}

#[test]
fn jobs_are_chosen_by_tag_task_status_and_age() {
    let place = place();
    assert_eq!(place.ok(&["clean", "--older", "1h"]), "0 jobs removed\n");
    assert_eq!(place.ok(&["clean", "nothing-here"]), "0 jobs removed\n");
    assert_eq!(place.ok(&["clean", "b", "--older", "0"]), "1 job removed\n");
    assert_eq!(
        place.ok(&["clean", "-t", "other", "-t", "bad"]),
        "0 jobs removed\n"
    );
    assert_eq!(
        place.ok(&[
            "clean",
            "a",
            "-t",
            "note",
            "-t",
            "bad",
            "-s",
            "completed",
            "-s",
            "failed"
        ]),
        "2 jobs removed\n"
    );
}

#[test]
fn a_live_job_is_never_removed() {
    let place = place();
    for status in ["queued", "delayed", "processing"] {
        let error = place.fails(1, &["clean", "-s", "completed", "-s", status]);
        assert!(error.contains(status), "{error}");
    }
    place.fails(1, &["clean", "-s", "done"]);
    place.fails(1, &["clean", "--older", "soon"]);
    place.fails(1, &["clean", "a:b"]);
    place.fails(2, &["clean", "--oldr", "1h"]);
    assert_eq!(place.count(), 4);
}

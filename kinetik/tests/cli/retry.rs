//! `kinetik retry`

use serde_json::json;

use crate::place::{Place, log, shell};

/// Fails until there is a file with that name.
fn fails_at_first() -> String {
    shell("flaky", "test -e mended", "")
}

#[test]
fn a_failed_job_gets_another_attempt() {
    let place = Place::new(&[&fails_at_first()]);
    let id = place.enqueue(&["flaky"]);
    assert_eq!(
        place.ok(&["work", "--drain"]),
        "0 completed, 1 failed, 0 timed out\n"
    );
    assert_eq!(
        place.json(&["retry", &id]),
        [json!({"_id": id, "status": "queued"})]
    );
    place.write("mended", "");
    assert_eq!(
        place.ok(&["work", "--drain"]),
        "1 completed, 0 failed, 0 timed out\n"
    );
    let job = place.job(&id);
    assert_eq!(
        (&job["status"], &job["attempt"]),
        (&json!("completed"), &json!(2))
    );
    assert_eq!(
        log(&job)[2..],
        [
            "failed: the command ended with exit code 1",
            "queued again by hand",
            "attempt 2 started",
            "completed"
        ]
    );
}

#[test]
fn jobs_are_revived_by_what_they_have_in_common() {
    let place = Place::new(&[
        &fails_at_first(),
        &shell("slow", "exec sleep 600", "timeout = \"50ms\""),
    ]);
    for data in ["1", "2", "3"] {
        place.enqueue(&["flaky", data]);
    }
    place.enqueue(&["slow"]);
    place.ok(&["work", "--drain"]);
    place.enqueue(&["flaky", "4"]);
    assert_eq!(place.ok(&["retry", "-s", "timeout"]), "1 job queued again\n");
    assert_eq!(
        place.ok(&["retry", "--query", r#"{"data": {"$lt": 3}}"#]),
        "2 jobs queued again\n"
    );
    assert_eq!(
        place.json(&["jobs", "--counts"]),
        [
            json!({"task": "flaky", "status": "queued", "count": 3}),
            json!({"task": "flaky", "status": "failed", "count": 1}),
            json!({"task": "slow", "status": "queued", "count": 1}),
        ]
    );
}

#[test]
fn what_did_not_fail_is_not_revived() {
    let place = Place::new(&["name = \"note\"\nrun = [\"true\"]"]);
    let done = place.enqueue(&["note"]);
    place.ok(&["work", "--drain"]);
    let error = place.fails(1, &["retry", &done]);
    assert!(
        error.contains("completed") && error.contains("timed out"),
        "{error}"
    );
    place.fails(1, &["retry", "no-such-id"]);
    place.fails(1, &["retry", "-s", "queued"]);
    place.fails(2, &["retry"]);
    assert_eq!(place.job(&done)["status"], "completed");
}

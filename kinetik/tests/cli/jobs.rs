//! `kinetik jobs`

use std::io::{BufRead, BufReader};

use serde_json::json;

use crate::place::{Place, finish, shell, steady};

const NOTE: &str = "name = \"note\"\nrun = [\"true\"]";

#[test]
fn jobs_are_counted_by_task_and_status() {
    let place = Place::new(&[NOTE]);
    place.enqueue(&["note"]);
    place.ok(&["work", "--drain"]);
    place.enqueue(&["note"]);
    place.enqueue(&["other", "--delay", "1h"]);
    let counts = place.json(&["jobs", "--counts"]);
    assert_eq!(
        counts,
        [
            json!({"task": "note", "status": "queued", "count": 1}),
            json!({"task": "note", "status": "completed", "count": 1}),
            json!({"task": "other", "status": "delayed", "count": 1}),
        ]
    );
    let shown = place.ok(&["jobs"]);
    assert!(
        shown.starts_with("TASK   DELAYED  QUEUED  COMPLETED\n"),
        "{shown}"
    );
}

#[test]
fn jobs_are_chosen_sorted_and_cut() {
    let place = Place::new(&[NOTE]);
    for (data, tag, priority) in [("1", "a", "1"), ("2", "b", "3"), ("3", "a", "2")] {
        place.enqueue(&["note", data, "--tag", tag, "--priority", priority]);
    }
    let data = |arguments: &[&str]| -> Vec<i64> {
        let jobs = place.json(&[&["jobs"], arguments].concat());
        jobs.iter().map(|job| job["data"].as_i64().unwrap()).collect()
    };
    assert_eq!(data(&[]), [3, 2, 1]);
    assert_eq!(data(&["-a", "a"]), [3, 1]);
    assert!(data(&["-t", "other"]).is_empty());
    assert_eq!(data(&["-s", "queued", "--sort", "-priority"]), [2, 3, 1]);
    assert_eq!(data(&["--sort", "_id", "--skip", "1", "--limit", "1"]), [2]);
    assert_eq!(data(&["--query", r#"{"data": {"$gte": 2}}"#]), [3, 2]);
    assert_eq!(
        place.json(&["jobs", "--fields", "data,tag", "--limit", "1"]),
        [json!({"tag": "a", "data": 3})]
    );
}

#[test]
fn a_filter_that_is_none_is_named() {
    let place = Place::new(&[NOTE]);
    let error = place.fails(1, &["jobs", "--query", r#"{"data": {"$gtt": 1}}"#]);
    assert!(error.contains("$gtt") && error.contains("$gt"), "{error}");
    place.fails(1, &["jobs", "--query", "{"]);
    place.fails(1, &["jobs", "-s", "done"]);
    place.fails(1, &["jobs", "--sort", r#"{"a": 2}"#]);
}

#[test]
fn a_reader_that_has_seen_enough_ends_it_quietly() {
    let place = Place::new(&[NOTE]);
    let lines: String = (0..2_000)
        .map(|at| format!("{{\"task\": \"note\", \"data\": \"{at:0>200}\"}}\n"))
        .collect();
    place.write("jobs.jsonl", &lines);
    place.ok(&["enqueue", "--from", "jobs.jsonl"]);
    let mut child = place.start(&["jobs", "--json", "--limit", "2000"]);
    let mut first = String::new();
    BufReader::with_capacity(1, child.stdout.take().unwrap())
        .read_line(&mut first)
        .unwrap();
    let ran = finish(child);
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
}

#[test]
fn nothing_from_outside_reaches_a_terminal_raw() {
    let place = Place::new(&[NOTE]);
    place.enqueue(&["note", "\"\\u001b[31mred\\u0007 \\u202e\"", "--tag", "a b"]);
    let id = place.json(&["jobs"])[0]["_id"].as_str().unwrap().to_owned();
    for arguments in [
        &["jobs"][..],
        &["show", &id],
        &["jobs", "--json"],
        &["jobs", "--fields", "data"],
        &["jobs", "--fields", "\u{1b}]0;red\u{7}\u{202e},_id"],
    ] {
        let shown = place.ok(arguments);
        assert!(!shown.contains(['\u{1b}', '\u{7}', '\u{202e}']), "{shown:?}");
        assert!(shown.to_lowercase().contains("red"), "{shown:?}");
    }
}

#[test]
fn a_task_that_nobody_defines_is_named() {
    let place = Place::new(&[NOTE]);
    place.enqueue(&["note"]);
    place.enqueue(&["foreign", "--delay", "1h"]);
    let shown = place.ok(&["jobs"]);
    assert!(shown.contains("nobody defines \"foreign\""), "{shown}");
    assert!(!shown.contains("nobody defines \"note\""), "{shown}");
    let ran = place.run(&["jobs", "--counts", "--json"]);
    assert_eq!(ran.out.lines().count(), 2, "{ran:?}");
    assert!(ran.err.contains("nobody defines \"foreign\""), "{ran:?}");
    // A worker leaves it for those who have it.
    place.enqueue(&["foreign", "2"]);
    assert_eq!(
        place.ok(&["work", "--drain"]),
        "1 completed, 0 failed, 0 timed out\n"
    );
    assert_eq!(place.json(&["jobs", "-t", "foreign", "-s", "queued"]).len(), 1);
}

#[test]
fn people_see_the_breakdown_and_the_newest_jobs() {
    let place = Place::new(&[NOTE, &shell("bad", "echo no room >&2; exit 3", "tag = \"t\"")]);
    place.enqueue(&["bad", r#"{"to": "ada"}"#]);
    place.enqueue(&["note"]);
    place.ok(&["work", "--drain"]);
    place.enqueue(&["note", r#"{"to": "béla", "n": [1, 2]}"#, "--priority", "3"]);
    place.enqueue(&["note", "--at", "2100-01-01T00:00:00Z"]);
    insta::assert_snapshot!(steady(&place.ok(&["jobs"])), @r#"
    TASK  DELAYED  QUEUED  COMPLETED  FAILED
    bad   -        -       -          1
    note  1        1       1          -
          1        1       1          1

    ID                                    TASK  TAG      STATUS     AGE  DETAILS
    <an id                             >  note  default  delayed    <s>  due <a time                >
    <an id                             >  note  default  queued     <s>  {"to":"béla","n":[1,2]}
    <an id                             >  note  default  completed  <s>
    <an id                             >  bad   t        failed     <s>  no room (exit code 3)
    "#);
    insta::assert_snapshot!(place.ok(&["jobs", "--fields", "task,data.to,priority", "-s", "queued"]), @r"
    TASK  QUEUED
    note  1

    TASK  DATA.TO  PRIORITY
    note  béla     3
    ");
}

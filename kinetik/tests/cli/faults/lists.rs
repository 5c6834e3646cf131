//! Lists beside what a plain filter in memory gives.
//!
//! Filters and orders gave wrong rows (first seen in River, pull requests 212 and 1327).

use serde_json::Value;

use crate::place::{Place, finish};

const JOBS: u32 = 3_000;

type Rule = fn(&Value) -> bool;

/// Arguments, and the same in Rust.
const CASES: [(&[&str], Rule); 8] = [
    (&["-a", "a1", "-a", "a3"], |job| {
        job["tag"] == "a1" || job["tag"] == "a3"
    }),
    (&["-t", "t2", "-s", "delayed"], |job| {
        job["task"] == "t2" && job["status"] == "delayed"
    }),
    (&["--query", r#"{"data.s": "x7"}"#], |job| {
        job["data"]["s"] == "x7"
    }),
    (
        &["--query", r#"{"$or": [{"data.n": {"$lt": 9}}, {"priority": 3}]}"#],
        |job| job["data"]["n"].as_i64() < Some(9) || job["priority"] == 3,
    ),
    (&["--query", r#"{"data.odd": {"$exists": false}}"#], |job| {
        job["data"]["odd"].is_null()
    }),
    (
        &["-t", "t1", "--query", r#"{"data.n": {"$in": [1, 2, 4, 7]}}"#],
        |job| job["task"] == "t1" && matches!(job["data"]["n"].as_i64(), Some(1 | 2 | 4 | 7)),
    ),
    (
        &[
            "--query",
            r#"{"run_at": {"$gt": {"$date": "2020-01-01T00:00:00Z"}}}"#,
        ],
        |job| !job["run_at"].is_null(),
    ),
    (
        &[
            "--query",
            r#"{"data.s": {"$regex": "^x[0-4]$"}, "tag": {"$ne": "a0"}}"#,
        ],
        |job| {
            matches!(job["data"]["s"].as_str(), Some("x0" | "x1" | "x2" | "x3" | "x4")) && job["tag"] != "a0"
        },
    ),
];

/// Makes a place with jobs of three tasks under four tags, a fifth of them delayed.
fn place() -> Place {
    let place = Place::new(&["name = \"t0\"\ntag = \"a0\"\nrun = [\"true\"]"]);
    let line = |at: u32| {
        let odd = if at % 2 == 1 { ", \"odd\": true" } else { "" };
        let later = if at.is_multiple_of(5) {
            ", \"delay\": \"1h\""
        } else {
            ""
        };
        let (task, tag, priority, text) = (at % 3, at % 4, i64::from(at % 7) - 3, at % 10);
        format!(
            "{{\"task\": \"t{task}\", \"tag\": \"a{tag}\", \"priority\": {priority}, \
             \"data\": {{\"n\": {at}, \"s\": \"x{text}\"{odd}}}{later}}}\n"
        )
    };
    place.write("jobs.jsonl", &(0..JOBS).map(line).collect::<String>());
    place.ok(&["enqueue", "--from", "jobs.jsonl"]);
    place
}

fn number(job: &Value) -> i64 {
    job["data"]["n"].as_i64().unwrap()
}

#[test]
fn lists_are_what_a_plain_filter_in_memory_gives() {
    let place = place();
    let all = place.json(&["jobs", "--limit", "100000", "--sort", "_id"]);
    assert_eq!(all.len(), JOBS as usize);
    for (arguments, rule) in CASES {
        let mut expected: Vec<&Value> = all.iter().filter(|job| rule(job)).collect();
        expected.sort_by_key(|job| (-job["priority"].as_i64().unwrap(), job["_id"].to_string()));
        let more = ["--sort", "-priority,_id", "--limit", "100000"];
        let found = place.json(&[&["jobs"], arguments, &more].concat());
        let expected: Vec<i64> = expected.into_iter().map(number).collect();
        assert_eq!(
            found.iter().map(number).collect::<Vec<_>>(),
            expected,
            "{arguments:?}"
        );
    }
}

#[test]
fn pages_that_are_read_while_jobs_change_have_each_job_once() {
    let place = place();
    let worker = place.start(&["work", "--drain", "--tags", "a0"]);
    let page = |page: u32| {
        let skip = (page * 100).to_string();
        place.json(&["jobs", "--sort", "_id", "--skip", &skip, "--limit", "100"])
    };
    let seen: Vec<i64> = (0..JOBS / 100).flat_map(page).map(|job| number(&job)).collect();
    assert_eq!(seen, (0..i64::from(JOBS)).collect::<Vec<_>>());
    assert_eq!(finish(worker).code, Some(0));
}

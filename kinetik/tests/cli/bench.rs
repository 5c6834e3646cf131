//! `kinetik bench`

use rusqlite::Connection;
use rustix::process::Signal;
use serde_json::Value;

use crate::place::{Place, finish, signal};

/// The fields that every line has.
const FIELDS: [&str; 12] = [
    "peer",
    "version",
    "store",
    "workload",
    "name",
    "jobs",
    "payload_bytes",
    "concurrency",
    "seconds",
    "jobs_per_s",
    "durability",
    "completion",
];

/// Returns how many collections the store of a place holds, those that it keeps for itself aside, or how many keys.
fn collections(place: &Place) -> u64 {
    if !place.is_on_file() {
        return place.count_keys();
    }
    let file = Connection::open(place.path("jobs.db")).unwrap();
    let tables = "SELECT count(*) FROM seed_collections WHERE name NOT LIKE 'seed.%'";
    file.query_row(tables, [], |row| row.get(0)).unwrap()
}

fn scheme(place: &Place) -> String {
    place.store().split(':').next().unwrap().to_owned()
}

fn fields(line: &Value) -> Vec<&str> {
    line.as_object().unwrap().keys().map(String::as_str).collect()
}

#[test]
fn each_workload_gives_a_line_and_leaves_nothing() {
    let place = Place::new(&[]);
    place.enqueue(&["mine"]);
    let before = collections(&place);
    let lines = place.json(&[
        "bench",
        "--jobs",
        "60",
        "--finished",
        "100",
        "--interval",
        "1ms",
        "--concurrency",
        "5",
    ]);
    let workloads: Vec<&str> = lines
        .iter()
        .map(|line| line["workload"].as_str().unwrap())
        .collect();
    assert_eq!(workloads, ["w1", "w2", "w3", "w4", "w5"]);
    let durability = if place.is_on_file() {
        "synchronous=normal"
    } else {
        ""
    };
    for line in &lines {
        for field in FIELDS {
            assert!(fields(line).contains(&field), "{field} in {line}");
        }
        assert_eq!(
            (&line["peer"], &line["store"]),
            (&"kinetik".into(), &scheme(&place).into())
        );
        assert_eq!(
            (&line["jobs"], &line["payload_bytes"]),
            (&60.into(), &100.into()),
            "{line}"
        );
        assert!(line["seconds"].as_f64().unwrap() > 0.0, "{line}");
        assert!(
            line["durability"].as_str().unwrap().contains(durability),
            "{line}"
        );
    }
    let concurrency: Vec<i64> = lines
        .iter()
        .map(|line| line["concurrency"].as_i64().unwrap())
        .collect();
    assert_eq!(concurrency, [1, 1, 5, 5, 5]);
    let has = |at: usize, names: &[&str]| names.iter().all(|name| fields(&lines[at]).contains(name));
    assert!(has(0, &["p50_ms", "p99_ms"]), "{}", lines[0]);
    assert!(has(1, &["bulk_api"]), "{}", lines[1]);
    assert!(has(2, &["start_ms"]), "{}", lines[2]);
    assert!(has(3, &["p50_ms", "p90_ms", "p99_ms", "max_ms"]), "{}", lines[3]);
    assert_eq!(lines[4]["retained"], 100);
    assert_eq!(collections(&place), before, "no queue is left");
    assert_eq!(place.count(), 1, "the jobs that were there are there");
}

#[test]
fn people_get_a_table_of_all_rounds() {
    let place = Place::new(&[]);
    let shown = place.ok(&[
        "bench",
        "--workload",
        "drain",
        "--workload",
        "bulk",
        "--jobs",
        "50",
        "--rounds",
        "3",
    ]);
    let lines: Vec<&str> = shown.lines().collect();
    assert!(
        lines[0].contains(&scheme(&place)) && lines[0].contains("100 bytes"),
        "{shown}"
    );
    assert!(
        lines[2].contains("WORKLOAD") && lines[2].contains("JOBS/S FROM TO"),
        "{shown}"
    );
    assert!(lines[3].starts_with("drain, 10 slots"), "{shown}");
    assert!(lines[4].starts_with("bulk"), "{shown}");
    assert_eq!(lines.len(), 5, "{shown}");
    let rounds = place.json(&["bench", "--workload", "bulk", "--jobs", "50", "--rounds", "3"]);
    assert_eq!(rounds.len(), 3);
}

#[test]
fn the_store_in_memory_can_be_measured() {
    let place = Place::new(&[]);
    let lines = place.json(&[
        "bench",
        "--store",
        "memory:",
        "--workload",
        "history",
        "--backlog",
        "200",
        "--jobs",
        "50",
        "--payload",
        "300",
    ]);
    assert_eq!(
        (&lines[0]["store"], &lines[0]["backlog"]),
        (&"memory".into(), &200.into())
    );
    assert_eq!(
        (&lines[0]["jobs"], &lines[0]["payload_bytes"]),
        (&50.into(), &300.into())
    );
}

#[test]
fn a_signal_ends_it_and_leaves_nothing() {
    let place = Place::new(&[]);
    place.enqueue(&["mine"]);
    let before = collections(&place);
    let mut child = place.start(&["bench", "--workload", "latency", "--seconds", "3600"]);
    // Its queue is there when its collection is.
    while collections(&place) == before {
        assert!(child.try_wait().unwrap().is_none(), "it runs until it is stopped");
        std::thread::yield_now();
    }
    signal(&child, Signal::INT);
    let ran = finish(child);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.err.contains("signal"), "{ran:?}");
    assert_eq!(collections(&place), before);
}

#[test]
fn what_cannot_be_measured_is_refused() {
    let place = Place::new(&[]);
    let error = place.fails(1, &["bench", "--workload", "drains"]);
    assert!(
        error.contains("drains") && error.contains("enqueue, bulk, drain"),
        "{error}"
    );
    for arguments in [
        ["--jobs", "0"],
        ["--concurrency", "0"],
        ["--backlog", "5"],
        ["--payload", "2000000"],
    ] {
        let error = place.fails(1, &[&["bench"], &arguments[..]].concat());
        assert!(error.contains(arguments[1]), "{error}");
    }
}

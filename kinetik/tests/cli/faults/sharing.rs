//! Many processes on one file.

use rusqlite::Connection;
use rustix::process::Signal;
use serde_json::json;

use crate::place::{Place, Running, finish, signal};

/// A lock error of SQLite in the heartbeat ended the worker (first seen in Solid Queue, issues 385 and 133).
#[test]
fn many_writers_and_a_long_reader_share_a_file_in_peace() {
    let place = Place::new(&["name = \"note\"\nrun = [\"true\"]"]);
    if place.lacks_file() {
        return;
    }
    place.write("jobs.jsonl", &"{\"task\": \"note\"}\n".repeat(50));
    place.ok(&["enqueue", "--from", "jobs.jsonl"]);
    let reader = Connection::open(place.path("jobs.db")).unwrap();
    reader
        .execute_batch("BEGIN; SELECT count(*) FROM seed_collections;")
        .unwrap();
    let workers: Vec<Running> = (0..4).map(|_| place.start(&["work"])).collect();
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| (0..8).for_each(|_| drop(place.ok(&["enqueue", "--from", "jobs.jsonl"]))));
        }
    });
    while place.json(&["jobs", "--counts"]) != [json!({"task": "note", "status": "completed", "count": 850})]
    {
        std::thread::yield_now();
    }
    reader.execute_batch("COMMIT").unwrap();
    for worker in workers {
        signal(&worker, Signal::TERM);
        let ran = finish(worker);
        assert_eq!(
            (ran.code, &*ran.err),
            (
                Some(0),
                "stopping: what runs may finish; a second signal ends at once\n"
            )
        );
    }
    let crashed = place.json(&["jobs", "--query", r#"{"crashes": {"$gt": 0}}"#]);
    assert!(crashed.is_empty(), "no lease was lost: {crashed:?}");
}

//! Data and options at their limits.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use rustix::process::Signal;

use crate::place::{HOLD, Place, finish, shell, signal};

/// Data that could not be encoded gave an id and no job (first seen in php-resque, issue 28, and Celery, issue 318).
#[test]
fn data_is_read_back_equal_or_refused_and_an_id_has_a_job() {
    let place = Place::new(&[]);
    let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    let kept = [
        r#"{"a.b": 1, "$set": {"$x": 1}, "": 2, "$": 3, "a": {"b.c.": 4}}"#.to_owned(),
        r#""a\u0000b\u001f\u007f""#.to_owned(),
        r#"["😀", "\ud83d\ude00", "\u2028", "é", "e\u0301"]"#.to_owned(),
        "[9223372036854775807, -9223372036854775808, 0, -0.0, 1.0, 1e308, 5e-324]".to_owned(),
        nested(90),
        format!("\"{}\"", "x".repeat(7 * 1024 * 1024)),
    ];
    for data in &kept {
        let ran = place.run_with(&["enqueue", "note", "-"], data);
        assert_eq!(ran.code, Some(0), "{}: {}", &data[..data.len().min(80)], ran.err);
        let job = place.job(ran.out.trim());
        let expected: Value = serde_json::from_str(data).unwrap();
        assert!(job["data"] == expected, "{}", &data[..data.len().min(80)]);
    }
    let refused = [
        (format!("\"{}\"", "x".repeat(10 * 1024 * 1024)), "bytes"),
        (nested(200), "level"),
        (nested(91), "level"),
        (r#""\ud800""#.to_owned(), "surrogate"),
        (r#"{"a": "\udc00x"}"#.to_owned(), "surrogate"),
        ("NaN".to_owned(), "JSON"),
        ("[Infinity]".to_owned(), "JSON"),
        ("9223372036854775808".to_owned(), "9223372036854775808"),
        ("-9223372036854775809".to_owned(), "-9223372036854775809"),
        ("1e400".to_owned(), "1e400"),
        (r#"{"a\u0000b": 1}"#.to_owned(), "U+0000"),
        (r#"{"a": 1, "a": 2}"#.to_owned(), "\"a\""),
        ("{} {}".to_owned(), "JSON"),
        (String::new(), "JSON"),
    ];
    for (data, expected) in &refused {
        let start = &data[..data.len().min(80)];
        let ran = place.run_with(&["enqueue", "note", "-"], data);
        assert_eq!((ran.code, &*ran.out), (Some(1), ""), "{start}");
        assert!(
            ran.err.contains(expected) && ran.err.lines().count() == 1,
            "{start}: {}",
            ran.err
        );
    }
    // On the command line, as far as that takes it.
    for data in ["9223372036854775807", "-9223372036854775808", r#"{"$date": 1}"#] {
        let id = place.enqueue(&["note", data]);
        assert_eq!(place.job(&id)["data"].to_string(), data.replace(": ", ":"));
    }
    for data in ["9223372036854775808", "NaN", "Infinity", "'x'", "\"\\ud800\""] {
        place.fails(1, &["enqueue", "note", data]);
    }
    assert_eq!(place.count(), kept.len() + 3);
}

/// A bulk insert ignored what each job said of itself (first seen in River, pull request 149, and Sidekiq, issue 6040).
#[test]
fn each_job_of_a_file_keeps_its_options_and_a_bad_one_stops_all() {
    let place = Place::new(&[]);
    let line = |at: usize| {
        let due = match at % 3 {
            0 => ", \"delay\": \"1h\"",
            1 => ", \"at\": \"2100-01-01T00:00:00Z\"",
            _ => "",
        };
        format!(
            "{{\"task\": \"t{}\", \"data\": {at}, \"priority\": {}, \"attempts\": {}, \"tag\": \"a{}\"{due}}}\n",
            at % 2,
            at % 11,
            at % 4 + 1,
            at % 5
        )
    };
    let lines: String = (0..10_000).map(line).collect();
    place.write(
        "bad.jsonl",
        &format!("{lines}{{\"task\": \"t\", \"priority\": \"high\"}}\n"),
    );
    let error = place.fails(1, &["enqueue", "--from", "bad.jsonl"]);
    assert!(
        error.contains("bad.jsonl:10001") && error.contains("nothing was enqueued"),
        "{error}"
    );
    assert_eq!(place.count(), 0);
    place.write("good.jsonl", &lines);
    place.ok(&["enqueue", "--from", "good.jsonl"]);
    let jobs = place.json(&["jobs", "--sort", "_id", "--limit", "20000"]);
    assert_eq!(jobs.len(), 10_000);
    let mut by_status: BTreeMap<&str, usize> = BTreeMap::new();
    for (at, job) in jobs.iter().enumerate() {
        assert_eq!(
            json!([
                job["data"],
                job["task"],
                job["priority"],
                job["max_attempts"],
                job["tag"]
            ]),
            json!([
                at,
                format!("t{}", at % 2),
                at % 11,
                at % 4 + 1,
                format!("a{}", at % 5)
            ])
        );
        assert_eq!(job["run_at"] == "2100-01-01T00:00:00.000Z", at % 3 == 1, "{job}");
        *by_status.entry(job["status"].as_str().unwrap()).or_default() += 1;
    }
    assert_eq!(by_status, BTreeMap::from([("delayed", 6_667), ("queued", 3_333)]));
}

/// What could not be decoded stood at the head of the queue and stopped everybody (first seen in River, pull request 1324).
#[test]
fn what_is_damaged_in_the_file_is_told_of_once_and_the_others_flow() {
    let place = Place::new(&[&shell("fine", "true", "")]);
    if place.lacks_file() {
        return;
    }
    for damage in ["'{\"_id\":'", "x'FF00'", "NULL", "7"] {
        let ids: Vec<String> = (0..4)
            .map(|at| place.enqueue(&["fine", &at.to_string()]))
            .collect();
        let delayed = place.enqueue(&["fine", "--delay", "1ms"]);
        damage_jobs(&place, damage, &[&ids[0], &ids[2], &delayed]);
        let ran = place.run(&["work", "--drain"]);
        assert_eq!(
            (ran.code, &*ran.out),
            (Some(0), "2 completed, 0 failed, 0 timed out\n"),
            "{damage}: {}",
            ran.err
        );
        assert!(ran.err.contains("cannot be read"), "{damage}: {}", ran.err);
        let again = place.run(&["work", "--drain"]);
        assert!(!again.err.contains("cannot be read"), "told once: {}", again.err);
        for id in [&ids[1], &ids[3]] {
            assert_eq!(place.job(id)["status"], "completed");
        }
        let kept = place.fails(1, &["show", &ids[0]]);
        assert!(kept.contains("cannot be read"), "{kept}");
        let listed = place.run(&["jobs", "--json", "--limit", "10000"]);
        assert_eq!(listed.code, Some(1), "{}", listed.err);
        assert!(listed.err.contains("cannot be read"), "{}", listed.err);
        for (id, is_damaged) in ids.iter().zip([true, false, true, false]) {
            assert_eq!(!listed.out.contains(id.as_str()), is_damaged, "{}", listed.out);
        }
    }
}

/// Overwrites the documents of jobs in the file with an SQL expression.
fn damage_jobs(place: &Place, damage: &str, ids: &[&String]) {
    let (file, table) = documents(place, "jobs");
    let update =
        format!("UPDATE {table} SET doc = coalesce({damage}, 0) WHERE instr(id, CAST(?1 AS BLOB)) > 0");
    for id in ids {
        assert_eq!(file.execute(&update, [id]).unwrap(), 1);
    }
}

/// Opens the file, and names the table of one of the queue's collections.
fn documents(place: &Place, collection: &str) -> (rusqlite::Connection, String) {
    let file = rusqlite::Connection::open(place.path("jobs.db")).unwrap();
    let table = file.query_row(
        &format!("SELECT name FROM sqlite_schema WHERE name GLOB 'doc_*_kinetik_{collection}'"),
        [],
        |row| row.get(0),
    );
    (file, table.unwrap())
}

/// The same while jobs are held: neither their worker, nor who rescues them, must be stopped by one that is damaged.
#[test]
fn what_is_damaged_while_it_is_held_is_told_of_and_the_others_are_ended_and_rescued() {
    for is_killed in [false, true] {
        let place = Place::new(&[&shell("slow", HOLD, "")]);
        if place.lacks_file() {
            return;
        }
        let (mut up, gate) = (place.bell("up"), place.gate("gate"));
        let ids: Vec<String> = (0..4).map(|_| place.enqueue(&["slow"])).collect();
        let worker = place.start(&["work", "--drain", "--concurrency", "4", "--lease", "1s"]);
        ids.iter().for_each(|_| drop(up.ring()));
        let worker = if is_killed {
            let mut killed = worker;
            killed.kill().unwrap();
            killed.wait().unwrap();
            damage_jobs(&place, "'{'", &[&ids[0], &ids[2]]);
            let worker = place.start(&["work", "--drain", "--concurrency", "4", "--lease", "1s"]);
            [1, 3].iter().for_each(|_| drop(up.ring()));
            worker
        } else {
            damage_jobs(&place, "'{'", &[&ids[0], &ids[2]]);
            worker
        };
        drop(gate);
        let ran = finish(worker);
        assert_eq!(
            (ran.code, &*ran.out),
            (Some(0), "2 completed, 0 failed, 0 timed out\n"),
            "{ran:?}"
        );
        assert!(ran.err.contains("left out from now on"), "{ran:?}");
        for id in [&ids[1], &ids[3]] {
            assert_eq!(place.job(id)["status"], "completed");
        }
        let again = place.run(&["work", "--drain"]);
        assert!(!again.err.contains("cannot be read"), "told once: {}", again.err);
    }
}

/// A job that was called off by hand in the file, past all indexes, was run again and again.
#[test]
fn a_delayed_job_whose_status_was_changed_by_hand_is_not_run() {
    for status in ["'cancelled'", "'completed'", "'processing'", "'odd'", "7", "NULL"] {
        let place = Place::new(&[&shell("fine", "echo run >> runs", "")]);
        if place.lacks_file() {
            return;
        }
        let id = place.enqueue(&["fine", "--delay", "1ms"]);
        damage_jobs(&place, &format!("json_set(doc, '$.status', {status})"), &[&id]);
        let other = place.enqueue(&["fine"]);
        let ran = place.run(&["work", "--drain"]);
        assert_eq!(
            (ran.code, &*ran.out),
            (Some(0), "1 completed, 0 failed, 0 timed out\n"),
            "{status}: {ran:?}"
        );
        assert_eq!(place.job(&other)["status"], "completed");
        assert_eq!(place.read("runs").lines().count(), 1, "{status}");
    }
}

/// Enqueueing from a file, and the work of others, went through the sessions of all workers, whose documents may be damaged.
#[test]
fn a_damaged_session_stops_neither_its_worker_nor_others() {
    let place = Place::new(&[&shell("fine", "echo \"$KINETIK_JOB_ID\" > up", "")]);
    if place.lacks_file() {
        return;
    }
    let mut up = place.bell("up");
    let worker = place.start(&["work", "--lease", "1s"]);
    let first = place.enqueue(&["fine"]);
    assert_eq!(up.ring(), first);
    damage_sessions(&place);
    place.write("jobs.jsonl", "{\"task\": \"fine\"}\n");
    place.ok(&["enqueue", "--from", "jobs.jsonl"]);
    up.ring();
    // The worker announces itself anew within a third of its lease, or it could not go on when that is over.
    while place.json(&["workers"]).is_empty() {}
    let last = place.enqueue(&["fine"]);
    assert_eq!(up.ring(), last);
    signal(&worker, Signal::TERM);
    let ran = finish(worker);
    assert_eq!(ran.code, Some(0), "{ran:?}");
}

fn damage_sessions(place: &Place) {
    let (file, table) = documents(place, "sessions");
    let damaged = file
        .execute(&format!("UPDATE {table} SET doc = '{{'"), [])
        .unwrap();
    assert_eq!(damaged, 1);
}

//! `kinetik enqueue`

use std::io::Write as _;

use serde_json::json;

use crate::place::{Place, finish};

const NOTE: &str = "name = \"note\"\ntag = \"notes\"\nrun = [\"true\"]";

#[test]
fn a_job_is_enqueued_under_the_tag_of_its_task() {
    let place = Place::new(&[NOTE]);
    let id = place.enqueue(&["note", r#"{"$date": 1, "a.b": [1, 1.0]}"#, "--priority", "-3"]);
    let job = place.job(&id);
    assert_eq!(job["status"], "queued");
    assert_eq!((&job["tag"], &job["priority"]), (&json!("notes"), &json!(-3)));
    assert_eq!(job["data"].to_string(), r#"{"$date":1,"a.b":[1,1.0]}"#);
}

#[test]
fn a_delayed_job_waits_for_its_time() {
    let place = Place::new(&[NOTE]);
    let delayed = place.enqueue(&["note", "--delay", "1h30m"]);
    let dated = place.enqueue(&["note", "--at", "2100-01-01T00:00:00Z"]);
    let job = place.job(&delayed);
    assert_eq!(job["status"], "delayed");
    assert_eq!(millis(&job["run_at"]) - millis(&job["created"]), 5_400_000);
    assert_eq!(place.job(&dated)["run_at"], "2100-01-01T00:00:00.000Z");
    let elsewhere = place.enqueue(&["note", "--at", "2100-01-01T02:30:00+02:30"]);
    assert_eq!(place.job(&elsewhere)["run_at"], "2100-01-01T00:00:00.000Z");
    let last = place.enqueue(&["note", "--at", "9999-12-31T23:59:59Z"]);
    assert_eq!(place.job(&last)["run_at"], "9999-12-31T23:59:59.000Z");
    // A time that is past means at once, and a bare number is milliseconds.
    let past = place.enqueue(&["note", "--at", "2001-01-01T00:00:00Z"]);
    assert_eq!(place.job(&past)["status"], "queued");
    let job = place.job(&place.enqueue(&["note", "--delay", "90000"]));
    assert_eq!(millis(&job["run_at"]) - millis(&job["created"]), 90_000);
}

fn millis(time: &serde_json::Value) -> i64 {
    time.as_str()
        .unwrap()
        .parse::<kinetik::DateTime>()
        .unwrap()
        .as_millis()
}

#[test]
fn a_file_is_enqueued_line_by_line() {
    let place = Place::new(&[NOTE]);
    let lines = [
        r#"{"task": "note", "data": {"to": "ä"}, "priority": 5}"#,
        r#"{"task": "other", "tag": "t", "delay": "2h"}"#,
        "",
        r#"{"task": "note", "data": [1, 2], "at": "2100-01-01T00:00:00Z"}"#,
    ];
    place.write("jobs.jsonl", &lines.join("\n"));
    assert_eq!(
        place.ok(&["enqueue", "--from", "jobs.jsonl"]),
        "3 jobs enqueued from jobs.jsonl\n"
    );
    let jobs = place.json(&["jobs", "--sort", "_id"]);
    assert_eq!(jobs[0]["data"], json!({"to": "ä"}));
    assert_eq!(
        (&jobs[1]["tag"], &jobs[1]["status"]),
        (&json!("t"), &json!("delayed"))
    );
    assert_eq!(jobs[2]["data"], json!([1, 2]));
}

#[test]
fn a_bad_line_is_named_and_nothing_is_enqueued() {
    let place = Place::new(&[NOTE]);
    let good = "{\"task\": \"note\"}\n".repeat(2_500);
    for bad in [
        "{\"task\": \"note\"",
        "{\"data\": 1}",
        "{\"task\": \"a:b\"}",
        "{\"task\": \"note\", \"delay\": \"soon\"}",
        "{\"task\": \"note\", \"delay\": \"99999999999d\"}",
        "{\"task\": \"note\", \"data\": 9223372036854775808}",
        "{\"task\": \"note\", \"typo\": 1}",
        "7",
    ] {
        place.write("jobs.jsonl", &format!("{good}{bad}\n{good}"));
        let error = place.fails(1, &["enqueue", "--from", "jobs.jsonl"]);
        assert!(error.contains("jobs.jsonl:2501"), "{error}");
        assert!(error.contains("nothing was enqueued"), "{error}");
        assert_eq!(place.count(), 0, "{bad}");
    }
    let bytes = [good.as_bytes(), b"{\"task\": \"Jos\xe9\"}\n", good.as_bytes()].concat();
    std::fs::write(place.path("jobs.jsonl"), bytes).unwrap();
    let error = place.fails(1, &["enqueue", "--from", "jobs.jsonl"]);
    assert!(
        error.contains("jobs.jsonl:2501: the line is not UTF-8; nothing was enqueued"),
        "{error}"
    );
    assert_eq!(place.count(), 0);
}

/// Other systems have no file that is always full.
#[cfg(target_os = "linux")]
#[test]
fn a_job_whose_id_cannot_be_told_is_said_to_be_enqueued() {
    let place = Place::new(&[NOTE]);
    place.write("jobs.jsonl", "{\"task\": \"note\"}\n");
    for (arguments, told) in [
        (&["enqueue", "note"][..], "is enqueued, but its id cannot be told"),
        (
            &["enqueue", "--from", "jobs.jsonl"],
            "enqueued 1 job of jobs.jsonl, but",
        ),
    ] {
        let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
        let ran = place.command(arguments).stdout(full).output().unwrap();
        let error = String::from_utf8(ran.stderr).unwrap();
        assert_eq!(ran.status.code(), Some(1), "{error}");
        assert!(error.contains(told), "{error}");
    }
    assert_eq!(place.count(), 2);
}

#[test]
fn a_pipe_is_enqueued_as_far_as_it_is_good() {
    let place = Place::new(&[NOTE]);
    let ran = place.run_with(&["enqueue", "--from", "-"], &"{\"task\": \"note\"}\n".repeat(3));
    assert_eq!(
        (ran.code, ran.out.as_str()),
        (Some(0), "3 jobs enqueued from standard input\n")
    );
    let ran = place.run_with(
        &["enqueue", "--from", "-"],
        "{\"task\": \"note\"}\n{\"task\": 1}\n",
    );
    assert_eq!(ran.code, Some(1));
    assert!(
        ran.err.contains("standard input:2") && ran.err.contains("1 job before it"),
        "{}",
        ran.err
    );
    assert_eq!(place.count(), 4);
}

/// The system tells how much memory a process took at its peak.
#[cfg(target_os = "linux")]
#[test]
fn a_long_input_takes_little_memory() {
    let place = Place::new(&[NOTE]);
    let line = format!("{{\"task\": \"note\", \"data\": \"{}\"}}\n", "x".repeat(20_000));
    let mut child = place.start(&["enqueue", "--from", "-"]);
    let mut input = child.stdin.take().unwrap();
    // 50 MB, of which only a little is still in the pipe when the last write returns.
    (0..2_500).for_each(|_| input.write_all(line.as_bytes()).unwrap());
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    drop(input);
    assert_eq!(finish(child).out, "2500 jobs enqueued from standard input\n");
    let peak = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .unwrap();
    let kilobytes: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
    // Some 60 MB, a third of it the unoptimised program itself: what is freed is kept by the allocator for a moment.
    assert!(kilobytes < 90_000, "{kilobytes} kB");
}

#[test]
fn what_cannot_be_read_is_an_error_and_enqueues_nothing() {
    let place = Place::new(&[NOTE]);
    let deep = format!("{}{}", "[".repeat(95), "]".repeat(95));
    for arguments in [
        &["note", "{"][..],
        &["note", "1e400"],
        &["note", "\"\\ud800\""],
        &["note", &deep],
        &["a:b"],
        &["note", "--tag", ""],
        &["note", "--delay", "soon"],
        &["note", "--at", "tomorrow"],
        &["note", "--priority", "high"],
        &["--from", "missing.jsonl"],
        &["note", "--store", "redis://127.0.0.1:1"],
        &["note", "--store", "memory:"],
        &["note", "--store", "sqlite:no/such/folder/x.db"],
    ] {
        place.fails(1, &[&["enqueue"], arguments].concat());
    }
    assert_eq!(place.count(), 0);
}

#[test]
fn what_cannot_be_understood_exits_with_2() {
    let place = Place::new(&[NOTE]);
    for arguments in [
        &["enqueue"][..],
        &["enqueue", "note", "--tga", "x"],
        &["enqeue", "note"],
        &[],
    ] {
        place.fails(2, arguments);
    }
}

#[test]
fn a_fault_in_the_config_file_is_named_by_line_and_column() {
    let place = Place::new(&["name = \"note\"\nrnu = [\"true\"]"]);
    let error = place.fails(1, &["enqueue", "note"]);
    assert!(
        error.contains("kinetik.toml:4:1") && error.contains("run"),
        "{error}"
    );
}

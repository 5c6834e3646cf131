//! `kinetik work`

use std::collections::HashSet;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::process::Command;

use rustix::process::Signal;
use serde_json::json;

use crate::place::{Place, Running, finish, log, shell, signal};

#[test]
fn a_command_gets_the_data_and_tells_how_it_went() {
    let script = r#"cat > data; echo "$KINETIK_TASK/$KINETIK_TAG/$KINETIK_ATTEMPT"; echo "::progress 1 2"
        echo '::log {"message": "half", "data": {"n": 1}}'; echo '::result {"sent": true}'"#;
    let place = Place::new(&[&shell("tell", script, "tag = \"t\"")]);
    let id = place.enqueue(&["tell", r#"{"$oid": "x", "n": 1.0}"#]);
    let shown = place.ok(&["work", "--drain"]);
    assert!(shown.contains("1 completed"), "{shown}");
    assert_eq!(place.read("data").trim(), r#"{"$oid":"x","n":1.0}"#);
    let job = place.job(&id);
    assert_eq!(
        log(&job),
        ["created", "attempt 1 started", "tell/t/1", "half", "completed"]
    );
    assert_eq!(
        (&job["status"], &job["result"]),
        (&json!("completed"), &json!({"sent": true}))
    );
    assert_eq!(job["log"][3]["data"], json!({"n": 1}));
}

#[test]
fn a_failure_is_told_by_the_command_or_read_off_it() {
    let place = Place::new(&[
        &shell(
            "tells",
            r#"echo '::error {"message": "no room", "code": "E7"}'; exit 3"#,
            "",
        ),
        &shell("moans", "echo first >&2; echo last >&2; exit 4", ""),
        &shell("silent", "exit 5", ""),
        "name = \"missing\"\nrun = [\"./no-such-program\"]",
    ]);
    let ids = ["tells", "moans", "silent", "missing"].map(|task| place.enqueue(&[task]));
    let ran = place.run(&["work", "--drain", "--json"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let errors = ids.map(|id| place.job(&id)["error"].clone());
    assert_eq!(
        (&errors[0]["message"], &errors[0]["code"]),
        (&json!("no room"), &json!("E7"))
    );
    assert_eq!(errors[1]["message"], "last (exit code 4)");
    assert_eq!(errors[2]["code"], "5");
    assert!(
        errors[3]["message"].as_str().unwrap().contains("no-such-program"),
        "{}",
        errors[3]
    );
}

#[test]
fn a_command_that_takes_too_long_ends_with_all_it_has_started() {
    // The child of the command holds the pipe open: it is closed only when both are gone.
    let script = "mkfifo pipe 2>/dev/null; (trap '' TERM; exec sleep 600 > pipe) & exec sleep 600 > pipe";
    let place = Place::new(&[&shell("slow", script, "timeout = \"300ms\"")]);
    let id = place.enqueue(&["slow"]);
    Command::new("mkfifo").arg(place.path("pipe")).status().unwrap();
    let child = place.start(&["work", "--drain"]);
    let mut nothing = Vec::new();
    fs::File::open(place.path("pipe"))
        .unwrap()
        .read_to_end(&mut nothing)
        .unwrap();
    let ran = finish(child);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.out.contains("1 timed out"), "{ran:?}");
    assert_eq!(place.job(&id)["status"], "timeout");
}

#[test]
fn a_value_of_the_data_is_one_argument_and_never_a_script() {
    let place = Place::new(&["name = \"list\"\nrun = [\"printf\", \"%s\\n\", \"{to}\", \"x{n}y\", \"{n}\"]"]);
    let id = place.enqueue(&["list", r#"{"to": "$(touch pwned); a b", "n": 7}"#]);
    place.ok(&["work", "--drain"]);
    assert_eq!(log(&place.job(&id))[2..5], ["$(touch pwned); a b", "x{n}y", "7"]);
    assert!(!place.path("pwned").exists());
}

#[test]
fn tags_are_worked_off_in_their_order() {
    let place = Place::new(&[&shell("note", "echo $KINETIK_TAG >> order", "")]);
    for tag in ["c", "b", "a"] {
        place.enqueue(&["note", "--tag", tag]);
    }
    place.ok(&["work", "--drain", "--tags", "a,b", "--concurrency", "1"]);
    assert_eq!(place.read("order"), "a\nb\n");
    let ran = finish(Running::spawn(
        place.command(&["work", "--drain"]).env("QUEUE", "c"),
    ));
    assert_eq!(ran.code, Some(0));
    assert_eq!(place.read("order"), "a\nb\nc\n");
}

#[test]
fn two_workers_on_one_file_share_the_jobs() {
    let place = Place::new(&[&shell("note", "echo $KINETIK_JOB_ID >> ids", "")]);
    place.write("jobs.jsonl", &"{\"task\": \"note\"}\n".repeat(300));
    place.ok(&["enqueue", "--from", "jobs.jsonl"]);
    let workers = [(); 2].map(|()| place.start(&["work", "--drain", "--concurrency", "4"]));
    for worker in workers {
        let ran = finish(worker);
        assert_eq!(ran.code, Some(0), "{ran:?}");
    }
    let ids = place.read("ids");
    assert_eq!(ids.lines().count(), 300);
    assert_eq!(ids.lines().collect::<HashSet<_>>().len(), 300);
    assert_eq!(
        place.json(&["jobs", "--counts"]),
        [json!({"task": "note", "status": "completed", "count": 300})]
    );
}

#[test]
fn a_stop_hands_back_what_takes_too_long() {
    let place = Place::new(&[&shell("slow", "exec sleep 600 > pipe", "")]);
    Command::new("mkfifo").arg(place.path("pipe")).status().unwrap();
    let id = place.enqueue(&["slow"]);
    let worker = place.start(&["work", "--grace", "10ms"]);
    // Opening the pipe waits until the command has opened it too, so it runs now.
    let mut pipe = fs::File::open(place.path("pipe")).unwrap();
    signal(&worker, Signal::TERM);
    let ran = finish(worker);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let job = place.job(&id);
    assert_eq!((&job["status"], &job["attempt"]), (&json!("queued"), &json!(0)));
    // The command is gone with its worker.
    pipe.read_to_end(&mut Vec::new()).unwrap();
}

/// A copy of the file alone lacked jobs, because they were still in the log beside it.
#[test]
fn a_worker_that_ends_leaves_the_file_alone() {
    let place = Place::new(&[
        &shell("note", "true", ""),
        &shell("tell", "echo $KINETIK_JOB_ID > up", ""),
    ]);
    if place.lacks_file() {
        return;
    }
    let mut up = place.bell("up");
    place.write("jobs.jsonl", &"{\"task\": \"note\"}\n".repeat(40));
    place.ok(&["enqueue", "--from", "jobs.jsonl"]);
    let files = || {
        let names = fs::read_dir(place.path("")).unwrap();
        let names = names.map(|file| file.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = names.filter(|name| name.starts_with("jobs.db")).collect();
        names.sort();
        names
    };
    place.ok(&["work", "--drain", "--concurrency", "20"]);
    assert_eq!(files(), ["jobs.db"], "after a drain");
    place.enqueue(&["tell"]);
    let worker = place.start(&["work"]);
    up.ring();
    signal(&worker, Signal::TERM);
    assert_eq!(finish(worker).code, Some(0));
    assert_eq!(files(), ["jobs.db"], "after a stop");
}

#[test]
fn a_second_signal_ends_at_once_and_the_job_runs_again() {
    let script = "trap '' TERM; exec 3< gate; echo $KINETIK_TOKEN > up; cat <&3";
    let place = Place::new(&[&shell("stubborn", script, "")]);
    let (mut up, gate) = (place.bell("up"), place.gate("gate"));
    let id = place.enqueue(&["stubborn"]);
    let mut worker = place.start(&["work", "--lease", "1s", "--grace", "1h"]);
    let first = up.ring();
    let mut said = BufReader::new(worker.stderr.take().unwrap()).lines();
    signal(&worker, Signal::INT);
    assert!(
        said.next()
            .unwrap()
            .unwrap()
            .contains("a second signal ends at once")
    );
    signal(&worker, Signal::TERM);
    assert!(said.next().unwrap().unwrap().contains("second signal"));
    assert_eq!(finish(worker).code, Some(1));
    assert_eq!(place.job(&id)["status"], "processing");
    let mut worker = place.start(&["work", "--lease", "1s"]);
    assert_ne!(up.ring(), first, "another claim has another token");
    worker.kill().unwrap();
    drop(gate);
}

#[test]
fn a_command_that_outlives_its_worker_changes_nothing() {
    let script =
        "exec 3< gate; echo $KINETIK_TOKEN > up; cat <&3; echo $KINETIK_TOKEN > over; echo '::result 1'";
    let place = Place::new(&[&shell("slow", script, "")]);
    let (mut up, mut over, gate) = (place.bell("up"), place.bell("over"), place.gate("gate"));
    let id = place.enqueue(&["slow"]);
    let mut dead = place.start(&["work", "--lease", "1s"]);
    let first = up.ring();
    dead.kill().unwrap();
    let worker = place.start(&["work", "--lease", "1s"]);
    let second = up.ring();
    drop(gate);
    // Both commands come to their end; what the first one says reaches nobody.
    let mut tokens = [over.ring(), over.ring()];
    tokens.sort();
    let mut expected = [first, second.clone()];
    expected.sort();
    assert_eq!(tokens, expected);
    signal(&worker, Signal::TERM);
    assert_eq!(finish(worker).code, Some(0));
    let job = place.job(&id);
    assert_eq!(
        (&job["status"], &job["token"]),
        (&json!("completed"), &json!(second))
    );
    assert_eq!(log(&job).iter().filter(|line| **line == "completed").count(), 1);
}

#[test]
fn each_list_of_tags_is_a_loop_of_its_own() {
    let place = Place::new(&[&shell(
        "hold",
        "exec 3< gate; echo $KINETIK_TAG > up; exec cat <&3",
        "",
    )]);
    let (mut up, gate) = (place.bell("up"), place.gate("gate"));
    for tag in ["a", "a", "b"] {
        place.enqueue(&["hold", "--tag", tag]);
    }
    let worker = place.start(&["work", "--tags", "a", "--tags", "b", "--concurrency", "1"]);
    // The one slot of the first loop is taken, and the second one works all the same.
    let mut tags = [up.ring(), up.ring()];
    tags.sort();
    assert_eq!(tags, ["a", "b"]);
    drop(gate);
    drop(worker);
}

#[test]
fn output_without_end_is_cut_and_the_log_says_so() {
    let place = Place::new(&[&shell(
        "floods",
        "yes 0123456789012345678901234567890123456789 | head -c 5000000",
        "",
    )]);
    let id = place.enqueue(&["floods"]);
    place.ok(&["work", "--drain"]);
    let job = place.job(&id);
    assert_eq!(job["status"], "completed");
    assert!(
        job["log"].to_string().contains("cut"),
        "the log says that it was cut"
    );
    assert!(job["log"].to_string().len() < 4_000_000);
}

#[test]
fn a_worker_without_tasks_says_what_to_do() {
    let place = Place::new(&[]);
    let error = place.fails(1, &["work", "--drain"]);
    assert!(error.contains("kinetik.toml"), "{error}");
}

//! What all commands have in common: where the store comes from, exit codes, and outputs that nobody reads.

use std::fs;

use crate::place::{Place, Running, finish};

const NOTE: &str = "name = \"note\"\nrun = [\"true\"]";

/// All commands that print something, each as it is typed.
const COMMANDS: [&[&str]; 9] = [
    &["enqueue", "note"],
    &["tasks"],
    &["jobs"],
    &["jobs", "--json"],
    &["workers"],
    &["clean"],
    &["cancel", "-t", "other"],
    &["retry", "-t", "other"],
    &["work", "--drain"],
];

#[test]
fn the_store_is_named_by_flag_environment_file_or_custom() {
    let place = Place::new(&[NOTE]);
    if place.lacks_file() {
        return;
    }
    let stored = |name: &str| place.path(name).exists();
    let run = |arguments: &[&str], environment: &str| {
        let mut command = place.command(arguments);
        let ran = finish(Running::spawn(command.env("KINETIK_STORE", environment)));
        assert_eq!(ran.code, Some(0), "{ran:?}");
    };
    run(
        &["enqueue", "note", "--store", "sqlite:flag.db"],
        "sqlite:environment.db",
    );
    assert!(stored("flag.db") && !stored("environment.db") && !stored("jobs.db"));
    run(&["enqueue", "note"], "sqlite:environment.db");
    assert!(stored("environment.db") && !stored("jobs.db"));
    run(&["enqueue", "note"], "");
    assert!(stored("jobs.db") && !stored("kinetik.db"));
    fs::remove_file(place.path("kinetik.toml")).unwrap();
    run(&["enqueue", "note"], "");
    assert!(stored("kinetik.db"));
}

#[test]
fn a_store_that_cannot_be_opened_is_told_with_who_names_it() {
    let place = Place::new(&[]);
    place.write(
        "kinetik.toml",
        "queue = \"mail\"\nstore = \"sqlite:/no/such/folder/jobs.db\"\n",
    );
    let error = place.fails(1, &["jobs"]);
    assert!(error.contains("(named by kinetik.toml:2:9)"), "{error}");
    let mut command = place.command(&["jobs"]);
    let ran = finish(Running::spawn(command.env("KINETIK_STORE", "paper:")));
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(
        ran.err
            .contains("(named by the environment variable KINETIK_STORE)"),
        "{ran:?}"
    );
    let error = place.fails(1, &["jobs", "--store", "paper:"]);
    assert!(!error.contains("named by"), "{error}");
}

#[test]
fn a_config_file_means_the_same_from_everywhere() {
    let place = Place::new(&[]);
    fs::create_dir(place.path("app")).unwrap();
    place.write("app/say.sh", "#!/bin/sh\necho \"$1\"\n");
    let task = "[[task]]\nname = \"say\"\nrun = [\"./say.sh\", \"{to}\"]";
    place.write(
        "app/shop.toml",
        &format!("store = \"sqlite:shop.db\"\nqueue = \"shop\"\n{task}"),
    );
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(place.path("app/say.sh"), mode).unwrap();
    let with = |arguments: &[&str]| place.ok(&[arguments, &["--config", "app/shop.toml"]].concat());
    let id = with(&["enqueue", "say", r#"{"to": "ada"}"#]);
    assert!(place.path("app/shop.db").exists());
    assert_eq!(with(&["work", "--drain"]), "1 completed, 0 failed, 0 timed out\n");
    assert!(with(&["show", id.trim()]).contains("  ada\n"));
    let error = place.fails(1, &["jobs", "--config", "missing.toml"]);
    assert!(error.contains("missing.toml"), "{error}");
}

#[test]
fn queues_in_one_store_do_not_meet() {
    let place = Place::new(&[NOTE]);
    place.enqueue(&["note"]);
    let other = place.enqueue(&["note", "--queue", "other"]);
    assert_eq!(
        place.ok(&["work", "--drain", "--queue", "third"]),
        "0 completed, 0 failed, 0 timed out\n"
    );
    assert_eq!(
        place.ok(&["work", "--drain"]),
        "1 completed, 0 failed, 0 timed out\n"
    );
    let error = place.fails(1, &["show", &other]);
    assert!(error.contains("\"kinetik\""), "{error}");
    assert!(place.ok(&["show", &other, "--queue", "other"]).contains("queued"));
    let error = place.fails(1, &["jobs", "--queue", "a:b"]);
    assert!(error.contains("colon"), "{error}");
}

#[test]
fn exit_codes_tell_a_wrong_word_from_a_wrong_value() {
    let place = Place::new(&[NOTE]);
    for arguments in [
        &["evnts"][..],
        &["jobs", "--lmit", "5"],
        &["jobs", "--limit"],
        &["jobs", "extra"],
        &["show"],
        &["show", "a", "b"],
        &["cancel"],
        &["enqueue"],
        &["help", "evnts"],
        &[],
    ] {
        place.fails(2, arguments);
    }
    for arguments in [
        &["jobs", "--limit", "many"][..],
        &["jobs", "--limit", "-1"],
        &["jobs", "--skip=-1"],
        &["jobs", "--fields", "$where"],
        &["jobs", "--fields", "a,,b"],
        &["work", "--concurrency", "0"],
        &["work", "--concurrency", "99999"],
        &["work", "--interval", "0"],
        &["work", "--lease", "1ms"],
        &["work", "--grace", "1.5s"],
        &["work", "--max-crashes", "0"],
        &["work", "--tags", ","],
        &["enqueue", "note", "--delay", "1 h"],
        &["enqueue", "note", "--delay", "1h", "--at", "2100-01-01T00:00:00Z"],
        &["enqueue", "note", "--at", "2100-13-01T00:00:00Z"],
        &["enqueue", "note", "--priority", "9223372036854775808"],
        &["enqueue", "note", "--from", "jobs.jsonl"],
        &["enqueue", "note", "--priority", "1.5"],
        &["enqueue", "note", "--delay", "99999999999d"],
        &["enqueue", "note", "--at", "9999-12-31T23:59:59-01:00"],
        &["clean", "--older=-1h"],
        &["clean", "--older", "-1"],
        &["jobs", "--store", "sqlite:."],
        &["clean", "-s", "done"],
        &["bench", "--workload", "drian"],
    ] {
        let error = place.fails(1, arguments);
        assert!(
            error.starts_with("error: ") && error.lines().count() == 1,
            "{arguments:?}: {error}"
        );
    }
    assert_eq!(place.count(), 0);
    for arguments in [
        &["--help"][..],
        &["--version"],
        &["help", "work"],
        &["jobs", "-h"],
    ] {
        assert!(!place.ok(arguments).is_empty(), "{arguments:?}");
    }
}

#[test]
fn a_closed_pipe_ends_quietly() {
    let place = Place::new(&[NOTE]);
    place.enqueue(&["note"]);
    for arguments in COMMANDS.into_iter().chain([&["--help"][..]]) {
        let mut child = place.start(arguments);
        drop(child.stdout.take());
        let ran = finish(child);
        assert_eq!((ran.code, &*ran.err), (Some(0), ""), "{arguments:?}");
    }
}

#[test]
fn a_full_disk_behind_the_output_does_not() {
    let place = Place::new(&[NOTE]);
    place.enqueue(&["note"]);
    for arguments in COMMANDS {
        let full = fs::File::options().write(true).open("/dev/full").unwrap();
        let ran = place.command(arguments).stdout(full).output().unwrap();
        assert_eq!(ran.status.code(), Some(1), "{arguments:?}");
        let said = String::from_utf8(ran.stderr).unwrap();
        assert!(
            said.contains("standard output cannot be written to"),
            "{arguments:?}: {said}"
        );
    }
}

#[test]
fn names_that_no_job_can_have_are_refused() {
    let place = Place::new(&[NOTE]);
    let long = "n".repeat(101);
    for name in ["a:b", "", "tab\there", "line\nend", &long] {
        place.fails(1, &["enqueue", name]);
        place.fails(1, &["enqueue", "note", "--tag", name]);
        place.fails(1, &["jobs", "-t", name]);
        place.fails(1, &["jobs", "-a", name]);
        place.fails(1, &["tasks", "-t", name]);
        place.fails(1, &["clean", name]);
        place.fails(1, &["clean", "-t", name]);
        place.fails(1, &["cancel", "-t", name]);
        place.fails(1, &["retry", "-a", name]);
        place.fails(1, &["jobs", "--queue", name]);
    }
    for name in ["a:b", "", "tab\\there"] {
        place.write(
            "bad.toml",
            &format!("[[task]]\nname = \"{name}\"\nrun = [\"true\"]"),
        );
        let error = place.fails(1, &["tasks", "--config", "bad.toml"]);
        assert!(error.contains("bad.toml:2:8"), "{error}");
    }
    assert_eq!(place.count(), 0);
}

//! What a terminal gets to see, and what it must not get.

use std::fs::File;
use std::io::Read as _;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStringExt as _;
use std::process::{Command, Stdio};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use crate::place::{Place, shell};

/// How many columns the terminal has.
const COLUMNS: u16 = 100;

/// Runs a program with both of its outputs on a terminal; returns whether it succeeded, and all that was shown.
fn on_terminal(command: &mut Command) -> (bool, String) {
    let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&terminal).unwrap();
    unlockpt(&terminal).unwrap();
    let size = Winsize {
        ws_row: 24,
        ws_col: COLUMNS,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    tcsetwinsize(&terminal, size).unwrap();
    let name = std::ffi::OsString::from_vec(ptsname(&terminal, Vec::new()).unwrap().into_bytes());
    let end = || -> Stdio {
        let end = File::options().read(true).write(true).open(&name).unwrap();
        OwnedFd::from(end).into()
    };
    let mut child = command
        .env("TERM", "xterm-256color")
        .stdin(Stdio::null())
        .stdout(end())
        .stderr(end())
        .spawn()
        .unwrap();
    // The command holds both ends too until it is used up.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut shown = Vec::new();
    // Once nobody holds the other end any more, reading it fails.
    let _ = File::from(terminal).read_to_end(&mut shown);
    let shown = String::from_utf8(shown).unwrap();
    (child.wait().unwrap().success(), shown)
}

#[test]
fn a_worker_shows_how_far_it_is() {
    let place = Place::new(&[
        "name = \"note\"\nrun = [\"true\"]",
        &shell("evil", "printf '\\033[31mred\\033]0;title\\a\\n' >&2; exit 1", ""),
    ]);
    for task in ["note", "note", "evil"] {
        place.enqueue(&[task]);
    }
    let (is_done, shown) = on_terminal(&mut place.command(&["work", "--drain"]));
    assert!(is_done, "{shown}");
    assert!(shown.contains("2 completed, 1 failed"), "{shown:?}");
    assert!(
        shown.contains("evil ") && shown.contains(r"\u{1b}[31mred"),
        "{shown:?}"
    );
    assert!(
        !shown.contains("\u{1b}[31mred") && !shown.contains("\u{1b}]0;"),
        "{shown:?}"
    );
    let ran = place.run(&["work", "--drain"]);
    assert_eq!(ran.err, "", "nothing of it where there is no terminal");
}

#[test]
fn a_file_of_jobs_shows_a_bar() {
    let place = Place::new(&[]);
    place.write("jobs.jsonl", &"{\"task\": \"note\"}\n".repeat(5_000));
    let (is_done, shown) = on_terminal(&mut place.command(&["enqueue", "--from", "jobs.jsonl"]));
    assert!(is_done, "{shown}");
    assert!(shown.contains("enqueuing") && shown.contains('━'), "{shown:?}");
    assert!(shown.contains("5000 jobs enqueued from jobs.jsonl"), "{shown:?}");
}

#[test]
fn a_table_is_no_wider_than_the_terminal() {
    let name = "n".repeat(60);
    let place = Place::new(&[&shell(&name, "exit 0", "")]);
    let id = place.enqueue(&[&name, &format!("\"{}\"", "x".repeat(500))]);
    for arguments in [&["jobs"][..], &["tasks"]] {
        let (is_done, shown) = on_terminal(&mut place.command(arguments));
        assert!(is_done, "{shown}");
        let widest = shown.lines().map(|line| line.trim_end().chars().count()).max();
        assert!(widest.unwrap() <= COLUMNS.into(), "{shown}");
    }
    let (_, shown) = on_terminal(&mut place.command(&["jobs"]));
    assert!(shown.contains(&id), "an id is never cut: {shown}");
}

#[test]
fn colour_is_for_terminals_and_may_be_refused() {
    let place = Place::new(&[]);
    let mut coloured = place.command(&["show", "no-such-id"]);
    coloured.env_remove("NO_COLOR");
    let (is_done, shown) = on_terminal(&mut coloured);
    assert!(!is_done && shown.contains("\u{1b}["), "{shown:?}");
    let (_, shown) = on_terminal(&mut place.command(&["show", "no-such-id"]));
    assert!(
        shown.contains("no-such-id") && !shown.contains('\u{1b}'),
        "{shown:?}"
    );
    let mut piped = place.command(&["show", "no-such-id"]);
    let out = piped.env_remove("NO_COLOR").output().unwrap();
    assert!(!String::from_utf8(out.stderr).unwrap().contains('\u{1b}'));
}

#[test]
fn names_and_data_reach_it_only_as_letters() {
    let place = Place::new(&[]);
    let id = place.enqueue(&[
        "note",
        "\"\\u001b[2Jgone\\u0007\\u009b31m\\u202e\"",
        "--tag",
        "a b",
    ]);
    for arguments in [
        &["jobs"][..],
        &["show", &id],
        &["jobs", "--json"],
        &["jobs", "--fields", "data"],
        &["show", "\u{1b}[2Jgone"],
        &["jobs", "-t", "\u{1b}[2Jgone"],
        &["jobs", "--query", r#"{"\u001b[2Jgone": {"$gone": 1}}"#],
        &["\u{1b}[2Jgone"],
    ] {
        let (_, shown) = on_terminal(&mut place.command(arguments));
        assert!(shown.contains("gone"), "{arguments:?} {shown:?}");
        assert!(
            !shown.contains(['\u{1b}', '\u{7}', '\u{9b}', '\u{202e}']),
            "{arguments:?} {shown:?}"
        );
    }
}

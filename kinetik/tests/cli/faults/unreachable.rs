//! Stores that cannot be reached.

use crate::place::{Place, finish, shell};

/// What is said of a MongoDB server that is not there, or of a build that knows no such store.
const MONGO: &str = if cfg!(feature = "mongo") {
    "127.0.0.1:1"
} else {
    "`mongo`"
};

/// The exit code was 0 although the store could not be reached (first seen in Resque, issue 1282, and RQ, pull request 84).
#[test]
fn a_store_that_cannot_be_reached_is_an_error_of_every_command() {
    let place = Place::new(&["name = \"note\"\nrun = [\"true\"]"]);
    place.write(
        "text.db",
        &"this is no database, and long enough to be seen as none. ".repeat(100),
    );
    std::fs::create_dir(place.path("folder.db")).unwrap();
    let stores = [
        ("sqlite:no/such/folder/x.db", "no/such/folder"),
        ("sqlite:text.db", "text.db"),
        ("sqlite:folder.db", "folder.db"),
        ("sqlite:/dev/full", "/dev/full"),
        ("sqlite:x.db?synchronus=full", "synchronus"),
        ("sqlite:", "sqlite:"),
        ("redis://:secret@127.0.0.1:1", "127.0.0.1:1"),
        ("mongodb://me:secret@127.0.0.1:1/x", MONGO),
        ("postgres://me:secret@127.0.0.1/x", "not the URL of a store"),
        ("memory:", "memory:"),
        ("jobs.db", "sqlite:PATH"),
    ];
    let commands: [&[&str]; 9] = [
        &["tasks"],
        &["jobs"],
        &["workers"],
        &["clean"],
        &["show", "x"],
        &["cancel", "x"],
        &["retry", "-s", "failed"],
        &["work", "--drain"],
        &["enqueue", "note"],
    ];
    for (store, expected) in stores {
        for command in commands {
            let error = place.fails(1, &[command, &["--store", store]].concat());
            assert!(error.contains(expected), "{command:?} {store}: {error}");
            assert!(!error.contains("secret"), "{command:?} {store}: {error}");
            assert_eq!(error.lines().count(), 1, "{command:?} {store}: {error}");
        }
    }
    for options in [
        &["jobs", "-s", "done"][..],
        &["clean", "-s", "done"],
        &["jobs", "-a", "a:b"],
        &["work", "--tags", "a:b"],
    ] {
        place.fails(1, options);
    }
}

/// A worker went on, and heard of nothing, on a file that nobody else could see any more.
#[test]
fn a_worker_whose_file_was_removed_or_replaced_says_so_and_ends() {
    for is_replaced in [false, true] {
        let place = Place::new(&[&shell("fine", "echo \"$KINETIK_JOB_ID\" > up", "")]);
        if place.lacks_file() {
            return;
        }
        let mut up = place.bell("up");
        let worker = place.start(&["work"]);
        let id = place.enqueue(&["fine"]);
        assert_eq!(up.ring(), id);
        for ending in ["", "-wal", "-shm"] {
            let name = |name: &str| place.path(&format!("{name}{ending}"));
            std::fs::rename(name("jobs.db"), name("old.db")).unwrap();
        }
        if is_replaced {
            place.enqueue(&["fine"]);
        }
        let ran = finish(worker);
        assert_eq!(ran.code, Some(1), "{ran:?}");
        assert!(
            ran.err.contains("jobs.db") && ran.err.contains("open it anew"),
            "{ran:?}"
        );
    }
}

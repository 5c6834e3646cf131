//! What only a file can do: be none of ours, be locked, be read-only, be full; and one writer for many callers.

#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test that fails has nothing to tell but that, one that cannot run says why"
)]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use futures::executor::block_on;
use rusqlite::Connection;
use seed::clock::SystemClock;
use seed::store::{Count, FindAndUpdate, Insert, InsertOutcome, Store, WriteBatch, WriteItem, WriteOutcome};
use seed::{Document, ErrorKind, Filter, Result, StoreExt, Update, doc};
use seed_sqlite::{Options, SqliteStore};

/// Waits for a lock just so long.
const SHORT: Duration = Duration::from_millis(20);

fn open(path: &Path, lock_wait: Duration) -> Result<SqliteStore> {
    SqliteStore::open_with(&Options::new(path).lock_wait(lock_wait), Arc::new(SystemClock))
}

fn insert(store: &SqliteStore, document: Document) -> Result<()> {
    block_on(store.insert_one("things", document)).map(drop)
}

fn count(store: &SqliteStore) -> u64 {
    block_on(store.count(Count::new("things", Filter::all()))).unwrap()
}

fn mark(filter: &Document) -> FindAndUpdate {
    let update = Update::parse(&doc! { "$set": { "seen": true } }, &[]).unwrap();
    FindAndUpdate::new("things", Filter::parse(filter).unwrap(), update)
}

/// Keeps the file locked for writers, as another process would, until it is dropped.
fn locked(path: &Path) -> Connection {
    let other = Connection::open(path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    other
}

#[test]
fn a_file_that_is_no_database_is_refused_by_name_and_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notes.txt");
    let text = "dear diary, ".repeat(1_000);
    std::fs::write(&path, &text).unwrap();
    let fault = SqliteStore::open(&path).unwrap_err();
    assert_eq!(fault.kind(), ErrorKind::Corrupt);
    assert!(fault.to_string().contains("notes.txt"), "{fault}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
}

#[test]
fn a_file_of_a_newer_program_is_refused_and_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new.db");
    insert(&SqliteStore::open(&path).unwrap(), doc! { "_id": 1 }).unwrap();
    let set = |edition| {
        Connection::open(&path)
            .unwrap()
            .execute(
                "UPDATE seed_settings SET value = ?1 WHERE name = 'edition'",
                [edition],
            )
            .unwrap()
    };
    set(99);
    let fault = SqliteStore::open(&path).unwrap_err();
    assert_eq!(fault.kind(), ErrorKind::NewerSchema);
    assert!(fault.to_string().contains("new.db"), "{fault}");
    set(1);
    assert_eq!(count(&SqliteStore::open(&path).unwrap()), 1);
}

#[test]
fn a_folder_that_is_missing_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let fault = SqliteStore::open(folder.path().join("nowhere/app.db")).unwrap_err();
    assert_eq!(fault.kind(), ErrorKind::Unavailable);
    assert!(fault.to_string().contains("nowhere"), "{fault}");
}

#[test]
fn a_lock_held_for_long_fails_the_write_and_the_next_one_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.db");
    let store = open(&path, SHORT).unwrap();
    insert(&store, doc! { "_id": 1 }).unwrap();
    let lock = locked(&path);
    let fault = insert(&store, doc! { "_id": 2 }).unwrap_err();
    assert_eq!(fault.kind(), ErrorKind::Unavailable);
    assert!(fault.is_retryable());
    assert!(fault.message().contains("another process"), "{fault}");
    assert_eq!(count(&store), 1, "readers do not wait for the lock");
    drop(lock);
    insert(&store, doc! { "_id": 2 }).unwrap();
    assert_eq!(count(&store), 2);
}

#[test]
fn writes_that_wait_for_a_lock_share_one_commit_and_hold_up_no_reader() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.db");
    let store = open(&path, Duration::from_secs(60)).unwrap();
    insert(&store, doc! { "_id": 0 }).unwrap();
    let before = store.commits();
    let lock = locked(&path);
    let writes = (1..=20).map(|id| store.insert_one("things", doc! { "_id": id }));
    // All on one thread, so the reader's turn comes only because no writer keeps the thread while it waits.
    let release = async {
        let seen = store.count(Count::new("things", Filter::all())).await.unwrap();
        drop(lock);
        seen
    };
    let (written, seen) = block_on(futures::future::join(futures::future::join_all(writes), release));
    assert!(written.iter().all(|outcome| outcome.is_ok()));
    assert_eq!(seen, 1);
    assert_eq!(store.commits() - before, 1);
}

#[test]
fn a_claim_that_finds_nothing_needs_no_lock() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.db");
    // What a handle has written itself it expects to find, and does not look first.
    let writer = open(&path, Duration::ZERO).unwrap();
    insert(&writer, doc! { "_id": 1, "state": "done" }).unwrap();
    let store = open(&path, Duration::ZERO).unwrap();
    let _lock = locked(&path);
    let nothing = mark(&doc! { "state": "waiting" });
    assert_eq!(block_on(store.find_and_update(nothing.clone())).unwrap(), []);
    let item = WriteItem::FindAndUpdate {
        filters: nothing.filters,
        sort: nothing.sort,
        limit: 1,
        update: nothing.update,
    };
    let outcomes = block_on(store.write(WriteBatch::new("things", vec![item]))).unwrap();
    assert!(matches!(&outcomes[..], [WriteOutcome::Found(found)] if found.is_empty()));
    let fault = block_on(store.find_and_update(mark(&doc! { "state": "done" }))).unwrap_err();
    assert_eq!(fault.kind(), ErrorKind::Unavailable);
}

#[test]
fn an_urgent_write_goes_before_those_that_wait() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path().join("app.db")).unwrap();
    insert(&store, doc! { "_id": 0 }).unwrap();
    let batch = |by: &str| WriteBatch::new("things", vec![WriteItem::Insert(doc! { "_id": 1, "by": by })]);
    let (usual, urgent) = (store.write(batch("usual")), store.write(batch("urgent").urgent()));
    // Both wait before either is begun, the usual one first.
    let (usual, urgent) = block_on(futures::future::join(usual, urgent));
    let is_inserted = |outcomes: Vec<WriteOutcome>| {
        matches!(outcomes[..], [WriteOutcome::Inserted(InsertOutcome::Inserted(_))])
    };
    assert!(is_inserted(urgent.unwrap()));
    assert!(!is_inserted(usual.unwrap()));
}

async fn fifty_inserts(store: SqliteStore) -> u64 {
    insert_one(&store, 0).await;
    let before = store.commits();
    let tasks: Vec<_> = (1..=50)
        .map(|id| {
            let store = store.clone();
            tokio::spawn(async move { insert_one(&store, id).await })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    store.commits() - before
}

async fn insert_one(store: &SqliteStore, id: i64) {
    let request = Insert::new("things", vec![doc! { "_id": id }]);
    assert_eq!(
        store.insert(request).await.unwrap(),
        [InsertOutcome::Inserted(id.into())]
    );
}

#[test]
fn fifty_inserts_at_once_make_few_commits() {
    let folder = tempfile::tempdir().unwrap();
    let current = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let several = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .build()
        .unwrap();
    for (name, runtime) in [("current", current), ("several", several)] {
        let store = SqliteStore::open(folder.path().join(name)).unwrap();
        let commits = runtime.block_on(fifty_inserts(store.clone()));
        assert!(commits <= 10, "{commits} commits on the {name} thread runtime");
        assert_eq!(count(&store), 51);
    }
}

#[test]
fn the_log_shrinks_again_when_a_long_reader_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.db");
    let stores = [
        open(&path, SHORT * 500).unwrap(),
        open(&path, SHORT * 500).unwrap(),
    ];
    insert(&stores[0], doc! { "_id": -1 }).unwrap();
    let reader = Connection::open(&path).unwrap();
    reader
        .execute_batch("BEGIN; SELECT * FROM seed_collections")
        .unwrap();
    let text = "x".repeat(1_000_000);
    let fill = |round: i64, count: i64| {
        std::thread::scope(|scope| {
            for (at, store) in (0..).zip(&stores) {
                let text = &text;
                scope.spawn(move || {
                    for number in 0..count {
                        let id = round * 1_000 + number * 2 + at;
                        insert(store, doc! { "_id": id, "text": (text.as_str()) }).unwrap();
                    }
                });
            }
        });
    };
    let log = || std::fs::metadata(path.with_extension("db-wal")).unwrap().len();
    fill(0, 40);
    assert!(
        log() > 75_000_000,
        "the reader keeps the log from being used again"
    );
    reader.execute_batch("COMMIT").unwrap();
    fill(1, 20);
    assert!(log() <= 64 * 1024 * 1024, "the log has {} bytes", log());
    assert_eq!(count(&stores[0]), 121);
    stores[0].check_integrity().unwrap();
}

/// A small file system of its own, where the tests may make one.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    fn mount() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let is_mounted = mount(&["-t", "tmpfs", "-o", "size=2m", "tmpfs"], folder.path());
        // A test that cannot have a disk of its own says so; the unit tests of the engine fill a file without one.
        if !is_mounted {
            eprintln!("ignored: no small file system can be mounted here");
        }
        is_mounted.then_some(Self(folder))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}

fn mount(arguments: &[&str], at: &Path) -> bool {
    let output = Command::new("mount").args(arguments).arg(at).output();
    output.is_ok_and(|output| output.status.success())
}

#[test]
fn a_full_disk_fails_the_write_and_loses_nothing() {
    let Some(disk) = SmallDisk::mount() else { return };
    let store = SqliteStore::open(disk.path("app.db")).unwrap();
    insert(&store, doc! { "_id": 0 }).unwrap();
    let ballast = disk.path("ballast");
    std::fs::write(&ballast, vec![0; 1_000_000]).unwrap();
    let text = "x".repeat(50_000);
    let mut stored = 1;
    let fault = loop {
        match insert(&store, doc! { "_id": stored, "text": (text.as_str()) }) {
            Ok(()) => stored += 1,
            Err(fault) => break fault,
        }
    };
    assert_eq!(fault.kind(), ErrorKind::Full, "{fault}");
    assert!(fault.is_retryable());
    assert_eq!(count(&store), stored as u64);
    std::fs::remove_file(ballast).unwrap();
    insert(&store, doc! { "_id": stored, "text": (text.as_str()) }).unwrap();
    assert_eq!(count(&store), stored as u64 + 1);
    store.check_integrity().unwrap();
}

#[test]
fn a_read_only_file_is_refused_by_name() {
    let Some(disk) = SmallDisk::mount() else { return };
    let path = disk.path("app.db");
    insert(&SqliteStore::open(&path).unwrap(), doc! { "_id": 1 }).unwrap();
    assert!(mount(&["-o", "remount,ro"], disk.0.path()));
    let fault = SqliteStore::open(&path).unwrap_err();
    assert_eq!(fault.kind(), ErrorKind::ReadOnly, "{fault}");
    assert!(fault.to_string().contains("app.db"), "{fault}");
    assert!(mount(&["-o", "remount,rw"], disk.0.path()));
    assert_eq!(count(&SqliteStore::open(&path).unwrap()), 1);
}

#[test]
fn what_is_damaged_in_the_file_keeps_nobody_from_the_rest() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.db");
    let store = open(&path, SHORT).unwrap();
    let damage = |id: &str| overwrite(&path, id, "'{'");
    block_on(conformance::damage::keeps_nobody_from_the_rest(&store, damage));
}

#[test]
fn what_was_made_larger_than_a_document_may_be_keeps_nobody_from_the_rest() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.db");
    let store = open(&path, SHORT).unwrap();
    // Short as text, and 17 MB as BSON, which counts.
    let digits = "json('[' || replace(hex(zeroblob(550000)), '0', '0,') || '0]')";
    let large = format!("json_object('_id', ?1, 'kind', 'x', 'n', 0, 'large', {digits})");
    let damage = |id: &str| overwrite(&path, id, &large);
    block_on(conformance::damage::keeps_nobody_from_the_rest(&store, damage));
}

/// Overwrites a document with an SQL expression, as somebody may at a prompt.
fn overwrite(path: &Path, id: &str, by: &str) {
    let file = Connection::open(path).unwrap();
    let of_things = "SELECT name FROM sqlite_schema WHERE name GLOB 'doc_*_things'";
    let table: String = file.query_row(of_things, [], |row| row.get(0)).unwrap();
    let update = format!("UPDATE {table} SET doc = {by} WHERE instr(id, CAST(?1 AS BLOB)) > 0");
    assert_eq!(file.execute(&update, [id]).unwrap(), 1);
}

#[test]
fn an_entry_whose_document_was_changed_by_hand_is_not_believed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.db");
    let store = open(&path, SHORT).unwrap();
    let due = seed::IndexSpec::new("due", &doc! { "at": 1 }).unwrap();
    let due = due.partial(&doc! { "status": "due" }).unwrap();
    block_on(store.ensure(&seed::CollectionSpec::new("things").index(due))).unwrap();
    for id in ["a", "b"] {
        insert(&store, doc! { "_id": id, "status": "due", "at": 1 }).unwrap();
    }
    overwrite(&path, "a", "json_set(doc, '$.status', 'cancelled')");
    let filter = doc! { "status": "due", "at": { "$lte": 1 } };
    let find = seed::store::Find::new("things", Filter::parse(&filter).unwrap());
    assert_eq!(block_on(store.find_all(find)).unwrap().len(), 1);
    let update = Update::parse(&doc! { "$set": { "status": "taken" } }, &[]).unwrap();
    let claim = FindAndUpdate::new("things", Filter::parse(&filter).unwrap(), update).limit(9);
    let claimed = block_on(store.find_and_update(claim.clone())).unwrap();
    assert_eq!(claimed, [doc! { "_id": "b", "status": "taken", "at": 1 }]);
    assert!(block_on(store.find_and_update(claim)).unwrap().is_empty());
    let kept = block_on(store.get("things", "a".into())).unwrap();
    assert_eq!(kept, Some(doc! { "_id": "a", "status": "cancelled", "at": 1 }));
    let entries = Filter::parse(&doc! { "status": "due" }).unwrap();
    assert_eq!(
        block_on(store.count(Count::new("things", entries))).unwrap(),
        0,
        "it is out of the index"
    );
}

#[cfg(unix)]
#[test]
fn a_file_that_was_removed_or_replaced_takes_nothing_more() {
    for is_replaced in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("app.db");
        let store = open(&path, SHORT).unwrap();
        insert(&store, doc! { "_id": 1 }).unwrap();
        // Kept, so that the other one is not given its number.
        let kept = folder.path().join("kept.db");
        std::fs::rename(&path, &kept).unwrap();
        let other = is_replaced.then(|| {
            for ending in ["-wal", "-shm"] {
                let with_ending = |path: &Path| format!("{}{ending}", path.display());
                std::fs::rename(with_ending(&path), with_ending(&kept)).unwrap();
            }
            open(&path, SHORT).unwrap()
        });
        let find = seed::store::Find::new("things", Filter::all());
        let faults = [
            insert(&store, doc! { "_id": 2 }).unwrap_err(),
            block_on(store.find_all(find)).unwrap_err(),
            block_on(store.find_and_update(mark(&doc! {}))).unwrap_err(),
        ];
        for fault in faults {
            assert_eq!(fault.kind(), ErrorKind::Gone, "{fault}");
            assert!(
                !fault.is_retryable() && fault.to_string().contains("app.db"),
                "{fault}"
            );
        }
        if let Some(other) = other {
            insert(&other, doc! { "_id": 2 }).unwrap();
            assert_eq!(count(&other), 1);
        }
    }
}

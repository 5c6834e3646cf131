//! What only a server can do: go away and come back, cut a connection, lose an answer, be another than was wanted. And
//! what it is asked for: the commands themselves.

#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test that fails has nothing to tell but that, one that cannot run says why"
)]

mod commands;
mod cuts;
mod newer;
mod opening;
mod restart;
mod wire;

use std::time::{Duration, Instant};

use futures::executor::block_on;
use mongo_standin::Server;
use seed::store::{Count, Find, Store};
use seed::{Document, Filter, Result, StoreExt};
use seed_mongo::{MongoStore, Options};

/// Returns a server, or none and says why.
fn started(server: Result<Server, mongo_standin::Missing>) -> Option<Server> {
    match server {
        Ok(server) => Some(server),
        Err(missing) => {
            let reason = missing.to_string();
            assert!(std::env::var("CI").as_deref() != Ok("true"), "{reason}");
            eprintln!("skipped: {reason}");
            None
        }
    }
}

/// Opens a database of its own for each test.
fn open(url: &str, database: &str) -> MongoStore {
    let options = Options::from_url(url).unwrap();
    let database = format!("{database}-{}", std::process::id());
    MongoStore::open_with(options.database(&database)).unwrap()
}

fn insert(store: &MongoStore, document: Document) -> Result<()> {
    block_on(store.insert_one("things", document)).map(drop)
}

fn count(store: &MongoStore) -> Result<u64> {
    block_on(store.count(Count::new("things", Filter::all())))
}

fn all(store: &MongoStore) -> Result<Vec<Document>> {
    block_on(store.find_all(Find::new("things", Filter::all())))
}

/// Repeats a call until it succeeds. This is the one place that waits for real time, as a server comes back in it.
fn until_ok<T>(what: &str, mut call: impl FnMut() -> Result<T>) -> T {
    let begun = Instant::now();
    loop {
        match call() {
            Ok(done) => return done,
            Err(fault) => assert!(begun.elapsed() < Duration::from_secs(20), "{what}: {fault}"),
        }
        std::thread::park_timeout(Duration::from_millis(20));
    }
}

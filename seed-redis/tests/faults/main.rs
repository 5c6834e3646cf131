//! What only a server can do: go away and come back, answer in halves, forget its scripts or everything, be full, be
//! another than the one that was wanted.

#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test that fails has nothing to tell but that, one that cannot run says why"
)]

mod caller;
mod connection;
mod damage;
mod fake;
mod opening;
mod proxy;
#[path = "../server/mod.rs"]
mod server;
mod state;

use std::time::Duration;

use futures::executor::block_on;
use seed::store::{Count, FindAndUpdate, Store};
use seed::{Document, Filter, Result, StoreExt, Update};
use seed_redis::RedisStore;
use server::Server;

/// Starts a server; without one it says why, and the test is over.
fn start(arguments: &[&str]) -> Option<Server> {
    match Server::start(arguments) {
        Ok(server) => Some(server),
        Err(missing) => {
            eprintln!("skipped: {}", missing.0);
            None
        }
    }
}

fn insert(store: &RedisStore, document: Document) -> Result<()> {
    block_on(store.insert_one("things", document)).map(drop)
}

fn count(store: &RedisStore) -> Result<u64> {
    block_on(store.count(Count::new("things", Filter::all())))
}

fn find(store: &RedisStore, filter: &Document) -> Result<Vec<Document>> {
    let find = seed::store::Find::new("things", Filter::parse(filter)?);
    block_on(store.find_all(find))
}

fn claim(store: &RedisStore, filter: &Document, update: &Document) -> Result<Vec<Document>> {
    let update = Update::parse(update, &[])?;
    let request = FindAndUpdate::new("things", Filter::parse(filter)?, update);
    block_on(store.find_and_update(request))
}

/// Tries again and again, for as long as a server may take to be found again, and longer.
fn until_ok<T>(what: &str, mut work: impl FnMut() -> Result<T>) -> T {
    let mut last = None;
    for _ in 0..6_000 {
        match work() {
            Ok(value) => return value,
            Err(fault) => last = Some(fault),
        }
        std::thread::park_timeout(Duration::from_millis(5));
    }
    panic!("{what} never goes on: {last:?}")
}

//! Connections that live on the caller's runtime.

use futures::executor::block_on;
use seed::{ErrorKind, Store, StoreExt, doc};
use seed_redis::{Options, RedisStore};
use tokio::runtime::{Builder, Runtime};

use crate::{count, insert, start, until_ok};

fn connect(runtime: &Runtime, url: &str) -> RedisStore {
    let options = Options::from_url(url).unwrap();
    runtime.block_on(RedisStore::connect(options)).unwrap()
}

#[test]
fn work_goes_on_when_a_killed_server_is_back() {
    let Some(mut server) = start(&["--appendonly", "yes", "--appendfsync", "always"]) else {
        return;
    };
    let runtime = Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let store = connect(&runtime, &server.url());
    insert(&store, doc! { "_id": 1 }).unwrap();
    server.kill();
    let fault = insert(&store, doc! { "_id": 2 }).unwrap_err();
    assert_eq!(fault.kind(), ErrorKind::Unavailable, "{fault}");
    server.start_again();
    assert_eq!(until_ok("a count", || count(&store)), 1);
    insert(&store, doc! { "_id": 2 }).unwrap();
}

#[test]
fn one_thread_is_enough() {
    let Some(server) = start(&[]) else { return };
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let store = connect(&runtime, &server.url());
    for id in 0..100 {
        runtime
            .block_on(store.insert_one("things", doc! { "_id": id }))
            .unwrap();
    }
    let found = runtime.block_on(store.get("things", 99.into())).unwrap();
    assert_eq!(found, Some(doc! { "_id": 99 }));
}

#[test]
fn a_store_that_outlives_its_runtime_says_so_and_its_detached_handle_goes_on() {
    let Some(server) = start(&[]) else { return };
    let runtime = Runtime::new().unwrap();
    let store = connect(&runtime, &server.url());
    let detached = store.detached().unwrap();
    insert(&store, doc! { "_id": 1 }).unwrap();
    drop(runtime);
    for _ in 0..3 {
        let fault = count(&store).unwrap_err();
        assert_eq!(fault.kind(), ErrorKind::Unavailable, "{fault}");
    }
    let found = block_on(detached.get("things", 1.into())).unwrap();
    assert_eq!(found, Some(doc! { "_id": 1 }));
}

#[test]
fn without_a_runtime_there_is_no_place_for_a_connection() {
    let options = Options::from_url("redis://127.0.0.1:1").unwrap();
    let fault = block_on(RedisStore::connect(options)).unwrap_err();
    assert_eq!(fault.kind(), ErrorKind::Unsupported, "{fault}");
}

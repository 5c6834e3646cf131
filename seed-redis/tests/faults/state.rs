//! Servers that forget, or have no room.

use futures::executor::block_on;
use seed::store::{Delete, InsertOutcome, Store};
use seed::{CollectionSpec, ErrorKind, Filter, IndexSpec, StoreExt, doc};
use seed_redis::RedisStore;

use crate::{claim, count, find, insert, start};

fn unique(store: &RedisStore) {
    let index = IndexSpec::new("u", &doc! { "u": 1 }).unwrap().unique();
    block_on(store.ensure(&CollectionSpec::new("things").index(index))).unwrap();
}

#[test]
fn scripts_that_were_flushed_are_loaded_again() {
    let Some(server) = start(&[]) else { return };
    let store = RedisStore::open(&server.url()).unwrap();
    for id in 0..5 {
        assert_eq!(server.tell(&["SCRIPT", "FLUSH"]), "+OK");
        insert(&store, doc! { "_id": id, "free": true }).unwrap();
        assert_eq!(server.tell(&["SCRIPT", "FLUSH"]), "+OK");
        let taken = claim(
            &store,
            &doc! { "free": true },
            &doc! { "$set": { "free": false } },
        )
        .unwrap();
        assert_eq!(taken, [doc! { "_id": id, "free": false }]);
        assert_eq!(server.tell(&["SCRIPT", "FLUSH"]), "+OK");
        assert_eq!(find(&store, &doc! {}).unwrap().len() as i64, id + 1);
    }
}

#[test]
fn a_server_that_was_emptied_goes_on_with_what_was_declared() {
    let Some(server) = start(&[]) else { return };
    let store = RedisStore::open(&server.url()).unwrap();
    unique(&store);
    insert(&store, doc! { "_id": 1, "u": 1, "n": 0 }).unwrap();
    for round in 0..3 {
        assert_eq!(server.tell(&["FLUSHALL"]), "+OK");
        let claimed = claim(&store, &doc! { "u": 1 }, &doc! { "$set": { "n": 1 } }).unwrap();
        assert!(claimed.is_empty(), "round {round}: {claimed:?}");
        assert_eq!(count(&store).unwrap(), 0);
        let update = seed::Update::parse(&doc! { "$set": { "n": 1 } }, &[]).unwrap();
        let request = seed::store::Update::new("things", Filter::all(), update);
        assert_eq!(block_on(store.update(request)).unwrap().matched, 0);
        insert(&store, doc! { "_id": 1, "u": 1, "n": 0 }).unwrap();
        let second = block_on(store.insert_one("things", doc! { "_id": 2, "u": 1 })).unwrap();
        assert_eq!(second, InsertOutcome::Duplicate("u".into()), "round {round}");
    }
}

#[test]
fn a_document_that_others_removed_with_everything_is_not_brought_back() {
    let Some(server) = start(&[]) else { return };
    let store = RedisStore::open(&server.url()).unwrap();
    insert(&store, doc! { "_id": 1, "n": 0 }).unwrap();
    // From now on the handle knows the document.
    claim(&store, &doc! { "_id": 1 }, &doc! { "$inc": { "n": 1 } }).unwrap();
    assert_eq!(server.tell(&["FLUSHALL"]), "+OK");
    insert(&store, doc! { "_id": 2 }).unwrap();
    let claimed = claim(&store, &doc! { "_id": 1 }, &doc! { "$inc": { "n": 1 } }).unwrap();
    assert!(claimed.is_empty(), "{claimed:?}");
    assert_eq!(find(&store, &doc! {}).unwrap(), [doc! { "_id": 2 }]);
}

#[test]
fn a_full_server_refuses_what_it_has_no_room_for_and_can_be_cleared() {
    let Some(server) = start(&[]) else { return };
    let store = RedisStore::open(&server.url()).unwrap();
    unique(&store);
    for id in 0..10 {
        insert(&store, doc! { "_id": id, "u": id }).unwrap();
    }
    assert_eq!(server.tell(&["CONFIG", "SET", "maxmemory", "1"]), "+OK");
    let fault = insert(&store, doc! { "_id": 10, "u": 10 }).unwrap_err();
    assert_eq!(fault.kind(), ErrorKind::Full, "{fault}");
    assert!(fault.message().contains("maxmemory"), "{fault}");
    assert_eq!(count(&store).unwrap(), 10, "nothing of it is stored");
    let some = Filter::parse(&doc! { "_id": { "$lt": 5 } }).unwrap();
    assert_eq!(block_on(store.delete(Delete::new("things", some))).unwrap(), 5);
    assert_eq!(server.tell(&["CONFIG", "SET", "maxmemory", "0"]), "+OK");
    insert(&store, doc! { "_id": 10, "u": 10 }).unwrap();
    insert(&store, doc! { "_id": 1, "u": 1 }).unwrap();
    assert_eq!(count(&store).unwrap(), 7);
}

#[test]
fn stores_with_other_prefixes_or_databases_do_not_meet() {
    let Some(server) = start(&[]) else { return };
    let open = |rest: &str| RedisStore::open(&format!("{}{rest}", server.url())).unwrap();
    let stores = [open(""), open("/1"), open("?prefix=other")];
    for store in &stores {
        insert(store, doc! { "_id": 1 }).unwrap();
        assert_eq!(count(store).unwrap(), 1);
    }
    block_on(stores[0].drop_collection("things")).unwrap();
    assert_eq!(count(&stores[0]).unwrap(), 0);
    assert_eq!(count(&stores[1]).unwrap(), 1);
}

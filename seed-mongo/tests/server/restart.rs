//! Servers that go away and come back.

use futures::executor::block_on;
use mongo_standin::Server;
use seed::store::{FindAndUpdate, InsertOutcome, Store};
use seed::{ErrorKind, Filter, StoreExt, Update, doc};

use crate::{all, count, insert, open, started, until_ok};

#[test]
fn work_goes_on_when_a_killed_server_is_back_and_nothing_acknowledged_is_lost() {
    let Some(mut server) = started(Server::start_durable()) else {
        return;
    };
    let store = open(server.url(), "restart");
    let mut acknowledged = 0;
    for round in 0..3 {
        for _ in 0..20 {
            insert(&store, doc! { "_id": acknowledged, "free": true }).unwrap();
            acknowledged += 1;
        }
        server.kill();
        let fault = insert(&store, doc! { "_id": -1 }).unwrap_err();
        assert_eq!(fault.kind(), ErrorKind::Unavailable, "round {round}: {fault}");
        assert!(fault.is_retryable());
        server.start_again().unwrap();
        assert_eq!(until_ok("a count", || count(&store)), acknowledged as u64);
        let take = Update::parse(&doc! { "$set": { "free": false } }, &[]).unwrap();
        let free = Filter::parse(&doc! { "free": true }).unwrap();
        let request = FindAndUpdate::new("things", free, take).limit(20);
        assert_eq!(block_on(store.find_and_update(request)).unwrap().len(), 20);
    }
    // What was told to have failed may be there, or not; it is not there twice.
    let again = block_on(store.insert_one("things", doc! { "_id": 0 })).unwrap();
    assert_eq!(again, InsertOutcome::Duplicate("_id".into()));
    assert_eq!(all(&store).unwrap().len(), acknowledged as usize);
}

#[test]
fn a_watch_wakes_for_others_after_the_server_was_away() {
    let Some(mut server) = started(Server::start_durable()) else {
        return;
    };
    let (store, other) = (open(server.url(), "away"), open(server.url(), "away"));
    let mut watch = block_on(store.watch("things")).unwrap();
    let mut messages = block_on(store.subscribe("news")).unwrap();
    server.kill();
    server.start_again().unwrap();
    until_ok("an insert", || insert(&other, doc! { "_id": 1 }));
    block_on(watch.changed());
    until_ok("a message", || block_on(other.publish("news", doc! { "n": 1 })));
    assert_eq!(block_on(messages.next()), Some(doc! { "n": 1 }));
}

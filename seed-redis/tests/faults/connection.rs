//! Connections that are lost, cut in the middle of an answer, or slow.

use std::sync::Arc;
use std::thread;

use futures::executor::block_on;
use seed::clock::SystemClock;
use seed::store::Store;
use seed::{ErrorKind, doc};
use seed_redis::{Options, RedisStore};

use crate::proxy::{Proxy, Way};
use crate::server::Server;
use crate::{claim, count, find, insert, start, until_ok};

#[test]
fn work_goes_on_when_a_killed_server_is_back() {
    let Some(mut server) = start(&["--appendonly", "yes", "--appendfsync", "always"]) else {
        return;
    };
    let store = RedisStore::open(&server.url()).unwrap();
    insert(&store, doc! { "_id": 1, "n": 0 }).unwrap();
    server.kill();
    let fault = insert(&store, doc! { "_id": 2 }).unwrap_err();
    assert_eq!(fault.kind(), ErrorKind::Unavailable, "{fault}");
    assert!(fault.is_retryable());
    server.start_again();
    // The server has forgotten the scripts, and kept what it had acknowledged.
    assert_eq!(until_ok("a count", || count(&store)), 1);
    let claimed = claim(&store, &doc! { "n": 0 }, &doc! { "$set": { "n": 1 } }).unwrap();
    assert_eq!(claimed, [doc! { "_id": 1, "n": 1 }]);
    insert(&store, doc! { "_id": 2 }).unwrap();
}

#[test]
fn calls_fail_and_do_not_hang_while_the_server_is_away() {
    let Some(mut server) = start(&[]) else { return };
    let store = RedisStore::open(&server.url()).unwrap();
    insert(&store, doc! { "_id": 1 }).unwrap();
    server.kill();
    for id in 2..20 {
        let fault = insert(&store, doc! { "_id": id }).unwrap_err();
        assert_eq!(fault.kind(), ErrorKind::Unavailable, "{fault}");
    }
    server.start_again();
    // None of them is carried out afterwards.
    assert_eq!(until_ok("a count", || count(&store)), 0);
}

#[test]
fn an_answer_that_is_cut_in_the_middle_is_unavailable() {
    let Some(server) = start(&[]) else { return };
    let proxy = Proxy::to(server.port());
    let store = RedisStore::open(&proxy.url()).unwrap();
    let text = "x".repeat(1_000);
    for id in 0..100 {
        insert(&store, doc! { "_id": id, "text": text.as_str() }).unwrap();
    }
    for after in [1, 20, 5_000, 60_000] {
        proxy.set(Way::CutAfter(after));
        let fault = find(&store, &doc! {}).unwrap_err();
        assert_eq!(fault.kind(), ErrorKind::Unavailable, "{after}: {fault}");
        assert_eq!(until_ok("a find", || find(&store, &doc! {})).len(), 100);
    }
}

#[test]
fn a_write_whose_answer_is_cut_off_was_carried_out_once() {
    let Some(server) = start(&[]) else { return };
    let proxy = Proxy::to(server.port());
    let store = RedisStore::open(&proxy.url()).unwrap();
    insert(&store, doc! { "_id": 1, "n": 0 }).unwrap();
    // The document is known by now, so that the only answer is that of the write.
    claim(&store, &doc! { "_id": 1 }, &doc! { "$inc": { "n": 1 } }).unwrap();
    proxy.set(Way::CutAfter(0));
    let fault = insert(&store, doc! { "_id": 2 }).unwrap_err();
    assert_eq!(fault.kind(), ErrorKind::Unavailable, "{fault}");
    assert_eq!(until_ok("a count", || count(&store)), 2);
    let again = insert(&store, doc! { "_id": 2 });
    assert!(again.is_ok(), "a duplicate is an outcome: {again:?}");
    assert_eq!(count(&store).unwrap(), 2);
}

#[test]
fn a_slow_answer_is_waited_for_and_holds_nobody_up_who_has_another_way() {
    let Some(server) = start(&[]) else { return };
    let proxy = Proxy::to(server.port());
    let store = RedisStore::open(&proxy.url()).unwrap();
    insert(&store, doc! { "_id": 1 }).unwrap();
    proxy.set(Way::Held);
    let slow = {
        let store = store.clone();
        thread::spawn(move || count(&store))
    };
    let other = RedisStore::open(&server.url()).unwrap();
    insert(&other, doc! { "_id": 2 }).unwrap();
    proxy.set(Way::Open);
    assert!(matches!(slow.join().unwrap(), Ok(1 | 2)));
}

#[test]
fn a_watch_hears_of_others_after_the_server_was_away() {
    let Some(mut server) = start(&["--appendonly", "yes"]) else {
        return;
    };
    let (store, other) = (
        RedisStore::open(&server.url()).unwrap(),
        RedisStore::open(&server.url()).unwrap(),
    );
    let mut watch = block_on(store.watch("things")).unwrap();
    let mut messages = block_on(store.subscribe("news")).unwrap();
    server.kill();
    server.start_again();
    until_ok("an insert", || insert(&other, doc! { "_id": 1 }));
    block_on(watch.changed());
    // A message is heard only by who is subscribed again when it is sent, so that it is sent until it is heard.
    let (heard, hears) = std::sync::mpsc::channel();
    thread::spawn(move || heard.send(block_on(messages.next())));
    let message = until_ok("a message", || {
        block_on(other.publish("news", doc! { "n": 1 }))?;
        let wait = std::time::Duration::from_millis(20);
        let nothing = |_| seed::Error::new(ErrorKind::Unavailable, "nothing was heard");
        hears.recv_timeout(wait).map_err(nothing)
    });
    assert_eq!(message, Some(doc! { "n": 1 }));
}

/// Opens the store as a user who may do everything but call one command.
fn open_without(server: &Server, command: &str) -> RedisStore {
    let rule = format!("-{command}");
    server.tell(&[
        "ACL", "SETUSER", command, "on", ">secret", "~*", "&*", "+@all", &rule,
    ]);
    let url = server.url().replace("://", &format!("://{command}:secret@"));
    RedisStore::open(&url).unwrap()
}

#[test]
fn a_writer_sends_a_wake_up_only_if_others_listen() {
    let Some(server) = start(&[]) else { return };
    let store = open_without(&server, "publish");
    insert(&store, doc! { "_id": 1 }).unwrap();
    let mut watch = block_on(store.watch("things")).unwrap();
    insert(&store, doc! { "_id": 2 }).unwrap();
    block_on(watch.changed());
    let other = RedisStore::open(&server.url()).unwrap();
    let heard = block_on(other.watch("things")).unwrap();
    let fault = insert(&store, doc! { "_id": 3 }).unwrap_err();
    assert!(fault.to_string().contains("can't run this command"), "{fault}");
    drop((heard, other));
    until_ok("an insert that nobody hears", || {
        insert(&store, doc! { "_id": 4 })
    });
}

#[test]
fn a_writer_who_may_not_ask_who_listens_sends_its_wake_ups_anyway() {
    let Some(server) = start(&[]) else { return };
    let (store, other) = (
        open_without(&server, "pubsub"),
        RedisStore::open(&server.url()).unwrap(),
    );
    let mut watch = block_on(other.watch("things")).unwrap();
    insert(&store, doc! { "_id": 1 }).unwrap();
    block_on(watch.changed());
    assert_eq!(count(&store).unwrap(), 1);
}

#[test]
fn a_store_that_is_closed_lets_go_of_its_connections() {
    let Some(server) = start(&[]) else { return };
    let clients = || -> usize {
        // The first line of a bulk answer is its length; each client is a line of it, the one that asks among them.
        server
            .tell(&["CLIENT", "LIST"])
            .trim_start_matches('$')
            .parse()
            .unwrap()
    };
    let one = clients();
    let options = Options::from_url(&server.url())
        .unwrap()
        .clock(Arc::new(SystemClock));
    let store = RedisStore::open_with(options).unwrap();
    drop(block_on(store.watch("things")).unwrap());
    let detached = store.detached().unwrap();
    block_on(detached.now()).unwrap();
    assert!(clients() > one * 2);
    drop((store, detached));
    until_ok("closing", || match clients() < one * 2 {
        true => Ok(()),
        false => Err(seed::Error::new(ErrorKind::Unavailable, "still connected")),
    });
}

//! Servers that are not what is needed are refused when the store is opened, and what is dangerous is told.

use seed::ErrorKind;
use seed_redis::RedisStore;

use crate::fake::server_that_says;
use crate::{insert, start};

#[test]
fn a_server_that_is_not_there_is_unavailable_at_once() {
    let Some(mut server) = start(&[]) else { return };
    server.kill();
    let fault = RedisStore::open(&server.url()).unwrap_err();
    assert_eq!(fault.kind(), ErrorKind::Unavailable);
    assert!(fault.message().contains(&server.port().to_string()), "{fault}");
}

#[test]
fn a_wrong_password_is_told_and_not_shown() {
    let Some(server) = start(&["--requirepass", "right"]) else {
        return;
    };
    for login in ["", ":wrong@", "someone:wrong@"] {
        let url = format!("redis://{login}127.0.0.1:{}", server.port());
        let fault = RedisStore::open(&url).unwrap_err();
        assert_eq!(fault.kind(), ErrorKind::Unavailable, "{url}");
        assert!(fault.message().contains("password"), "{fault}");
        assert!(!format!("{fault:?}").contains("wrong@"), "{fault:?}");
    }
    let url = format!("redis://:right@127.0.0.1:{}", server.port());
    let store = RedisStore::open(&url).unwrap();
    insert(&store, seed::doc! { "_id": 1 }).unwrap();
}

#[test]
fn an_old_server_is_refused_by_its_version() {
    let url = server_that_says("redis_version:6.2.14\r\nrole:master\r\n");
    let fault = RedisStore::open(&url).unwrap_err();
    assert_eq!(fault.kind(), ErrorKind::Unsupported);
    assert!(fault.message().contains("6.2.14"), "{fault}");
    assert!(fault.message().contains("version 7"), "{fault}");
}

#[test]
fn a_replica_is_refused_as_read_only() {
    let Some(primary) = start(&[]) else { return };
    let port = primary.port().to_string();
    let Some(replica) = start(&["--replicaof", "127.0.0.1", &port]) else {
        return;
    };
    let fault = RedisStore::open(&replica.url()).unwrap_err();
    assert_eq!(fault.kind(), ErrorKind::ReadOnly);
    assert!(fault.message().contains("primary"), "{fault}");
}

#[test]
fn a_server_that_becomes_a_replica_refuses_writes_as_read_only() {
    let Some(server) = start(&[]) else { return };
    let store = RedisStore::open(&server.url()).unwrap();
    insert(&store, seed::doc! { "_id": 1 }).unwrap();
    assert_eq!(server.tell(&["REPLICAOF", "127.0.0.1", "1"]), "+OK");
    let fault = insert(&store, seed::doc! { "_id": 2 }).unwrap_err();
    assert_eq!(fault.kind(), ErrorKind::ReadOnly, "{fault}");
    assert_eq!(server.tell(&["REPLICAOF", "NO", "ONE"]), "+OK");
    insert(&store, seed::doc! { "_id": 2 }).unwrap();
}

#[test]
fn what_is_dangerous_for_jobs_is_told() {
    let Some(server) = start(&["--maxmemory-policy", "allkeys-lru"]) else {
        return;
    };
    let store = RedisStore::open(&server.url()).unwrap();
    let warnings = store.warnings().join("\n");
    assert!(warnings.contains("noeviction"), "{warnings}");
    assert!(warnings.contains("keeps nothing on disk"), "{warnings}");
}

#[test]
fn a_server_that_keeps_what_it_is_given_needs_no_warning() {
    let Some(server) = start(&["--appendonly", "yes"]) else {
        return;
    };
    let store = RedisStore::open(&server.url()).unwrap();
    assert_eq!(store.warnings(), [] as [String; 0]);
}

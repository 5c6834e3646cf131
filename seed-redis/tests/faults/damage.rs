//! Documents that somebody has damaged on the server.

use futures::executor::block_on;
use seed_redis::RedisStore;

use crate::start;

/// What a document's `_id` is in the hash of documents.
fn key_of(id: &str) -> String {
    String::from_utf8(seed::key::id_key(&id.into()).unwrap()).unwrap()
}

const DOCUMENTS: &str = "{seed:things}:docs";

#[test]
fn what_was_overwritten_keeps_nobody_from_the_rest() {
    let Some(server) = start(&[]) else { return };
    let store = RedisStore::open(&server.url()).unwrap();
    let damage = |id: &str| {
        assert_eq!(server.tell(&["HSET", DOCUMENTS, &key_of(id), "garbage"]), ":0");
    };
    block_on(conformance::damage::keeps_nobody_from_the_rest(&store, damage));
}

#[test]
fn what_has_a_head_and_no_sense_behind_it_keeps_nobody_from_the_rest() {
    let Some(server) = start(&[]) else { return };
    let store = RedisStore::open(&server.url()).unwrap();
    let damage = |id: &str| {
        let script = "local document = redis.call('HGET', KEYS[1], ARGV[1])
            redis.call('HSET', KEYS[1], ARGV[1], (document:gsub('{\"_id\"', '[\"_id\"')))";
        server.tell(&["EVAL", script, "1", DOCUMENTS, &key_of(id)]);
    };
    block_on(conformance::damage::keeps_nobody_from_the_rest(&store, damage));
}

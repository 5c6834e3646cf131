//! A watch wakes for every commit made after it was opened.

use seed::store::{Delete, FindAndUpdate, Insert, Update, WriteBatch, WriteItem};
use seed::{Result, Store, Value, doc};

use crate::case::cases;
use crate::fixture::Stores;
use crate::things::{THINGS, claim, filter, item, update};
use crate::threads::at_once;

cases![
    a_watch_opened_before_the_look_misses_nothing,
    a_watch_opened_before_the_look_misses_nothing_of_another_handle,
    every_kind_of_write_wakes,
    every_kind_of_write_wakes_another_handle,
    a_commit_before_the_wait_is_not_forgotten,
    all_watches_wake,
    a_collection_can_be_watched_before_it_is_made,
];

/// One side writes one document after the other, each when the last was seen; the other side looks, and rests when
/// there is nothing new. If a wake-up is lost, both wait.
async fn take_turns(stores: Stores, has_own_handle: bool) {
    let things = stores.things().await;
    let rounds = stores.scaled(400);
    at_once(2, |side| {
        let (stores, things) = (stores.clone(), things.clone());
        async move {
            let things = if side == 1 && has_own_handle {
                stores.things().await
            } else {
                things
            };
            for round in 0..rounds {
                let (mine, theirs) = if side == 0 {
                    ("ping", "pong")
                } else {
                    ("pong", "ping")
                };
                let say = || things.put([doc! { "_id": format!("{mine} {round}") }]);
                if side == 0 {
                    say().await;
                }
                let mut watch = things.watch(THINGS).await.unwrap();
                let sought = Value::from(format!("{theirs} {round}"));
                let come = async {
                    while things.get(sought.clone()).await.is_none() {
                        watch.changed().await;
                    }
                };
                stores
                    .soon("the wake-up for the other side's document", come)
                    .await;
                if side == 1 {
                    say().await;
                }
            }
        }
    });
}

async fn a_watch_opened_before_the_look_misses_nothing(stores: Stores) {
    take_turns(stores, false).await;
}

async fn a_watch_opened_before_the_look_misses_nothing_of_another_handle(stores: Stores) {
    take_turns(stores, true).await;
}

/// The kinds of writes; each changes something when they are made in this order.
const KINDS: [&str; 6] = ["insert", "update", "find and update", "write", "upsert", "delete"];

async fn write(store: &dyn Store, kind: &str) -> Result<()> {
    let any = || filter(&doc! {});
    let add = || update(&doc! { "$inc": { "n": 1 } });
    match kind {
        "insert" => store
            .insert(Insert::new(THINGS, vec![doc! { "_id": 1 }]))
            .await
            .map(drop),
        "update" => store.update(Update::new(THINGS, any(), add())).await.map(drop),
        "find and update" => store
            .find_and_update(FindAndUpdate::new(THINGS, any(), add()))
            .await
            .map(drop),
        "write" => store
            .write(WriteBatch::new(
                THINGS,
                vec![item(&doc! {}, &doc! { "$inc": { "n": 1 } })],
            ))
            .await
            .map(drop),
        "upsert" => store
            .update(
                Update::new(THINGS, filter(&doc! { "_id": 2 }), add())
                    .limit(1)
                    .upsert(),
            )
            .await
            .map(drop),
        _ => store.delete(Delete::new(THINGS, any())).await.map(drop),
    }
}

async fn every_kind_of_write_wakes(stores: Stores) {
    let things = stores.things().await;
    for kind in KINDS {
        let mut watch = things.watch(THINGS).await.unwrap();
        write(&*things.0, kind).await.unwrap();
        stores
            .soon(&format!("the wake-up for: {kind}"), watch.changed())
            .await;
    }
}

async fn every_kind_of_write_wakes_another_handle(stores: Stores) {
    let (things, other) = (stores.things().await, stores.things().await);
    for kind in KINDS {
        let mut watch = other.watch(THINGS).await.unwrap();
        write(&*things.0, kind).await.unwrap();
        stores
            .soon(&format!("the wake-up for: {kind}"), watch.changed())
            .await;
    }
}

async fn a_commit_before_the_wait_is_not_forgotten(stores: Stores) {
    let things = stores.things().await;
    things.put([doc! { "_id": 0, "free": false }]).await;
    let mut watch = things.watch(THINGS).await.unwrap();
    things
        .change(&doc! {}, &doc! { "$set": { "free": true } })
        .await
        .unwrap();
    // Many other things happen before anybody waits.
    for _ in 0..10 {
        assert_eq!(things.count_of(&doc! { "free": true }).await, 1);
    }
    stores.soon("a wake-up that was due", watch.changed()).await;
    let batch = WriteBatch::new(THINGS, vec![WriteItem::Insert(doc! { "_id": 1 })]);
    things.write(batch).await.unwrap();
    stores.soon("the next wake-up", watch.changed()).await;
}

async fn all_watches_wake(stores: Stores) {
    let things = stores.things().await;
    let mut watches = Vec::new();
    for _ in 0..20 {
        watches.push(things.watch(THINGS).await.unwrap());
    }
    things.put([doc! { "_id": 1, "a": 1 }]).await;
    things
        .claim(claim(&doc! { "a": 1 }, &doc! { "$set": { "a": 2 } }))
        .await;
    for watch in &mut watches {
        stores.soon("a wake-up for each watch", watch.changed()).await;
    }
}

async fn a_collection_can_be_watched_before_it_is_made(stores: Stores) {
    let (things, other) = (stores.things().await, stores.things().await);
    let mut watch = things.watch(THINGS).await.unwrap();
    other.put([doc! { "_id": 1 }]).await;
    stores
        .soon("the wake-up for the first document", watch.changed())
        .await;
}

//! A changed index is built anew on a full collection while others go on reading and writing.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use seed::store::{InsertOutcome, WriteItem};
use seed::{Document, IndexSpec, doc};

use crate::case::cases;
use crate::fixture::Stores;
use crate::things::{Things, claim, find, ids, index, item, numbers, spec};
use crate::threads::at_once;

cases![
    an_index_that_is_building_hides_nothing,
    an_index_that_is_building_misses_no_write,
    a_unique_index_that_is_building_lets_no_duplicate_by,
    claims_go_on_while_an_index_is_built,
];

/// Declares `after` while the other callers go on with `work`, which they do until the indexes are ready, once at least.
async fn meanwhile<W, F>(stores: &Stores, after: Vec<IndexSpec>, work: W)
where
    W: Fn(Things, i64, Arc<AtomicBool>) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    let is_ready = Arc::new(AtomicBool::new(false));
    at_once(3, |caller| {
        let (stores, after, work, is_ready) =
            (stores.clone(), after.clone(), work.clone(), Arc::clone(&is_ready));
        async move {
            let things = stores.things().await;
            if caller == 0 {
                // Whatever comes of it, the others must not wait for ever.
                let outcome = things.ensure(&spec(2, after)).await;
                is_ready.store(true, Ordering::SeqCst);
                outcome.unwrap();
            } else {
                work(things, caller, is_ready).await;
            }
        }
    });
}

async fn full(stores: &Stores) -> (Things, i64) {
    let things = stores.things().await;
    things
        .ensure(&spec(1, [index("it", &doc! { "a": 1 })]))
        .await
        .unwrap();
    let many = stores.scaled(20_000);
    things
        .put((0..many).map(|id| doc! { "_id": id, "a": (id % 50), "b": (id % 40) }))
        .await;
    (things, many)
}

async fn an_index_that_is_building_hides_nothing(stores: Stores) {
    let (_, many) = full(&stores).await;
    meanwhile(
        &stores,
        vec![index("it", &doc! { "b": 1 })],
        move |things, _, is_ready| async move {
            loop {
                let last = is_ready.load(Ordering::SeqCst);
                let of = |by: i64, value: i64| numbers((0..many).filter(move |id| id % by == value));
                assert_eq!(things.ids(&doc! { "b": 7 }).await, of(40, 7));
                assert_eq!(things.ids(&doc! { "a": 7 }).await, of(50, 7));
                assert_eq!(
                    things.count_of(&doc! { "b": { "$lt": 20 } }).await,
                    many as u64 / 2
                );
                if last {
                    return;
                }
            }
        },
    )
    .await;
    let things = stores.things().await;
    let explained = things.explain(find(&doc! { "b": 7 })).await.unwrap();
    assert_eq!(
        explained.get("scanned"),
        explained.get("returned"),
        "the new index serves: {explained}"
    );
}

async fn an_index_that_is_building_misses_no_write(stores: Stores) {
    let (things, many) = full(&stores).await;
    meanwhile(
        &stores,
        vec![index("it", &doc! { "b": 1 })],
        move |things, caller, is_ready| async move {
            let mut round = 0;
            while !is_ready.load(Ordering::SeqCst) || round == 0 {
                let mine = (round * 2 + caller - 1) * 3 % many;
                let change = doc! { "$set": { "b": [1_000, (2_000 + caller)] } };
                things
                    .batch(vec![
                        item(&doc! { "_id": mine }, &change),
                        WriteItem::Delete(seed::Filter::parse(&doc! { "_id": ((mine + 1) % many) }).unwrap()),
                        WriteItem::Insert(doc! { "_id": format!("{caller} {round}"), "b": 3_000 }),
                    ])
                    .await;
                round += 1;
            }
        },
    )
    .await;
    // What the index says is what is there.
    for value in [1_000, 2_001, 2_002, 3_000, 7, 39] {
        assert_eq!(
            things.ids(&doc! { "b": value }).await,
            scanned(&things, value).await,
            "{value}"
        );
    }
    let explained = things.explain(find(&doc! { "b": 39 })).await.unwrap();
    assert_eq!(
        explained.get("scanned"),
        explained.get("returned"),
        "the new index serves: {explained}"
    );
}

/// Returns the ids that a plain scan finds.
async fn scanned(things: &Things, value: i64) -> Vec<seed::Value> {
    let filter = seed::Filter::parse(&doc! { "b": value }).unwrap();
    let mut all = things.all().await;
    all.retain(|document: &Document| filter.matches(document).unwrap());
    ids(&all)
}

async fn a_unique_index_that_is_building_lets_no_duplicate_by(stores: Stores) {
    let things = stores.things().await;
    let many = stores.scaled(10_000);
    things.put((0..many).map(|id| doc! { "_id": id, "u": id })).await;
    let unique = index("u", &doc! { "u": 1 }).unique();
    // The keys that the writers ask for are free, so building cannot fail, and each goes to one of them.
    meanwhile(
        &stores,
        vec![unique],
        move |things, caller, is_ready| async move {
            let mut round = 0;
            while !is_ready.load(Ordering::SeqCst) || round == 0 {
                things
                    .offer(doc! { "_id": format!("{caller} {round}"), "u": (-1 - round * 2 - caller) })
                    .await;
                round += 1;
            }
        },
    )
    .await;
    assert_eq!(
        things.offer(doc! { "_id": "late", "u": (many - 1) }).await,
        InsertOutcome::Duplicate("u".into())
    );
    assert_eq!(
        things.offer(doc! { "_id": "late", "u": -2 }).await,
        InsertOutcome::Duplicate("u".into())
    );
}

async fn claims_go_on_while_an_index_is_built(stores: Stores) {
    let (things, many) = full(&stores).await;
    meanwhile(
        &stores,
        vec![index("it", &doc! { "a": 1, "b": -1 })],
        move |things, caller, is_ready| async move {
            let mut is_last = false;
            while !is_last {
                is_last = is_ready.load(Ordering::SeqCst);
                let take = doc! { "$set": { "a": "taken" }, "$push": { "by": caller } };
                let got = things
                    .claim(claim(&doc! { "a": { "$lt": 40 } }, &take).limit(10))
                    .await;
                for document in got {
                    assert_eq!(
                        document.get("by").and_then(|by| by.as_array()).map(|by| by.len()),
                        Some(1),
                        "{document}"
                    );
                }
            }
        },
    )
    .await;
    let taken = things.count_of(&doc! { "a": "taken" }).await;
    assert!(taken > 0);
    assert_eq!(
        things.count_of(&doc! { "a": { "$gte": 0 } }).await + taken,
        many as u64
    );
}

//! What a durable store has answered is there when it is opened again.

use seed::store::{InsertOutcome, WriteItem};
use seed::{StoreExt, doc};

use crate::case::cases;
use crate::fixture::Stores;
use crate::things::{THINGS, claim, filter, find, ids, index, item, numbers, sort, spec};

cases![
    #[needs(durable)]
    documents_survive_reopening,
    #[needs(durable)]
    every_kind_of_change_survives_reopening,
    #[needs(durable)]
    indexes_survive_reopening,
    #[needs(durable)]
    a_partial_filter_survives_reopening,
    #[needs(durable)]
    that_an_index_has_arrays_survives_reopening,
    #[needs(durable)]
    the_edition_of_a_declaration_survives_reopening,
    #[needs(durable)]
    a_dropped_collection_stays_gone,
    #[needs(durable)]
    a_changed_index_survives_reopening,
];

async fn documents_survive_reopening(stores: Stores) {
    let document = doc! { "_id": "ü\u{0}", "a": [1, 1.0, -0.0, null], "$b": { "$c": 1, "": (f64::NAN) }, "n": (i64::MIN) };
    let things = stores.things().await;
    things.put([document.clone()]).await;
    things.put((0..2_000).map(|id| doc! { "_id": id })).await;
    drop(things);
    let things = stores.things().await;
    assert_eq!(things.get("ü\u{0}").await, Some(document));
    assert_eq!(things.count_of(&doc! {}).await, 2_001);
}

async fn every_kind_of_change_survives_reopening(stores: Stores) {
    let things = stores.things().await;
    things.put((0..6).map(|id| doc! { "_id": id })).await;
    things
        .change(&doc! { "_id": 0 }, &doc! { "$set": { "by": "update" } })
        .await
        .unwrap();
    things
        .claim(claim(&doc! { "_id": 1 }, &doc! { "$set": { "by": "claim" } }))
        .await;
    things
        .batch(vec![
            item(&doc! { "_id": 2 }, &doc! { "$set": { "by": "batch" } }),
            WriteItem::Delete(filter(&doc! { "_id": 3 })),
            WriteItem::Insert(doc! { "_id": 7, "by": "batch" }),
        ])
        .await;
    things.remove(&doc! { "_id": 4 }).await;
    let before = things.all().await;
    drop(things);
    let things = stores.things().await;
    assert_eq!(things.all().await, before);
    assert_eq!(ids(&before), numbers([0, 1, 2, 5, 7]));
}

async fn indexes_survive_reopening(stores: Stores) {
    let things = stores.things().await;
    things
        .index([
            index("u", &doc! { "u": 1 }).unique(),
            index("ab", &doc! { "a": 1, "b": -1 }),
        ])
        .await;
    things
        .put((0..100).map(|id| doc! { "_id": id, "u": id, "a": (id % 4), "b": id }))
        .await;
    drop(things);
    let things = stores.things().await;
    assert_eq!(
        things.offer(doc! { "_id": 200, "u": 7 }).await,
        InsertOutcome::Duplicate("u".into())
    );
    let request = find(&doc! { "a": 2 }).sort(sort(&doc! { "b": -1 }));
    assert_eq!(
        ids(&things.find_with(request.clone()).await),
        numbers((0..100).rev().filter(|id| id % 4 == 2))
    );
    let explained = things.explain(request).await.unwrap();
    assert_eq!(explained.get("scanned"), Some(&25.into()), "{explained}");
}

async fn a_partial_filter_survives_reopening(stores: Stores) {
    let things = stores.things().await;
    let live = index("live", &doc! { "a": 1 })
        .unique()
        .partial(&doc! { "live": true })
        .unwrap();
    things.index([live.clone()]).await;
    things
        .put([doc! { "_id": 1, "a": 1, "live": true }, doc! { "_id": 2, "a": 1 }])
        .await;
    drop(things);
    let things = stores.things().await;
    things.put([doc! { "_id": 3, "a": 1 }]).await;
    let refused = things.offer(doc! { "_id": 4, "a": 1, "live": true }).await;
    assert_eq!(refused, InsertOutcome::Duplicate("live".into()));
    assert_eq!(things.ids(&doc! { "a": 1 }).await, numbers([1, 2, 3]));
    things.index([live]).await;
    assert_eq!(things.ids(&doc! { "a": 1, "live": true }).await, numbers([1]));
}

async fn that_an_index_has_arrays_survives_reopening(stores: Stores) {
    let things = stores.things().await;
    things.index([index("a", &doc! { "a": 1 })]).await;
    things
        .put([doc! { "_id": 1, "a": [4, 5, 6] }, doc! { "_id": 2, "a": [1, 9] }])
        .await;
    drop(things);
    let things = stores.things().await;
    assert_eq!(
        things.ids(&doc! { "a": { "$gte": 4, "$lte": 6 } }).await,
        numbers([1, 2])
    );
    assert_eq!(things.count_of(&doc! { "a": { "$gte": 4 } }).await, 2);
}

async fn the_edition_of_a_declaration_survives_reopening(stores: Stores) {
    let things = stores.things().await;
    things
        .ensure(&spec(5, [index("u", &doc! { "u": 1 }).unique()]))
        .await
        .unwrap();
    drop(things);
    let things = stores.things().await;
    things.ensure(&spec(4, [])).await.unwrap();
    things.put([doc! { "_id": 1, "u": 1 }]).await;
    assert_eq!(
        things.offer(doc! { "_id": 2, "u": 1 }).await,
        InsertOutcome::Duplicate("u".into())
    );
    things.ensure(&spec(6, [])).await.unwrap();
    things.put([doc! { "_id": 2, "u": 1 }]).await;
}

async fn a_dropped_collection_stays_gone(stores: Stores) {
    let things = stores.things().await;
    things.index([index("u", &doc! { "u": 1 }).unique()]).await;
    things.put([doc! { "_id": 1, "u": 1 }]).await;
    things.insert_one("others", doc! { "_id": 1 }).await.unwrap();
    things.drop_collection(THINGS).await.unwrap();
    drop(things);
    let things = stores.things().await;
    assert!(things.all().await.is_empty());
    assert!(things.0.get("others", 1.into()).await.unwrap().is_some());
    things
        .put([doc! { "_id": 1, "u": 1 }, doc! { "_id": 2, "u": 1 }])
        .await;
}

async fn a_changed_index_survives_reopening(stores: Stores) {
    let things = stores.things().await;
    things
        .ensure(&spec(1, [index("it", &doc! { "a": 1 })]))
        .await
        .unwrap();
    things
        .put((0..50).map(|id| doc! { "_id": id, "a": 1, "b": (id % 5) }))
        .await;
    things
        .ensure(&spec(2, [index("it", &doc! { "b": 1 })]))
        .await
        .unwrap();
    drop(things);
    let things = stores.things().await;
    assert_eq!(
        things.ids(&doc! { "b": 3 }).await,
        numbers((0..50).filter(|id| id % 5 == 3))
    );
    let explained = things.explain(find(&doc! { "b": 3 })).await.unwrap();
    assert_eq!(explained.get("scanned"), Some(&10.into()), "{explained}");
}

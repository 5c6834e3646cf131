//! A delete removes the documents that match, with all their keys, and says how many.

use seed::doc;
use seed::store::Delete;

use crate::case::cases;
use crate::fixture::Stores;
use crate::things::{THINGS, filter, index, numbers};
use crate::threads::{CALLERS, at_once};

cases![
    all_that_match_are_removed_and_counted,
    a_limit_takes_the_first_by_id,
    a_removed_document_leaves_no_keys,
    a_document_is_removed_by_one_caller,
];

async fn all_that_match_are_removed_and_counted(stores: Stores) {
    let things = stores.things().await;
    things.index([index("a", &doc! { "a": 1 })]).await;
    let many = stores.scaled(4_000);
    things
        .put((0..many).map(|id| doc! { "_id": id, "a": (id % 4) }))
        .await;
    assert_eq!(things.remove(&doc! { "a": { "$gte": 2 } }).await, many as u64 / 2);
    assert_eq!(
        things.ids(&doc! {}).await,
        numbers((0..many).filter(|id| id % 4 < 2))
    );
    assert_eq!(things.remove(&doc! {}).await, many as u64 / 2);
    assert_eq!(things.remove(&doc! {}).await, 0);
}

async fn a_limit_takes_the_first_by_id(stores: Stores) {
    let things = stores.things().await;
    things.index([index("a", &doc! { "a": -1 })]).await;
    things.put((0..10).map(|id| doc! { "_id": id, "a": id })).await;
    let delete =
        |limit| things.delete(Delete::new(THINGS, filter(&doc! { "a": { "$gte": 3 } })).limit(limit));
    assert_eq!(delete(0).await.unwrap(), 0);
    assert_eq!(delete(1).await.unwrap(), 1);
    assert_eq!(things.ids(&doc! {}).await, numbers([0, 1, 2, 4, 5, 6, 7, 8, 9]));
    assert_eq!(delete(4).await.unwrap(), 4);
    assert_eq!(things.ids(&doc! {}).await, numbers([0, 1, 2, 8, 9]));
    assert_eq!(delete(50).await.unwrap(), 2);
}

async fn a_removed_document_leaves_no_keys(stores: Stores) {
    let things = stores.things().await;
    things
        .index([
            index("a", &doc! { "a": 1 }).unique(),
            index("b", &doc! { "b": 1 }),
        ])
        .await;
    things.put([doc! { "_id": 1, "a": [1, 2], "b": 1 }]).await;
    things.remove(&doc! { "_id": 1 }).await;
    assert_eq!(things.count_of(&doc! { "a": { "$gte": 0 } }).await, 0);
    assert_eq!(things.count_of(&doc! { "b": 1 }).await, 0);
    things
        .put([doc! { "_id": 1, "a": 2 }, doc! { "_id": 2, "a": 1 }])
        .await;
}

async fn a_document_is_removed_by_one_caller(stores: Stores) {
    let things = stores.things().await;
    let many = stores.scaled(2_000);
    things.put((0..many).map(|id| doc! { "_id": id })).await;
    let removed = at_once(CALLERS, |_| {
        let things = things.clone();
        async move { things.remove(&doc! {}).await }
    });
    assert_eq!(removed.iter().sum::<u64>(), many as u64, "{removed:?}");
    assert!(things.all().await.is_empty());
}

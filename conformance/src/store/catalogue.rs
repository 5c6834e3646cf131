//! A collection has just the indexes that were declared last, and they hold from then on.

use seed::store::InsertOutcome;
use seed::{CollectionSpec, ErrorKind, StoreExt, doc};

use crate::case::cases;
use crate::fixture::Stores;
use crate::things::{THINGS, find, ids, index, numbers, sort, spec};
use crate::threads::{CALLERS, at_once};

cases![
    declaring_twice_changes_nothing,
    an_index_over_documents_that_are_there_has_them_all,
    an_index_that_is_no_longer_declared_is_gone,
    an_index_may_change_under_its_name,
    a_partial_filter_may_change_under_its_name,
    a_unique_index_over_duplicates_is_refused_and_the_old_one_serves,
    two_arrays_in_one_key_are_refused_and_the_old_indexes_serve,
    a_document_with_two_arrays_in_one_key_is_refused,
    an_older_declaration_changes_nothing,
    a_failed_declaration_can_be_mended_and_repeated,
    declarations_at_once_agree,
    a_dropped_collection_is_gone_with_its_indexes,
    a_wrong_declaration_is_refused,
];

async fn declaring_twice_changes_nothing(stores: Stores) {
    let things = stores.things().await;
    let declared = spec(
        1,
        [
            index("u", &doc! { "u": 1 }).unique(),
            index("a", &doc! { "a": -1, "b": 1 }),
        ],
    );
    things.ensure(&declared).await.unwrap();
    things
        .put((0..10).map(|id| doc! { "_id": id, "u": id, "a": (id % 2) }))
        .await;
    let before = things.explain(find(&doc! { "a": 1 })).await.unwrap();
    things.ensure(&declared).await.unwrap();
    assert_eq!(things.explain(find(&doc! { "a": 1 })).await.unwrap(), before);
    assert_eq!(things.all().await.len(), 10);
    assert_eq!(
        things.offer(doc! { "_id": 11, "u": 3 }).await,
        InsertOutcome::Duplicate("u".into())
    );
}

async fn an_index_over_documents_that_are_there_has_them_all(stores: Stores) {
    let things = stores.things().await;
    let many = stores.scaled(3_000);
    things
        .put((0..many).map(|id| doc! { "_id": id, "a": (id % 10), "b": [id, (id + 1)] }))
        .await;
    things
        .index([index("a", &doc! { "a": 1 }), index("b", &doc! { "b": 1 })])
        .await;
    assert_eq!(
        things.ids(&doc! { "a": 3 }).await,
        numbers((0..many).filter(|id| id % 10 == 3))
    );
    assert_eq!(things.ids(&doc! { "b": 20 }).await, numbers([19, 20]));
    let sorted = things
        .find_with(find(&doc! {}).sort(sort(&doc! { "b": -1 })))
        .await;
    assert_eq!(ids(&sorted), numbers((0..many).rev()));
}

async fn an_index_that_is_no_longer_declared_is_gone(stores: Stores) {
    let things = stores.things().await;
    things
        .ensure(&spec(
            1,
            [
                index("u", &doc! { "u": 1 }).unique(),
                index("a", &doc! { "a": 1 }),
            ],
        ))
        .await
        .unwrap();
    things.put([doc! { "_id": 1, "u": 1, "a": 1 }]).await;
    things
        .ensure(&spec(2, [index("a", &doc! { "a": 1 })]))
        .await
        .unwrap();
    things.put([doc! { "_id": 2, "u": 1, "a": 2 }]).await;
    assert_eq!(things.ids(&doc! { "u": 1 }).await, numbers([1, 2]));
    assert_eq!(things.ids(&doc! { "a": { "$gte": 1 } }).await, numbers([1, 2]));
    things.ensure(&spec(3, [])).await.unwrap();
    assert_eq!(things.ids(&doc! { "a": 2 }).await, numbers([2]));
}

async fn an_index_may_change_under_its_name(stores: Stores) {
    let things = stores.things().await;
    things
        .ensure(&spec(1, [index("it", &doc! { "a": 1 }).unique()]))
        .await
        .unwrap();
    things
        .put((0..50).map(|id| doc! { "_id": id, "a": id, "b": (id % 5) }))
        .await;
    things
        .ensure(&spec(2, [index("it", &doc! { "b": 1 })]))
        .await
        .unwrap();
    things.put([doc! { "_id": 50, "a": 1, "b": 2 }]).await;
    assert_eq!(
        things.ids(&doc! { "b": 2 }).await,
        numbers((0..=50).filter(|id| id % 5 == 2 || *id == 50))
    );
    assert_eq!(things.ids(&doc! { "a": 1 }).await, numbers([1, 50]));
}

async fn a_partial_filter_may_change_under_its_name(stores: Stores) {
    let things = stores.things().await;
    let of = |status: &str| {
        index("it", &doc! { "a": 1 })
            .unique()
            .partial(&doc! { "status": status })
            .unwrap()
    };
    things.ensure(&spec(1, [of("new")])).await.unwrap();
    things
        .put([
            doc! { "_id": 1, "a": 1, "status": "new" },
            doc! { "_id": 2, "a": 1, "status": "old" },
        ])
        .await;
    things.ensure(&spec(2, [of("old")])).await.unwrap();
    assert_eq!(things.ids(&doc! { "a": 1, "status": "old" }).await, numbers([2]));
    assert_eq!(things.ids(&doc! { "a": 1, "status": "new" }).await, numbers([1]));
    things.put([doc! { "_id": 3, "a": 1, "status": "new" }]).await;
    let refused = things.offer(doc! { "_id": 4, "a": 1, "status": "old" }).await;
    assert_eq!(refused, InsertOutcome::Duplicate("it".into()));
}

async fn a_unique_index_over_duplicates_is_refused_and_the_old_one_serves(stores: Stores) {
    let things = stores.things().await;
    things
        .ensure(&spec(1, [index("it", &doc! { "a": 1 })]))
        .await
        .unwrap();
    things
        .put((0..40).map(|id| doc! { "_id": id, "a": (id % 39) }))
        .await;
    let fault = things
        .ensure(&spec(2, [index("it", &doc! { "a": 1 }).unique()]))
        .await
        .unwrap_err();
    assert_eq!(fault.kind(), ErrorKind::Index, "{fault}");
    assert_eq!(things.ids(&doc! { "a": 0 }).await, numbers([0, 39]));
    let explained = things.explain(find(&doc! { "a": 7 })).await.unwrap();
    assert_eq!(
        explained.get("scanned"),
        Some(&1.into()),
        "the old index serves: {explained}"
    );
    // Nothing of the refused index binds those who write.
    things
        .put([doc! { "_id": 100, "a": 0 }, doc! { "_id": 101, "a": 7 }])
        .await;
    assert_eq!(things.ids(&doc! { "a": 7 }).await, numbers([7, 101]));
}

async fn two_arrays_in_one_key_are_refused_and_the_old_indexes_serve(stores: Stores) {
    let things = stores.things().await;
    things
        .ensure(&spec(1, [index("a", &doc! { "a": 1 })]))
        .await
        .unwrap();
    things
        .put([
            doc! { "_id": 1, "a": [1, 2], "b": [3] },
            doc! { "_id": 2, "a": 1, "b": 1 },
        ])
        .await;
    let both = index("ab", &doc! { "a": 1, "b": 1 });
    let fault = things
        .ensure(&spec(2, [index("a", &doc! { "a": 1 }), both]))
        .await
        .unwrap_err();
    assert_eq!(fault.kind(), ErrorKind::Index, "{fault}");
    assert_eq!(things.ids(&doc! { "a": 1 }).await, numbers([1, 2]));
    things.put([doc! { "_id": 3, "a": [1], "b": [2, 1] }]).await;
    assert_eq!(things.ids(&doc! { "a": 1, "b": 1 }).await, numbers([2, 3]));
}

async fn a_document_with_two_arrays_in_one_key_is_refused(stores: Stores) {
    let things = stores.things().await;
    things.index([index("ab", &doc! { "a": 1, "b": 1 })]).await;
    things
        .put([
            doc! { "_id": 1, "a": [1, 2], "b": 1 },
            doc! { "_id": 2, "a": 1, "b": [1, 2] },
        ])
        .await;
    let refused = things
        .insert_one(THINGS, doc! { "_id": 3, "a": [1], "b": [2] })
        .await;
    assert!(refused.is_err(), "{refused:?}");
    let refused = things
        .change(&doc! { "_id": 1 }, &doc! { "$set": { "b": [1] } })
        .await;
    assert!(refused.is_err(), "{refused:?}");
    assert_eq!(things.ids(&doc! { "a": 1, "b": 1 }).await, numbers([1, 2]));
    assert_eq!(things.get(1).await, Some(doc! { "_id": 1, "a": [1, 2], "b": 1 }));
    assert_eq!(things.get(3).await, None);
}

async fn an_older_declaration_changes_nothing(stores: Stores) {
    let things = stores.things().await;
    things
        .ensure(&spec(2, [index("u", &doc! { "u": 1 }).unique()]))
        .await
        .unwrap();
    things.put([doc! { "_id": 1, "u": 1 }]).await;
    things
        .ensure(&spec(1, [index("other", &doc! { "a": 1 })]))
        .await
        .unwrap();
    assert_eq!(
        things.offer(doc! { "_id": 2, "u": 1 }).await,
        InsertOutcome::Duplicate("u".into())
    );
    // Another handle, which has seen neither, is held to the later one as well.
    let other = stores.things().await;
    other.ensure(&spec(1, [])).await.unwrap();
    assert_eq!(
        other.offer(doc! { "_id": 2, "u": 1 }).await,
        InsertOutcome::Duplicate("u".into())
    );
}

async fn a_failed_declaration_can_be_mended_and_repeated(stores: Stores) {
    let things = stores.things().await;
    things
        .put([doc! { "_id": 1, "u": 1 }, doc! { "_id": 2, "u": 1 }])
        .await;
    let wanted = spec(1, [index("u", &doc! { "u": 1 }).unique()]);
    things.ensure(&wanted).await.unwrap_err();
    things.ensure(&wanted).await.unwrap_err();
    things
        .change(&doc! { "_id": 2 }, &doc! { "$set": { "u": 2 } })
        .await
        .unwrap();
    things.ensure(&wanted).await.unwrap();
    assert_eq!(
        things.offer(doc! { "_id": 3, "u": 2 }).await,
        InsertOutcome::Duplicate("u".into())
    );
    let explained = things.explain(find(&doc! { "u": 2 })).await.unwrap();
    assert_eq!(explained.get("scanned"), Some(&1.into()), "{explained}");
}

async fn declarations_at_once_agree(stores: Stores) {
    let things = stores.things().await;
    let many = stores.scaled(2_000);
    things
        .put((0..many).map(|id| doc! { "_id": id, "u": id, "a": (id % 7) }))
        .await;
    at_once(CALLERS, |_| {
        let stores = stores.clone();
        async move {
            let things = stores.things().await;
            let wanted = [
                index("u", &doc! { "u": 1 }).unique(),
                index("a", &doc! { "a": 1, "u": -1 }),
            ];
            things.ensure(&spec(1, wanted)).await.unwrap();
            // Whoever is told that the index is there can rely on it.
            assert_eq!(
                things.offer(doc! { "u": 5 }).await,
                InsertOutcome::Duplicate("u".into())
            );
            assert_eq!(
                things.ids(&doc! { "a": 3 }).await,
                numbers((0..many).filter(|id| id % 7 == 3))
            );
        }
    });
    assert_eq!(things.all().await.len() as i64, many);
}

async fn a_dropped_collection_is_gone_with_its_indexes(stores: Stores) {
    let things = stores.things().await;
    things.index([index("u", &doc! { "u": 1 }).unique()]).await;
    things.put([doc! { "_id": 1, "u": 1 }]).await;
    things.insert_one("others", doc! { "_id": 1 }).await.unwrap();
    things.drop_collection(THINGS).await.unwrap();
    things.drop_collection(THINGS).await.unwrap();
    assert!(things.all().await.is_empty());
    assert_eq!(things.count_of(&doc! { "u": 1 }).await, 0);
    assert!(
        things.0.get("others", 1.into()).await.unwrap().is_some(),
        "others are left alone"
    );
    things
        .put([doc! { "_id": 1, "u": 1 }, doc! { "_id": 2, "u": 1 }])
        .await;
    // The new collection has forgotten which edition the old one was declared at.
    things.remove(&doc! {}).await;
    things.index([index("u", &doc! { "u": 1 }).unique()]).await;
    things.put([doc! { "_id": 1, "u": 1 }]).await;
    assert_eq!(
        things.offer(doc! { "_id": 2, "u": 1 }).await,
        InsertOutcome::Duplicate("u".into())
    );
}

async fn a_wrong_declaration_is_refused(stores: Stores) {
    let things = stores.things().await;
    let twice = spec(1, [index("a", &doc! { "a": 1 }), index("a", &doc! { "b": 1 })]);
    assert_eq!(things.ensure(&twice).await.unwrap_err().kind(), ErrorKind::Index);
    for name in ["", "a\u{0}", &"x".repeat(121)] {
        let fault = things.ensure(&CollectionSpec::new(name)).await.unwrap_err();
        assert_eq!(fault.kind(), ErrorKind::Index, "{name:?}");
    }
}

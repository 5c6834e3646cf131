//! An update changes the documents that match, each atomically, and says how many.

use seed::store::{Update as UpdateRequest, UpdateOutcome};
use seed::{Document, ErrorKind, Result, Value, doc};

use crate::case::cases;
use crate::fixture::Stores;
use crate::things::{THINGS, Things, filter, index, numbers, update};
use crate::threads::{CALLERS, at_once};

cases![
    all_that_match_are_changed_and_counted,
    a_limit_takes_the_first_by_id,
    an_upsert_inserts_only_when_none_matches,
    an_upsert_into_a_taken_key_is_refused,
    each_document_is_changed_once_though_the_update_moves_it,
    a_changed_document_is_found_by_its_new_keys_alone,
    one_that_fails_leaves_those_before_it_changed,
    a_taken_unique_key_is_refused_and_changes_nothing,
    the_id_never_changes,
    a_position_is_that_of_the_element_that_matched,
    updates_at_once_lose_nothing,
];

fn outcome(matched: u64, modified: u64) -> UpdateOutcome {
    UpdateOutcome {
        matched,
        modified,
        upserted: None,
    }
}

async fn limited(things: &Things, wanted: &Document, change: &Document, limit: u64) -> Result<UpdateOutcome> {
    things
        .update(UpdateRequest::new(THINGS, filter(wanted), update(change)).limit(limit))
        .await
}

async fn all_that_match_are_changed_and_counted(stores: Stores) {
    let things = stores.things().await;
    let many = stores.scaled(4_000);
    things
        .put((0..many).map(|id| doc! { "_id": id, "a": (id % 4) }))
        .await;
    let changed = things
        .change(&doc! { "a": { "$lte": 1 } }, &doc! { "$set": { "a": 1 } })
        .await
        .unwrap();
    assert_eq!(changed, outcome(many as u64 / 2, many as u64 / 4));
    assert_eq!(things.count_of(&doc! { "a": 1 }).await, many as u64 / 2);
    assert_eq!(things.count_of(&doc! { "a": 0 }).await, 0);
}

async fn a_limit_takes_the_first_by_id(stores: Stores) {
    let things = stores.things().await;
    things.index([index("a", &doc! { "a": -1 })]).await;
    things.put((0..10).map(|id| doc! { "_id": id, "a": id })).await;
    let (any, set) = (doc! { "a": { "$gte": 2 } }, doc! { "$set": { "b": true } });
    assert_eq!(limited(&things, &any, &set, 1).await.unwrap(), outcome(1, 1));
    assert_eq!(things.ids(&doc! { "b": true }).await, numbers([2]));
    assert_eq!(limited(&things, &any, &set, 3).await.unwrap(), outcome(3, 2));
    assert_eq!(things.ids(&doc! { "b": true }).await, numbers([2, 3, 4]));
    assert_eq!(limited(&things, &any, &set, 0).await.unwrap(), outcome(0, 0));
    assert_eq!(limited(&things, &any, &set, 100).await.unwrap(), outcome(8, 5));
}

async fn an_upsert_inserts_only_when_none_matches(stores: Stores) {
    let things = stores.things().await;
    things.index([index("a", &doc! { "a": 1 })]).await;
    let change = doc! { "$inc": { "n": 1 }, "$setOnInsert": { "_id": 7 } };
    let request = UpdateRequest::new(THINGS, filter(&doc! { "a": 5 }), update(&change)).upsert();
    let made = things.update(request.clone()).await.unwrap();
    assert_eq!(
        made,
        UpdateOutcome {
            upserted: Some(7.into()),
            ..outcome(0, 0)
        }
    );
    assert_eq!(
        things.find(&doc! { "a": 5 }).await,
        [doc! { "_id": 7, "a": 5, "n": 1 }]
    );
    assert_eq!(things.update(request.clone()).await.unwrap(), outcome(1, 1));
    assert_eq!(things.update(request.limit(1)).await.unwrap(), outcome(1, 1));
    assert_eq!(things.all().await, [doc! { "_id": 7, "a": 5, "n": 3 }]);
    let anew = UpdateRequest::new(
        THINGS,
        filter(&doc! { "a": 6 }),
        update(&doc! { "$set": { "n": 0 } }),
    )
    .upsert();
    let made = things.update(anew.limit(1)).await.unwrap();
    assert!(matches!(made.upserted, Some(Value::ObjectId(_))), "{made:?}");
}

async fn an_upsert_into_a_taken_key_is_refused(stores: Stores) {
    let things = stores.things().await;
    things.index([index("a", &doc! { "a": 1 }).unique()]).await;
    things.put([doc! { "_id": 1, "a": 1 }]).await;
    let change = update(&doc! { "$set": { "a": 1 } });
    let request = UpdateRequest::new(THINGS, filter(&doc! { "_id": 2 }), change).upsert();
    assert_eq!(
        things.update(request).await.unwrap_err().kind(),
        ErrorKind::Duplicate
    );
    assert_eq!(things.all().await, [doc! { "_id": 1, "a": 1 }]);
}

async fn each_document_is_changed_once_though_the_update_moves_it(stores: Stores) {
    let things = stores.things().await;
    things.index([index("a", &doc! { "a": 1 })]).await;
    let many = stores.scaled(2_000);
    things.put((0..many).map(|id| doc! { "_id": id, "a": id })).await;
    // Each one moves in front of others that the walk along the index has still to meet.
    let changed = things
        .change(&doc! { "a": { "$gte": 0 } }, &doc! { "$inc": { "a": 700 } })
        .await
        .unwrap();
    assert_eq!(changed, outcome(many as u64, many as u64));
    let wrong = things
        .all()
        .await
        .into_iter()
        .zip(0..)
        .find(|(document, id)| document.get("a") != Some(&(id + 700).into()));
    assert_eq!(wrong, None);
}

async fn a_changed_document_is_found_by_its_new_keys_alone(stores: Stores) {
    let things = stores.things().await;
    things
        .index([
            index("a", &doc! { "a": 1 }),
            index("ab", &doc! { "b": 1, "a": -1 }),
        ])
        .await;
    things.put([doc! { "_id": 1, "a": [1, 2], "b": "x" }]).await;
    things
        .change(&doc! { "_id": 1 }, &doc! { "$set": { "a": [2, 3] } })
        .await
        .unwrap();
    for (value, found) in [(1, 0), (2, 1), (3, 1)] {
        assert_eq!(things.count_of(&doc! { "a": value }).await, found, "{value}");
        assert_eq!(
            things.count_of(&doc! { "b": "x", "a": value }).await,
            found,
            "{value}"
        );
    }
    things
        .change(
            &doc! { "_id": 1 },
            &doc! { "$unset": { "a": 1 }, "$set": { "b": "y" } },
        )
        .await
        .unwrap();
    assert_eq!(things.count_of(&doc! { "a": { "$gte": 0 } }).await, 0);
    assert_eq!(things.count_of(&doc! { "b": "x" }).await, 0);
    assert_eq!(things.count_of(&doc! { "b": "y", "a": null }).await, 1);
}

async fn one_that_fails_leaves_those_before_it_changed(stores: Stores) {
    let things = stores.things().await;
    things.index([index("n", &doc! { "n": 1 })]).await;
    let many = stores.scaled(2_000);
    let odd = many * 3 / 4;
    things
        .put((0..many).map(|id| {
            if id == odd {
                doc! { "_id": id, "n": "x" }
            } else {
                doc! { "_id": id, "n": 0 }
            }
        }))
        .await;
    let fault = things
        .change(&doc! {}, &doc! { "$inc": { "n": 1 } })
        .await
        .unwrap_err();
    assert_eq!(fault.kind(), ErrorKind::Update, "{fault}");
    assert_eq!(things.ids(&doc! { "n": 1 }).await, numbers(0..odd));
    assert_eq!(things.ids(&doc! { "n": 0 }).await, numbers(odd + 1..many));
}

async fn a_taken_unique_key_is_refused_and_changes_nothing(stores: Stores) {
    let things = stores.things().await;
    things
        .index([
            index("a", &doc! { "a": 1 }).unique(),
            index("b", &doc! { "b": 1 }),
        ])
        .await;
    let before = [
        doc! { "_id": 1, "a": 1, "b": 1 },
        doc! { "_id": 2, "a": 2, "b": 2 },
    ];
    things.put(before.clone()).await;
    let fault = things
        .change(&doc! { "_id": 2 }, &doc! { "$set": { "a": 1, "b": 9 } })
        .await
        .unwrap_err();
    assert_eq!(fault.kind(), ErrorKind::Duplicate, "{fault}");
    assert_eq!(things.all().await, before);
    assert_eq!(things.ids(&doc! { "b": 2 }).await, numbers([2]));
    assert_eq!(things.ids(&doc! { "b": 9 }).await, numbers([]));
}

async fn the_id_never_changes(stores: Stores) {
    let things = stores.things().await;
    things.put([doc! { "_id": 1, "a": 1 }]).await;
    for change in [
        doc! { "$set": { "_id": 2 } },
        doc! { "$inc": { "_id": 1 } },
        doc! { "_id": 2, "a": 2 },
    ] {
        assert!(limited(&things, &doc! {}, &change, 1).await.is_err(), "{change}");
    }
    assert_eq!(things.all().await, [doc! { "_id": 1, "a": 1 }]);
    assert_eq!(
        limited(&things, &doc! {}, &doc! { "b": 1 }, 1).await.unwrap(),
        outcome(1, 1)
    );
    assert_eq!(things.all().await, [doc! { "_id": 1, "b": 1 }]);
}

async fn a_position_is_that_of_the_element_that_matched(stores: Stores) {
    let things = stores.things().await;
    things
        .put((1..=3).map(|id| doc! { "_id": id, "a": [id, 2, 3] }))
        .await;
    things
        .change(&doc! { "a": 2 }, &doc! { "$set": { "a.$": "hit" } })
        .await
        .unwrap();
    let expected = [
        doc! { "_id": 1, "a": [1, "hit", 3] },
        doc! { "_id": 2, "a": ["hit", 2, 3] },
        doc! { "_id": 3, "a": [3, "hit", 3] },
    ];
    assert_eq!(things.all().await, expected);
}

async fn updates_at_once_lose_nothing(stores: Stores) {
    let things = stores.things().await;
    things.put((0..10).map(|id| doc! { "_id": id, "n": 0 })).await;
    let rounds = stores.scaled(400);
    at_once(CALLERS, |_| {
        let things = things.clone();
        async move {
            for _ in 0..rounds {
                things
                    .change(&doc! { "_id": { "$lt": 3 } }, &doc! { "$inc": { "n": 1 } })
                    .await
                    .unwrap();
            }
        }
    });
    assert_eq!(things.ids(&doc! { "n": (CALLERS * rounds) }).await, numbers(0..3));
    assert_eq!(things.ids(&doc! { "n": 0 }).await, numbers(3..10));
}

//! An update may carry the document that its caller last saw; that saves a read and never changes what is done.

use seed::store::{WriteItem, WriteOutcome};
use seed::{Document, Value, doc};

use crate::case::cases;
use crate::fixture::Stores;
use crate::things::{Things, filter, index, numbers, update};
use crate::threads::{CALLERS, at_once};

cases![
    a_document_that_is_still_the_same_is_changed,
    an_outdated_document_loses_nothing,
    an_outdated_document_leaves_no_wrong_keys,
    a_guard_is_asked_of_the_document_that_is_there,
    a_guard_that_the_known_document_fails_may_hold_now,
    a_removed_document_stays_removed,
    a_number_of_another_type_is_another_document,
    a_change_of_nothing_is_matched,
    a_taken_unique_key_is_refused,
    counts_at_once_lose_nothing,
];

async fn write(things: &Things, known: &Document, guard: &Document, change: &Document) -> WriteOutcome {
    let item = WriteItem::update_known(known.clone(), filter(guard), update(change));
    things.batch(vec![item]).await.remove(0)
}

async fn a_document_that_is_still_the_same_is_changed(stores: Stores) {
    let things = stores.things().await;
    things.index([index("a", &doc! { "a": 1 })]).await;
    let known = doc! { "_id": 1, "a": 1, "b": [1, { "c": 2 }] };
    things.put([known.clone()]).await;
    let change = doc! { "$set": { "a": 2 }, "$push": { "b": 3 } };
    let outcome = write(&things, &known, &doc! { "_id": 1, "a": 1 }, &change).await;
    assert_eq!(outcome.matched(), 1);
    assert_eq!(
        things.find(&doc! { "a": 2 }).await,
        [doc! { "_id": 1, "a": 2, "b": [1, { "c": 2 }, 3] }]
    );
    assert!(things.find(&doc! { "a": 1 }).await.is_empty());
}

async fn an_outdated_document_loses_nothing(stores: Stores) {
    let things = stores.things().await;
    let known = doc! { "_id": 1, "n": 1, "log": [] };
    things.put([known.clone()]).await;
    things
        .change(
            &doc! {},
            &doc! { "$set": { "n": 10 }, "$push": { "log": "other" } },
        )
        .await
        .unwrap();
    let outcome = write(
        &things,
        &known,
        &doc! { "_id": 1 },
        &doc! { "$inc": { "n": 1 }, "$push": { "log": "mine" } },
    )
    .await;
    assert_eq!(outcome.matched(), 1);
    assert_eq!(
        things.all().await,
        [doc! { "_id": 1, "n": 11, "log": ["other", "mine"] }]
    );
}

async fn an_outdated_document_leaves_no_wrong_keys(stores: Stores) {
    let things = stores.things().await;
    things.index([index("a", &doc! { "a": 1, "b": 1 })]).await;
    let known = doc! { "_id": 1, "a": 1, "b": 1 };
    things.put([known.clone()]).await;
    things
        .change(&doc! {}, &doc! { "$set": { "a": 2 } })
        .await
        .unwrap();
    write(&things, &known, &doc! { "_id": 1 }, &doc! { "$set": { "b": 2 } }).await;
    for (a, b, expected) in [(1, 1, 0), (1, 2, 0), (2, 1, 0), (2, 2, 1)] {
        assert_eq!(
            things.count_of(&doc! { "a": a, "b": b }).await,
            expected,
            "{a} {b}"
        );
    }
}

async fn a_guard_is_asked_of_the_document_that_is_there(stores: Stores) {
    let things = stores.things().await;
    let known = doc! { "_id": 1, "token": "mine", "n": 0 };
    things.put([known.clone()]).await;
    things
        .change(&doc! {}, &doc! { "$set": { "token": "theirs" } })
        .await
        .unwrap();
    let outcome = write(
        &things,
        &known,
        &doc! { "_id": 1, "token": "mine" },
        &doc! { "$set": { "n": 1 } },
    )
    .await;
    assert_eq!(outcome.matched(), 0);
    assert_eq!(things.all().await, [doc! { "_id": 1, "token": "theirs", "n": 0 }]);
}

async fn a_guard_that_the_known_document_fails_may_hold_now(stores: Stores) {
    let things = stores.things().await;
    things.put([doc! { "_id": 1, "ready": true }]).await;
    let known = doc! { "_id": 1, "ready": false };
    let outcome = write(
        &things,
        &known,
        &doc! { "_id": 1, "ready": true },
        &doc! { "$set": { "n": 1 } },
    )
    .await;
    assert_eq!(outcome.matched(), 1);
    assert_eq!(things.all().await, [doc! { "_id": 1, "ready": true, "n": 1 }]);
}

async fn a_removed_document_stays_removed(stores: Stores) {
    let things = stores.things().await;
    things.index([index("n", &doc! { "n": 1 })]).await;
    let known = doc! { "_id": 1, "n": 0 };
    things.put([known.clone()]).await;
    things.remove(&doc! {}).await;
    let outcome = write(&things, &known, &doc! { "_id": 1 }, &doc! { "$inc": { "n": 1 } }).await;
    assert_eq!(outcome.matched(), 0);
    assert!(things.all().await.is_empty());
    assert_eq!(things.count_of(&doc! { "n": { "$gte": 0 } }).await, 0);
}

async fn a_number_of_another_type_is_another_document(stores: Stores) {
    let things = stores.things().await;
    things.put([doc! { "_id": 1, "n": 1 }]).await;
    let known = doc! { "_id": 1, "n": 1.0 };
    write(&things, &known, &doc! { "_id": 1 }, &doc! { "$set": { "m": 2 } }).await;
    assert_eq!(things.all().await, [doc! { "_id": 1, "n": 1, "m": 2 }]);
}

async fn a_change_of_nothing_is_matched(stores: Stores) {
    let things = stores.things().await;
    let known = doc! { "_id": 1, "n": 1 };
    things.put([known.clone()]).await;
    let outcome = write(&things, &known, &doc! { "_id": 1 }, &doc! { "$set": { "n": 1 } }).await;
    let WriteOutcome::Updated(outcome) = outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!((outcome.matched, outcome.modified), (1, 0));
}

async fn a_taken_unique_key_is_refused(stores: Stores) {
    let things = stores.things().await;
    things.index([index("u", &doc! { "u": 1 }).unique()]).await;
    let known = doc! { "_id": 1, "u": 1 };
    things.put([known.clone(), doc! { "_id": 2, "u": 2 }]).await;
    let outcome = write(&things, &known, &doc! { "_id": 1 }, &doc! { "$set": { "u": 2 } }).await;
    assert!(matches!(outcome, WriteOutcome::Failed(_)), "{outcome:?}");
    assert_eq!(things.ids(&doc! { "u": 1 }).await, numbers([1]));
}

async fn counts_at_once_lose_nothing(stores: Stores) {
    let things = stores.things().await;
    things.index([index("n", &doc! { "n": 1 })]).await;
    things.put([doc! { "_id": 1, "n": 0 }]).await;
    let rounds = stores.scaled(600);
    at_once(CALLERS, |_| {
        let things = things.clone();
        async move {
            let mut known = doc! { "_id": 1, "n": 0 };
            for round in 0..rounds {
                // Now and then it looks, so that it is right at times and outdated at others.
                if round % 3 == 0 {
                    known = things.get(1).await.unwrap();
                }
                let outcome = write(&things, &known, &doc! { "_id": 1 }, &doc! { "$inc": { "n": 1 } }).await;
                assert_eq!(outcome.matched(), 1);
            }
        }
    });
    let total = things.get(1).await.unwrap().get("n").and_then(Value::as_i64);
    assert_eq!(total, Some(CALLERS * rounds));
    assert_eq!(
        things.count_of(&doc! { "n": { "$gte": 0 } }).await,
        1,
        "one key, that of the last change"
    );
}

//! No two documents have one key in a unique index, whoever writes at the same time.

use seed::store::{InsertOutcome, Update as UpdateRequest, WriteItem, WriteOutcome};
use seed::{DateTime, ErrorKind, Value, doc};

use crate::case::cases;
use crate::fixture::Stores;
use crate::things::{THINGS, filter, index, item, numbers, update};
use crate::threads::{CALLERS, at_once};

cases![
    one_of_many_callers_gets_a_key,
    one_of_many_callers_gets_a_key_by_an_update,
    one_of_many_callers_upserts,
    a_document_may_keep_its_own_key,
    a_key_is_free_again_when_its_document_lets_go_of_it,
    what_is_missing_and_null_are_one_key,
    numbers_that_are_equal_are_one_key,
    every_element_of_an_array_is_a_key,
    several_fields_are_one_key_together,
    a_partial_index_binds_only_those_that_it_takes,
    a_descending_unique_index_binds_too,
];

fn taken() -> InsertOutcome {
    InsertOutcome::Duplicate("u".into())
}

async fn one_of_many_callers_gets_a_key(stores: Stores) {
    let things = stores.things().await;
    things.index([index("u", &doc! { "u": 1 }).unique()]).await;
    let keys = stores.scaled(600);
    let won = at_once(CALLERS, |caller| {
        let things = things.clone();
        async move {
            let mut won = 0;
            for key in 0..keys {
                let outcome = things
                    .offer(doc! { "_id": (key * CALLERS + caller), "u": key })
                    .await;
                won += i64::from(outcome != taken());
            }
            won
        }
    });
    assert_eq!(won.iter().sum::<i64>(), keys, "{won:?}");
    assert_eq!(things.all().await.len() as i64, keys);
}

async fn one_of_many_callers_gets_a_key_by_an_update(stores: Stores) {
    let things = stores.things().await;
    things
        .index([index("u", &doc! { "u": 1 })
            .unique()
            .partial(&doc! { "u": { "$exists": true } })
            .unwrap()])
        .await;
    things.put((0..CALLERS).map(|id| doc! { "_id": id })).await;
    let keys = stores.scaled(400);
    let won = at_once(CALLERS, |caller| {
        let things = things.clone();
        async move {
            let mut won = 0;
            for key in 0..keys {
                let change = doc! { "$set": { "u": key }, "$push": { "won": key } };
                match things.change(&doc! { "_id": caller }, &change).await {
                    Ok(_) => won += 1,
                    Err(fault) => assert_eq!(fault.kind(), ErrorKind::Duplicate, "{fault}"),
                }
            }
            won
        }
    });
    let all = things.all().await;
    let last: Vec<_> = all
        .iter()
        .filter_map(|document| document.get("u").and_then(Value::as_i64))
        .collect();
    let mut different = last.clone();
    different.sort_unstable();
    different.dedup();
    assert_eq!(different.len(), last.len(), "two documents hold one key: {all:?}");
    let pushed = all
        .iter()
        .filter_map(|document| document.get("won").and_then(Value::as_array))
        .map(|won| won.len());
    assert_eq!(
        pushed.sum::<usize>(),
        won.iter().sum::<usize>(),
        "a refused update changes nothing"
    );
}

async fn one_of_many_callers_upserts(stores: Stores) {
    let things = stores.things().await;
    things.index([index("u", &doc! { "u": 1 }).unique()]).await;
    let keys = stores.scaled(200);
    at_once(CALLERS, |_| {
        let things = things.clone();
        async move {
            for key in 0..keys {
                let request = UpdateRequest::new(
                    THINGS,
                    filter(&doc! { "u": key }),
                    update(&doc! { "$inc": { "n": 1 } }),
                );
                let request = request.limit(1).upsert();
                // Whoever comes second may be told that it is taken; then it is there, and the next try finds it.
                while let Err(fault) = things.update(request.clone()).await {
                    assert_eq!(fault.kind(), ErrorKind::Duplicate, "{fault}");
                }
            }
        }
    });
    assert_eq!(things.count_of(&doc! { "n": CALLERS }).await, keys as u64);
    assert_eq!(things.all().await.len() as i64, keys);
}

async fn a_document_may_keep_its_own_key(stores: Stores) {
    let things = stores.things().await;
    things.index([index("u", &doc! { "u": 1 }).unique()]).await;
    things.put([doc! { "_id": 1, "u": 1 }]).await;
    things
        .change(&doc! {}, &doc! { "$set": { "u": 1, "a": 1 } })
        .await
        .unwrap();
    things
        .change(&doc! {}, &doc! { "$set": { "u": [1, 2, 1] } })
        .await
        .unwrap();
    things
        .change(&doc! {}, &doc! { "$set": { "u": [2, 1] } })
        .await
        .unwrap();
    assert_eq!(things.all().await, [doc! { "_id": 1, "u": [2, 1], "a": 1 }]);
}

async fn a_key_is_free_again_when_its_document_lets_go_of_it(stores: Stores) {
    let things = stores.things().await;
    things.index([index("u", &doc! { "u": 1 }).unique()]).await;
    things
        .put([doc! { "_id": 1, "u": 1 }, doc! { "_id": 2, "u": 2 }])
        .await;
    things
        .change(&doc! { "_id": 1 }, &doc! { "$set": { "u": 3 } })
        .await
        .unwrap();
    things.remove(&doc! { "_id": 2 }).await;
    things
        .put([doc! { "_id": 3, "u": 1 }, doc! { "_id": 4, "u": 2 }])
        .await;
    let outcomes = things
        .batch(vec![
            item(&doc! { "_id": 1 }, &doc! { "$set": { "u": 5 } }),
            item(&doc! { "_id": 3 }, &doc! { "$set": { "u": 3 } }),
            WriteItem::Insert(doc! { "_id": 5, "u": 1 }),
            WriteItem::Insert(doc! { "_id": 6, "u": 5 }),
        ])
        .await;
    assert!(
        matches!(&outcomes[3], WriteOutcome::Inserted(InsertOutcome::Duplicate(_))),
        "{outcomes:?}"
    );
    assert_eq!(
        things.ids(&doc! { "u": { "$in": [1, 3, 5] } }).await,
        numbers([1, 3, 5])
    );
}

async fn what_is_missing_and_null_are_one_key(stores: Stores) {
    let things = stores.things().await;
    things.index([index("u", &doc! { "u": 1 }).unique()]).await;
    things.put([doc! { "_id": 1 }]).await;
    assert_eq!(things.offer(doc! { "_id": 2 }).await, taken());
    assert_eq!(things.offer(doc! { "_id": 2, "u": null }).await, taken());
    things.put([doc! { "_id": 2, "u": [] }]).await;
    let fault = things
        .change(&doc! { "_id": 2 }, &doc! { "$unset": { "u": 1 } })
        .await
        .unwrap_err();
    assert_eq!(fault.kind(), ErrorKind::Duplicate, "{fault}");
}

async fn numbers_that_are_equal_are_one_key(stores: Stores) {
    let things = stores.things().await;
    things.index([index("u", &doc! { "u": 1 }).unique()]).await;
    things
        .put([
            doc! { "_id": 1, "u": 1 },
            doc! { "_id": 2, "u": (f64::NAN) },
            doc! { "_id": 3, "u": 0 },
        ])
        .await;
    for value in [Value::from(1.0), f64::NAN.into(), (-0.0).into()] {
        assert_eq!(
            things.offer(doc! { "_id": 9, "u": (value.clone()) }).await,
            taken(),
            "{value}"
        );
    }
    let others: [Value; 5] = [
        1.5.into(),
        "1".into(),
        true.into(),
        DateTime::from_millis(1).into(),
        doc! { "u": 1 }.into(),
    ];
    things
        .put(
            (10..)
                .zip(others)
                .map(|(id, value)| doc! { "_id": id, "u": value }),
        )
        .await;
    assert_eq!(things.offer(doc! { "_id": 9, "u": { "u": 1.0 } }).await, taken());
}

async fn every_element_of_an_array_is_a_key(stores: Stores) {
    let things = stores.things().await;
    things.index([index("u", &doc! { "u": 1 }).unique()]).await;
    things.put([doc! { "_id": 1, "u": [1, 2, 2] }]).await;
    for value in [Value::from(2), vec![5, 1].into()] {
        assert_eq!(
            things.offer(doc! { "_id": 9, "u": (value.clone()) }).await,
            taken(),
            "{value}"
        );
    }
    things.put([doc! { "_id": 2, "u": [3, [1, 2]] }]).await;
    let fault = things
        .change(&doc! { "_id": 2 }, &doc! { "$push": { "u": 1 } })
        .await
        .unwrap_err();
    assert_eq!(fault.kind(), ErrorKind::Duplicate);
    things
        .change(&doc! { "_id": 1 }, &doc! { "$pull": { "u": 1 } })
        .await
        .unwrap();
    things
        .change(&doc! { "_id": 2 }, &doc! { "$push": { "u": 1 } })
        .await
        .unwrap();
}

async fn several_fields_are_one_key_together(stores: Stores) {
    let things = stores.things().await;
    things
        .index([index("u", &doc! { "a": 1, "b.c": -1 }).unique()])
        .await;
    things
        .put([
            doc! { "_id": 1, "a": 1, "b": { "c": 1 } },
            doc! { "_id": 2, "a": 1, "b": { "c": 2 } },
            doc! { "_id": 3, "a": 1 },
        ])
        .await;
    assert_eq!(
        things
            .offer(doc! { "_id": 9, "a": 1, "b": { "c": 2, "d": 1 } })
            .await,
        taken()
    );
    assert_eq!(things.offer(doc! { "_id": 9, "a": 1, "b": 5 }).await, taken());
    // Neither part alone, nor one running into the other, is the key.
    things
        .put([
            doc! { "_id": 4, "a": "x", "b": { "c": "yz" } },
            doc! { "_id": 5, "a": "xy", "b": { "c": "z" } },
        ])
        .await;
}

async fn a_partial_index_binds_only_those_that_it_takes(stores: Stores) {
    let things = stores.things().await;
    let live = index("u", &doc! { "u": 1 })
        .unique()
        .partial(&doc! { "live": true })
        .unwrap();
    things.index([live]).await;
    things
        .put([
            doc! { "_id": 1, "u": 1, "live": true },
            doc! { "_id": 2, "u": 1 },
            doc! { "_id": 3, "u": 1 },
        ])
        .await;
    assert_eq!(
        things.offer(doc! { "_id": 9, "u": 1, "live": true }).await,
        taken()
    );
    let wake = doc! { "$set": { "live": true } };
    assert_eq!(
        things.change(&doc! { "_id": 2 }, &wake).await.unwrap_err().kind(),
        ErrorKind::Duplicate
    );
    things
        .change(&doc! { "_id": 1 }, &doc! { "$set": { "live": false } })
        .await
        .unwrap();
    things.change(&doc! { "_id": 2 }, &wake).await.unwrap();
    assert_eq!(things.ids(&doc! { "u": 1, "live": true }).await, numbers([2]));
}

async fn a_descending_unique_index_binds_too(stores: Stores) {
    let things = stores.things().await;
    things.index([index("u", &doc! { "u": -1 }).unique()]).await;
    things
        .put([
            doc! { "_id": 1, "u": "a" },
            doc! { "_id": 2, "u": "ab" },
            doc! { "_id": 3, "u": "" },
        ])
        .await;
    for value in ["a", "ab", ""] {
        assert_eq!(
            things.offer(doc! { "_id": 9, "u": value }).await,
            taken(),
            "{value:?}"
        );
    }
}

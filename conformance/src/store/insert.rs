//! Each document of an insert is stored, or breaks a unique index, on its own.

use seed::store::{Insert, InsertOutcome, WriteItem};
use seed::value::Binary;
use seed::{DateTime, ObjectId, StoreExt, Value, doc};

use crate::case::cases;
use crate::fixture::Stores;
use crate::things::{THINGS, index, numbers};

cases![
    a_document_comes_back_as_it_was,
    the_id_comes_first_wherever_it_stood,
    a_document_without_an_id_gets_an_object_id_first,
    any_value_but_an_array_is_an_id,
    an_id_is_given_once,
    numbers_that_are_equal_are_one_id,
    each_document_of_an_insert_has_its_outcome,
    an_insert_of_nothing_does_nothing,
    thousands_go_in_at_once_and_in_any_order,
    collections_are_kept_apart_by_their_whole_names,
];

async fn a_document_comes_back_as_it_was(stores: Stores) {
    let things = stores.things().await;
    let document = doc! {
        "_id": "x", "z": 1, "a": 1.0, "max": (i64::MAX), "min": (i64::MIN), "past53": 9_007_199_254_740_993_i64,
        "nan": (f64::NAN), "infinite": (f64::NEG_INFINITY), "minus zero": -0.0, "tiny": 5e-324,
        "text": "Zoë 😀 \u{0} \" \\ \n", "empty": "", "null": null, "true": true,
        "bytes": (Binary::new(5, [0_u8, 255, 1])), "none": (Binary::generic(&[])),
        "date": (DateTime::from_millis(-1)), "object id": (ObjectId::from_bytes([7; 12])),
        "array": [[], {}, [1, [2.5]], null], "inner": { "b": 1, "a": { "$date": 1, "x.y": 2, "": 3 } }
    };
    things.put([document.clone()]).await;
    assert_eq!(things.get("x").await, Some(document.clone()));
    assert_eq!(things.all().await, [document]);
}

async fn the_id_comes_first_wherever_it_stood(stores: Stores) {
    let things = stores.things().await;
    things.put([doc! { "b": 1, "_id": 1, "a": 2 }]).await;
    things
        .batch(vec![WriteItem::Insert(doc! { "a": 1, "_id": 2 })])
        .await;
    let expected = [doc! { "_id": 1, "b": 1, "a": 2 }, doc! { "_id": 2, "a": 1 }];
    assert_eq!(things.all().await, expected);
}

async fn a_document_without_an_id_gets_an_object_id_first(stores: Stores) {
    let things = stores.things().await;
    let InsertOutcome::Inserted(id) = things.offer(doc! { "a": 1 }).await else {
        panic!("a duplicate of nothing")
    };
    assert!(matches!(id, Value::ObjectId(_)), "{id}");
    assert_eq!(things.all().await, [doc! { "_id": (id.clone()), "a": 1 }]);
    let InsertOutcome::Inserted(other) = things.offer(doc! { "a": 1 }).await else {
        panic!("a duplicate of nothing")
    };
    assert_ne!(id, other, "the store gives an id twice");
}

async fn any_value_but_an_array_is_an_id(stores: Stores) {
    let things = stores.things().await;
    let ids: Vec<Value> = vec![
        Value::Null,
        (-1).into(),
        0.5.into(),
        "".into(),
        "a\u{0}".into(),
        doc! {}.into(),
        doc! { "a": [1] }.into(),
        Binary::generic(&[0, 255]).into(),
        ObjectId::from_bytes([1; 12]).into(),
        false.into(),
        DateTime::from_millis(0).into(),
    ];
    things.put(ids.iter().rev().map(|id| doc! { "_id": id })).await;
    assert_eq!(things.ids(&doc! {}).await, ids, "in the order of the types");
    for id in ids {
        assert_eq!(things.get(id.clone()).await, Some(doc! { "_id": id }));
    }
}

async fn an_id_is_given_once(stores: Stores) {
    let things = stores.things().await;
    things.put([doc! { "_id": 1, "a": "first" }]).await;
    let outcome = things.offer(doc! { "_id": 1, "a": "second" }).await;
    assert_eq!(outcome, InsertOutcome::Duplicate("_id".into()));
    assert_eq!(things.all().await, [doc! { "_id": 1, "a": "first" }]);
}

async fn numbers_that_are_equal_are_one_id(stores: Stores) {
    let things = stores.things().await;
    things.put([doc! { "_id": 1 }]).await;
    assert_eq!(
        things.offer(doc! { "_id": 1.0 }).await,
        InsertOutcome::Duplicate("_id".into())
    );
    assert_eq!(things.get(1.0).await, Some(doc! { "_id": 1 }));
    let (odd, even) = (9_007_199_254_740_993_i64, 9_007_199_254_740_992.0);
    things.put([doc! { "_id": odd }, doc! { "_id": even }]).await;
}

async fn each_document_of_an_insert_has_its_outcome(stores: Stores) {
    let things = stores.things().await;
    things.index([index("by a", &doc! { "a": 1 }).unique()]).await;
    things.put([doc! { "_id": 0, "a": 0 }]).await;
    let documents = vec![
        doc! { "_id": 1, "a": 1 },
        doc! { "_id": 0, "a": 2 },
        doc! { "_id": 2, "a": 0 },
        doc! { "_id": 3, "a": 1 },
        doc! { "_id": 1, "a": 3 },
        doc! { "_id": 4, "a": 4 },
    ];
    let outcomes = things.insert(Insert::new(THINGS, documents)).await.unwrap();
    let expected = [
        InsertOutcome::Inserted(1.into()),
        InsertOutcome::Duplicate("_id".into()),
        InsertOutcome::Duplicate("by a".into()),
        InsertOutcome::Duplicate("by a".into()),
        InsertOutcome::Duplicate("_id".into()),
        InsertOutcome::Inserted(4.into()),
    ];
    assert_eq!(outcomes, expected);
    assert_eq!(things.ids(&doc! {}).await, numbers([0, 1, 4]));
}

async fn an_insert_of_nothing_does_nothing(stores: Stores) {
    let things = stores.things().await;
    assert_eq!(things.insert(Insert::new(THINGS, Vec::new())).await.unwrap(), []);
    assert!(things.all().await.is_empty());
}

async fn thousands_go_in_at_once_and_in_any_order(stores: Stores) {
    let things = stores.things().await;
    let many = stores.scaled(5_000);
    // 7,919 is a prime, so that each number comes once.
    let documents = (0..many).map(|at| doc! { "_id": (at * 7_919 % many) }).collect();
    let outcomes = things.insert(Insert::new(THINGS, documents)).await.unwrap();
    let expected: Vec<_> = (0..many)
        .map(|at| InsertOutcome::Inserted((at * 7_919 % many).into()))
        .collect();
    assert_eq!(outcomes, expected);
    assert_eq!(things.ids(&doc! {}).await, numbers(0..many));
}

async fn collections_are_kept_apart_by_their_whole_names(stores: Stores) {
    let store = stores.open().await;
    let names = [
        "a", "A", "a.b", "a_b", "a b", "a-b", "ä", "a'\";--", "{a}", "a:b", "$a", "1",
    ];
    for (at, name) in (0_i64..).zip(names) {
        store.insert_one(name, doc! { "_id": 1, "at": at }).await.unwrap();
    }
    for (at, name) in (0_i64..).zip(names) {
        assert_eq!(
            store.get(name, 1.into()).await.unwrap(),
            Some(doc! { "_id": 1, "at": at }),
            "{name}"
        );
    }
}

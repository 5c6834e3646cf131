//! What is too large, too deep or badly named is refused by every store alike, and changes nothing.

use seed::store::{Insert, InsertOutcome, WriteItem, WriteOutcome};
use seed::value::limits::{MAX_DEPTH, MAX_DOCUMENT_BYTES, bson_size};
use seed::{Document, ErrorKind, Result, StoreExt, Value, doc};

use crate::case::cases;
use crate::fixture::Stores;
use crate::things::{THINGS, Things, filter, item};

cases![
    a_document_of_16_mib_is_kept,
    a_byte_more_is_refused,
    a_hundred_levels_are_kept,
    a_level_more_is_refused,
    a_name_with_nul_is_refused,
    an_array_is_no_id,
    a_long_key_is_kept_and_found,
    an_insert_with_one_refused_document_inserts_none,
    a_collection_has_a_name_of_1_to_120_bytes,
];

/// Makes a document of so many bytes.
fn of_size(id: i64, bytes: usize) -> Document {
    let empty = bson_size(&doc! { "_id": id, "text": "" }).unwrap();
    doc! { "_id": id, "text": ("x".repeat(bytes - empty)) }
}

/// Makes a document that nests so deep, itself being the first level.
fn of_depth(id: i64, depth: usize) -> Document {
    let inner = (1..depth).fold(Value::from(1), |inner, level| match level % 2 {
        0 => Value::from(vec![inner]),
        _ => doc! { "a": inner }.into(),
    });
    doc! { "_id": id, "deep": inner }
}

/// Tries to store a document in each way that there is, and checks that each is refused and changes nothing.
async fn refused(things: &Things, document: &Document, kind: Option<ErrorKind>) {
    let id: Value = "there".into();
    things.put([doc! { "_id": (id.clone()), "n": 1 }]).await;
    let before = things.all().await;
    let mut others = document.clone();
    others.remove("_id");
    let set = doc! { "$set": (others.clone()), "$inc": { "n": 1 } };
    let mut faults: Vec<Result<()>> = vec![
        things.0.insert_one(THINGS, document.clone()).await.map(drop),
        things.change(&doc! { "_id": (id.clone()) }, &set).await.map(drop),
        things
            .find_and_update(crate::things::claim(&doc! { "_id": (id.clone()) }, &set))
            .await
            .map(drop),
    ];
    let items = vec![
        WriteItem::Insert(document.clone()),
        item(&doc! { "_id": (id.clone()) }, &set),
        WriteItem::update_known(
            before[0].clone(),
            filter(&doc! { "_id": (id.clone()) }),
            crate::things::update(&set),
        ),
        item(&doc! { "_id": (id.clone()) }, &others),
    ];
    faults.extend(
        things
            .batch(items)
            .await
            .into_iter()
            .map(|outcome| match outcome {
                WriteOutcome::Failed(fault) => Err(fault),
                _ => Ok(()),
            }),
    );
    for (way, fault) in faults.into_iter().enumerate() {
        let fault = fault.expect_err("a document that no store may keep");
        assert!(kind.is_none_or(|kind| fault.kind() == kind), "{way}: {fault}");
    }
    assert_eq!(things.all().await, before);
}

async fn a_document_of_16_mib_is_kept(stores: Stores) {
    let things = stores.things().await;
    let document = of_size(1, MAX_DOCUMENT_BYTES);
    assert_eq!(bson_size(&document).unwrap(), MAX_DOCUMENT_BYTES);
    things.put([document.clone()]).await;
    assert!(
        things.get(1).await == Some(document),
        "the document comes back as it was"
    );
}

async fn a_byte_more_is_refused(stores: Stores) {
    let things = stores.things().await;
    refused(
        &things,
        &of_size(1, MAX_DOCUMENT_BYTES + 1),
        Some(ErrorKind::Limit),
    )
    .await;
}

async fn a_hundred_levels_are_kept(stores: Stores) {
    let things = stores.things().await;
    let document = of_depth(1, MAX_DEPTH);
    things.put([document.clone()]).await;
    assert_eq!(things.get(1).await, Some(document));
}

async fn a_level_more_is_refused(stores: Stores) {
    let things = stores.things().await;
    refused(&things, &of_depth(1, MAX_DEPTH + 1), Some(ErrorKind::Limit)).await;
}

async fn a_name_with_nul_is_refused(stores: Stores) {
    let things = stores.things().await;
    refused(&things, &doc! { "_id": 1, "a": [{ "b\u{0}": 1 }] }, None).await;
}

async fn an_array_is_no_id(stores: Stores) {
    let things = stores.things().await;
    let document = doc! { "_id": [1, 2] };
    assert!(things.0.insert_one(THINGS, document.clone()).await.is_err());
    let outcomes = things.batch(vec![WriteItem::Insert(document)]).await;
    assert!(matches!(outcomes[0], WriteOutcome::Failed(_)), "{outcomes:?}");
    assert!(things.all().await.is_empty());
}

async fn a_long_key_is_kept_and_found(stores: Stores) {
    let things = stores.things().await;
    things
        .index([crate::things::index("a", &doc! { "a": 1 }).unique()])
        .await;
    let long = "k".repeat(100_000);
    things
        .put([doc! { "_id": (long.clone()), "a": (long.clone()) }])
        .await;
    assert_eq!(things.count_of(&doc! { "a": (long.clone()) }).await, 1);
    assert!(things.get(long.clone()).await.is_some());
    let outcome = things.offer(doc! { "_id": 1, "a": long }).await;
    assert_eq!(outcome, InsertOutcome::Duplicate("a".into()));
}

async fn an_insert_with_one_refused_document_inserts_none(stores: Stores) {
    let things = stores.things().await;
    for bad in [
        of_depth(5, MAX_DEPTH + 1),
        doc! { "_id": 5, "\u{0}": 1 },
        doc! { "_id": [5] },
    ] {
        let documents = vec![doc! { "_id": 1 }, bad, doc! { "_id": 2 }];
        assert!(things.insert(Insert::new(THINGS, documents)).await.is_err());
        assert!(things.all().await.is_empty());
    }
}

async fn a_collection_has_a_name_of_1_to_120_bytes(stores: Stores) {
    let store = stores.open().await;
    let (longest, too_long) = ("n".repeat(120), "ö".repeat(61));
    store.insert_one(&longest, doc! { "_id": 1 }).await.unwrap();
    assert!(store.get(&longest, 1.into()).await.unwrap().is_some());
    for name in ["", "a\u{0}b", &too_long] {
        assert!(
            store.insert_one(name, doc! { "_id": 1 }).await.is_err(),
            "{name:?}"
        );
        assert!(store.get(name, 1.into()).await.is_err(), "{name:?}");
        assert!(store.watch(name).await.is_err(), "{name:?}");
    }
}

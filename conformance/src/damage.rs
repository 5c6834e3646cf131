//! What a store owes its callers when a stored document was damaged. How one is damaged only its adapter's tests know.

use futures::StreamExt;
use seed::store::{Aggregate, Delete, Find, FindAndUpdate, Insert};
use seed::{
    CollectionSpec, Document, Error, ErrorKind, Filter, IndexSpec, Pipeline, Result, Sort, Store, StoreExt,
    Update, Value, doc,
};

/// Damages one document after the other, and makes sure that what cannot be read keeps nobody from the rest: finds go on
/// behind it, indexes are built without it, a claim takes it out of its index and tells of it once, and it is kept.
///
/// `damage` is given the `_id` of a document in the collection `things`.
pub async fn keeps_nobody_from_the_rest(store: &dyn Store, damage: impl Fn(&str)) {
    let kind = IndexSpec::new("kind", &doc! { "kind": 1 }).unwrap();
    let spec = CollectionSpec::new("things").index(kind);
    store.ensure(&spec).await.unwrap();
    let thing = |(n, id): (i64, &str)| doc! { "_id": id, "kind": "x", "n": n };
    let things = (0..).zip(["a", "b", "c", "d", "e"]).map(thing).collect();
    store.insert(Insert::new("things", things)).await.unwrap();
    damage("a");
    damage("c");

    for (sort, expected) in [(doc! {}, ["b", "d", "e"]), (doc! { "n": (-1) }, ["e", "d", "b"])] {
        let find = find(&doc! {}).sort(Sort::parse(&sort).unwrap());
        let (found, faults) = store.find_readable(find).await.unwrap();
        assert_eq!(ids(&found), expected, "{sort}");
        assert_tells_of(&faults, &["a", "c"]);
    }
    let by_id = store.get("things", "a".into()).await.unwrap_err();
    assert_tells_of(&[by_id], &["a"]);
    let items = store.find(find(&doc! {})).await.unwrap().count().await;
    assert_eq!(items, 5, "the stream goes on, and ends");

    let pipeline = Pipeline::parse(&[doc! { "$group": { "_id": "$kind", "n": { "$sum": 1 } } }]).unwrap();
    let counted = store.aggregate(Aggregate::new("things", pipeline)).await.unwrap();
    assert_eq!(counted.len(), 1, "{counted:?}");

    let n = IndexSpec::new("n", &doc! { "n": 1 }).unwrap();
    let next = spec.index(n).version(2);
    store.ensure(&next).await.unwrap();
    let (found, faults) = store
        .find_readable(find(&doc! { "n": { "$gte": 0 } }))
        .await
        .unwrap();
    assert_eq!(ids(&found), ["b", "d", "e"]);
    assert_tells_of(&faults, &[]);

    let mut claimed = Vec::new();
    let mut told = Vec::new();
    for _ in 0..8 {
        match claim(store).await {
            Ok(documents) => claimed.extend(documents),
            Err(fault) => told.push(fault),
        }
    }
    claimed.sort_by_key(|document| document.id().map(Value::to_string));
    assert_eq!(ids(&claimed), ["b", "d", "e"], "each once");
    let messages: Vec<_> = told.iter().map(Error::to_string).collect();
    assert!((1..=2).contains(&told.len()), "told of once: {messages:?}");
    assert!(
        messages
            .iter()
            .all(|message| message.contains("left out from now on")),
        "{messages:?}"
    );
    let kept = store.get("things", "c".into()).await.unwrap_err();
    assert_eq!(kept.kind(), ErrorKind::Unreadable, "it is kept: {kept}");

    let delete = Delete::new(
        "things",
        Filter::parse(&doc! { "gone": { "$exists": false } }).unwrap(),
    );
    let fault = store.delete(delete).await.unwrap_err();
    assert_eq!(fault.kind(), ErrorKind::Unreadable, "told of at the end: {fault}");
    let (left, faults) = store.find_readable(find(&doc! {})).await.unwrap();
    assert!(left.is_empty(), "all others were deleted: {left:?}");
    assert_tells_of(&faults, &["a", "c"]);
}

fn find(filter: &Document) -> Find {
    Find::new("things", Filter::parse(filter).unwrap())
}

/// Claims two at a time, among those that nobody has.
async fn claim(store: &dyn Store) -> Result<Vec<Document>> {
    let filter = Filter::parse(&doc! { "kind": "x" })?;
    let update = Update::parse(&doc! { "$set": { "kind": "taken" } }, &[])?;
    let sort = Sort::parse(&doc! { "kind": 1 })?;
    let request = FindAndUpdate::new("things", filter, update).sort(sort).limit(2);
    store.find_and_update(request).await
}

fn ids(documents: &[Document]) -> Vec<&str> {
    documents
        .iter()
        .map(|document| document.id().and_then(Value::as_str).unwrap())
        .collect()
}

fn assert_tells_of(faults: &[Error], ids: &[&str]) {
    assert_eq!(faults.len(), ids.len(), "{faults:?}");
    for (fault, id) in faults.iter().zip(ids) {
        assert_eq!(fault.kind(), ErrorKind::Unreadable, "{fault}");
        assert!(fault.to_string().contains(&format!("{id:?}")), "{fault}");
    }
}

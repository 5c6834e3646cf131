//! A find streams page by page, and gives each document that does not change meanwhile exactly once.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures::TryStreamExt;
use seed::store::{Find, WriteItem};
use seed::{Document, Value, doc};

use crate::case::cases;
use crate::fixture::Stores;
use crate::things::{Things, filter, find, index, item, sort};
use crate::threads::at_once;

cases![
    each_unchanged_document_comes_once_by_id,
    each_unchanged_document_comes_once_by_an_index,
    each_unchanged_document_comes_once_by_an_index_backwards,
    each_unchanged_document_comes_once_by_an_array_index,
    each_unchanged_document_comes_once_from_a_union,
    each_of_100_000_documents_comes_once_while_others_write,
];

/// How far apart the documents are that others change, by id.
const CHANGED: i64 = 3;

/// A collection whose documents hold their number twice, once within an array.
async fn numbered(stores: &Stores, many: i64) -> Things {
    let things = stores.things().await;
    things
        .index([index("n", &doc! { "n": 1 }), index("tags", &doc! { "tags": 1 })])
        .await;
    let thing =
        |id| doc! { "_id": id, "n": (id * 7_919 % many), "tags": [(id % 100), (id % 90 + 5), (id % 100)] };
    things.put((0..many).map(thing)).await;
    things
}

/// Changes, deletes and inserts documents all over the collection until it is told to end.
async fn disturb(things: Things, many: i64, caller: i64, is_over: Arc<AtomicBool>) {
    let mut round = 0;
    while !is_over.load(Ordering::SeqCst) {
        let mine = (round * 2 + caller) * 1_009 % (many / CHANGED) * CHANGED;
        let moved = doc! { "$set": { "n": ((round * 31) % many), "tags": [((round * 13) % 110)] } };
        let other = (mine + 300 * CHANGED) % (many / CHANGED * CHANGED);
        things
            .batch(vec![
                item(&doc! { "_id": mine }, &moved),
                WriteItem::Delete(filter(&doc! { "_id": other })),
                WriteItem::Insert(doc! { "_id": other, "n": (round % many), "tags": [50] }),
                WriteItem::Insert(
                    doc! { "_id": (many + round * 2 + caller), "n": (round % many), "tags": [(round % 100)] },
                ),
            ])
            .await;
        round += 1;
    }
}

/// Runs a find while others write, and checks that every document that they leave alone comes once if it matches, and
/// that what comes is in order.
async fn each_once(things: &Things, many: i64, request: &Find, order: fn(&Document) -> Value) {
    let mut found = things.stream(request.clone()).await;
    let mut seen: HashMap<i64, u64> = HashMap::new();
    let mut last = None;
    while let Some(document) = found.try_next().await.unwrap() {
        let id = document.id().and_then(Value::as_i64).unwrap();
        if id % CHANGED == 0 || id >= many {
            continue;
        }
        *seen.entry(id).or_default() += 1;
        let place = order(&document);
        if let Some(last) = &last {
            assert!(
                seed::value::order::compare(last, &place).is_le(),
                "{place} after {last}"
            );
        }
        last = Some(place);
    }
    let twice = seen.iter().find(|(_, times)| **times > 1);
    assert_eq!(twice, None, "a document that nobody changed came again");
    let matches = |id: i64| {
        let thing =
            doc! { "_id": id, "n": (id * 7_919 % many), "tags": [(id % 100), (id % 90 + 5), (id % 100)] };
        request.filter.matches(&thing).unwrap()
    };
    let missing = (0..many)
        .filter(|id| id % CHANGED != 0)
        .find(|id| matches(*id) != seen.contains_key(id));
    assert_eq!(
        missing, None,
        "a document that nobody changed is missing, or came though it does not match"
    );
}

type Asked = (Find, fn(&Document) -> Value);

fn id_of(document: &Document) -> Value {
    document.id().cloned().unwrap()
}

fn number_of(document: &Document) -> Value {
    document.get("n").cloned().unwrap()
}

fn reversed_number_of(document: &Document) -> Value {
    (-document.get("n").and_then(Value::as_i64).unwrap()).into()
}

fn by_id() -> Asked {
    (find(&doc! {}), id_of)
}

fn by_index() -> Asked {
    (
        find(&doc! { "n": { "$gte": 10 } }).sort(sort(&doc! { "n": 1 })),
        number_of,
    )
}

fn by_index_backwards() -> Asked {
    (
        find(&doc! { "n": { "$gte": 10 } }).sort(sort(&doc! { "n": -1, "_id": -1 })),
        reversed_number_of,
    )
}

fn by_array_index() -> Asked {
    (find(&doc! { "tags": { "$gte": 20, "$lt": 70 } }), id_of)
}

fn by_union() -> Asked {
    (
        find(
            &doc! { "$or": [{ "n": { "$lt": 500 } }, { "tags": { "$in": [7, 8, 60] } }, { "_id": { "$gt": 1_000 } }] },
        ),
        id_of,
    )
}

async fn disturbed(stores: &Stores, many: i64, asked: Vec<Asked>) {
    let things = numbered(stores, many).await;
    let is_over = Arc::new(AtomicBool::new(false));
    at_once(3, |caller| {
        let (stores, things, is_over, asked) = (
            stores.clone(),
            things.clone(),
            Arc::clone(&is_over),
            asked.clone(),
        );
        async move {
            if caller < 2 {
                return disturb(stores.things().await, many, caller, is_over).await;
            }
            // Ends the others also when this thread panics.
            let _over = Over(is_over);
            for (request, order) in asked {
                each_once(&things, many, &request, order).await;
            }
        }
    });
}

struct Over(Arc<AtomicBool>);

impl Drop for Over {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

async fn each_unchanged_document_comes_once_by_id(stores: Stores) {
    disturbed(&stores, 3_000, vec![by_id()]).await;
}

async fn each_unchanged_document_comes_once_by_an_index(stores: Stores) {
    disturbed(&stores, 3_000, vec![by_index()]).await;
}

async fn each_unchanged_document_comes_once_by_an_index_backwards(stores: Stores) {
    disturbed(&stores, 3_000, vec![by_index_backwards()]).await;
}

async fn each_unchanged_document_comes_once_by_an_array_index(stores: Stores) {
    disturbed(&stores, 3_000, vec![by_array_index()]).await;
}

async fn each_unchanged_document_comes_once_from_a_union(stores: Stores) {
    disturbed(&stores, 3_000, vec![by_union()]).await;
}

async fn each_of_100_000_documents_comes_once_while_others_write(stores: Stores) {
    let asked = vec![
        by_id(),
        by_index(),
        by_index_backwards(),
        by_array_index(),
        by_union(),
    ];
    disturbed(&stores, stores.scaled(100_000), asked).await;
}

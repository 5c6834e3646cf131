//! Explain shows what a find reads, so that a test can demand that it reads no more than it returns.

use seed::store::Find;
use seed::{Document, Value, doc};

use crate::case::cases;
use crate::fixture::Stores;
use crate::things::{Things, find, index, sort};

cases![
    an_indexed_query_reads_no_more_than_it_returns,
    an_id_is_looked_up,
    a_sorted_page_reads_only_itself,
    a_sorted_page_of_several_values_reads_little_more_than_itself,
    a_partial_index_is_as_small_as_what_it_takes,
    a_query_without_an_index_reads_everything,
];

async fn numbered(stores: &Stores) -> Things {
    let things = stores.things().await;
    let live = index("live", &doc! { "p": -1 })
        .partial(&doc! { "status": "live" })
        .unwrap();
    things
        .index([
            index("ab", &doc! { "a": 1, "b": -1 }),
            index("tags", &doc! { "tags": 1 }),
            live,
        ])
        .await;
    let thing = |id: i64| {
        let status = if id % 50 == 0 { "live" } else { "done" };
        doc! { "_id": id, "a": (id % 10), "b": (id / 10), "tags": [(id % 100)], "p": (id % 4), "status": status }
    };
    things.put((0..1_000).map(thing)).await;
    things
}

async fn read(things: &Things, request: Find) -> (i64, i64, Document) {
    let explained = things.explain(request).await.unwrap();
    let number = |field| explained.get(field).and_then(Value::as_i64).unwrap();
    (number("scanned"), number("returned"), explained)
}

async fn an_indexed_query_reads_no_more_than_it_returns(stores: Stores) {
    let things = numbered(&stores).await;
    for (wanted, expected) in [
        (doc! { "a": 3 }, 100),
        (doc! { "a": 3, "b": 7 }, 1),
        (doc! { "a": 3, "b": { "$gte": 10, "$lt": 20 } }, 10),
        (doc! { "a": { "$in": [2, 4] }, "b": { "$gt": 89 } }, 20),
        (doc! { "tags": 17 }, 10),
        (doc! { "$or": [{ "a": 1, "b": 5 }, { "tags": 99 }] }, 11),
    ] {
        let (scanned, returned, explained) = read(&things, find(&wanted)).await;
        assert_eq!((scanned, returned), (expected, expected), "{wanted}: {explained}");
    }
}

async fn an_id_is_looked_up(stores: Stores) {
    let things = numbered(&stores).await;
    assert!(matches!(
        read(&things, find(&doc! { "_id": 500 })).await,
        (0..=1, 1, _)
    ));
    let (scanned, returned, explained) = read(&things, find(&doc! { "_id": { "$gte": 990 } })).await;
    assert_eq!((scanned, returned), (10, 10), "{explained}");
}

async fn a_sorted_page_reads_only_itself(stores: Stores) {
    let things = numbered(&stores).await;
    // Backwards an index gives those that tie by descending id, so that must be asked for.
    for order in [
        doc! { "b": -1 },
        doc! { "a": 1, "b": -1 },
        doc! { "b": 1, "_id": -1 },
    ] {
        let request = find(&doc! { "a": 3 }).sort(sort(&order)).limit(10);
        let (scanned, returned, explained) = read(&things, request).await;
        assert_eq!(returned, 10, "{explained}");
        // A page may be a little larger than what is wanted of it.
        assert!(scanned <= 20, "{order}: {explained}");
    }
}

async fn a_sorted_page_of_several_values_reads_little_more_than_itself(stores: Stores) {
    let things = numbered(&stores).await;
    for order in [doc! { "b": -1 }, doc! { "b": 1, "_id": -1 }] {
        let request = find(&doc! { "a": { "$in": [3, 5, 8] } })
            .sort(sort(&order))
            .limit(10);
        let (scanned, returned, explained) = read(&things, request).await;
        assert_eq!(returned, 10, "{explained}");
        assert!(scanned <= 30, "{order}: {explained}");
    }
}

async fn a_partial_index_is_as_small_as_what_it_takes(stores: Stores) {
    let things = numbered(&stores).await;
    let request = find(&doc! { "status": "live" }).sort(sort(&doc! { "p": -1 }));
    let (scanned, returned, explained) = read(&things, request).await;
    assert_eq!((scanned, returned), (20, 20), "{explained}");
}

async fn a_query_without_an_index_reads_everything(stores: Stores) {
    let things = numbered(&stores).await;
    let (scanned, returned, explained) = read(&things, find(&doc! { "p": 1 })).await;
    assert_eq!((scanned, returned), (1_000, 250), "{explained}");
}

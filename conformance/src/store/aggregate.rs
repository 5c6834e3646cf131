//! A pipeline runs over the documents of a collection.

use seed::store::Aggregate;
use seed::{Document, ErrorKind, Pipeline, doc};

use crate::case::cases;
use crate::fixture::Stores;
use crate::things::{THINGS, Things, index};

cases![
    documents_are_grouped_and_sorted,
    a_match_in_front_may_use_an_index,
    groups_counted_in_an_index_are_those_of_the_documents,
    documents_come_by_id_where_no_stage_says_otherwise,
    a_stage_that_fails_is_an_error,
];

async fn run(things: &Things, stages: &[Document]) -> seed::Result<Vec<Document>> {
    things
        .aggregate(Aggregate::new(THINGS, Pipeline::parse(stages).unwrap()))
        .await
}

async fn documents_are_grouped_and_sorted(stores: Stores) {
    let things = stores.things().await;
    things
        .put((0..100).map(|id| doc! { "_id": id, "tag": (["a", "b", "c"][id as usize % 3]), "n": id }))
        .await;
    let group = doc! { "$group": { "_id": "$tag", "total": { "$sum": "$n" }, "most": { "$max": "$n" } } };
    let few = doc! { "$match": { "n": { "$lt": 9 } } };
    let stages = [
        few,
        group,
        doc! { "$sort": { "total": -1 } },
        doc! { "$limit": 2 },
    ];
    let expected = [
        doc! { "_id": "c", "total": 15, "most": 8 },
        doc! { "_id": "b", "total": 12, "most": 7 },
    ];
    assert_eq!(run(&things, &stages).await.unwrap(), expected);
}

async fn a_match_in_front_may_use_an_index(stores: Stores) {
    let things = stores.things().await;
    things.index([index("a", &doc! { "a": 1 })]).await;
    things
        .put((0..50).map(|id| doc! { "_id": id, "a": [(id % 5), (id % 7)] }))
        .await;
    // An array with two matches is still one document.
    let stages = [
        doc! { "$match": { "a": { "$gte": 3 } } },
        doc! { "$count": "found" },
    ];
    let matching = (0..50).filter(|id| id % 5 >= 3 || id % 7 >= 3).count() as i64;
    assert_eq!(run(&things, &stages).await.unwrap(), [doc! { "found": matching }]);
    let stages = [
        doc! { "$match": { "a": 6 } },
        doc! { "$unwind": "$a" },
        doc! { "$match": { "a": 6 } },
        doc! { "$count": "found" },
    ];
    assert_eq!(run(&things, &stages).await.unwrap(), [doc! { "found": 7 }]);
}

async fn groups_counted_in_an_index_are_those_of_the_documents(stores: Stores) {
    let things = stores.things().await;
    let open = || index("open", &doc! { "kind": 1, "n": -1 }).partial(&doc! { "is_open": true });
    things.index([open().unwrap()]).await;
    let thing = |id: i64| {
        let kind = ["mail", "mail\0", "report", "ma"][(id % 4) as usize];
        doc! { "_id": id, "kind": kind, "n": (id % 3), "is_open": (id % 5 != 0) }
    };
    things.put((0..200).map(thing)).await;
    let by = |key: Document, filter: Document| {
        [
            doc! { "$match": (filter) },
            doc! { "$group": { "_id": (key), "count": { "$sum": 1 } } },
            doc! { "$sort": { "_id": 1 } },
        ]
    };
    let kinds = || by(doc! { "kind": "$kind" }, doc! { "is_open": true });
    let group = |kind: &str, count: i64| doc! { "_id": { "kind": kind }, "count": count };
    let expected = ["ma", "mail", "mail\0", "report"].map(|kind| group(kind, 40));
    assert_eq!(run(&things, &kinds()).await.unwrap(), expected);
    let both = by(
        doc! { "n": "$n", "kind": "$kind" },
        doc! { "is_open": true, "kind": "ma" },
    );
    let expected = [(0, 13), (1, 14), (2, 13)]
        .map(|(n, count)| doc! { "_id": { "n": n, "kind": "ma" }, "count": count });
    assert_eq!(run(&things, &both).await.unwrap(), expected);
    // Null and missing share their entries, and are one group if the key has one field.
    let extra = [
        doc! { "_id": 200, "is_open": true },
        doc! { "_id": 201, "kind": null, "is_open": true },
        doc! { "_id": 202, "kind": ["ma", "mail"], "is_open": true },
    ];
    things.put(extra).await;
    let found = run(&things, &kinds()).await.unwrap();
    assert_eq!(found[0], doc! { "_id": { "kind": null }, "count": 2 });
    // An array has an entry for each element, and is a group of its own.
    assert_eq!(
        found[1..5],
        ["ma", "mail", "mail\0", "report"].map(|kind| group(kind, 40))
    );
    assert_eq!(found[5], doc! { "_id": { "kind": ["ma", "mail"] }, "count": 1 });
}

async fn documents_come_by_id_where_no_stage_says_otherwise(stores: Stores) {
    let things = stores.things().await;
    things.index([index("a", &doc! { "a": -1 })]).await;
    things
        .put([4, 2, 3, 1].map(|id| doc! { "_id": id, "a": id }))
        .await;
    let stages = [
        doc! { "$match": { "a": { "$gte": 2 } } },
        doc! { "$skip": 1 },
        doc! { "$project": { "_id": 1 } },
    ];
    assert_eq!(
        run(&things, &stages).await.unwrap(),
        [doc! { "_id": 3 }, doc! { "_id": 4 }]
    );
}

async fn a_stage_that_fails_is_an_error(stores: Stores) {
    let things = stores.things().await;
    things.put([doc! { "_id": 1, "n": 0 }]).await;
    let fault = run(&things, &[doc! { "$project": { "x": { "$divide": [1, "$n"] } } }])
        .await
        .unwrap_err();
    assert_eq!(fault.kind(), ErrorKind::Query, "{fault}");
}

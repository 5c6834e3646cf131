//! A pipeline runs over the documents of a collection.

use seed::store::Aggregate;
use seed::{Document, ErrorKind, Pipeline, doc};

use crate::case::cases;
use crate::fixture::Stores;
use crate::things::{THINGS, Things, index};

cases![
    documents_are_grouped_and_sorted,
    a_match_in_front_may_use_an_index,
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

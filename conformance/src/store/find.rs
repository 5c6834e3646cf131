//! A find gives what matches, once each, in the order that was asked for.

use futures::TryStreamExt;
use seed::store::{Aggregate, Count, Find};
use seed::{Document, ErrorKind, Filter, Pipeline, Projection, StoreExt, Value, doc};

use crate::case::cases;
use crate::fixture::Stores;
use crate::things::{THINGS, Things, find, ids, index, numbers, sort};

cases![
    a_find_comes_to_its_end_after_its_handle,
    without_a_sort_documents_come_by_id,
    without_a_sort_an_index_changes_no_order,
    a_sort_gives_its_order,
    documents_that_tie_come_by_id,
    a_sort_comes_from_an_index_both_ways,
    skip_and_limit_cut_the_answer,
    skip_and_limit_cut_an_indexed_answer,
    a_projection_shapes_what_comes,
    an_array_with_several_matches_comes_once,
    a_document_in_several_branches_comes_once,
    a_document_in_the_range_of_another_branch_comes_once,
    null_takes_what_is_missing_with_an_index_too,
    a_partial_index_hides_nothing,
    a_count_counts_what_is_found,
    a_collection_that_is_not_there_is_empty,
    a_find_may_be_left_in_the_middle,
    a_sort_without_an_index_is_bounded_and_names_the_index,
    a_limit_or_an_index_makes_the_large_sort_possible,
    without_a_sort_any_amount_is_found,
];

async fn a_find_comes_to_its_end_after_its_handle(stores: Stores) {
    let things = stores.things().await;
    things.put((0..2_500).map(|id| doc! { "_id": id })).await;
    let kept = stores.open().await;
    let found = stores.things().await.stream(find(&doc! {})).await;
    drop(things);
    let found: Vec<Document> = found.try_collect().await.unwrap();
    assert_eq!(found.len(), 2_500, "a find that ends early says so");
    drop(kept);
}

async fn without_a_sort_documents_come_by_id(stores: Stores) {
    let things = stores.things().await;
    things.put([3, 1, 2].map(|id| doc! { "_id": id, "a": 1 })).await;
    assert_eq!(things.ids(&doc! {}).await, numbers([1, 2, 3]));
    assert_eq!(things.ids(&doc! { "a": 1 }).await, numbers([1, 2, 3]));
}

async fn without_a_sort_an_index_changes_no_order(stores: Stores) {
    let things = stores.things().await;
    things
        .index([index("a", &doc! { "a": -1 }), index("b", &doc! { "b": 1 })])
        .await;
    things
        .put((0..20).map(|id| doc! { "_id": id, "a": (id % 7), "b": (id % 3) }))
        .await;
    let expected = |takes: fn(i64) -> bool| numbers((0..20).filter(|&id| takes(id)));
    assert_eq!(
        things.ids(&doc! { "a": { "$gte": 3 } }).await,
        expected(|id| id % 7 >= 3)
    );
    assert_eq!(
        things.ids(&doc! { "a": { "$in": [6, 1] } }).await,
        expected(|id| matches!(id % 7, 1 | 6))
    );
    let or = doc! { "$or": [{ "a": 5 }, { "b": 2 }] };
    assert_eq!(things.ids(&or).await, expected(|id| id % 7 == 5 || id % 3 == 2));
}

async fn a_sort_gives_its_order(stores: Stores) {
    let things = stores.things().await;
    let values = doc! { "v": [null, 1, 2.5, "a", { "a": 1 }, [5], true] };
    let values = values.get("v").and_then(Value::as_array).unwrap().clone();
    things
        .put(
            (0..)
                .zip(&values)
                .map(|(id, value)| doc! { "_id": id, "v": value }),
        )
        .await;
    // An array sorts by its least element when ascending, by its greatest when descending.
    let ascending = find(&doc! {}).sort(sort(&doc! { "v": 1 }));
    assert_eq!(
        ids(&things.find_with(ascending).await),
        numbers([0, 1, 2, 5, 3, 4, 6])
    );
    let descending = find(&doc! {}).sort(sort(&doc! { "v": -1 }));
    assert_eq!(
        ids(&things.find_with(descending).await),
        numbers([6, 4, 3, 5, 2, 1, 0])
    );
}

async fn documents_that_tie_come_by_id(stores: Stores) {
    let things = stores.things().await;
    things
        .put([4, 2, 3, 1].map(|id| doc! { "_id": id, "a": (id % 2) }))
        .await;
    let up = find(&doc! {}).sort(sort(&doc! { "a": 1 }));
    let down = find(&doc! {}).sort(sort(&doc! { "a": -1 }));
    for _ in ["without an index", "with one"] {
        assert_eq!(ids(&things.find_with(up.clone()).await), numbers([2, 4, 1, 3]));
        assert_eq!(ids(&things.find_with(down.clone()).await), numbers([1, 3, 2, 4]));
        things.index([index("a", &doc! { "a": 1 })]).await;
    }
}

async fn a_sort_comes_from_an_index_both_ways(stores: Stores) {
    let things = stores.things().await;
    things.index([index("ab", &doc! { "a": 1, "b": -1 })]).await;
    things
        .put((0..60).map(|id| doc! { "_id": id, "a": (id % 5), "b": (id / 5) }))
        .await;
    let mut expected: Vec<i64> = (0..60).collect();
    expected.sort_by_key(|id| (id % 5, -(id / 5)));
    let up = find(&doc! {}).sort(sort(&doc! { "a": 1, "b": -1 }));
    assert_eq!(ids(&things.find_with(up).await), numbers(expected.clone()));
    expected.reverse();
    for down in [doc! { "a": -1, "b": 1 }, doc! { "a": -1, "b": 1, "_id": -1 }] {
        let down = find(&doc! {}).sort(sort(&down));
        assert_eq!(ids(&things.find_with(down).await), numbers(expected.clone()));
    }
    expected.retain(|id| id % 5 == 3);
    let held = find(&doc! { "a": 3 }).sort(sort(&doc! { "b": 1 }));
    assert_eq!(ids(&things.find_with(held).await), numbers(expected));
}

async fn skip_and_limit_cut_the_answer(stores: Stores) {
    let things = stores.things().await;
    things
        .put((0..10).map(|id| doc! { "_id": id, "a": (10 - id) }))
        .await;
    cut(&things, &doc! {}, |id| id).await;
    cut(&things, &doc! { "a": 1 }, |at| 9 - at).await;
}

async fn skip_and_limit_cut_an_indexed_answer(stores: Stores) {
    let things = stores.things().await;
    things.index([index("a", &doc! { "a": 1 })]).await;
    things
        .put((0..10).map(|id| doc! { "_id": id, "a": (10 - id) }))
        .await;
    cut(&things, &doc! { "a": 1 }, |at| 9 - at).await;
    cut(&things, &doc! { "a": -1 }, |at| at).await;
}

/// Asks for parts of ten documents, of which `nth` tells the id by its place in the order.
async fn cut(things: &Things, order: &Document, nth: fn(i64) -> i64) {
    for (skip, limit) in [
        (0, 3),
        (3, 3),
        (8, 5),
        (10, 1),
        (50, 1),
        (0, 0),
        (2, 100),
        (0, u64::MAX),
        (u64::MAX, 1),
    ] {
        let request = find(&doc! {}).sort(sort(order)).skip(skip).limit(limit);
        let expected = (0..10)
            .filter(|&at| at as u64 >= skip && (at as u64 - skip) < limit)
            .map(nth);
        assert_eq!(
            ids(&things.find_with(request).await),
            numbers(expected),
            "{order} {skip} {limit}"
        );
    }
    let rest = find(&doc! {}).sort(sort(order)).skip(4);
    assert_eq!(ids(&things.find_with(rest).await), numbers((4..10).map(nth)));
}

async fn a_projection_shapes_what_comes(stores: Stores) {
    let things = stores.things().await;
    things
        .put([doc! { "_id": 1, "a": [1, 2, 3], "b": { "c": 1, "d": 2 } }])
        .await;
    let shape =
        |source: &Document| find(&doc! { "a": { "$gt": 1 } }).projection(Projection::parse(source).unwrap());
    assert_eq!(
        things.find_with(shape(&doc! { "b.c": 1, "_id": 0 })).await,
        [doc! { "b": { "c": 1 } }]
    );
    assert_eq!(
        things.find_with(shape(&doc! { "a.$": 1 })).await,
        [doc! { "_id": 1, "a": [2] }]
    );
    // A sort looks at the whole document, whatever is shown of it.
    things.put([doc! { "_id": 0, "a": [9], "b": { "c": 2 } }]).await;
    let hidden = shape(&doc! { "_id": 1 }).sort(sort(&doc! { "b.c": -1 }));
    assert_eq!(
        things.find_with(hidden).await,
        [doc! { "_id": 0 }, doc! { "_id": 1 }]
    );
}

async fn an_array_with_several_matches_comes_once(stores: Stores) {
    let things = stores.things().await;
    things.index([index("a", &doc! { "a": 1 })]).await;
    things
        .put((0..50).map(|id| doc! { "_id": id, "a": [id, (id + 1), (id + 2), id] }))
        .await;
    let range = doc! { "a": { "$gte": 10, "$lte": 20 } };
    let overlaps = numbers((0..50).filter(|id| id + 2 >= 10 && *id <= 20));
    assert_eq!(things.ids(&range).await, overlaps);
    assert_eq!(things.count_of(&range).await, overlaps.len() as u64);
    for order in [1, -1] {
        let sorted = things
            .find_with(find(&range).sort(sort(&doc! { "a": order })))
            .await;
        let mut expected = overlaps.clone();
        if order == -1 {
            expected.reverse();
        }
        assert_eq!(ids(&sorted), expected, "{order}");
    }
    assert_eq!(
        things.ids(&doc! { "a": { "$in": [5, 6, 7] } }).await,
        numbers(3..=7)
    );
}

async fn a_document_in_several_branches_comes_once(stores: Stores) {
    let things = stores.things().await;
    things
        .index([index("a", &doc! { "a": 1 }), index("b", &doc! { "b": 1 })])
        .await;
    things
        .put((0..40).map(|id| doc! { "_id": id, "a": (id % 4), "b": [(id % 5), 9] }))
        .await;
    let union = doc! { "$or": [{ "a": 1 }, { "b": { "$gte": 3 } }, { "a": { "$lt": 2 } }] };
    assert_eq!(things.ids(&union).await, numbers(0..40));
    let union = doc! { "$or": [{ "a": 1 }, { "b": 3 }, { "_id": 7 }] };
    let expected = numbers((0..40).filter(|id| id % 4 == 1 || id % 5 == 3 || *id == 7));
    assert_eq!(things.ids(&union).await, expected);
    assert_eq!(things.count_of(&union).await, expected.len() as u64);
}

/// A branch's range may hold documents that only another branch takes: they came with both.
async fn a_document_in_the_range_of_another_branch_comes_once(stores: Stores) {
    let things = stores.things().await;
    things
        .index([index("a", &doc! { "a": 1 }), index("b", &doc! { "b": 1 })])
        .await;
    things
        .put([
            doc! { "_id": 1, "a": 1, "b": 5 },
            doc! { "_id": 2, "a": 1, "b": 6 },
        ])
        .await;
    let either = doc! { "$or": [{ "a": { "$gte": 0 }, "c": 1 }, { "b": 5 }] };
    assert_eq!(things.ids(&either).await, numbers([1]));
    assert_eq!(things.count_of(&either).await, 1);
}

async fn null_takes_what_is_missing_with_an_index_too(stores: Stores) {
    let things = stores.things().await;
    things
        .put([
            doc! { "_id": 1, "a": null },
            doc! { "_id": 2 },
            doc! { "_id": 3, "a": [] },
            doc! { "_id": 4, "a": [null, 1] },
            doc! { "_id": 5, "a": 1 },
        ])
        .await;
    for _ in ["without an index", "with one"] {
        assert_eq!(things.ids(&doc! { "a": null }).await, numbers([1, 2, 4]));
        assert_eq!(things.ids(&doc! { "a": { "$ne": null } }).await, numbers([3, 5]));
        assert_eq!(
            things.ids(&doc! { "a": { "$exists": false } }).await,
            numbers([2])
        );
        assert_eq!(
            things.ids(&doc! { "a": { "$exists": true } }).await,
            numbers([1, 3, 4, 5])
        );
        assert_eq!(things.ids(&doc! { "a": [] }).await, numbers([3]));
        assert_eq!(things.count_of(&doc! { "a": null }).await, 3);
        things.index([index("a", &doc! { "a": 1 })]).await;
    }
}

async fn a_partial_index_hides_nothing(stores: Stores) {
    let things = stores.things().await;
    let live = index("live", &doc! { "a": 1 })
        .partial(&doc! { "live": true, "n": { "$gte": 5 } })
        .unwrap();
    things.index([live]).await;
    things
        .put((0..20).map(|id| doc! { "_id": id, "a": 1, "live": (id % 2 == 0), "n": id }))
        .await;
    assert_eq!(things.ids(&doc! { "a": 1 }).await, numbers(0..20));
    assert_eq!(
        things.ids(&doc! { "a": 1, "live": true }).await,
        numbers((0..20).step_by(2))
    );
    let implied = doc! { "a": 1, "live": true, "n": { "$gte": 8 } };
    assert_eq!(things.ids(&implied).await, numbers((8..20).step_by(2)));
    let wider = doc! { "a": 1, "live": true, "n": { "$gte": 2 } };
    assert_eq!(things.ids(&wider).await, numbers((2..20).step_by(2)));
    // What a change brings into the index or takes out of it.
    things
        .change(
            &doc! { "_id": { "$in": [9, 10] } },
            &doc! { "$bit": { "n": { "xor": 0 } }, "$set": { "live": true } },
        )
        .await
        .unwrap();
    things
        .change(&doc! { "_id": 12 }, &doc! { "$set": { "n": 0 } })
        .await
        .unwrap();
    assert_eq!(things.ids(&implied).await, numbers([8, 9, 10, 14, 16, 18]));
}

async fn a_count_counts_what_is_found(stores: Stores) {
    let things = stores.things().await;
    things.index([index("a", &doc! { "a": 1 })]).await;
    things
        .put((0..100).map(|id| doc! { "_id": id, "a": (id % 10), "b": (id % 4) }))
        .await;
    let filters = [
        (doc! {}, 100),
        (doc! { "a": 3 }, 10),
        (doc! { "a": { "$gt": 3, "$lt": 6 } }, 20),
        (doc! { "a": { "$in": [1, 2, 99] } }, 20),
        (doc! { "a": 2, "b": 2 }, 5),
        (doc! { "_id": { "$gte": 90 } }, 10),
        (doc! { "_id": 17 }, 1),
        (doc! { "a": { "$ne": 0 } }, 90),
        (doc! { "a": "3" }, 0),
    ];
    for (filter, expected) in filters {
        assert_eq!(things.count_of(&filter).await, expected, "{filter}");
        assert_eq!(things.find(&filter).await.len() as u64, expected, "{filter}");
    }
}

async fn a_collection_that_is_not_there_is_empty(stores: Stores) {
    let things = stores.things().await;
    assert!(things.all().await.is_empty());
    assert_eq!(things.count_of(&doc! {}).await, 0);
    assert_eq!(things.get(1).await, None);
    let pipeline = Pipeline::parse(&[doc! { "$match": { "a": 1 } }]).unwrap();
    assert!(
        things
            .aggregate(Aggregate::new(THINGS, pipeline))
            .await
            .unwrap()
            .is_empty()
    );
    assert_eq!(things.remove(&doc! {}).await, 0);
    let outcome = things
        .change(&doc! {}, &doc! { "$set": { "a": 1 } })
        .await
        .unwrap();
    assert_eq!(
        (outcome.matched, outcome.modified, outcome.upserted),
        (0, 0, None)
    );
}

async fn a_find_may_be_left_in_the_middle(stores: Stores) {
    let things = stores.things().await;
    things.put((0..2_000).map(|id| doc! { "_id": id })).await;
    for _ in 0..50 {
        let mut found = things.stream(find(&doc! {})).await;
        assert_eq!(found.try_next().await.unwrap(), Some(doc! { "_id": 0 }));
    }
    assert_eq!(
        things.remove(&doc! {}).await,
        2_000,
        "no reader that was left stands in the way"
    );
}

/// More than a sort without an index may keep: 70 documents of a MiB.
async fn large_things(stores: &Stores) -> Things {
    let things = stores.things().await;
    for id in 0..70_i64 {
        things
            .put([doc! { "_id": id, "a": (id * 37 % 70), "text": ("x".repeat(1 << 20)) }])
            .await;
    }
    things
}

async fn a_sort_without_an_index_is_bounded_and_names_the_index(stores: Stores) {
    let things = large_things(&stores).await;
    let request = find(&doc! {}).sort(sort(&doc! { "a": 1, "b": -1 }));
    let fault = things.find_all(request).await.unwrap_err();
    assert_eq!(fault.kind(), ErrorKind::Limit);
    assert!(
        fault.message().contains("a: 1, b: -1"),
        "the message names the index: {fault}"
    );
}

async fn a_limit_or_an_index_makes_the_large_sort_possible(stores: Stores) {
    let things = large_things(&stores).await;
    let wanted = Projection::parse(&doc! { "a": 1 }).unwrap();
    let request = find(&doc! {}).sort(sort(&doc! { "a": -1 })).projection(wanted);
    let few = things.find_with(request.clone().skip(5).limit(10)).await;
    let places: Vec<_> = few
        .iter()
        .map(|document| document.get("a").and_then(Value::as_i64).unwrap())
        .collect();
    assert_eq!(places, (55..65).rev().collect::<Vec<_>>());
    things.index([index("a", &doc! { "a": -1 })]).await;
    let all = things.find_with(request).await;
    let places: Vec<_> = all
        .iter()
        .map(|document| document.get("a").and_then(Value::as_i64).unwrap())
        .collect();
    assert_eq!(places, (0..70).rev().collect::<Vec<_>>());
}

async fn without_a_sort_any_amount_is_found(stores: Stores) {
    let things = large_things(&stores).await;
    things.index([index("a", &doc! { "a": 1 })]).await;
    // The index does not give the order of the ids, and the matches are too many to be sorted.
    let request = Find::new(THINGS, Filter::parse(&doc! { "a": { "$gte": 0 } }).unwrap());
    let mut found = things.stream(request.clone()).await;
    let mut expected = 0_i64;
    while let Some(document) = found.try_next().await.unwrap() {
        assert_eq!(document.id(), Some(&expected.into()));
        expected += 1;
    }
    assert_eq!(expected, 70);
    assert_eq!(
        things.count(Count::new(THINGS, request.filter)).await.unwrap(),
        70
    );
}

//! Documents are found and changed in one step: no two callers get the same one.

use std::collections::HashMap;

use seed::store::{WriteBatch, WriteOutcome};
use seed::{Document, ErrorKind, Value, doc};

use crate::case::cases;
use crate::fixture::Stores;
use crate::things::{Things, claim, filter, find, ids, index, numbers, sort};
use crate::threads::{CALLERS, at_once};

cases![
    documents_come_back_as_they_are_after_the_update,
    the_sort_decides_who_comes_first,
    a_sort_without_an_index_decides_too,
    a_sort_over_several_values_decides_too,
    no_more_than_the_limit_are_changed,
    filters_are_tried_in_their_order,
    a_document_of_two_filters_comes_once,
    a_document_that_is_not_changed_comes_all_the_same,
    a_position_is_that_of_the_element_that_matched,
    a_refused_change_leaves_all_as_they_were,
    without_a_filter_nothing_is_found,
    a_taken_unique_key_leaves_all_as_they_were,
    two_callers_never_get_one_document,
    two_callers_never_get_one_document_of_a_sorted_batch,
    two_callers_never_get_one_document_over_several_filters,
    two_callers_never_get_one_document_without_an_index,
    each_got_document_matched_when_it_was_changed,
    a_free_document_is_never_overlooked,
];

async fn documents_come_back_as_they_are_after_the_update(stores: Stores) {
    let things = stores.things().await;
    things.put([doc! { "_id": 1, "a": 1, "n": 0 }]).await;
    let got = things
        .claim(claim(
            &doc! { "a": 1 },
            &doc! { "$set": { "a": 2 }, "$inc": { "n": 1 } },
        ))
        .await;
    assert_eq!(got, [doc! { "_id": 1, "a": 2, "n": 1 }]);
    assert_eq!(things.all().await, got);
    assert!(
        things
            .claim(claim(&doc! { "a": 1 }, &doc! { "$set": { "a": 3 } }))
            .await
            .is_empty()
    );
}

async fn the_sort_decides_who_comes_first(stores: Stores) {
    let things = stores.things().await;
    things.index([index("p", &doc! { "free": 1, "p": -1 })]).await;
    in_order(&things).await;
}

/// Each value has a place of its own in the index, and the order goes across them.
async fn a_sort_over_several_values_decides_too(stores: Stores) {
    let things = stores.things().await;
    things
        .index([index("kinds", &doc! { "kind": 1, "p": -1 })
            .partial(&doc! { "free": true })
            .unwrap()])
        .await;
    let thing = |id: i64| doc! { "_id": id, "kind": (id % 5), "p": (id % 7), "free": true, "n": (id % 11) };
    things.put((0..400).map(thing)).await;
    let is_wanted = |id: &i64| [0, 2, 3].contains(&(id % 5)) && id % 11 != 4;
    let mut expected: Vec<i64> = (0..400).filter(is_wanted).collect();
    expected.sort_by_key(|id| (-(id % 7), *id));
    let wanted = doc! { "free": true, "kind": { "$in": [3, 0, 2, 9] }, "n": { "$ne": 4 } };
    let order = sort(&doc! { "p": -1, "_id": 1 });
    let found = things
        .find_with(find(&wanted).sort(order.clone()).skip(3).limit(150))
        .await;
    assert_eq!(ids(&found), numbers(expected[3..153].iter().copied()));
    let mut got = Vec::new();
    for limit in [1, 2, 70].into_iter().cycle() {
        let taking = claim(&wanted, &doc! { "$set": { "free": false } });
        let taken = things.claim(taking.sort(order.clone()).limit(limit)).await;
        if taken.is_empty() {
            break;
        }
        got.extend(ids(&taken));
    }
    assert_eq!(got, numbers(expected));
}

async fn a_sort_without_an_index_decides_too(stores: Stores) {
    in_order(&stores.things().await).await;
}

async fn in_order(things: &Things) {
    things
        .put((0..9).map(|id| doc! { "_id": id, "free": true, "p": (id % 3) }))
        .await;
    let take = doc! { "$set": { "free": false } };
    let first = claim(&doc! { "free": true }, &take).sort(sort(&doc! { "p": -1 }));
    assert_eq!(ids(&things.claim(first.clone().limit(2)).await), numbers([2, 5]));
    assert_eq!(
        ids(&things.claim(first.clone().limit(3)).await),
        numbers([8, 1, 4])
    );
    let last = claim(&doc! { "free": true }, &take).sort(sort(&doc! { "p": 1 }));
    assert_eq!(ids(&things.claim(last).await), numbers([0]));
    assert_eq!(ids(&things.claim(first.limit(9)).await), numbers([7, 3, 6]));
}

async fn no_more_than_the_limit_are_changed(stores: Stores) {
    let things = stores.things().await;
    things.put((0..10).map(|id| doc! { "_id": id, "a": 0 })).await;
    let request = claim(&doc! { "a": 0 }, &doc! { "$set": { "a": 1 } });
    assert!(things.claim(request.clone().limit(0)).await.is_empty());
    assert_eq!(things.count_of(&doc! { "a": 0 }).await, 10);
    assert_eq!(ids(&things.claim(request.clone()).await), numbers([0]));
    assert_eq!(
        ids(&things.claim(request.clone().limit(4)).await),
        numbers([1, 2, 3, 4])
    );
    assert_eq!(things.ids(&doc! { "a": 1 }).await, numbers(0..5));
    assert_eq!(ids(&things.claim(request.limit(100)).await), numbers(5..10));
}

async fn filters_are_tried_in_their_order(stores: Stores) {
    let things = stores.things().await;
    things.index([index("tag", &doc! { "tag": 1, "p": -1 })]).await;
    let tags = ["c", "b", "a", "c", "b", "a"];
    things
        .put(
            (0..)
                .zip(tags)
                .map(|(id, tag)| doc! { "_id": id, "tag": tag, "p": id }),
        )
        .await;
    let of = |tag: &str| filter(&doc! { "tag": tag });
    let request = claim(&doc! { "tag": "a" }, &doc! { "$set": { "tag": "taken" } })
        .or_else(of("b"))
        .or_else(of("c"));
    let request = request.sort(sort(&doc! { "p": -1 }));
    // The order holds within a filter: a less wanted tag never comes before a more wanted one.
    assert_eq!(
        ids(&things.claim(request.clone().limit(3)).await),
        numbers([5, 2, 4])
    );
    assert_eq!(ids(&things.claim(request.clone()).await), numbers([1]));
    assert_eq!(ids(&things.claim(request.limit(10)).await), numbers([3, 0]));
}

async fn a_document_of_two_filters_comes_once(stores: Stores) {
    let things = stores.things().await;
    things.index([index("a", &doc! { "a": 1 })]).await;
    things
        .put((0..6).map(|id| doc! { "_id": id, "a": [id, (id + 1)] }))
        .await;
    let request =
        claim(&doc! { "a": 3 }, &doc! { "$inc": { "n": 1 } }).or_else(filter(&doc! { "a": { "$gte": 2 } }));
    let got = things
        .claim(request.or_else(filter(&doc! { "_id": 3 })).limit(5))
        .await;
    assert_eq!(ids(&got), numbers([2, 3, 1, 4, 5]));
    assert_eq!(things.ids(&doc! { "n": 1 }).await, numbers(1..6));
}

async fn a_document_that_is_not_changed_comes_all_the_same(stores: Stores) {
    let things = stores.things().await;
    things.put([doc! { "_id": 1, "a": 1 }]).await;
    let got = things
        .claim(claim(&doc! { "a": 1 }, &doc! { "$set": { "a": 1 } }))
        .await;
    assert_eq!(got, [doc! { "_id": 1, "a": 1 }]);
}

async fn a_position_is_that_of_the_element_that_matched(stores: Stores) {
    let things = stores.things().await;
    things
        .put([doc! { "_id": 1, "a": [5, 6, 7] }, doc! { "_id": 2, "a": [7, 7] }])
        .await;
    let got = things
        .claim(claim(&doc! { "a": 7 }, &doc! { "$set": { "a.$": 0 } }).limit(2))
        .await;
    assert_eq!(
        got,
        [doc! { "_id": 1, "a": [5, 6, 0] }, doc! { "_id": 2, "a": [0, 7] }]
    );
}

async fn a_refused_change_leaves_all_as_they_were(stores: Stores) {
    let things = stores.things().await;
    things.index([index("n", &doc! { "n": 1 })]).await;
    let before = [
        doc! { "_id": 1, "n": 1 },
        doc! { "_id": 2, "n": 2 },
        doc! { "_id": 3, "n": "three" },
    ];
    things.put(before.clone()).await;
    let request = claim(&doc! {}, &doc! { "$inc": { "n": 10 } }).limit(3);
    let fault = things.find_and_update(request).await.unwrap_err();
    assert_eq!(fault.kind(), ErrorKind::Update, "{fault}");
    assert_eq!(things.all().await, before);
    assert_eq!(things.ids(&doc! { "n": { "$lt": 10 } }).await, numbers([1, 2]));
    assert_eq!(things.ids(&doc! { "n": { "$gte": 10 } }).await, numbers([]));
}

async fn without_a_filter_nothing_is_found(stores: Stores) {
    let things = stores.things().await;
    things.put([doc! { "_id": 1 }]).await;
    let mut request = claim(&doc! {}, &doc! { "$set": { "n": 1 } }).limit(5);
    request.filters.clear();
    assert!(things.claim(request.clone()).await.is_empty());
    let batch: WriteBatch = request.into();
    let outcomes = things.batch(batch.items).await;
    assert!(
        matches!(&outcomes[..], [WriteOutcome::Found(found)] if found.is_empty()),
        "{outcomes:?}"
    );
    assert_eq!(things.all().await, [doc! { "_id": 1 }]);
}

async fn a_taken_unique_key_leaves_all_as_they_were(stores: Stores) {
    let things = stores.things().await;
    things.index([index("n", &doc! { "n": 1 }).unique()]).await;
    let before = [doc! { "_id": 1, "n": 1 }, doc! { "_id": 2, "n": 2 }];
    things.put(before.clone()).await;
    let request = claim(&doc! {}, &doc! { "$set": { "n": 9 } }).limit(2);
    assert_eq!(
        things.find_and_update(request).await.unwrap_err().kind(),
        ErrorKind::Duplicate
    );
    assert_eq!(things.all().await, before);
    assert!(things.find(&doc! { "n": 9 }).await.is_empty());
    things.put([doc! { "_id": 3, "n": 9 }]).await;
}

/// What a worker writes into a document that it takes, with its number.
fn taken_by(worker: i64) -> Document {
    doc! { "$set": { "status": "taken", "by": worker }, "$inc": { "times": 1 } }
}

async fn waiting(stores: &Stores) -> (Things, i64) {
    let things = stores.things().await;
    things
        .index([index("waiting", &doc! { "tag": 1, "p": -1 })
            .partial(&doc! { "status": "waiting" })
            .unwrap()])
        .await;
    let many = stores.scaled(4_000);
    let thing = |id| doc! { "_id": id, "status": "waiting", "tag": (id % 3), "p": (id % 7), "times": 0 };
    things.put((0..many).map(thing)).await;
    (things, many)
}

/// Lets several threads take documents until they get none, and checks that each was taken once by whom it says.
async fn taken_once<R>(things: &Things, many: i64, request: R)
where
    R: Fn(i64) -> seed::store::FindAndUpdate,
{
    let got = at_once(CALLERS, |worker| {
        let (things, request) = (things.clone(), request(worker));
        async move {
            let mut got = Vec::new();
            loop {
                let more = things.claim(request.clone()).await;
                assert!(
                    more.len() <= request.limit,
                    "{} for a limit of {}",
                    more.len(),
                    request.limit
                );
                if more.is_empty() {
                    return got;
                }
                got.extend(ids(&more));
            }
        }
    });
    let mut owner = HashMap::new();
    for (worker, ids) in (0_i64..).zip(&got) {
        for id in ids {
            let other = owner.insert(id.clone(), worker);
            assert_eq!(other, None, "{id} was given to two callers");
        }
    }
    assert_eq!(owner.len() as i64, many, "every document is given to someone");
    for document in things.all().await {
        let by = document.get("by").and_then(Value::as_i64);
        assert_eq!(by, owner.get(document.id().unwrap()).copied(), "{document}");
        assert_eq!(document.get("times"), Some(&1.into()), "{document}");
    }
}

async fn two_callers_never_get_one_document(stores: Stores) {
    let (things, many) = waiting(&stores).await;
    taken_once(&things, many, |worker| {
        claim(&doc! { "status": "waiting" }, &taken_by(worker))
    })
    .await;
}

async fn two_callers_never_get_one_document_of_a_sorted_batch(stores: Stores) {
    let (things, many) = waiting(&stores).await;
    let order = sort(&doc! { "p": -1 });
    let request = |worker| {
        claim(
            &doc! { "status": "waiting", "tag": { "$in": [0, 1, 2] } },
            &taken_by(worker),
        )
    };
    taken_once(&things, many, |worker| {
        request(worker).sort(order.clone()).limit(20)
    })
    .await;
}

async fn two_callers_never_get_one_document_over_several_filters(stores: Stores) {
    let (things, many) = waiting(&stores).await;
    let of = |tag| filter(&doc! { "status": "waiting", "tag": tag });
    let request = |worker: i64| {
        let first = claim(
            &doc! { "status": "waiting", "tag": (worker % 3) },
            &taken_by(worker),
        );
        first
            .or_else(of((worker + 1) % 3))
            .or_else(of((worker + 2) % 3))
            .sort(sort(&doc! { "p": -1 }))
    };
    taken_once(&things, many, |worker| request(worker).limit(7)).await;
}

async fn two_callers_never_get_one_document_without_an_index(stores: Stores) {
    let things = stores.things().await;
    let many = stores.scaled(600);
    things
        .put((0..many).map(|id| doc! { "_id": id, "free": true, "times": 0 }))
        .await;
    let take = |worker: i64| doc! { "$set": { "free": false, "by": worker }, "$inc": { "times": 1 } };
    taken_once(&things, many, |worker| {
        claim(&doc! { "free": true }, &take(worker)).limit(5)
    })
    .await;
}

async fn each_got_document_matched_when_it_was_changed(stores: Stores) {
    let things = stores.things().await;
    things.index([index("n", &doc! { "n": 1 })]).await;
    let rounds = stores.scaled(1_200);
    things
        .put((0..8).map(|id| doc! { "_id": id, "n": 0, "even": 0, "odd": 0 }))
        .await;
    // One side takes only what the other has just given, so each change must have seen the one before it.
    at_once(CALLERS, |caller| {
        let things = things.clone();
        let (from, to, count) = if caller % 2 == 0 {
            (0, 1, "even")
        } else {
            (1, 0, "odd")
        };
        async move {
            for _ in 0..rounds {
                let change = doc! { "$set": { "n": to }, "$inc": { count: 1 } };
                things.claim(claim(&doc! { "n": from }, &change).limit(2)).await;
            }
        }
    });
    for document in things.all().await {
        let number = |field| document.get(field).and_then(Value::as_i64).unwrap();
        assert_eq!(number("even") - number("odd"), number("n"), "{document}");
    }
}

async fn a_free_document_is_never_overlooked(stores: Stores) {
    let (things, many) = waiting(&stores).await;
    // Whoever gets nothing while nobody else takes anything has seen that nothing is free.
    let mut left = many;
    while left > 0 {
        let got = things
            .claim(claim(&doc! { "status": "waiting" }, &taken_by(0)).limit(25))
            .await;
        assert!(!got.is_empty(), "{left} are free");
        left -= got.len() as i64;
    }
    assert_eq!(things.count_of(&doc! { "status": "waiting" }).await, 0);
}

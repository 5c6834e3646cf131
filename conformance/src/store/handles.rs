//! Handles on one store see each other's work, however old what they know of its indexes.

use futures::TryStreamExt;
use seed::store::{InsertOutcome, WriteItem};
use seed::{ErrorKind, StoreExt, doc};

use crate::case::cases;
use crate::fixture::Stores;
use crate::things::{THINGS, Things, claim, filter, find, ids, index, item, numbers, sort, spec, update};

cases![
    what_one_writes_the_other_finds,
    a_new_index_has_what_an_older_handle_writes,
    a_new_unique_index_binds_an_older_handle,
    the_first_array_is_told_to_an_older_handle,
    a_claim_is_not_made_by_an_index_that_is_gone,
    a_known_document_is_not_written_past_a_new_index,
    a_find_under_way_does_not_read_what_took_its_place,
    a_collection_made_anew_is_not_taken_for_the_old_one,
    a_detached_handle_needs_no_runtime,
];

/// Opens two handles and makes both of them know the collection as it is.
async fn two(stores: &Stores) -> (Things, Things) {
    let (one, other) = (stores.things().await, stores.things().await);
    one.put([doc! { "_id": 0, "a": 0, "b": 0 }]).await;
    for things in [&one, &other] {
        assert_eq!(things.ids(&doc! { "a": 0 }).await, numbers([0]));
    }
    (one, other)
}

async fn what_one_writes_the_other_finds(stores: Stores) {
    let (one, other) = two(&stores).await;
    one.put([doc! { "_id": 1, "a": 1 }]).await;
    assert_eq!(other.get(1).await, Some(doc! { "_id": 1, "a": 1 }));
    other
        .change(&doc! { "_id": 1 }, &doc! { "$set": { "a": 2 } })
        .await
        .unwrap();
    assert_eq!(one.ids(&doc! { "a": 2 }).await, numbers([1]));
    one.remove(&doc! { "_id": 1 }).await;
    assert_eq!(other.get(1).await, None);
}

async fn a_new_index_has_what_an_older_handle_writes(stores: Stores) {
    let (one, other) = two(&stores).await;
    one.ensure(&spec(1, [index("a", &doc! { "a": 1 })]))
        .await
        .unwrap();
    other.put([doc! { "_id": 1, "a": 1 }]).await;
    other
        .change(&doc! { "_id": 0 }, &doc! { "$set": { "a": 5 } })
        .await
        .unwrap();
    assert_eq!(one.ids(&doc! { "a": 1 }).await, numbers([1]));
    assert_eq!(one.ids(&doc! { "a": 5 }).await, numbers([0]));
    assert_eq!(one.ids(&doc! { "a": 0 }).await, numbers([]));
    one.ensure(&spec(2, [index("b", &doc! { "b": 1 })]))
        .await
        .unwrap();
    other
        .batch(vec![
            WriteItem::Insert(doc! { "_id": 2, "b": 7 }),
            item(&doc! { "_id": 0 }, &doc! { "$set": { "b": 7 } }),
        ])
        .await;
    assert_eq!(one.ids(&doc! { "b": 7 }).await, numbers([0, 2]));
}

async fn a_new_unique_index_binds_an_older_handle(stores: Stores) {
    let (one, other) = two(&stores).await;
    one.ensure(&spec(1, [index("a", &doc! { "a": 1 }).unique()]))
        .await
        .unwrap();
    assert_eq!(
        other.offer(doc! { "_id": 1, "a": 0 }).await,
        InsertOutcome::Duplicate("a".into())
    );
    other.put([doc! { "_id": 2, "a": 2 }]).await;
    let fault = other
        .change(&doc! { "_id": 2 }, &doc! { "$set": { "a": 0 } })
        .await
        .unwrap_err();
    assert_eq!(fault.kind(), ErrorKind::Duplicate);
}

async fn the_first_array_is_told_to_an_older_handle(stores: Stores) {
    let (one, other) = two(&stores).await;
    one.ensure(&spec(1, [index("a", &doc! { "a": 1 })]))
        .await
        .unwrap();
    let range = doc! { "a": { "$gte": 4, "$lte": 6 } };
    for things in [&one, &other] {
        assert!(things.find(&range).await.is_empty());
    }
    other
        .put([doc! { "_id": 1, "a": [4, 5, 6] }, doc! { "_id": 2, "a": [1, 9] }])
        .await;
    // Each once, and the one whose two elements meet a bound each.
    assert_eq!(one.ids(&range).await, numbers([1, 2]));
    assert_eq!(one.count_of(&range).await, 2);
    let got = one
        .claim(
            claim(&range, &doc! { "$set": { "hit": 1 } })
                .limit(9)
                .sort(sort(&doc! { "a": 1 })),
        )
        .await;
    assert_eq!(ids(&got), numbers([2, 1]));
}

async fn a_claim_is_not_made_by_an_index_that_is_gone(stores: Stores) {
    let (one, other) = two(&stores).await;
    one.ensure(&spec(1, [index("it", &doc! { "a": 1 })]))
        .await
        .unwrap();
    one.put((1..20).map(|id| doc! { "_id": id, "a": (id % 3), "b": (id % 4) }))
        .await;
    let take = |value: i64| claim(&doc! { "a": value }, &doc! { "$set": { "a": "taken" } });
    assert_eq!(ids(&other.claim(take(1)).await), numbers([1]));
    // Number and name of the index are taken by another one, which says something else.
    one.ensure(&spec(2, [index("it", &doc! { "b": 1 })]))
        .await
        .unwrap();
    assert_eq!(ids(&other.claim(take(1).limit(3)).await), numbers([4, 7, 10]));
    assert_eq!(ids(&other.claim(take(2).limit(2)).await), numbers([2, 5]));
    assert_eq!(
        one.ids(&doc! { "a": "taken" }).await,
        numbers([1, 2, 4, 5, 7, 10])
    );
}

async fn a_known_document_is_not_written_past_a_new_index(stores: Stores) {
    let (one, other) = two(&stores).await;
    let known = other.get(0).await.unwrap();
    one.ensure(&spec(1, [index("b", &doc! { "b": 1 })]))
        .await
        .unwrap();
    let change = update(&doc! { "$set": { "b": 9 } });
    let outcomes = other
        .batch(vec![WriteItem::update_known(
            known,
            filter(&doc! { "_id": 0 }),
            change,
        )])
        .await;
    assert_eq!(outcomes[0].matched(), 1);
    assert_eq!(one.ids(&doc! { "b": 9 }).await, numbers([0]));
    assert_eq!(one.ids(&doc! { "b": 0 }).await, numbers([]));
}

async fn a_find_under_way_does_not_read_what_took_its_place(stores: Stores) {
    let (one, other) = two(&stores).await;
    one.ensure(&spec(1, [index("it", &doc! { "a": 1 })]))
        .await
        .unwrap();
    one.put((1..2_000).map(|id| doc! { "_id": id, "a": id, "b": (2_000 - id) }))
        .await;
    let request = find(&doc! { "a": { "$gte": 500 } }).sort(sort(&doc! { "a": 1 }));
    let mut found = other.stream(request).await;
    assert_eq!(ids(&[found.try_next().await.unwrap().unwrap()]), numbers([500]));
    one.drop_collection(THINGS).await.unwrap();
    one.ensure(&spec(1, [index("it", &doc! { "b": 1 })]))
        .await
        .unwrap();
    one.put((0..2_000).map(|id| doc! { "_id": id, "a": 0, "b": id }))
        .await;
    // It may end, or say that it lost its index; but it gives nothing that does not match.
    loop {
        match found.try_next().await {
            Ok(Some(document)) => assert_ne!(document.get("a"), Some(&0.into()), "{document}"),
            Ok(None) => break,
            Err(fault) => {
                assert_eq!(fault.kind(), ErrorKind::Stale, "{fault}");
                break;
            }
        }
    }
}

async fn a_collection_made_anew_is_not_taken_for_the_old_one(stores: Stores) {
    let (one, other) = two(&stores).await;
    for round in 0..3 {
        let fields = if round % 2 == 0 {
            doc! { "a": 1 }
        } else {
            doc! { "b": 1 }
        };
        one.drop_collection(THINGS).await.unwrap();
        one.ensure(&spec(1, [index("it", &fields)])).await.unwrap();
        other
            .put((0..10).map(|id| doc! { "_id": id, "a": (id % 2), "b": (id % 3) }))
            .await;
        for things in [&one, &other] {
            assert_eq!(
                things.ids(&doc! { "a": 1 }).await,
                numbers([1, 3, 5, 7, 9]),
                "round {round}"
            );
            assert_eq!(
                things.ids(&doc! { "b": 1 }).await,
                numbers([1, 4, 7]),
                "round {round}"
            );
        }
        let got = other
            .claim(claim(&doc! { "b": 1 }, &doc! { "$set": { "b": 5 } }).limit(2))
            .await;
        assert_eq!(ids(&got), numbers([1, 4]), "round {round}");
        assert_eq!(one.ids(&doc! { "b": 5 }).await, numbers([1, 4]), "round {round}");
    }
}

async fn a_detached_handle_needs_no_runtime(stores: Stores) {
    let things = stores.things().await;
    things.put([doc! { "_id": 1 }]).await;
    let detached = things.detached().unwrap();
    let work = move || {
        futures::executor::block_on(async {
            detached.insert_one(THINGS, doc! { "_id": 2 }).await.unwrap();
            detached.get(THINGS, 1.into()).await.unwrap()
        })
    };
    let seen = std::thread::spawn(work).join().unwrap();
    assert_eq!(seen, Some(doc! { "_id": 1 }));
    assert!(things.get(2).await.is_some());
}

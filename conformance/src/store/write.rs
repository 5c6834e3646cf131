//! A batch is many writes in one trip, each atomic by itself and with an outcome of its own.

use seed::store::{InsertOutcome, WriteItem, WriteOutcome};
use seed::{Document, Sort, Value, doc};

use crate::case::cases;
use crate::fixture::Stores;
use crate::things::{Things, filter, ids, index, item, numbers, sort, update};
use crate::threads::{CALLERS, at_once};

cases![
    outcomes_come_in_the_order_of_the_items,
    an_item_sees_what_those_before_it_did,
    a_guard_that_no_longer_holds_is_matched_0,
    the_last_item_is_carried_out_too,
    an_item_that_fails_stops_none_after_it,
    an_item_that_fails_changes_nothing,
    a_find_and_update_that_fails_leaves_the_other_items_alone,
    updates_and_deletes_take_the_first_by_id,
    an_item_may_bring_the_first_array,
    an_empty_batch_does_nothing,
    thousands_of_items_are_carried_out,
    a_finish_and_the_next_claim_are_one_batch,
    guards_at_once_let_one_through,
];

fn find_and_update(wanted: &Document, change: &Document, limit: usize) -> WriteItem {
    WriteItem::FindAndUpdate {
        filters: vec![filter(wanted)],
        sort: Sort::default(),
        limit,
        update: update(change),
    }
}

fn upsert(wanted: &Document, change: &Document) -> WriteItem {
    WriteItem::Update {
        filter: filter(wanted),
        update: update(change),
        known: None,
        upsert: true,
    }
}

/// Says in a word or two what became of each item.
fn told(outcomes: &[WriteOutcome]) -> Vec<String> {
    let told = |outcome: &WriteOutcome| match outcome {
        WriteOutcome::Inserted(InsertOutcome::Inserted(id)) => format!("inserted {id}"),
        WriteOutcome::Inserted(InsertOutcome::Duplicate(index)) => format!("duplicate {index}"),
        WriteOutcome::Updated(outcome) => match &outcome.upserted {
            Some(id) => format!("upserted {id}"),
            None => format!("matched {} modified {}", outcome.matched, outcome.modified),
        },
        WriteOutcome::Deleted(deleted) => format!("deleted {deleted}"),
        WriteOutcome::Found(found) => format!("found {:?}", ids(found)),
        WriteOutcome::Failed(fault) => format!("failed {:?}", fault.kind()),
    };
    outcomes.iter().map(told).collect()
}

async fn outcomes_come_in_the_order_of_the_items(stores: Stores) {
    let things = stores.things().await;
    things.put((0..4).map(|id| doc! { "_id": id, "a": id })).await;
    let outcomes = things
        .batch(vec![
            WriteItem::Insert(doc! { "_id": 9 }),
            item(&doc! { "_id": 0 }, &doc! { "$set": { "a": 10 } }),
            item(&doc! { "_id": 1 }, &doc! { "$set": { "a": 1 } }),
            item(&doc! { "_id": 7 }, &doc! { "$set": { "a": 1 } }),
            WriteItem::Delete(filter(&doc! { "_id": 2 })),
            WriteItem::Delete(filter(&doc! { "_id": 2 })),
            find_and_update(&doc! { "a": { "$gte": 1 } }, &doc! { "$inc": { "a": 1 } }, 2),
            WriteItem::Insert(doc! { "_id": 9 }),
            upsert(&doc! { "_id": 8 }, &doc! { "$set": { "a": 8 } }),
        ])
        .await;
    let expected = [
        "inserted 9",
        "matched 1 modified 1",
        "matched 1 modified 0",
        "matched 0 modified 0",
        "deleted 1",
        "deleted 0",
        "found [0, 1]",
        "duplicate _id",
        "upserted 8",
    ];
    assert_eq!(told(&outcomes), expected);
}

async fn an_item_sees_what_those_before_it_did(stores: Stores) {
    let things = stores.things().await;
    things.index([index("a", &doc! { "a": 1 }).unique()]).await;
    let outcomes = things
        .batch(vec![
            WriteItem::Insert(doc! { "_id": 1, "a": 1 }),
            WriteItem::Insert(doc! { "_id": 2, "a": 1 }),
            item(&doc! { "a": 1 }, &doc! { "$set": { "a": 2 } }),
            WriteItem::Insert(doc! { "_id": 2, "a": 1 }),
            find_and_update(&doc! { "a": { "$gte": 1 } }, &doc! { "$inc": { "a": 10 } }, 5),
            WriteItem::Delete(filter(&doc! { "a": 12 })),
            item(&doc! { "a": 12 }, &doc! { "$set": { "b": 1 } }),
        ])
        .await;
    let expected = [
        "inserted 1",
        "duplicate a",
        "matched 1 modified 1",
        "inserted 2",
        "found [1, 2]",
        "deleted 1",
        "matched 0 modified 0",
    ];
    assert_eq!(told(&outcomes), expected);
    assert_eq!(things.all().await, [doc! { "_id": 2, "a": 11 }]);
}

async fn a_guard_that_no_longer_holds_is_matched_0(stores: Stores) {
    let things = stores.things().await;
    things
        .put([
            doc! { "_id": 1, "token": "new", "n": 0 },
            doc! { "_id": 2, "token": "mine", "n": 0 },
        ])
        .await;
    let guarded = |id| item(&doc! { "_id": id, "token": "mine" }, &doc! { "$inc": { "n": 1 } });
    let outcomes = things.batch(vec![guarded(1), guarded(2), guarded(3)]).await;
    assert_eq!(
        told(&outcomes),
        [
            "matched 0 modified 0",
            "matched 1 modified 1",
            "matched 0 modified 0"
        ]
    );
    let after = [
        doc! { "_id": 1, "token": "new", "n": 0 },
        doc! { "_id": 2, "token": "mine", "n": 1 },
    ];
    assert_eq!(things.all().await, after);
}

async fn the_last_item_is_carried_out_too(stores: Stores) {
    let things = stores.things().await;
    for size in 1..=5 {
        things
            .batch(
                (0..size)
                    .map(|at| WriteItem::Insert(doc! { "_id": (size * 10 + at) }))
                    .collect(),
            )
            .await;
        let made = doc! { "_id": { "$gte": (size * 10), "$lt": (size * 10 + 10) } };
        assert_eq!(things.count_of(&made).await, size as u64, "of a batch of {size}");
    }
}

/// Items of which every other one fails, each for a reason of its own.
fn half_of_them_fail() -> Vec<WriteItem> {
    let too_deep = (0..100).fold(Value::from(1), |inner, _| doc! { "a": inner }.into());
    vec![
        item(&doc! { "_id": "text" }, &doc! { "$inc": { "n": 1 } }),
        WriteItem::Insert(doc! { "_id": 11 }),
        WriteItem::Insert(doc! { "_id": 10, "deep": too_deep }),
        WriteItem::Insert(doc! { "_id": 12 }),
        WriteItem::Insert(doc! { "_id": 10, "name\u{0}": 1 }),
        WriteItem::Insert(doc! { "_id": 13 }),
        WriteItem::Insert(doc! { "_id": [10] }),
        WriteItem::Insert(doc! { "_id": 14 }),
        item(&doc! { "_id": "first" }, &doc! { "$set": { "u": 2, "n": 99 } }),
        WriteItem::Insert(doc! { "_id": 15 }),
        find_and_update(
            &doc! { "_id": { "$type": "string" } },
            &doc! { "$inc": { "n": 1 } },
            9,
        ),
        item(&doc! { "_id": 11 }, &doc! { "$set": { "n": 1 } }),
    ]
}

async fn prepared(stores: &Stores) -> Things {
    let things = stores.things().await;
    let unique = index("u", &doc! { "u": 1 })
        .unique()
        .partial(&doc! { "u": { "$exists": true } })
        .unwrap();
    things.index([unique, index("n", &doc! { "n": 1 })]).await;
    things
        .put([
            doc! { "_id": "first", "u": 1, "n": 0 },
            doc! { "_id": "second", "u": 2, "n": 0 },
        ])
        .await;
    things.put([doc! { "_id": "text", "n": "x" }]).await;
    things
}

async fn an_item_that_fails_stops_none_after_it(stores: Stores) {
    let things = prepared(&stores).await;
    let outcomes = things.batch(half_of_them_fail()).await;
    let expected = [
        "failed Update",
        "inserted 11",
        "failed Limit",
        "inserted 12",
        "failed Unsupported",
        "inserted 13",
        "failed",
        "inserted 14",
        "failed Duplicate",
        "inserted 15",
        "failed Update",
        "matched 1 modified 1",
    ];
    for (told, expected) in told(&outcomes).iter().zip(expected) {
        assert!(told.starts_with(expected), "{told}, not {expected}: {outcomes:?}");
    }
    assert_eq!(
        things.count_of(&doc! { "_id": { "$gte": 11, "$lte": 15 } }).await,
        5
    );
}

async fn an_item_that_fails_changes_nothing(stores: Stores) {
    let things = prepared(&stores).await;
    things.batch(half_of_them_fail()).await;
    let strings = doc! { "_id": { "$type": "string" } };
    let before = [
        doc! { "_id": "first", "u": 1, "n": 0 },
        doc! { "_id": "second", "u": 2, "n": 0 },
        doc! { "_id": "text", "n": "x" },
    ];
    assert_eq!(things.find(&strings).await, before);
    assert_eq!(things.get(10).await, None);
    assert_eq!(
        things.ids(&doc! { "n": 0 }).await,
        ["first".into(), "second".into()]
    );
    assert_eq!(things.ids(&doc! { "n": { "$gte": 2 } }).await, []);
}

async fn a_find_and_update_that_fails_leaves_the_other_items_alone(stores: Stores) {
    let things = prepared(&stores).await;
    let outcomes = things
        .batch(vec![
            item(&doc! { "_id": "first" }, &doc! { "$set": { "n": 5 } }),
            find_and_update(&doc! {}, &doc! { "$inc": { "n": 1 } }, 3),
            item(&doc! { "_id": "first", "n": 5 }, &doc! { "$set": { "n": 6 } }),
        ])
        .await;
    assert_eq!(
        told(&outcomes),
        ["matched 1 modified 1", "failed Update", "matched 1 modified 1"]
    );
    assert_eq!(things.ids(&doc! { "n": 6 }).await, ["first".into()]);
}

async fn updates_and_deletes_take_the_first_by_id(stores: Stores) {
    let things = stores.things().await;
    things.index([index("a", &doc! { "a": -1 })]).await;
    things.put((0..6).map(|id| doc! { "_id": id, "a": id })).await;
    let any = doc! { "a": { "$gte": 1 } };
    things
        .batch(vec![
            item(&any, &doc! { "$set": { "b": 1 } }),
            WriteItem::Delete(filter(&doc! { "a": { "$gte": 3 } })),
        ])
        .await;
    assert_eq!(things.ids(&doc! { "b": 1 }).await, numbers([1]));
    assert_eq!(things.ids(&doc! {}).await, numbers([0, 1, 2, 4, 5]));
}

async fn an_item_may_bring_the_first_array(stores: Stores) {
    let things = stores.things().await;
    things
        .index([
            index("a", &doc! { "a": 1 }),
            index("u", &doc! { "u": 1 }).unique(),
        ])
        .await;
    let known = doc! { "_id": 1, "a": 1, "u": 1 };
    things
        .put([known.clone(), doc! { "_id": 2, "a": 2, "u": 2 }])
        .await;
    let outcomes = things
        .batch(vec![
            WriteItem::Insert(doc! { "_id": 3, "a": [1, 2, 3], "u": [30, 31] }),
            WriteItem::update_known(
                known,
                filter(&doc! { "_id": 1 }),
                update(&doc! { "$set": { "a": [5, 6] } }),
            ),
            WriteItem::Insert(doc! { "_id": 4, "a": [2, 3], "u": 31 }),
            find_and_update(
                &doc! { "a": { "$gte": 1, "$lte": 3 } },
                &doc! { "$set": { "hit": true } },
                9,
            ),
        ])
        .await;
    assert_eq!(
        told(&outcomes),
        [
            "inserted 3",
            "matched 1 modified 1",
            "duplicate u",
            "found [2, 3]"
        ]
    );
    assert_eq!(things.ids(&doc! { "a": { "$gte": 2 } }).await, numbers([1, 2, 3]));
}

async fn an_empty_batch_does_nothing(stores: Stores) {
    let things = stores.things().await;
    assert!(things.batch(Vec::new()).await.is_empty());
    assert!(things.all().await.is_empty());
}

async fn thousands_of_items_are_carried_out(stores: Stores) {
    let things = stores.things().await;
    let many = stores.scaled(3_000);
    let inserted = things
        .batch(
            (0..many)
                .map(|id| WriteItem::Insert(doc! { "_id": id }))
                .collect(),
        )
        .await;
    assert!(
        inserted
            .iter()
            .all(|outcome| matches!(outcome, WriteOutcome::Inserted(InsertOutcome::Inserted(_))))
    );
    let changed = things
        .batch(
            (0..many)
                .map(|id| item(&doc! { "_id": id }, &doc! { "$set": { "a": id } }))
                .collect(),
        )
        .await;
    assert!(changed.iter().all(|outcome| outcome.matched() == 1));
    let wrong = things
        .all()
        .await
        .into_iter()
        .zip(0..)
        .find(|(document, id)| document.get("a") != Some(&(*id).into()));
    assert_eq!(wrong, None);
}

async fn a_finish_and_the_next_claim_are_one_batch(stores: Stores) {
    let things = stores.things().await;
    things
        .index([index("waiting", &doc! { "p": -1 })
            .partial(&doc! { "status": "waiting" })
            .unwrap()])
        .await;
    let many = stores.scaled(1_000);
    things
        .put((0..many).map(|id| doc! { "_id": id, "status": "waiting", "p": (id % 5), "runs": 0 }))
        .await;
    let done = at_once(CALLERS, |worker| {
        let things = things.clone();
        async move { work_off(&things, worker).await }
    });
    assert_eq!(done.iter().sum::<i64>(), many, "{done:?}");
    assert_eq!(
        things.count_of(&doc! { "status": "done", "runs": 1 }).await,
        many as u64
    );
}

/// Finishes what it holds and takes the next in the same trip, until there is none; returns how many it finished.
async fn work_off(things: &Things, worker: i64) -> i64 {
    let take = || WriteItem::FindAndUpdate {
        filters: vec![filter(&doc! { "status": "waiting" })],
        sort: sort(&doc! { "p": -1 }),
        limit: 3,
        update: update(&doc! { "$set": { "status": "running", "by": worker } }),
    };
    let finish = |held: &Document| {
        let guard = doc! { "_id": (held.id().unwrap()), "status": "running", "by": worker };
        let done = doc! { "$set": { "status": "done" }, "$inc": { "runs": 1 } };
        WriteItem::update_known(held.clone(), filter(&guard), update(&done))
    };
    let (mut held, mut finished) = (Vec::<Document>::new(), 0);
    loop {
        let items: Vec<_> = held.iter().map(finish).chain([take()]).collect();
        let mut outcomes = things.batch(items).await;
        let Some(WriteOutcome::Found(next)) = outcomes.pop() else {
            panic!("the claim failed: {outcomes:?}")
        };
        assert!(
            outcomes.iter().all(|outcome| outcome.matched() == 1),
            "{outcomes:?}"
        );
        finished += outcomes.len() as i64;
        if next.is_empty() {
            return finished;
        }
        held = next;
    }
}

async fn guards_at_once_let_one_through(stores: Stores) {
    let things = stores.things().await;
    things.put([doc! { "_id": 1, "version": 0 }]).await;
    let rounds = stores.scaled(600);
    let passed = at_once(CALLERS, |_| {
        let things = things.clone();
        async move {
            let mut passed = 0;
            for version in 0..rounds {
                let guarded = item(
                    &doc! { "_id": 1, "version": version },
                    &doc! { "$inc": { "version": 1 } },
                );
                passed += things.batch(vec![guarded]).await[0].matched();
            }
            passed
        }
    });
    // Each version is passed on by one caller at most, and somebody passes each that is come to.
    let version = things
        .get(1)
        .await
        .unwrap()
        .get("version")
        .and_then(Value::as_i64)
        .unwrap();
    assert_eq!(passed.iter().sum::<u64>(), version as u64, "{passed:?}");
    assert_eq!(version, rounds);
}

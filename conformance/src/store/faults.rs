//! Failures at any call, and what a caller can still know: with a refusal nothing was done, with a lost answer all.

use futures::TryStreamExt;
use seed::faulty::{Call, Fault, Faulty, Wait};
use seed::store::{Delete, FindAndUpdate, Insert, InsertOutcome, Update, WriteBatch, WriteItem};
use seed::{Document, ErrorKind, Result, Store, StoreExt, Value, doc};

use crate::case::cases;
use crate::fixture::Stores;
use crate::things::{THINGS, Things, filter, find, ids, index, item, numbers, spec, update};

cases![
    a_call_that_is_refused_has_done_nothing,
    a_call_whose_answer_is_lost_was_carried_out,
    a_store_that_is_cut_off_answers_nothing_until_it_is_mended,
    a_find_breaks_off_when_the_store_is_cut_off,
    the_nth_call_fails_and_no_other,
    an_insert_repeated_after_a_lost_answer_changes_nothing,
    what_was_claimed_is_found_by_its_token_after_a_lost_answer,
    a_guarded_write_repeated_after_a_lost_answer_is_told_by_its_token,
    an_index_is_declared_again_after_a_lost_answer,
    a_delayed_call_lets_others_by,
];

/// Makes a write of this kind, which turns the one document that is there into another state.
async fn write(store: &dyn Store, call: Call) -> Result<()> {
    let (any, add) = (filter(&doc! { "_id": 1 }), update(&doc! { "$inc": { "n": 1 } }));
    match call {
        Call::Insert => store
            .insert(Insert::new(THINGS, vec![doc! { "_id": 2 }]))
            .await
            .map(drop),
        Call::FindAndUpdate => store
            .find_and_update(FindAndUpdate::new(THINGS, any, add))
            .await
            .map(drop),
        Call::Update => store.update(Update::new(THINGS, any, add)).await.map(drop),
        Call::Delete => store.delete(Delete::new(THINGS, any)).await.map(drop),
        _ => store
            .write(WriteBatch::new(
                THINGS,
                vec![item(&doc! {}, &doc! { "$inc": { "n": 1 } })],
            ))
            .await
            .map(drop),
    }
}

fn after(call: Call) -> Vec<Document> {
    match call {
        Call::Insert => vec![doc! { "_id": 1, "n": 0 }, doc! { "_id": 2 }],
        Call::Delete => Vec::new(),
        _ => vec![doc! { "_id": 1, "n": 1 }],
    }
}

async fn one_thing(things: &Things) {
    things.remove(&doc! {}).await;
    things.put([doc! { "_id": 1, "n": 0 }]).await;
}

async fn a_call_that_is_refused_has_done_nothing(stores: Stores) {
    let things = stores.things().await;
    let faulty = Faulty::over(stores.open().await);
    for &call in Call::WRITES {
        one_thing(&things).await;
        faulty.fail(1, &[call], Fault::Refuse);
        let fault = write(&faulty, call).await.unwrap_err();
        assert_eq!(fault.kind(), ErrorKind::Unavailable, "{call:?}");
        assert!(fault.is_retryable(), "{call:?}");
        assert_eq!(things.all().await, [doc! { "_id": 1, "n": 0 }], "{call:?}");
        write(&faulty, call).await.unwrap();
        assert_eq!(things.all().await, after(call), "{call:?} the second time");
    }
}

async fn a_call_whose_answer_is_lost_was_carried_out(stores: Stores) {
    let things = stores.things().await;
    let faulty = Faulty::over(stores.open().await);
    for &call in Call::WRITES {
        one_thing(&things).await;
        faulty.fail(1, &[call], Fault::LoseAnswer);
        let fault = write(&faulty, call).await.unwrap_err();
        assert_eq!(fault.kind(), ErrorKind::Unavailable, "{call:?}");
        assert_eq!(things.all().await, after(call), "{call:?}");
    }
}

async fn a_store_that_is_cut_off_answers_nothing_until_it_is_mended(stores: Stores) {
    let things = stores.things().await;
    one_thing(&things).await;
    let faulty = Faulty::over(stores.open().await);
    faulty.fail(2, &[], Fault::Cut);
    assert!(faulty.get(THINGS, 1.into()).await.is_ok());
    let detached = faulty.detached().unwrap();
    for &call in Call::WRITES {
        assert_eq!(
            write(&faulty, call).await.unwrap_err().kind(),
            ErrorKind::Unavailable,
            "{call:?}"
        );
        assert_eq!(
            write(&*detached, call).await.unwrap_err().kind(),
            ErrorKind::Unavailable,
            "{call:?}"
        );
    }
    assert_eq!(
        faulty.get(THINGS, 1.into()).await.unwrap_err().kind(),
        ErrorKind::Unavailable
    );
    assert_eq!(faulty.now().await.unwrap_err().kind(), ErrorKind::Unavailable);
    assert_eq!(
        faulty.watch(THINGS).await.unwrap_err().kind(),
        ErrorKind::Unavailable
    );
    assert_eq!(things.all().await, [doc! { "_id": 1, "n": 0 }]);
    faulty.mend();
    write(&faulty, Call::Insert).await.unwrap();
}

async fn a_find_breaks_off_when_the_store_is_cut_off(stores: Stores) {
    let things = stores.things().await;
    things.put((0..100).map(|id| doc! { "_id": id })).await;
    let faulty = Faulty::over(stores.open().await);
    let mut found = faulty.find(find(&doc! {})).await.unwrap();
    assert_eq!(found.try_next().await.unwrap(), Some(doc! { "_id": 0 }));
    faulty.fail(1, &[], Fault::Cut);
    faulty.now().await.unwrap_err();
    assert_eq!(found.try_next().await.unwrap_err().kind(), ErrorKind::Unavailable);
    assert_eq!(found.try_next().await.unwrap(), None);
}

async fn the_nth_call_fails_and_no_other(stores: Stores) {
    for nth in 1..=4 {
        let things = stores.things().await;
        things.remove(&doc! {}).await;
        let faulty = Faulty::over(stores.open().await);
        faulty.fail(nth as u64, &[Call::Insert], Fault::Refuse);
        for id in 1..=4 {
            let outcome = faulty.insert_one(THINGS, doc! { "_id": id }).await;
            assert_eq!(outcome.is_err(), id == nth, "{id} of {nth}");
            faulty
                .count(seed::store::Count::new(THINGS, filter(&doc! {})))
                .await
                .unwrap();
        }
        assert_eq!(
            things.ids(&doc! {}).await,
            numbers((1..=4).filter(|id| *id != nth))
        );
        assert_eq!(faulty.calls(&[Call::Insert]), 4);
        assert_eq!(faulty.calls(&[]), 8);
    }
}

async fn an_insert_repeated_after_a_lost_answer_changes_nothing(stores: Stores) {
    let faulty = Faulty::over(stores.open().await);
    let things = Things(std::sync::Arc::new(faulty.clone()));
    faulty.fail(1, &[Call::Insert], Fault::LoseAnswer);
    let documents: Vec<_> = (0..5).map(|id| doc! { "_id": id }).collect();
    things
        .insert(Insert::new(THINGS, documents.clone()))
        .await
        .unwrap_err();
    let again = things.insert(Insert::new(THINGS, documents)).await.unwrap();
    assert_eq!(again, vec![InsertOutcome::Duplicate("_id".into()); 5]);
    assert_eq!(things.ids(&doc! {}).await, numbers(0..5));
}

async fn what_was_claimed_is_found_by_its_token_after_a_lost_answer(stores: Stores) {
    let things = stores.things().await;
    things
        .put((0..10).map(|id| doc! { "_id": id, "free": true }))
        .await;
    let faulty = Faulty::over(stores.open().await);
    faulty.fail(1, &[Call::FindAndUpdate], Fault::LoseAnswer);
    let take = update(&doc! { "$set": { "free": false, "token": "mine" } });
    let request = FindAndUpdate::new(THINGS, filter(&doc! { "free": true }), take).limit(4);
    faulty.find_and_update(request).await.unwrap_err();
    let mine = faulty.find_all(find(&doc! { "token": "mine" })).await.unwrap();
    assert_eq!(
        ids(&mine),
        numbers(0..4),
        "nothing is lost and nothing is taken twice"
    );
}

async fn a_guarded_write_repeated_after_a_lost_answer_is_told_by_its_token(stores: Stores) {
    let things = stores.things().await;
    things
        .put([doc! { "_id": 1, "status": "running", "token": "mine" }])
        .await;
    let faulty = Faulty::over(stores.open().await);
    faulty.fail(1, &[Call::Write], Fault::LoseAnswer);
    let guard = doc! { "_id": 1, "status": "running", "token": "mine" };
    let finish = || {
        WriteBatch::new(
            THINGS,
            vec![item(
                &guard,
                &doc! { "$set": { "status": "done" }, "$inc": { "runs": 1 } },
            )],
        )
    };
    faulty.write(finish()).await.unwrap_err();
    assert_eq!(faulty.write(finish()).await.unwrap()[0].matched(), 0);
    let expected = doc! { "_id": 1, "status": "done", "token": "mine", "runs": 1 };
    assert_eq!(things.all().await, [expected], "carried out once");
}

async fn an_index_is_declared_again_after_a_lost_answer(stores: Stores) {
    let things = stores.things().await;
    things.put((0..10).map(|id| doc! { "_id": id, "u": id })).await;
    let faulty = Faulty::over(stores.open().await);
    let declared = spec(1, [index("u", &doc! { "u": 1 }).unique()]);
    for fault in [Fault::Refuse, Fault::LoseAnswer] {
        faulty.fail(1, &[Call::Ensure], fault);
        faulty.ensure(&declared).await.unwrap_err();
    }
    faulty.ensure(&declared).await.unwrap();
    assert_eq!(
        things.offer(doc! { "_id": 10, "u": 3 }).await,
        InsertOutcome::Duplicate("u".into())
    );
}

async fn a_delayed_call_lets_others_by(stores: Stores) {
    let things = stores.things().await;
    let faulty = Faulty::over(stores.open().await);
    let (let_go, wait) = tokio::sync::watch::channel(false);
    let until_let_go = move || {
        let mut wait = wait.clone();
        async move { drop(wait.wait_for(|is_over| *is_over).await) }
    };
    faulty.fail(1, &[Call::Insert], Fault::Delay(Wait::until(until_let_go)));
    let delayed = async {
        faulty
            .insert_one(THINGS, doc! { "_id": "delayed" })
            .await
            .unwrap()
    };
    let other = async {
        // By its turn the first call is on its way, and it waits until this one is done.
        things
            .batch(vec![WriteItem::Insert(
                doc! { "_id": "other", "seen": (things.all().await.len() as i64) },
            )])
            .await;
        let_go.send(true).unwrap();
    };
    let both = futures::future::join(delayed, other);
    stores.soon("the delayed call", both).await;
    assert_eq!(
        things.get("other").await.unwrap().get("seen"),
        Some(&Value::from(0))
    );
    assert_eq!(things.all().await.len(), 2);
}

//! Small messages reach all who have subscribed, as far as they keep up.

use seed::store::Subscription;
use seed::{Document, Store, Value, doc};

use crate::case::cases;
use crate::fixture::Stores;

cases![
    every_subscriber_gets_every_message_in_order,
    topics_are_kept_apart,
    what_was_published_before_is_not_received,
    a_message_without_subscribers_is_no_error,
    who_falls_far_behind_loses_the_oldest,
    #[needs(shared_events)]
    a_message_reaches_another_handle,
];

async fn number(stores: &Stores, subscription: &mut Subscription) -> i64 {
    let message = stores
        .soon("the message", subscription.next())
        .await
        .expect("the store is there");
    message.get("n").and_then(Value::as_i64).unwrap()
}

fn message(n: i64) -> Document {
    doc! { "n": n, "text": "ü" }
}

async fn every_subscriber_gets_every_message_in_order(stores: Stores) {
    let store = stores.open().await;
    let mut subscriptions = [
        store.subscribe("news").await.unwrap(),
        store.subscribe("news").await.unwrap(),
    ];
    for n in 0..100 {
        store.publish("news", message(n)).await.unwrap();
    }
    for subscription in &mut subscriptions {
        for n in 0..100 {
            assert_eq!(number(&stores, subscription).await, n);
        }
    }
}

async fn topics_are_kept_apart(stores: Stores) {
    let store = stores.open().await;
    let mut news = store.subscribe("news").await.unwrap();
    let mut other = store.subscribe("new").await.unwrap();
    store.publish("new", message(1)).await.unwrap();
    store.publish("news", message(2)).await.unwrap();
    assert_eq!(number(&stores, &mut news).await, 2);
    assert_eq!(number(&stores, &mut other).await, 1);
}

async fn what_was_published_before_is_not_received(stores: Stores) {
    let store = stores.open().await;
    let mut early = store.subscribe("news").await.unwrap();
    store.publish("news", message(1)).await.unwrap();
    assert_eq!(number(&stores, &mut early).await, 1);
    let mut late = store.subscribe("news").await.unwrap();
    store.publish("news", message(2)).await.unwrap();
    assert_eq!(number(&stores, &mut late).await, 2);
    drop(late);
    store.publish("news", message(3)).await.unwrap();
    assert_eq!(number(&stores, &mut early).await, 2);
    assert_eq!(number(&stores, &mut early).await, 3);
}

async fn a_message_without_subscribers_is_no_error(stores: Stores) {
    let store = stores.open().await;
    store.publish("news", message(1)).await.unwrap();
    drop(store.subscribe("news").await.unwrap());
    store.publish("news", message(2)).await.unwrap();
    store.publish("", Document::new()).await.unwrap();
}

async fn who_falls_far_behind_loses_the_oldest(stores: Stores) {
    let store = stores.open().await;
    let mut behind = store.subscribe("news").await.unwrap();
    let many = 10_000;
    for n in 0..many {
        store.publish("news", message(n)).await.unwrap();
    }
    // How much is kept is the store's affair; that it is bounded, in order and up to date is promised.
    let mut last = number(&stores, &mut behind).await;
    assert!(last > 0, "nothing is lost, so nothing bounds what waits");
    while last < many - 1 {
        let next = number(&stores, &mut behind).await;
        assert!(next > last, "{next} after {last}");
        last = next;
    }
}

async fn a_message_reaches_another_handle(stores: Stores) {
    let (one, other) = (stores.open().await, stores.open().await);
    let mut subscription = Store::subscribe(&*other, "news").await.unwrap();
    one.publish("news", message(1)).await.unwrap();
    assert_eq!(number(&stores, &mut subscription).await, 1);
}

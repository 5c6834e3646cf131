//! The time of a store is that of the clock that it was opened with.

use std::time::Duration;

use seed::store::Update;
use seed::{Clock, DateTime, Value, doc};

use crate::case::cases;
use crate::fixture::Stores;
use crate::things::{THINGS, filter, update};

cases![
    now_is_what_the_clock_shows,
    handles_show_one_time,
    the_current_date_is_that_of_the_clock,
];

async fn now_is_what_the_clock_shows(stores: Stores) {
    let store = stores.open().await;
    let start = stores.clock().now();
    assert_eq!(store.now().await.unwrap(), start);
    stores.clock().advance(Duration::from_millis(1_234));
    assert_eq!(
        store.now().await.unwrap(),
        start.saturating_add(Duration::from_millis(1_234))
    );
    // A clock that is set back is followed too.
    stores.clock().set(DateTime::from_millis(5));
    assert_eq!(store.now().await.unwrap(), DateTime::from_millis(5));
}

async fn handles_show_one_time(stores: Stores) {
    let (one, other) = (stores.open().await, stores.open().await);
    stores.clock().advance(Duration::from_secs(60));
    let detached = one.detached().unwrap();
    assert_eq!(one.now().await.unwrap(), stores.clock().now());
    assert_eq!(other.now().await.unwrap(), stores.clock().now());
    assert_eq!(detached.now().await.unwrap(), stores.clock().now());
}

async fn the_current_date_is_that_of_the_clock(stores: Stores) {
    let things = stores.things().await;
    stores.clock().advance(Duration::from_millis(77));
    let date = doc! { "$currentDate": { "at": true } };
    let request = Update::new(THINGS, filter(&doc! { "_id": 1 }), update(&date))
        .limit(1)
        .upsert();
    things.update(request.clone()).await.unwrap();
    assert_eq!(
        things.get(1).await.unwrap().get("at"),
        Some(&Value::Date(stores.clock().now()))
    );
    stores.clock().advance(Duration::from_millis(1));
    things.update(request).await.unwrap();
    assert_eq!(
        things.get(1).await.unwrap().get("at"),
        Some(&Value::Date(stores.clock().now()))
    );
}

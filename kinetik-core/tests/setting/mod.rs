//! A queue in memory on tokio's paused time, and what the tests ask of it.

#![allow(clippy::unwrap_used, reason = "this is a part of tests")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use kinetik_core::simulated::{SimulatedRuntime, SimulatedTime};
use kinetik_core::{Queue, Status};
use seed::store::{Count, StoreExt};
use seed::{Document, Filter, Value};
use seed_memory::MemoryStore;
use tokio::sync::Notify;

pub(crate) async fn open() -> Queue {
    let store = MemoryStore::with_clock(SimulatedTime::new());
    let runtime = Arc::new(SimulatedRuntime::seeded(1));
    Queue::builder(Arc::new(store))
        .runtime(runtime)
        .open()
        .await
        .unwrap()
}

/// The data of the jobs that ran, in the order in which they ran.
#[derive(Clone, Default)]
pub(crate) struct Notes(Arc<(Mutex<Vec<Value>>, Notify)>);

impl Notes {
    /// Defines a task that notes its job's data.
    pub(crate) fn define(&self, queue: &Queue, task: &str, tag: &str) {
        let notes = self.clone();
        let action = queue.define(task).tag(tag).action(move |job| {
            let notes = notes.clone();
            async move {
                notes.add(&job.job().data);
                Ok(Value::Null)
            }
        });
        action.unwrap();
    }

    pub(crate) fn add(&self, data: &Value) {
        self.0.0.lock().unwrap().push(data.clone());
        self.0.1.notify_one();
    }

    pub(crate) fn values(&self) -> Vec<Value> {
        self.0.0.lock().unwrap().clone()
    }

    pub(crate) fn taken(&self) -> Vec<String> {
        self.values()
            .iter()
            .map(|value| value.as_str().unwrap_or_default().to_owned())
            .collect()
    }

    pub(crate) async fn wait_for(&self, count: usize) {
        while self.values().len() < count {
            self.0.1.notified().await;
        }
    }
}

/// Lets paused time pass.
pub(crate) async fn pass(time: Duration) {
    tokio::time::sleep(time).await; // tidy: a sleep, because paused time moves by nothing else and takes none
}

pub(crate) async fn wait_for_end(queue: &Queue, id: &str) {
    wait_until(queue, id, Status::is_final).await;
}

pub(crate) async fn wait_for_status(queue: &Queue, id: &str, wanted: Status) {
    wait_until(queue, id, |status| status == wanted).await;
}

async fn wait_until(queue: &Queue, id: &str, is_there: impl Fn(Status) -> bool) {
    let mut watch = queue.store().watch(queue.collection()).await.unwrap();
    while !is_there(queue.job(id).await.unwrap().unwrap().status) {
        watch.changed().await;
    }
}

pub(crate) async fn document(queue: &Queue, id: &str) -> Document {
    queue
        .store()
        .get(queue.collection(), id.into())
        .await
        .unwrap()
        .unwrap()
}

pub(crate) async fn count(queue: &Queue) -> u64 {
    queue
        .store()
        .count(Count::new(queue.collection().clone(), Filter::all()))
        .await
        .unwrap()
}

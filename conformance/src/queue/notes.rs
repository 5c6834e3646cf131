//! What ran, noted by the actions of a case.

use std::sync::{Arc, Mutex};

use kinetik_core::Queue;
use seed::Value;
use tokio::sync::Notify;

/// The data of the jobs that ran, in the order in which they ran.
#[derive(Clone, Debug, Default)]
pub(super) struct Notes(Arc<(Mutex<Vec<Value>>, Notify)>);

impl Notes {
    /// Defines a task that notes its job's data.
    pub(super) fn define(&self, queue: &Queue, task: &str, tag: &str) {
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

    /// Defines a task that notes its job's data and then never ends by itself.
    pub(super) fn define_endless(&self, queue: &Queue, task: &str, tag: &str) {
        let notes = self.clone();
        let action = queue.define(task).tag(tag).action(move |job| {
            let notes = notes.clone();
            async move {
                notes.add(&job.job().data);
                std::future::pending().await
            }
        });
        action.unwrap();
    }

    pub(super) fn add(&self, data: &Value) {
        self.0.0.lock().unwrap().push(data.clone());
        self.0.1.notify_one();
    }

    pub(super) fn values(&self) -> Vec<Value> {
        self.0.0.lock().unwrap().clone()
    }

    pub(super) fn taken(&self) -> Vec<String> {
        self.values()
            .iter()
            .map(|value| value.as_str().unwrap_or_default().to_owned())
            .collect()
    }

    pub(super) async fn wait_for(&self, count: usize) {
        while self.values().len() < count {
            self.0.1.notified().await;
        }
    }
}

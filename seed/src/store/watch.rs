//! Wake-ups and messages from a store.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use tokio::sync::{broadcast, watch};

use crate::value::{Document, Text};

/// How many messages a subscriber may be behind before it loses the oldest.
const MESSAGES_KEPT: usize = 1_024;

/// Wakes its holder after commits to a collection. Several commits may be one wake-up.
#[derive(Debug)]
pub struct Watch(watch::Receiver<u64>);

impl Watch {
    /// Waits for the next wake-up; returns at once if there was one since the last.
    ///
    /// Never returns once the store is gone.
    pub async fn changed(&mut self) {
        if self.0.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Takes a wake-up that is there, and says whether there was one.
    pub fn take_change(&mut self) -> bool {
        let changed = self.0.has_changed().unwrap_or(false);
        self.0.mark_unchanged();
        changed
    }
}

/// Receives the messages of one topic.
#[derive(Debug)]
pub struct Subscription(broadcast::Receiver<Document>);

impl Subscription {
    /// Waits for the next message; none once the store is gone.
    pub async fn next(&mut self) -> Option<Document> {
        loop {
            match self.0.recv().await {
                Ok(message) => return Some(message),
                // Best effort: what was lost is lost, the rest goes on.
                Err(broadcast::error::RecvError::Lagged(_)) => {}
                Err(broadcast::error::RecvError::Closed) => return None,
            }
        }
    }
}

/// The watches on the collections of a store, for adapters.
#[derive(Debug, Default)]
pub struct Watchers(Mutex<HashMap<Text, watch::Sender<u64>>>);

impl Watchers {
    /// Opens a watch on a collection.
    pub fn watch(&self, collection: &str) -> Watch {
        let mut senders = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let sender = senders
            .entry(collection.into())
            .or_insert_with(|| watch::Sender::new(0));
        Watch(sender.subscribe())
    }

    /// Wakes the watches on a collection.
    pub fn wake(&self, collection: &str) {
        let senders = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sender) = senders.get(collection) {
            sender.send_modify(|commits| *commits = commits.wrapping_add(1));
        }
    }

    /// Wakes all watches, when something changed and nothing says what.
    pub fn wake_all(&self) {
        let senders = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        senders
            .values()
            .for_each(|sender| sender.send_modify(|commits| *commits = commits.wrapping_add(1)));
    }
}

/// The topics of a store and their subscribers in this process, for adapters.
#[derive(Debug, Default)]
pub struct Topics(Mutex<HashMap<Text, broadcast::Sender<Document>>>);

impl Topics {
    /// Subscribes to a topic.
    pub fn subscribe(&self, topic: &str) -> Subscription {
        let mut senders = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let sender = senders
            .entry(topic.into())
            .or_insert_with(|| broadcast::Sender::new(MESSAGES_KEPT));
        Subscription(sender.subscribe())
    }

    /// Sends a message to the subscribers of a topic.
    pub fn publish(&self, topic: &str, message: Document) {
        let mut senders = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // A topic without subscribers is forgotten, so that names do not pile up.
        if senders
            .get(topic)
            .is_some_and(|sender| sender.send(message).is_err())
        {
            senders.remove(topic);
        }
    }
}

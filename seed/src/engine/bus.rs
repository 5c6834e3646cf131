//! Messages between the processes that share a store.
//!
//! Within the process a message goes straight to its subscribers. For other processes it is put into a bounded
//! collection of numbered messages, but only while one of them is registered as a listener; who listens finds it with
//! its next look at the store. A registration holds for a minute and is renewed by the thread that looks, so that a
//! process that died is soon no longer written for.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::catalogue::Catalogue;
use super::indexed::Inner;
use super::session::Session;
use super::writer::{Job, One};
use super::{Engine, Look, Towards, WriteTransaction};
use crate::error::Result;
use crate::key;
use crate::plan::KeyRange;
use crate::store::Subscription;
use crate::store::watch::Topics;
use crate::value::{DateTime, Document, Text, Value};

const MESSAGES: &str = "seed.messages";
const LISTENERS: &str = "seed.listeners";

/// How many messages are kept for those who come round to look.
const KEPT: i64 = 1_024;

/// For how long a registration holds, and from when on it is renewed.
const REGISTERED: Duration = Duration::from_secs(60);
const RENEWED: Duration = Duration::from_secs(30);

/// The subscribers of this process, and what it has heard of others.
#[derive(Debug, Default)]
pub(super) struct Bus {
    topics: Topics,
    listening: Mutex<Option<Listening>>,
}

#[derive(Clone, Copy, Debug)]
struct Listening {
    /// The number of the last message that was heard.
    heard: i64,
    until: DateTime,
}

impl Bus {
    fn listening(&self) -> MutexGuard<'_, Option<Listening>> {
        self.listening.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<E: Engine> Inner<E> {
    /// Subscribes to a topic, and registers the process as a listener if others can write to the store.
    pub(super) fn subscribe(self: &Arc<Self>, topic: &str) -> Result<Subscription> {
        let subscription = self.bus.topics.subscribe(topic);
        if self.engine.capabilities().shared_between_processes && self.bus.listening().is_none() {
            let heard = self.last_message()?;
            let until = self.register()?;
            *self.bus.listening() = Some(Listening { heard, until });
            self.watch_other_processes()?;
        }
        Ok(subscription)
    }

    /// Gives a message to the subscribers here, and leaves it for other processes if any of them listens.
    pub(super) async fn publish(&self, topic: &str, message: Document) -> Result<()> {
        self.bus.topics.publish(topic, message.clone());
        if !self.engine.capabilities().shared_between_processes || !self.others_listen()? {
            return Ok(());
        }
        let (from, version) = (self.name.clone(), self.ids.first_version());
        let sent = doc! { "from": from, "topic": topic, "message": message };
        self.write(&Text::from(MESSAGES), 1, |_| {
            let (engine, sent) = (Arc::clone(&self.engine), sent.clone());
            Ok(move |session: &mut Session<'_, E::Stored>| {
                session.is_changed = true;
                post(&*engine, session.transaction, &sent, version)
            })
        })
        .await
    }

    /// Hands on what other processes have left, and keeps this one registered. Called by the thread that looks.
    pub(super) fn listen(&self, look: Look) -> Result<()> {
        let Some(mut listening) = *self.bus.listening() else {
            return Ok(());
        };
        let messages = match look {
            Look::Changed => self.messages_after(listening.heard)?,
            Look::Unchanged => Vec::new(),
        };
        for (number, sent) in messages {
            listening.heard = number;
            let text = |name: &str| sent.get(name).and_then(Value::as_str);
            let message = sent.get("message").and_then(Value::as_document);
            if let (Some(topic), Some(message)) = (text("topic"), message)
                && text("from") != Some(&self.name)
            {
                self.bus.topics.publish(topic, message.clone());
            }
        }
        if listening.until.since(self.clock.now()) < RENEWED {
            listening.until = self.register()?;
        }
        *self.bus.listening() = Some(listening);
        Ok(())
    }

    fn register(&self) -> Result<DateTime> {
        let until = self.clock.now().saturating_add(REGISTERED);
        let listener = doc! { "_id": (self.name.clone()), "until": until };
        let (stored, version) = (self.engine.encode(&listener)?, self.ids.first_version());
        let id = key::encode(&Value::from(&self.name));
        self.write_now(LISTENERS, &mut |transaction| {
            create(transaction, version)?;
            if !transaction.insert(&id, &stored)? {
                transaction.put(&id, &stored)?;
            }
            Ok(())
        })?;
        Ok(until)
    }

    fn others_listen(&self) -> Result<bool> {
        let now = self.clock.now();
        let listeners = self.documents(LISTENERS, &KeyRange::all(), Towards::End, usize::MAX)?;
        Ok(listeners.iter().any(|listener| {
            let is_other = listener.id().and_then(Value::as_str) != Some(&self.name);
            is_other
                && listener
                    .get("until")
                    .and_then(Value::as_date)
                    .is_some_and(|until| until > now)
        }))
    }

    fn last_message(&self) -> Result<i64> {
        let last = self.documents(MESSAGES, &KeyRange::all(), Towards::Start, 1)?;
        Ok(last
            .first()
            .and_then(|message| message.id()?.as_i64())
            .unwrap_or(0))
    }

    fn messages_after(&self, heard: i64) -> Result<Vec<(i64, Document)>> {
        let after = KeyRange {
            start: key::encode(&(heard + 1).into()),
            end: None,
        };
        let messages = self.documents(MESSAGES, &after, Towards::End, KEPT as usize)?;
        Ok(messages
            .into_iter()
            .filter_map(|message| Some((message.id()?.as_i64()?, message)))
            .collect())
    }

    fn documents(
        &self,
        collection: &str,
        range: &KeyRange,
        towards: Towards,
        limit: usize,
    ) -> Result<Vec<Document>> {
        let mut page = Vec::new();
        self.engine.read(collection, &mut |transaction| {
            transaction.page(range, towards, limit, &mut page)
        })?;
        page.iter()
            .map(|(_, stored)| self.engine.decode(stored))
            .collect()
    }

    /// Writes at once, on this thread.
    fn write_now(&self, collection: &'static str, work: &mut Work<'_, E::Stored>) -> Result<()> {
        let mut job = Now { collection, work };
        self.engine.write(&mut One(Some(&mut job)))
    }
}

type Work<'w, S> = dyn FnMut(&mut dyn WriteTransaction<S>) -> Result<()> + Send + 'w;

struct Now<'w, S> {
    collection: &'static str,
    work: &'w mut Work<'w, S>,
}

impl<S> Job<S> for Now<'_, S> {
    fn collection(&self) -> &str {
        self.collection
    }

    fn run(&mut self, transaction: &mut dyn WriteTransaction<S>) -> Result<()> {
        (self.work)(transaction)
    }
}

/// Makes the collection if it does not exist.
fn create<S>(transaction: &mut dyn WriteTransaction<S>, version: u64) -> Result<()> {
    if transaction.version()? == 0 {
        let catalogue = Catalogue {
            version,
            ..Catalogue::default()
        };
        transaction.put_catalogue(version, &catalogue.to_document())?;
    }
    Ok(())
}

/// Puts a message behind the last one, and takes away what is too old.
fn post<E: Engine>(
    engine: &E,
    transaction: &mut dyn WriteTransaction<E::Stored>,
    sent: &Document,
    version: u64,
) -> Result<()> {
    create(transaction, version)?;
    let last = last_number(engine, transaction)?;
    let mut message = sent.clone();
    message.set_first("_id", last + 1);
    transaction.insert(&key::encode(&(last + 1).into()), &engine.encode(&message)?)?;
    let old = KeyRange {
        start: Vec::new(),
        end: Some(key::encode(&(last + 1 - KEPT).into())),
    };
    let mut page = Vec::new();
    transaction.page(&old, Towards::End, 2, &mut page)?;
    page.iter().try_for_each(|(id, _)| transaction.delete(id))
}

fn last_number<E: Engine>(engine: &E, transaction: &mut dyn WriteTransaction<E::Stored>) -> Result<i64> {
    let mut last = Vec::new();
    transaction.page(&KeyRange::all(), Towards::Start, 1, &mut last)?;
    let last = last
        .first()
        .map(|(_, stored)| engine.decode(stored))
        .transpose()?;
    Ok(last.and_then(|message| message.id()?.as_i64()).unwrap_or(0))
}

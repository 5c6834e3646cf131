//! Wake-ups and messages, over a connection of their own.
//!
//! Every write publishes on the channel of its collection, if others listen. What was written through this handle wakes
//! its watches at once, so that its own messages are passed over, and not sent at all where nobody else would hear them:
//! they would wake the thread of this connection just when the caller needs the processor. As a safety net each watched
//! collection's count of writes is looked at now and then; after the connection was lost, everything wakes.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use fred::clients::Client;
use fred::interfaces::{EventInterface, PubsubInterface};
use fred::types::{Message, Resp3Frame, Value};
use futures::FutureExt;
use futures::future::{Either, select};
use seed::store::watch::{Topics, Watchers};
use seed::store::{Subscription, Watch};
use seed::value::{Document, Text, json};
use seed::{Error, ErrorKind, Result};
use tokio::sync::broadcast::{Receiver, error::RecvError};

use crate::error;
use crate::keys::{Keys, topic_channel, wake_channel};
use crate::link::{Link, Place};
use crate::options::Options;

/// How late a wake-up may come: how often watched collections are looked at, should a message have been lost.
pub const WATCH_BOUND: Duration = Duration::from_secs(1);

/// The watches and subscriptions of a handle.
#[derive(Debug)]
pub(crate) struct Events {
    pub(crate) watchers: Watchers,
    topics: Topics,
    /// What the channels that are listened to are about.
    channels: Mutex<HashMap<String, Subject>>,
    /// The connection, from the first watch or subscription on.
    link: Mutex<Option<Arc<Link>>>,
    /// Tells what this handle publishes from what others do.
    pub(crate) name: Bytes,
}

#[derive(Clone, Debug)]
enum Subject {
    Collection {
        name: Text,
        keys: Keys,
        /// Whether the server sends its messages here as long as the connection lasts.
        is_heard: bool,
        /// Its count of writes when it was last looked at.
        writes: Option<Bytes>,
    },
    Topic(Text),
}

impl Events {
    pub(crate) fn new(name: Bytes) -> Self {
        Self {
            watchers: Watchers::default(),
            topics: Topics::default(),
            channels: Mutex::default(),
            link: Mutex::default(),
            name,
        }
    }

    fn channels(&self) -> MutexGuard<'_, HashMap<String, Subject>> {
        self.channels.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Watches a collection; `calls` is the way by which it is looked at.
    pub(crate) async fn watch(
        self: &Arc<Self>,
        options: &Options,
        calls: &Arc<Link>,
        collection: &str,
    ) -> Result<Watch> {
        let (prefix, database) = (&options.prefix, options.database());
        let subject = Subject::Collection {
            name: collection.into(),
            keys: Keys::new(prefix, database, collection),
            is_heard: false,
            writes: None,
        };
        let channel = wake_channel(prefix, database, collection);
        let watch = self.watchers.watch(collection);
        self.listen(options, calls, channel, subject).await?;
        Ok(watch)
    }

    /// Subscribes to a topic.
    pub(crate) async fn subscribe(
        self: &Arc<Self>,
        options: &Options,
        calls: &Arc<Link>,
        topic: &str,
    ) -> Result<Subscription> {
        let subscription = self.topics.subscribe(topic);
        let channel = topic_channel(&options.prefix, options.database(), topic);
        self.listen(options, calls, channel, Subject::Topic(topic.into()))
            .await?;
        Ok(subscription)
    }

    /// Gives a message to the subscribers here, and sends it to those of other handles.
    pub(crate) async fn publish(
        &self,
        options: &Options,
        calls: &Link,
        topic: &str,
        message: Document,
    ) -> Result<()> {
        let channel = topic_channel(&options.prefix, options.database(), topic);
        let mut payload = self.name.to_vec();
        payload.extend_from_slice(json::document_to_stored(&message).as_bytes());
        self.topics.publish(topic, message);
        let arguments = vec![Value::Bytes(channel.into()), Value::Bytes(payload.into())];
        calls.call("PUBLISH", None, arguments).await.map(drop)
    }

    /// Listens to a channel; what is published once this has returned is heard.
    async fn listen(
        self: &Arc<Self>,
        options: &Options,
        calls: &Arc<Link>,
        channel: String,
        subject: Subject,
    ) -> Result<()> {
        let link = self.link(options, calls)?;
        // A connection that is made from now on listens to it from the start.
        let is_new = match self.channels().entry(channel.clone()) {
            Entry::Occupied(_) => false,
            Entry::Vacant(place) => {
                place.insert(subject);
                true
            }
        };
        let subscribed_to = channel.clone();
        let subscribed = link
            .run(|client| async move {
                match is_new {
                    true => client.subscribe(subscribed_to).await,
                    false => Ok(()),
                }
            })
            .await;
        subscribed.map_err(|cause| Error::new(ErrorKind::Unavailable, cause.message()))?;
        if is_new {
            self.heard([&channel]);
        }
        Ok(())
    }

    /// Notes that the server sends the messages of these channels.
    fn heard<'a>(&self, channels: impl IntoIterator<Item = &'a String>) {
        let mut subjects = self.channels();
        for channel in channels {
            if let Some(Subject::Collection { is_heard, .. }) = subjects.get_mut(channel) {
                *is_heard = true;
            }
        }
    }

    /// Returns how many of those that the server sends a channel's messages to are of this handle, as far as is known.
    pub(crate) fn listeners(&self, channel: &[u8]) -> usize {
        let link = self.link.lock().unwrap_or_else(PoisonError::into_inner);
        let is_up = link.as_ref().is_some_and(|link| link.is_up());
        let channel = std::str::from_utf8(channel).unwrap_or_default();
        let is_heard = matches!(
            self.channels().get(channel),
            Some(Subject::Collection { is_heard: true, .. })
        );
        usize::from(is_up && is_heard)
    }

    fn link(self: &Arc<Self>, options: &Options, calls: &Arc<Link>) -> Result<Arc<Link>> {
        let mut link = self.link.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(link) = &*link {
            return Ok(Arc::clone(link));
        }
        let (events, calls) = (Arc::downgrade(self), Arc::downgrade(calls));
        let url = options.shown.clone();
        let prepare = move |client: Client| {
            let (events, calls, url) = (events.clone(), calls.clone(), url.clone());
            async move {
                let Some(listening) = events.upgrade() else {
                    return Ok(());
                };
                let messages = client.message_rx();
                let channels: Vec<String> = listening.channels().keys().cloned().collect();
                if !channels.is_empty() {
                    let subscribed = client.subscribe(channels.clone()).await;
                    subscribed.map_err(|cause| error::of_driver(&url, &cause))?;
                    listening.heard(&channels);
                }
                // What happened while there was no connection is not known.
                listening.watchers.wake_all();
                tokio::spawn(async move {
                    let mut messages = messages;
                    while let (Some(events), Some(calls)) = (events.upgrade(), calls.upgrade()) {
                        if !events.hear(&mut messages, &calls).await {
                            return;
                        }
                    }
                });
                Ok(())
            }
            .boxed()
        };
        let started = Arc::new(Link::start(
            options,
            Place::Thread("seed-redis-events"),
            Box::new(prepare),
        )?);
        *link = Some(Arc::clone(&started));
        Ok(started)
    }

    /// Takes in the next message, or looks at what is watched if none comes for a while; says false once the
    /// connection is gone.
    async fn hear(&self, messages: &mut Receiver<Message>, calls: &Link) -> bool {
        let message = std::pin::pin!(messages.recv());
        let pause = std::pin::pin!(tokio::time::sleep(WATCH_BOUND / 2));
        match select(message, pause).await {
            Either::Left((Ok(message), _)) => self.take(&message),
            Either::Left((Err(RecvError::Lagged(_)), _)) => self.watchers.wake_all(),
            Either::Left((Err(RecvError::Closed), _)) => return false,
            Either::Right(_) => self.look(calls).await,
        }
        true
    }

    fn take(&self, message: &Message) {
        let Some(payload) = message.value.as_bytes() else {
            return;
        };
        let subject = self.channels().get(&*message.channel).cloned();
        match subject {
            Some(Subject::Collection { name, .. }) if payload != &self.name[..] => self.watchers.wake(&name),
            Some(Subject::Topic(topic)) => {
                let Some((from, text)) = payload.split_at_checked(self.name.len()) else {
                    return;
                };
                // Best effort: what cannot be read is none of ours.
                if from != &self.name[..]
                    && let Ok(text) = std::str::from_utf8(text)
                    && let Ok(message) = json::parse_stored(text)
                {
                    self.topics.publish(&topic, message);
                }
            }
            _ => {}
        }
    }

    /// Wakes the watches on collections that were written to since the last look.
    async fn look(&self, calls: &Link) {
        let watched: Vec<(String, Keys)> = self
            .channels()
            .iter()
            .filter_map(|(channel, subject)| match subject {
                Subject::Collection { keys, .. } => Some((channel.clone(), keys.clone())),
                Subject::Topic(_) => None,
            })
            .collect();
        for (channel, keys) in watched {
            let arguments = [keys.spec.clone(), Bytes::from_static(b"writes")];
            let arguments = arguments.into_iter().map(Value::Bytes).collect();
            let now = match calls.call("HGET", Some(keys.slot), arguments).await {
                Ok(Resp3Frame::BlobString { data, .. }) => Some(data),
                Ok(_) => None,
                // The next look, or the next connection, makes up for it.
                Err(_) => return,
            };
            if let Some(Subject::Collection { name, writes, .. }) = self.channels().get_mut(&channel)
                && *writes != now
            {
                *writes = now;
                self.watchers.wake(name);
            }
        }
    }
}

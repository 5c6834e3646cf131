//! Wake-ups and messages.
//!
//! What is written through this handle wakes its watches at once. Of others it hears by a change stream where the server
//! has them; a single server has none, so that every watch wakes now and then and its owner looks for himself. Messages
//! for other handles are put into a bounded collection, but only while one of them is registered as a listener.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use futures::{StreamExt, TryStreamExt};
use mongodb::bson::{Document as BsonDocument, doc};
use mongodb::options::{ReadConcern, ReadPreference, SelectionCriteria};
use seed::clock::Clock;
use seed::store::watch::{Topics, Watchers};
use seed::store::{Subscription, Watch};
use seed::value::{DateTime, Document};
use seed::{ErrorKind, Result};
use tokio::sync::OnceCell;
use tokio::task::unconstrained;

use crate::checks::Server;
use crate::error::{Fault, Refusal};
use crate::link::{Link, documents};
use crate::names;
use crate::values::to_bson;

/// How late a wake-up may come.
pub const WATCH_BOUND: Duration = Duration::from_millis(250);

/// How often is looked where nothing tells.
const LOOK: Duration = Duration::from_millis(200);

const MESSAGES: &str = "seed.messages";
const LISTENERS: &str = "seed.listeners";

/// How many messages are kept for those who come round to look.
const KEPT: i64 = 1_024;

/// For how long a registration holds, and from when on it is renewed.
const REGISTERED: Duration = Duration::from_secs(60);
const RENEWED: Duration = Duration::from_secs(30);

/// For how many milliseconds the registration of a handle that has ended is kept: longer than clocks differ.
const GONE_MS: i64 = 3_600_000;

/// The watches and subscriptions of a handle.
#[derive(Debug)]
pub(crate) struct Events {
    watchers: Watchers,
    topics: Topics,
    /// Tells what this handle publishes from what others do.
    name: String,
    /// The way by which is looked; it ends with the handle.
    link: Weak<Link>,
    clock: Arc<dyn Clock>,
    server: Server,
    /// Whether others' writes are looked for, and others' messages.
    looking: OnceCell<()>,
    hearing: OnceCell<()>,
    listening: Mutex<Option<Listening>>,
}

#[derive(Clone, Copy, Debug)]
struct Listening {
    /// The number of the last message that was heard.
    heard: i64,
    until: DateTime,
}

impl Events {
    pub(crate) fn new(name: String, link: &Arc<Link>, clock: &Arc<dyn Clock>, server: Server) -> Self {
        Self {
            watchers: Watchers::default(),
            topics: Topics::default(),
            name,
            link: Arc::downgrade(link),
            clock: Arc::clone(clock),
            server,
            looking: OnceCell::new(),
            hearing: OnceCell::new(),
            listening: Mutex::default(),
        }
    }

    fn listening(&self) -> MutexGuard<'_, Option<Listening>> {
        self.listening.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes the watches on a collection.
    pub(crate) fn wake(&self, collection: &str) {
        self.watchers.wake(collection);
    }

    /// Watches a collection.
    pub(crate) async fn watch(self: &Arc<Self>, collection: &str) -> Result<Watch> {
        let watch = self.watchers.watch(collection);
        // A caller may drive this by an executor of its own on a thread of tokio's, which wakes what has used up its turn
        // only when it has the thread back.
        unconstrained(self.looking.get_or_init(|| self.look())).await;
        Ok(watch)
    }

    /// Begins to look at what others write.
    async fn look(self: &Arc<Self>) {
        let Some(link) = self.link.upgrade() else { return };
        let (tell, is_open) = futures::channel::oneshot::channel();
        let events = Arc::downgrade(self);
        let weak = Arc::downgrade(&link);
        let has_streams = self.server.has_change_streams;
        link.spawn(async move {
            let mut tell = Some(tell);
            loop {
                let opened = match (has_streams, weak.upgrade()) {
                    (_, None) => return,
                    (true, Some(link)) => open_stream(&link).await,
                    (false, Some(_)) => None,
                };
                if let Some(tell) = tell.take() {
                    // Whoever asked may have gone.
                    let _ = tell.send(());
                }
                // What happened before the stream was open is not known.
                let still = match opened {
                    Some(stream) => hear(&events, &weak, stream).await,
                    None => wait(&events, &weak).await,
                };
                if still.is_none() {
                    return;
                }
            }
        });
        // The sender is gone only with the link.
        let _ = is_open.await;
    }

    /// Subscribes to a topic, and registers this handle as a listener.
    pub(crate) async fn subscribe(self: &Arc<Self>, topic: &str) -> Result<Subscription> {
        let subscription = self.topics.subscribe(topic);
        unconstrained(self.hearing.get_or_try_init(|| self.hear_others())).await?;
        Ok(subscription)
    }

    /// Registers this handle as a listener, and begins to look for messages.
    async fn hear_others(self: &Arc<Self>) -> Result<()> {
        let Some(link) = self.link.upgrade() else {
            return Ok(());
        };
        let heard = last_message(&link).await?;
        let until = self.register(&link).await?;
        *self.listening() = Some(Listening { heard, until });
        self.start_listening(&link);
        Ok(())
    }

    fn start_listening(self: &Arc<Self>, link: &Arc<Link>) {
        let (events, weak) = (Arc::downgrade(self), Arc::downgrade(link));
        link.spawn(async move {
            loop {
                tokio::time::sleep(LOOK).await;
                let (Some(events), Some(link)) = (events.upgrade(), weak.upgrade()) else {
                    return;
                };
                // The next look makes up for one that failed.
                let _ = events.listen(&link).await;
            }
        });
    }

    /// Hands on what others have left, and keeps this handle registered.
    async fn listen(&self, link: &Arc<Link>) -> Result<()> {
        let Some(mut listening) = *self.listening() else {
            return Ok(());
        };
        let command = doc! {
            "find": MESSAGES, "filter": { "_id": { "$gt": listening.heard } }, "sort": { "_id": 1 }, "limit": KEPT
        };
        let mut messages = link.find(command, ErrorKind::Query, |_| ());
        while let Some(sent) = messages.try_next().await? {
            listening.heard = sent.id().and_then(seed::Value::as_i64).unwrap_or(listening.heard);
            self.hand_on(&sent);
        }
        if listening.until.since(self.clock.now()) < RENEWED {
            listening.until = self.register(link).await?;
        }
        *self.listening() = Some(listening);
        Ok(())
    }

    fn hand_on(&self, sent: &Document) {
        let text = |name: &str| sent.get(name).and_then(seed::Value::as_str);
        let message = sent.get("message").and_then(seed::Value::as_document);
        if let (Some(topic), Some(message)) = (text("topic"), message)
            && text("from") != Some(&self.name)
        {
            self.topics.publish(topic, message.clone());
        }
    }

    async fn register(&self, link: &Arc<Link>) -> Result<DateTime> {
        let until = self.clock.now().saturating_add(REGISTERED);
        let time = mongodb::bson::DateTime::from_millis(until.as_millis());
        let command = doc! {
            "update": LISTENERS,
            "updates": [{ "q": { "_id": &self.name }, "u": { "$set": { "until": time } }, "upsert": true }],
        };
        let refused = |fault: Fault| fault.into_error(ErrorKind::Update);
        link.write(command).await.map_err(refused)?;
        // Those that ended without a word do not pile up.
        let gone = mongodb::bson::DateTime::from_millis(until.as_millis().saturating_sub(GONE_MS));
        let command =
            doc! { "delete": LISTENERS, "deletes": [{ "q": { "until": { "$lt": gone } }, "limit": 0 }] };
        link.write(command).await.map_err(refused)?;
        Ok(until)
    }

    /// Gives a message to the subscribers here, and leaves it for other handles if any of them listens.
    pub(crate) async fn publish(&self, link: &Arc<Link>, topic: &str, message: Document) -> Result<()> {
        let sent = doc! { "from": &self.name, "topic": topic, "message": to_bson(&message) };
        self.topics.publish(topic, message);
        if self.others_listen(link).await? {
            post(link, sent).await?;
        }
        Ok(())
    }

    async fn others_listen(&self, link: &Arc<Link>) -> Result<bool> {
        let now = mongodb::bson::DateTime::from_millis(self.clock.now().as_millis());
        let command = doc! {
            "find": LISTENERS, "filter": { "_id": { "$ne": &self.name }, "until": { "$gt": now } }, "limit": 1_i64
        };
        let mut listeners = link.find(command, ErrorKind::Query, |_| ());
        Ok(listeners.try_next().await?.is_some())
    }
}

type ChangeStream =
    mongodb::change_stream::ChangeStream<mongodb::change_stream::event::ChangeStreamEvent<BsonDocument>>;

/// Opens a stream of what changes in the database; none if the server has none after all, or cannot be reached now.
async fn open_stream(link: &Arc<Link>) -> Option<ChangeStream> {
    // Which collection it was is all that matters.
    let stages = [doc! { "$project": { "ns": 1, "operationType": 1 } }];
    // Whatever the URL says of reads: one who lags behind would wake nobody in time.
    let primary = SelectionCriteria::ReadPreference(ReadPreference::Primary);
    let watch = link.database().watch().pipeline(stages);
    let watch = watch
        .selection_criteria(primary)
        .read_concern(ReadConcern::majority());
    watch.await.ok()
}

/// Wakes the watches on what changes, until the stream ends; none once the handle is gone.
async fn hear(events: &Weak<Events>, link: &Weak<Link>, mut stream: ChangeStream) -> Option<()> {
    events.upgrade()?.watchers.wake_all();
    loop {
        let next = tokio::time::timeout(LOOK, stream.next()).await;
        let (events, _) = (events.upgrade()?, link.upgrade()?);
        match next {
            Ok(Some(Ok(event))) => match event.ns.and_then(|place| place.coll) {
                Some(collection) => events.watchers.wake(&names::to_collection(&collection)),
                None => events.watchers.wake_all(),
            },
            // The driver resumes what can be resumed. The next stream begins with a look at everything.
            Ok(Some(Err(_)) | None) => {
                drop(events);
                tokio::time::sleep(LOOK).await;
                return Some(());
            }
            // Nothing changed.
            Err(_) => {}
        }
    }
}

/// Wakes all watches after a while; none once the handle is gone.
async fn wait(events: &Weak<Events>, link: &Weak<Link>) -> Option<()> {
    tokio::time::sleep(LOOK).await;
    let (events, _) = (events.upgrade()?, link.upgrade()?);
    events.watchers.wake_all();
    Some(())
}

async fn last_message(link: &Arc<Link>) -> Result<i64> {
    let command = doc! { "find": MESSAGES, "sort": { "_id": -1 }, "limit": 1_i64 };
    let last = link.find(command, ErrorKind::Query, |_| ()).try_next().await?;
    Ok(last.and_then(|last| last.id()?.as_i64()).unwrap_or(0))
}

/// Puts a message behind the last one, and takes away what is too old. Two that come at once want the same number, and
/// one of them takes the next: who looks never finds a gap that is filled later.
async fn post(link: &Arc<Link>, sent: BsonDocument) -> Result<()> {
    let mut number = last_message(link).await?;
    loop {
        number += 1;
        let mut message = doc! { "_id": number };
        message.extend(sent.clone());
        let command = doc! { "insert": MESSAGES, "documents": [message] };
        let answer = link
            .write(command)
            .await
            .map_err(|fault| fault.into_error(ErrorKind::Update))?;
        match documents(&answer, "writeErrors")
            .next()
            .map(Refusal::of_write_error)
        {
            None => break,
            Some(refusal) if refusal.is_duplicate() => {}
            Some(refusal) => return Err(refusal.into_error(ErrorKind::Update)),
        }
    }
    let old = doc! {
        "delete": MESSAGES, "deletes": [{ "q": { "_id": { "$lte": number - KEPT } }, "limit": 0 }]
    };
    link.write(old)
        .await
        .map_err(|fault| fault.into_error(ErrorKind::Update))?;
    Ok(())
}

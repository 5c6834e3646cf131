//! The store: what all calls share, and where each begins.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use fred::types::{Resp3Frame, Value};
use futures::FutureExt;
use seed::Result;
use seed::clock::{Clock, SystemClock};
use seed::engine::object_ids::ObjectIds;
use seed::plan::CollectionSpec;
use seed::plan::index::check_name;
use seed::store::{
    Aggregate, Capabilities, Count, Delete, Documents, Find, FindAndUpdate, Insert, InsertOutcome, Store,
    Subscription, Update, UpdateOutcome, Watch, WriteBatch, WriteOutcome,
};
use seed::update::Context;
use seed::value::{DateTime, Document, ObjectId, Text};

use crate::collection::Collections;
use crate::commit::{array, blob, integer};
use crate::events::{Events, WATCH_BOUND};
use crate::link::{Link, Place};
use crate::options::Options;
use crate::packed::Version;
use crate::seen::SeenDocuments;
use crate::writes::{MAX_TRIES, contended};
use crate::{ensure, find, insert, scripts, steps, tally, writes};

/// A thread for the connection that carries the calls.
pub(crate) const THREAD: Place = Place::Thread("seed-redis");

/// A handle on the server.
#[derive(Clone, Debug)]
pub(crate) struct Handle(pub(crate) Arc<Inner>);

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) options: Options,
    pub(crate) link: Arc<Link>,
    pub(crate) events: Arc<Events>,
    pub(crate) collections: Collections,
    pub(crate) seen: SeenDocuments,
    pub(crate) ids: ObjectIds,
    clock: Arc<dyn Clock>,
    versions: AtomicU64,
    /// What was declared through this handle, for a server that was emptied.
    pub(crate) declared: Mutex<HashMap<Text, CollectionSpec>>,
    /// The mark of the store when that was last in order.
    pub(crate) marked: Mutex<Option<Bytes>>,
    /// A handle with connections of its own.
    detached: OnceLock<Arc<Self>>,
    /// The way by which the events look, kept open for a detached handle that outlives the one it came from.
    _looking: Option<Arc<Link>>,
}

impl Inner {
    pub(crate) fn start(options: Options, place: Place) -> Result<Arc<Self>> {
        let clock = options.clock.clone().unwrap_or_else(|| Arc::new(SystemClock));
        let name = Bytes::from(ObjectIds::default().next(clock.now()).to_string());
        Self::connect(options, place, clock, Arc::new(Events::new(name)), None)
    }

    /// Connects anew, on a thread that nothing else can keep busy. What is written by this way wakes the watches of this handle at once, and the other way round.
    fn start_detached(&self) -> Result<Arc<Self>> {
        let (clock, events) = (Arc::clone(&self.clock), Arc::clone(&self.events));
        let looking = Some(Arc::clone(&self.link));
        Self::connect(self.options.clone(), THREAD, clock, events, looking)
    }

    fn connect(
        options: Options,
        place: Place,
        clock: Arc<dyn Clock>,
        events: Arc<Events>,
        looking: Option<Arc<Link>>,
    ) -> Result<Arc<Self>> {
        let link = Link::start(&options, place, Box::new(|_| async { Ok(()) }.boxed()))?;
        // The standard library seeds each of these at random.
        let random = std::collections::hash_map::RandomState::new()
            .build_hasher()
            .finish();
        Ok(Arc::new(Self {
            link: Arc::new(link),
            events,
            collections: Collections::default(),
            seen: SeenDocuments::default(),
            ids: ObjectIds::default(),
            clock,
            versions: AtomicU64::new(random),
            declared: Mutex::default(),
            marked: Mutex::default(),
            detached: OnceLock::new(),
            _looking: looking,
            options,
        }))
    }

    /// Returns a version that no document has had, here or through other handles: counted on from a number at random.
    pub(crate) fn next_version(&self) -> Version {
        self.versions.fetch_add(1, Ordering::Relaxed).to_be_bytes()
    }

    pub(crate) fn context(&self) -> Context {
        Context::at(self.clock.now())
    }

    pub(crate) fn new_id(&self) -> ObjectId {
        self.ids.next(self.clock.now())
    }

    pub(crate) fn with_id(&self, document: Document) -> Document {
        self.ids.identify(document, || self.clock.now())
    }

    async fn drop_collection(&self, name: &str) -> Result<()> {
        self.declared
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(name);
        for _ in 0..MAX_TRIES {
            let collection = self.load(name).await?;
            let arguments = [
                collection.edition.clone(),
                collection.keys.channel.clone(),
                self.events.name.clone(),
            ];
            let answer = scripts::DROP
                .run(&self.link, collection.keys.slot, &collection.all_keys, arguments)
                .await?;
            self.forget(name);
            if integer(&answer) == Some(0) {
                self.events.watchers.wake(name);
                return Ok(());
            }
        }
        Err(contended())
    }

    async fn now(&self) -> Result<DateTime> {
        if self.options.clock.is_some() {
            return Ok(self.clock.now());
        }
        let answer = self.link.call("TIME", None, Vec::<Value>::new()).await?;
        let read = |answer: Resp3Frame| -> Option<DateTime> {
            let mut parts = array(answer)?.into_iter();
            let mut number = || -> Option<i64> {
                let text = blob(parts.next()?)?;
                std::str::from_utf8(&text).ok()?.parse().ok()
            };
            let (seconds, micros) = (number()?, number()?);
            Some(DateTime::from_millis(seconds * 1_000 + micros / 1_000))
        };
        read(answer).ok_or_else(|| self.unexpected())
    }
}

#[async_trait]
impl Store for Handle {
    async fn ensure(&self, spec: &CollectionSpec) -> Result<()> {
        ensure::ensure(&self.0, spec).await?;
        let mut declared = self.0.declared.lock().unwrap_or_else(PoisonError::into_inner);
        declared.insert(spec.name.clone(), spec.clone());
        Ok(())
    }

    async fn insert(&self, request: Insert) -> Result<Vec<InsertOutcome>> {
        insert::insert(&self.0, request).await
    }

    async fn find(&self, request: Find) -> Result<Documents> {
        find::find(Arc::clone(&self.0), request)
    }

    async fn count(&self, request: Count) -> Result<u64> {
        find::count(Arc::clone(&self.0), request).await
    }

    async fn aggregate(&self, request: Aggregate) -> Result<Vec<Document>> {
        if let Some(counted) = tally::aggregate(&self.0, &request).await? {
            return Ok(counted);
        }
        request
            .over(find::find(Arc::clone(&self.0), request.find())?)
            .await
    }

    async fn find_and_update(&self, request: FindAndUpdate) -> Result<Vec<Document>> {
        let outcomes = writes::write(&self.0, request.into()).await?;
        outcomes
            .into_iter()
            .next()
            .map_or(Ok(Vec::new()), WriteOutcome::found)
    }

    async fn write(&self, batch: WriteBatch) -> Result<Vec<WriteOutcome>> {
        writes::write(&self.0, batch).await
    }

    async fn update(&self, request: Update) -> Result<UpdateOutcome> {
        steps::update(&self.0, request).await
    }

    async fn delete(&self, request: Delete) -> Result<u64> {
        steps::delete(&self.0, request).await
    }

    async fn explain(&self, request: Find) -> Result<Document> {
        find::explain(Arc::clone(&self.0), request).await
    }

    async fn drop_collection(&self, collection: &str) -> Result<()> {
        self.0.drop_collection(collection).await
    }

    async fn watch(&self, collection: &str) -> Result<Watch> {
        check_name(collection)?;
        let Inner {
            events,
            options,
            link,
            ..
        } = &*self.0;
        events.watch(options, link, collection).await
    }

    async fn publish(&self, topic: &str, message: Document) -> Result<()> {
        let Inner {
            events,
            options,
            link,
            ..
        } = &*self.0;
        events.publish(options, link, topic, message).await
    }

    async fn subscribe(&self, topic: &str) -> Result<Subscription> {
        let Inner {
            events,
            options,
            link,
            ..
        } = &*self.0;
        events.subscribe(options, link, topic).await
    }

    async fn now(&self) -> Result<DateTime> {
        self.0.now().await
    }

    fn detached(&self) -> Result<Arc<dyn Store>> {
        if let Some(detached) = self.0.detached.get() {
            return Ok(Arc::new(Self(Arc::clone(detached))));
        }
        let started = self.0.start_detached()?;
        let detached = self.0.detached.get_or_init(|| started);
        Ok(Arc::new(Self(Arc::clone(detached))))
    }

    fn capabilities(&self) -> Capabilities {
        let mut capabilities = Capabilities::IN_PROCESS
            .durable()
            .shared_between_processes(WATCH_BOUND);
        // A large batch goes in several calls.
        capabilities.atomic_batch = false;
        capabilities
    }
}

//! The store: what all calls share, and where each begins.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use mongodb::bson::{Bson, Document as BsonDocument};
use seed::clock::{Clock, SystemClock};
use seed::engine::object_ids::ObjectIds;
use seed::plan::CollectionSpec;
use seed::plan::index::check_name;
use seed::store::{
    Aggregate, Capabilities, Count, Delete, Documents, Find, FindAndUpdate, Insert, InsertOutcome, Store,
    Subscription, Update, UpdateOutcome, Watch, WriteBatch, WriteOutcome,
};
use seed::update::Context;
use seed::value::{DateTime, Document, ObjectId};
use seed::{ErrorKind, Result};

use crate::checks::{self, Server};
use crate::error::unexpected;
use crate::events::{Events, WATCH_BOUND};
use crate::hints::Declared;
use crate::link::Link;
use crate::options::Options;
use crate::{batch, claim, ensure, find, insert, steps};

/// A handle on the server.
#[derive(Clone, Debug)]
pub(crate) struct Handle(pub(crate) Arc<Inner>);

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) link: Arc<Link>,
    pub(crate) events: Arc<Events>,
    options: Options,
    server: Server,
    /// Whether the server takes writes of all kinds in one command, as far as is known.
    has_bulk_write: AtomicBool,
    /// What was declared through this handle.
    pub(crate) declared: Arc<Declared>,
    ids: ObjectIds,
    clock: Arc<dyn Clock>,
    /// A handle with connections of its own.
    detached: OnceLock<Arc<Self>>,
    /// The way by which the events look, kept open for a detached handle that outlives the one it came from.
    _looking: Option<Arc<Link>>,
}

impl Inner {
    /// Connects, and looks whether the server is one that can be worked with; tells what its user should know.
    pub(crate) async fn start(options: Options) -> Result<(Arc<Self>, Vec<String>)> {
        let link = Arc::new(Link::start(&options).await?);
        let (server, warnings) = checks::check(&link, &options).await?;
        let clock = options.clock.clone().unwrap_or_else(|| Arc::new(SystemClock));
        let ids = ObjectIds::default();
        let name = ids.next(clock.now()).to_string();
        let inner = Self {
            events: Arc::new(Events::new(name, &link, &clock, server)),
            link,
            options,
            server,
            has_bulk_write: AtomicBool::new(server.has_bulk_write),
            declared: Arc::default(),
            ids,
            clock,
            detached: OnceLock::new(),
            _looking: None,
        };
        Ok((Arc::new(inner), warnings))
    }

    /// Makes a handle with connections of its own; what it writes wakes the watches of this one at once.
    fn start_detached(&self) -> Result<Arc<Self>> {
        Ok(Arc::new(Self {
            link: Arc::new(self.link.start_another(&self.options)?),
            events: Arc::clone(&self.events),
            options: self.options.clone(),
            server: self.server,
            has_bulk_write: AtomicBool::new(self.has_bulk_write()),
            declared: Arc::clone(&self.declared),
            ids: ObjectIds::default(),
            clock: Arc::clone(&self.clock),
            detached: OnceLock::new(),
            _looking: Some(Arc::clone(&self.link)),
        }))
    }

    /// Returns what an update needs to know.
    pub(crate) fn context(&self) -> Context {
        Context::at(self.clock.now())
    }

    /// Returns the time that stands for the server's, if the store was opened with a clock.
    pub(crate) fn own_time(&self) -> Option<DateTime> {
        self.options.clock.as_ref().map(|clock| clock.now())
    }

    pub(crate) fn new_id(&self) -> ObjectId {
        self.ids.next(self.clock.now())
    }

    pub(crate) fn has_bulk_write(&self) -> bool {
        self.has_bulk_write.load(Ordering::Relaxed)
    }

    /// Notes that the server refused what its version knows.
    pub(crate) fn forget_bulk_write(&self) {
        self.has_bulk_write.store(false, Ordering::Relaxed);
    }

    /// Tells whether the server has other members that keep the same.
    pub(crate) fn is_replicated(&self) -> bool {
        self.server.has_change_streams
    }

    pub(crate) fn database(&self) -> &str {
        &self.options.database
    }

    pub(crate) fn is_genuine(&self) -> bool {
        self.server.is_genuine
    }

    pub(crate) fn with_id(&self, document: Document) -> Document {
        self.ids.identify(document, || self.clock.now())
    }

    async fn now(&self) -> Result<DateTime> {
        if let Some(time) = self.own_time() {
            return Ok(time);
        }
        let answer = self.link.hello().await;
        let answer: BsonDocument = answer.map_err(|fault| fault.into_error(ErrorKind::Unsupported))?;
        match answer.get("localTime") {
            Some(Bson::DateTime(time)) => Ok(DateTime::from_millis(time.timestamp_millis())),
            _ => Err(unexpected("localTime")),
        }
    }
}

#[async_trait]
impl Store for Handle {
    async fn ensure(&self, spec: &CollectionSpec) -> Result<()> {
        ensure::ensure(&self.0, spec).await?;
        self.0.declared.keep(spec);
        Ok(())
    }

    async fn insert(&self, request: Insert) -> Result<Vec<InsertOutcome>> {
        insert::insert(&self.0, request).await
    }

    async fn find(&self, request: Find) -> Result<Documents> {
        find::find(&self.0, &request)
    }

    async fn count(&self, request: Count) -> Result<u64> {
        find::count(&self.0, &request).await
    }

    async fn aggregate(&self, request: Aggregate) -> Result<Vec<Document>> {
        find::aggregate(&self.0, &request).await
    }

    async fn find_and_update(&self, request: FindAndUpdate) -> Result<Vec<Document>> {
        claim::find_and_update(&self.0, request).await
    }

    async fn write(&self, batch: WriteBatch) -> Result<Vec<WriteOutcome>> {
        batch::write(&self.0, batch).await
    }

    async fn update(&self, request: Update) -> Result<UpdateOutcome> {
        steps::update(&self.0, request).await
    }

    async fn delete(&self, request: Delete) -> Result<u64> {
        steps::delete(&self.0, request).await
    }

    async fn explain(&self, request: Find) -> Result<Document> {
        find::explain(&self.0, &request).await
    }

    async fn drop_collection(&self, collection: &str) -> Result<()> {
        ensure::drop_collection(&self.0, collection).await
    }

    async fn watch(&self, collection: &str) -> Result<Watch> {
        check_name(collection)?;
        self.0.events.watch(collection).await
    }

    async fn publish(&self, topic: &str, message: Document) -> Result<()> {
        self.0.events.publish(&self.0.link, topic, message).await
    }

    async fn subscribe(&self, topic: &str) -> Result<Subscription> {
        self.0.events.subscribe(topic).await
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
        // A batch is as many commands as its items need.
        capabilities.atomic_batch = false;
        capabilities.fused_write = false;
        capabilities.native_watch = self.0.server.has_change_streams;
        capabilities
    }
}

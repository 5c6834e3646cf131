//! A whole store over any engine.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use async_trait::async_trait;

use super::arrivals::Arrivals;
use super::bus::Bus;
use super::catalogue::Catalogue;
use super::object_ids::ObjectIds;
use super::recent::Recent;
use super::session::Session;
use super::watching::Watching;
use super::writer::{Job, One, Weight, Writer};
use super::{Engine, Look, WriteTransaction, ensure, find, steps, tally, writes};
use crate::clock::Clock;
use crate::error::{Error, ErrorKind, Result};
use crate::plan::CollectionSpec;
use crate::plan::index::check_name;
use crate::store::{
    Aggregate, Capabilities, Count, Delete, Documents, Find, FindAndUpdate, Insert, InsertOutcome, Store,
    Subscription, Update, UpdateOutcome, Watch, WriteBatch, WriteOutcome,
};
use crate::value::{DateTime, Document, Text};

/// How often a call is planned anew because the indexes changed under it, before it gives up.
pub(super) const MAX_STALE: usize = 1_000;

/// How writes reach the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteMode {
    /// Each call writes at once, on its own thread. For engines whose commits cost nothing.
    InPlace,
    /// Calls that come at the same time share a commit.
    Grouped,
}

/// A store over an [`Engine`].
///
/// It is cheap to clone; clones are the same store.
#[derive(Debug)]
pub struct Indexed<E: Engine>(Arc<Handle<E>>);

/// Keeps what the clones of a store share, apart from the thread that looks for other processes: it has a share of its
/// own in that, and must not be the last to let go of it.
#[derive(Debug)]
struct Handle<E: Engine>(Arc<Inner<E>>);

impl<E: Engine> Drop for Handle<E> {
    fn drop(&mut self) {
        let watching = self.0.watching().take();
        drop(watching);
    }
}

impl<E: Engine> Clone for Indexed<E> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

#[derive(Debug)]
pub(super) struct Inner<E: Engine> {
    pub(super) engine: Arc<E>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) ids: ObjectIds,
    writer: Option<Writer<E>>,
    pub(super) recent: Recent<E::Stored>,
    catalogues: RwLock<HashMap<Text, Arc<Catalogue>>>,
    pub(super) arrivals: Arc<Arrivals>,
    pub(super) bus: Bus,
    /// Tells this handle from others on the same store.
    pub(super) name: Text,
    /// What looks for other processes, once the engine was asked to tell of them.
    watching: Mutex<Option<Option<Watching>>>,
}

impl<E: Engine> Indexed<E> {
    /// Makes a store over an engine.
    pub fn new(engine: E, mode: WriteMode, clock: Arc<dyn Clock>) -> Self {
        let engine = Arc::new(engine);
        let ids = ObjectIds::default();
        let name = ids.next(clock.now()).to_string().into();
        let writer = (mode == WriteMode::Grouped).then(|| Writer::new(Arc::clone(&engine)));
        Self(Arc::new(Handle(Arc::new(Inner {
            engine,
            clock,
            ids,
            writer,
            recent: Recent::default(),
            catalogues: RwLock::default(),
            arrivals: Arc::default(),
            bus: Bus::default(),
            name,
            watching: Mutex::default(),
        }))))
    }

    fn inner(&self) -> &Arc<Inner<E>> {
        &self.0.0
    }

    /// Returns the engine.
    pub fn engine(&self) -> &E {
        &self.inner().engine
    }

    /// Returns how many commits were made for the writes so far; none where each call writes in place.
    pub fn commits(&self) -> Option<u64> {
        self.inner().writer.as_ref().map(Writer::commits)
    }
}

/// A job whose result waits in it for the caller.
struct Call<W, T> {
    collection: Text,
    work: W,
    result: Option<T>,
}

impl<S, W, T> Job<S> for Call<W, T>
where
    W: FnMut(&mut dyn WriteTransaction<S>) -> Result<T> + Send,
    T: Send,
{
    fn collection(&self) -> &str {
        &self.collection
    }

    fn run(&mut self, transaction: &mut dyn WriteTransaction<S>) -> Result<()> {
        self.result = Some((self.work)(transaction)?);
        Ok(())
    }
}

/// A job that hands its result to its caller by a way of its own, and wakes those who watch as soon as they can see it.
struct Grouped<W, T> {
    collection: Text,
    work: W,
    reply: std::sync::mpsc::SyncSender<Option<Written<T>>>,
    wakes: Option<Arc<Arrivals>>,
    is_changed: bool,
}

impl<S, W, T> Job<S> for Grouped<W, T>
where
    W: FnMut(&mut dyn WriteTransaction<S>) -> Result<Option<Written<T>>> + Send,
    T: Send,
{
    fn collection(&self) -> &str {
        &self.collection
    }

    fn run(&mut self, transaction: &mut dyn WriteTransaction<S>) -> Result<()> {
        let written = (self.work)(transaction)?;
        self.is_changed = written.as_ref().is_some_and(|written| written.is_changed);
        // The receiver is there for as long as the caller is; without it the result is of no use.
        let _ = self.reply.try_send(written);
        Ok(())
    }

    fn committed(&mut self) {
        if let Some(arrivals) = self.wakes.as_ref().filter(|_| self.is_changed) {
            arrivals.tell(&self.collection);
        }
    }
}

/// What a write left behind.
struct Written<T> {
    value: Result<T>,
    catalogue: Arc<Catalogue>,
    is_changed: bool,
}

/// Whom a write wakes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wakes {
    Watches,
    Nobody,
}

impl<E: Engine> Inner<E> {
    /// Returns the catalogue of a collection as this process last saw it.
    pub(super) fn catalogue(&self, collection: &str) -> Result<Arc<Catalogue>> {
        let known = self
            .catalogues
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(collection)
            .cloned();
        if let Some(known) = known {
            return Ok(known);
        }
        check_name(collection)?;
        let mut loaded = Catalogue::default();
        self.engine.read(collection, &mut |transaction| {
            if let Some(document) = transaction.catalogue()? {
                loaded = Catalogue::from_document(&document)?;
            }
            Ok(())
        })?;
        let loaded = Arc::new(loaded);
        self.remember(collection, Arc::clone(&loaded));
        Ok(loaded)
    }

    fn remember(&self, collection: &str, catalogue: Arc<Catalogue>) {
        let mut catalogues = self.catalogues.write().unwrap_or_else(PoisonError::into_inner);
        catalogues.insert(collection.into(), catalogue);
    }

    /// Forgets what was known of a collection, so that it is looked up again.
    pub(super) fn forget(&self, collection: &str) {
        self.catalogues
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(collection);
    }

    /// Plans a write with the catalogue, carries it out, and does both again while the catalogue proves outdated.
    pub(super) async fn write<T, W>(
        &self,
        collection: &Text,
        items: usize,
        plan: impl Fn(&Arc<Catalogue>) -> Result<W> + Send + Sync,
    ) -> Result<T>
    where
        T: Send + 'static,
        W: FnMut(&mut Session<'_, E::Stored>) -> Result<T> + Send + 'static,
    {
        self.write_weighted(collection, Weight::of(items, false), Wakes::Watches, plan)
            .await
    }

    /// Does as [`write`](Self::write) does, and says how urgent it is and whom it wakes.
    pub(super) async fn write_weighted<T, W>(
        &self,
        collection: &Text,
        weight: Weight,
        wakes: Wakes,
        plan: impl Fn(&Arc<Catalogue>) -> Result<W> + Send + Sync,
    ) -> Result<T>
    where
        T: Send + 'static,
        W: FnMut(&mut Session<'_, E::Stored>) -> Result<T> + Send + 'static,
    {
        for _ in 0..MAX_STALE {
            let catalogue = self.catalogue(collection)?;
            let work = plan(&catalogue)?;
            let attempt = self.attempt(collection, (weight, wakes), &catalogue, work);
            if let Some(written) = attempt.await? {
                if !Arc::ptr_eq(&catalogue, &written.catalogue) {
                    self.remember(collection, written.catalogue);
                }
                return written.value;
            }
            self.forget(collection);
        }
        Err(Error::new(
            ErrorKind::Stale,
            "the indexes of the collection change all the time: try again later",
        ))
    }

    /// Carries a planned write out, unless it was planned with an outdated catalogue.
    async fn attempt<T, W>(
        &self,
        collection: &Text,
        (weight, wakes): (Weight, Wakes),
        catalogue: &Arc<Catalogue>,
        mut work: W,
    ) -> Result<Option<Written<T>>>
    where
        T: Send + 'static,
        W: FnMut(&mut Session<'_, E::Stored>) -> Result<T> + Send + 'static,
    {
        let catalogue = Arc::clone(catalogue);
        let in_session = move |transaction: &mut dyn WriteTransaction<E::Stored>| {
            let Some(mut session) = Session::open(transaction, &catalogue)? else {
                return Ok(None);
            };
            let value = match work(&mut session) {
                Err(fault) if fault.kind().is_of_store() => return Err(fault),
                value => value,
            };
            Ok(Some(Written {
                value,
                catalogue: session.catalogue,
                is_changed: session.is_changed,
            }))
        };
        let Some(writer) = &self.writer else {
            let mut call = Call {
                collection: collection.clone(),
                work: in_session,
                result: None,
            };
            self.engine.write(&mut One(Some(&mut call)))?;
            let written = call.result.flatten();
            if wakes == Wakes::Watches && written.as_ref().is_some_and(|written| written.is_changed) {
                self.arrivals.watchers.wake(collection);
            }
            self.engine.sync()?;
            return Ok(written);
        };
        let (reply, result) = std::sync::mpsc::sync_channel(1);
        let job = Grouped {
            collection: collection.clone(),
            work: in_session,
            reply,
            wakes: (wakes == Wakes::Watches).then(|| Arc::clone(&self.arrivals)),
            is_changed: false,
        };
        writer.submit(Box::new(job), weight).await?;
        Ok(result.try_recv().ok().flatten())
    }

    /// Tells whether a write waits for others, and costs a commit even if it changes nothing.
    pub(super) fn is_grouped(&self) -> bool {
        self.writer.is_some()
    }

    /// Has the engine look for what other processes do, once.
    pub(super) fn watch_other_processes(self: &Arc<Self>) -> Result<()> {
        let mut watching = self.watching();
        if watching.is_none() {
            let inner = Arc::downgrade(self);
            *watching = Some(self.engine.watch_other_processes(Box::new(move |look| {
                let Some(inner) = inner.upgrade() else {
                    return false;
                };
                inner.look(look);
                true
            }))?);
        }
        Ok(())
    }

    fn watching(&self) -> MutexGuard<'_, Option<Option<Watching>>> {
        self.watching.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn look(&self, look: Look) {
        if look == Look::Changed {
            self.arrivals.watchers.wake_all();
        }
        // Best effort: what cannot be heard now is heard with the next look, or not at all.
        let _ = self.listen(look);
    }
}

#[async_trait]
impl<E: Engine> Store for Indexed<E> {
    async fn ensure(&self, spec: &CollectionSpec) -> Result<()> {
        ensure::ensure(self.inner(), spec).await
    }

    async fn insert(&self, request: Insert) -> Result<Vec<InsertOutcome>> {
        writes::insert(self.inner(), request).await
    }

    async fn find(&self, request: Find) -> Result<Documents> {
        find::find(Arc::clone(self.inner()), request)
    }

    async fn count(&self, request: Count) -> Result<u64> {
        find::count(Arc::clone(self.inner()), request).await
    }

    async fn aggregate(&self, request: Aggregate) -> Result<Vec<Document>> {
        if let Some(counted) = tally::aggregate(self.inner(), &request)? {
            return Ok(counted);
        }
        request
            .over(find::find(Arc::clone(self.inner()), request.find())?)
            .await
    }

    async fn find_and_update(&self, request: FindAndUpdate) -> Result<Vec<Document>> {
        writes::find_and_update(self.inner(), request).await
    }

    async fn write(&self, batch: WriteBatch) -> Result<Vec<WriteOutcome>> {
        writes::write(self.inner(), batch).await
    }

    async fn update(&self, request: Update) -> Result<UpdateOutcome> {
        steps::update(self.inner(), request).await
    }

    async fn delete(&self, request: Delete) -> Result<u64> {
        steps::delete(self.inner(), request).await
    }

    async fn explain(&self, request: Find) -> Result<Document> {
        find::explain(self.inner(), &request)
    }

    async fn drop_collection(&self, collection: &str) -> Result<()> {
        self.inner().engine.drop_collection(collection)?;
        self.inner().forget(collection);
        self.inner().arrivals.watchers.wake(collection);
        Ok(())
    }

    async fn watch(&self, collection: &str) -> Result<Watch> {
        check_name(collection)?;
        self.inner().watch_other_processes()?;
        Ok(self.inner().arrivals.watchers.watch(collection))
    }

    async fn publish(&self, topic: &str, message: Document) -> Result<()> {
        self.inner().publish(topic, message).await
    }

    async fn subscribe(&self, topic: &str) -> Result<Subscription> {
        self.inner().subscribe(topic)
    }

    async fn now(&self) -> Result<DateTime> {
        Ok(self.inner().clock.now())
    }

    fn detached(&self) -> Result<Arc<dyn Store>> {
        // No call here waits for anything of the caller's runtime.
        Ok(Arc::new(self.clone()))
    }

    fn capabilities(&self) -> Capabilities {
        self.inner().engine.capabilities()
    }
}

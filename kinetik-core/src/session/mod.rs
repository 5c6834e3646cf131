//! Worker sessions: how the processes of a queue know of each other which ones live.
//!
//! All loops of a process share one session, a document with a time until which it is good. A keeper renews it from
//! a place that actions cannot starve, and rescues the jobs of sessions that lapsed. A process whose session
//! was taken away begins another, and takes along what it still holds of the jobs that it ran under the old one.

mod crowd;
mod document;
mod keeper;
mod rescue;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use seed::store::{Find, Insert, Store, StoreExt};
use seed::value::Text;
use seed::{DateTime, Document, Filter, Value};
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

pub(crate) use crowd::{Alone, Presence};
pub(crate) use document::sessions_collection;
pub use document::{Worker, WorkerLoop, WorkerTask};

use crate::error::Result;
use crate::job::ids::JobIds;
use crate::queue::StoreTime;
use crate::runtime::Runtime;
use crate::task::Task;

/// Where sessions and jobs are kept, and how long a silence is a death.
#[derive(Debug)]
pub(crate) struct Rules {
    pub(crate) jobs: Text,
    pub(crate) sessions: Text,
    pub(crate) lease: Duration,
    pub(crate) max_crashes: u32,
}

impl Rules {
    /// Returns how often a session is renewed, and others are looked at.
    fn interval(&self) -> Duration {
        self.lease / 3
    }
}

#[derive(Debug)]
struct Setting {
    rules: Rules,
    store: Arc<dyn Store>,
    runtime: Arc<dyn Runtime>,
    time: Arc<StoreTime>,
    ids: JobIds,
}

/// The session of this process, if it works at the moment.
#[derive(Debug)]
pub(crate) struct Sessions {
    setting: Arc<Setting>,
    current: tokio::sync::Mutex<Option<Arc<Session>>>,
}

impl Sessions {
    pub(crate) fn new(
        rules: Rules,
        store: Arc<dyn Store>,
        runtime: Arc<dyn Runtime>,
        time: Arc<StoreTime>,
    ) -> Self {
        let setting = Setting {
            rules,
            store,
            runtime,
            time,
            ids: JobIds::default(),
        };
        Self {
            setting: Arc::new(setting),
            current: tokio::sync::Mutex::default(),
        }
    }

    /// Takes a loop in, and begins a session if it is the first.
    pub(crate) async fn join(&self, tags: Vec<String>, slots: usize, tasks: &[Arc<Task>]) -> Result<Member> {
        let announced = WorkerLoop { tags, slots };
        let mut current = self.current.lock().await;
        if let Some(session) = current.as_ref()
            && let Some(member) = session.take_in(announced.clone(), tasks)
        {
            return Ok(member);
        }
        let session = Session::begin(&self.setting, announced, tasks).await?;
        let runtime = Arc::clone(&self.setting.runtime);
        let ended = session.ended.clone().drop_guard();
        runtime.spawn_apart(Box::pin(keeper::keep(Arc::clone(&session), ended)));
        *current = Some(Arc::clone(&session));
        Ok(Member::new(session, 0))
    }

    pub(crate) fn max_crashes(&self) -> u32 {
        self.setting.rules.max_crashes
    }

    pub(crate) async fn workers(&self, store: &dyn Store) -> Result<Vec<Worker>> {
        let now = self.setting.time.refreshed(store).await?;
        let request = Find::new(self.setting.rules.sessions.clone(), Filter::all());
        let (documents, _) = store.find_readable(request).await?;
        Ok(documents
            .iter()
            .map(|document| Worker::from_document(document, now))
            .collect())
    }
}

/// The session of this process.
#[derive(Debug)]
struct Session {
    setting: Arc<Setting>,
    /// Reaches the store from any thread.
    store: Arc<dyn Store>,
    started: DateTime,
    state: Mutex<State>,
    /// Counts renewals and new lives, for the loops.
    beats: watch::Sender<u64>,
    /// Tells the keeper that there is something to announce or to find out, or nobody left.
    news: Notify,
    ended: CancellationToken,
    crowd: crowd::Crowd,
    /// Whether a job was come by that is held and cannot be read, until a loop deals with it.
    has_unreadable: AtomicBool,
}

#[derive(Debug)]
struct State {
    id: Text,
    life: u64,
    /// When the last renewal that reached the store was begun; none while the session is not stored.
    renewed_at: Option<Duration>,
    loops: BTreeMap<u64, WorkerLoop>,
    next_loop: u64,
    tasks: Vec<Document>,
    is_closed: bool,
}

impl Session {
    async fn begin(setting: &Arc<Setting>, first: WorkerLoop, tasks: &[Arc<Task>]) -> Result<Arc<Self>> {
        let store = setting.store.detached()?;
        let renewed_at = setting.runtime.elapsed();
        let started = setting.time.asked(&*store).await?;
        let state = State {
            id: setting.new_id(started),
            life: 0,
            renewed_at: Some(renewed_at),
            loops: BTreeMap::from([(0, first)]),
            next_loop: 1,
            tasks: document::of_tasks(tasks),
            is_closed: false,
        };
        let session = Self {
            setting: Arc::clone(setting),
            store,
            started,
            state: Mutex::new(state),
            beats: watch::Sender::new(0),
            news: Notify::new(),
            ended: CancellationToken::new(),
            crowd: crowd::Crowd::default(),
            has_unreadable: AtomicBool::new(false),
        };
        session.insert(started).await?;
        Ok(Arc::new(session))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Stores the document of the session as it is now. If an answer was lost the document may be there already.
    async fn insert(&self, now: DateTime) -> Result<()> {
        let document = self.document(now);
        let request = Insert::new(self.setting.rules.sessions.clone(), vec![document]);
        self.store.insert(request).await?;
        Ok(())
    }

    fn document(&self, now: DateTime) -> Document {
        let state = self.state();
        let mut document = Document::new();
        document.set("_id", state.id.clone());
        document.set("started", self.started);
        document::set_process(&mut document);
        for (name, value) in self.announced(&state, now) {
            document.set(name, value);
        }
        document
    }

    /// Returns the fields that each renewal writes.
    fn announced(&self, state: &State, now: DateTime) -> Document {
        let lease = self.setting.rules.lease;
        document::announced(state.loops.values(), &state.tasks, now, lease)
    }

    /// Takes a further loop in; none if the session is ending.
    fn take_in(self: &Arc<Self>, announced: WorkerLoop, tasks: &[Arc<Task>]) -> Option<Member> {
        let mut state = self.state();
        if state.is_closed {
            return None;
        }
        let number = state.next_loop;
        state.next_loop += 1;
        state.loops.insert(number, announced);
        state.tasks = document::of_tasks(tasks);
        drop(state);
        self.news.notify_one();
        Some(Member::new(Arc::clone(self), number))
    }

    /// Makes all loops look again.
    fn beat(&self) {
        self.beats.send_modify(|beats| *beats = beats.wrapping_add(1));
    }

    /// Lets a loop go, and says whether it was the last.
    fn let_go(&self, number: u64) -> bool {
        let mut state = self.state();
        state.loops.remove(&number);
        state.is_closed |= state.loops.is_empty();
        let is_closed = state.is_closed;
        drop(state);
        self.news.notify_one();
        is_closed
    }
}

impl Setting {
    fn new_id(&self, now: DateTime) -> Text {
        self.ids.next(now, self.runtime.random()).into()
    }
}

/// A loop's part in the session of its process. Dropping it leaves.
#[derive(Debug)]
pub(crate) struct Member {
    session: Arc<Session>,
    number: u64,
}

impl Member {
    fn new(session: Arc<Session>, number: u64) -> Self {
        Self { session, number }
    }

    /// Returns the id of the session, and which life of it this is.
    pub(crate) fn current(&self) -> (Text, u64) {
        let state = self.session.state();
        (state.id.clone(), state.life)
    }

    /// Returns what the tokens of this loop begin with.
    pub(crate) fn token_prefix(&self) -> String {
        format!("{:x}.", self.number)
    }

    /// Tells whether others still take this process to live.
    pub(crate) fn may_claim(&self) -> bool {
        let renewed_at = self.session.state().renewed_at;
        let elapsed = self.session.setting.runtime.elapsed();
        renewed_at.is_some_and(|at| elapsed.saturating_sub(at) < self.session.setting.rules.lease)
    }

    /// Tells one loop, and once, that a job was come by that is held and cannot be read.
    pub(crate) fn takes_unreadable(&self) -> bool {
        self.session.has_unreadable.swap(false, Ordering::Relaxed)
    }

    /// Has the session renewed without waiting for its time.
    pub(crate) fn renew_soon(&self) {
        self.session.news.notify_one();
    }

    /// Returns what counts renewals, new lives, and changes of who may run.
    pub(crate) fn beats(&self) -> watch::Receiver<u64> {
        self.session.beats.subscribe()
    }

    /// Leaves; the last one waits until the session has ended.
    pub(crate) async fn leave(self) {
        if self.session.let_go(self.number) {
            self.session.ended.cancelled().await;
        }
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        self.session.let_go(self.number);
    }
}

/// Reads a text field of a document that need not have it.
fn text<'d>(document: &'d Document, name: &str) -> &'d str {
    document.get(name).and_then(Value::as_str).unwrap_or_default()
}

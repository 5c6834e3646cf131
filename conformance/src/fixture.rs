//! How the suite comes by stores.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use seed::{Clock, DateTime, SimulatedClock, Store, SystemClock};

use crate::still::Still;
use crate::things::Things;

/// Where an adapter's stores come from: a folder, a server that was started for the run, or memory.
pub trait Fixture: Send + Sync + Sized + 'static {
    /// How much the heavy cases do.
    const SCALE: Scale = Scale::Full;

    /// Returns why a case cannot be judged on this store, if so: what it runs on is known to answer otherwise than the
    /// store itself does, as a stand-in for a server. It is asked for cases of the suite and of the query language, by name.
    fn cannot_judge(&self, _case: &str) -> Option<String> {
        None
    }

    /// Starts what the stores need, once for the whole run: a server on a free port of this machine, a folder.
    fn start() -> impl Future<Output = Result<Self, Unavailable>> + Send;

    /// Opens a handle on the store of a name, which shows the time of `clock`.
    ///
    /// The same name opens the same data again, as another process would where the store can be shared, else as
    /// another handle; a new name an empty store. Names are made of letters, digits, `_` and `-`.
    fn open(&self, name: &str, clock: Arc<dyn Clock>) -> impl Future<Output = Arc<dyn Store>> + Send;
}

/// How much the heavy cases do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// What the promises are about: 100,000 documents, thousands of claims.
    Full,
    /// A twentieth of it, for what is slow and cannot be measured anyway.
    Reduced,
    /// A twentieth of it, for stores that are meant to fail. A failure to wake shows after a second.
    Small,
}

/// Why a fixture cannot start; the cases are then ignored for this reason.
#[derive(Debug)]
pub struct Unavailable(String);

impl Unavailable {
    /// Says why.
    pub fn because(reason: impl Into<String>) -> Self {
        Self(reason.into())
    }

    pub(crate) fn reason(&self) -> &str {
        &self.0
    }
}

impl<E: std::error::Error> From<E> for Unavailable {
    fn from(cause: E) -> Self {
        Self(cause.to_string())
    }
}

type CannotJudge = dyn Fn(&str) -> Option<String> + Send + Sync;

type Open = dyn Fn(String, Arc<dyn Clock>) -> BoxFuture<'static, Arc<dyn Store>> + Send + Sync;

/// The store of one case: a name of its own, opened as often as the case likes.
#[derive(Clone)]
pub(crate) struct Stores {
    name: String,
    open: Arc<Open>,
    cannot_judge: Arc<CannotJudge>,
    clock: Arc<SimulatedClock>,
    scale: Scale,
}

impl fmt::Debug for Stores {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stores")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl Stores {
    pub(crate) fn of<F: Fixture>(fixture: &Arc<F>, name: &str) -> Self {
        let fixture = Arc::clone(fixture);
        let judge = Arc::clone(&fixture);
        let open = move |name: String, clock| -> BoxFuture<'static, Arc<dyn Store>> {
            let fixture = Arc::clone(&fixture);
            Box::pin(async move { fixture.open(&name, clock).await })
        };
        Self {
            name: name.replace("::", "-"),
            open: Arc::new(open),
            cannot_judge: Arc::new(move |case| judge.cannot_judge(case)),
            clock: Arc::new(SimulatedClock::starting_at(DateTime::from_millis(
                1_767_225_600_000,
            ))),
            scale: F::SCALE,
        }
    }

    /// Has the calls of the case's store hold simulated time still.
    pub(crate) fn still(self) -> Self {
        let open = self.open;
        let open = move |name, clock| -> BoxFuture<'static, Arc<dyn Store>> {
            let opened = open(name, clock);
            Box::pin(async move { Arc::new(Still(opened.await)) as Arc<dyn Store> })
        };
        Self {
            open: Arc::new(open),
            ..self
        }
    }

    /// Opens a handle on the case's store.
    pub(crate) async fn open(&self) -> Arc<dyn Store> {
        self.open_at(Arc::<SimulatedClock>::clone(&self.clock)).await
    }

    /// Opens a handle on the case's store that shows another clock.
    pub(crate) async fn open_at(&self, clock: Arc<dyn Clock>) -> Arc<dyn Store> {
        (self.open)(self.name.clone(), clock).await
    }

    /// Opens a handle on the case's store that shows the time of this machine.
    pub(crate) async fn open_on_this_machines_time(&self) -> Arc<dyn Store> {
        self.open_at(Arc::new(SystemClock)).await
    }

    /// Opens a handle on the one collection that most cases need.
    pub(crate) async fn things(&self) -> Things {
        Things(self.open().await)
    }

    /// Returns the clock that all handles of the case show.
    pub(crate) fn clock(&self) -> &SimulatedClock {
        &self.clock
    }

    /// Tells whether a case of the query language can be judged on what the store runs on.
    pub(crate) fn can_judge(&self, case: &str) -> bool {
        (self.cannot_judge)(case).is_none()
    }

    /// Returns `full` in a run of full scale and a twentieth of it in a small one.
    pub(crate) fn scaled(&self, full: i64) -> i64 {
        match self.scale {
            Scale::Full => full,
            Scale::Reduced | Scale::Small => full / 20,
        }
    }

    /// Waits for what must come soon; a case that would wait for ever fails instead.
    pub(crate) async fn soon<T>(&self, what: &str, future: impl Future<Output = T>) -> T {
        let patience = match self.scale {
            Scale::Full | Scale::Reduced => Duration::from_secs(20),
            Scale::Small => Duration::from_secs(1),
        };
        let outcome = tokio::time::timeout(patience, future).await;
        outcome.unwrap_or_else(|_| panic!("{what} did not come within {patience:?}"))
    }
}

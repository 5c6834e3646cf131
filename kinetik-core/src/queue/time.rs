//! The store's time, asked now and then and carried on in between.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use seed::DateTime;
use seed::store::Store;

use crate::error::Result;
use crate::runtime::Runtime;

/// For how long the store's time is carried on by our own clock before the store is asked again.
const KEPT: Duration = Duration::from_secs(10);

/// The clock of a store, as a process follows it: its own wall clock may be wrong, its monotonic one is not.
#[derive(Debug)]
pub(crate) struct StoreTime {
    runtime: Arc<dyn Runtime>,
    told: Mutex<Told>,
}

/// What the store said, and when by our own clock.
#[derive(Clone, Copy, Debug)]
struct Told {
    time: DateTime,
    at: Duration,
}

impl StoreTime {
    pub(crate) async fn ask(store: &dyn Store, runtime: Arc<dyn Runtime>) -> Result<Self> {
        let time = store.now().await?;
        let at = runtime.elapsed();
        Ok(Self {
            runtime,
            told: Mutex::new(Told { time, at }),
        })
    }

    /// Returns the store's time, carried on by our own clock.
    pub(crate) fn now(&self) -> DateTime {
        let told = *self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let since = self.runtime.elapsed().saturating_sub(told.at);
        told.time.saturating_add(since)
    }

    /// As [`now`](Self::now), asking the store again if that was long ago.
    pub(crate) async fn refreshed(&self, store: &dyn Store) -> Result<DateTime> {
        let at = self.told.lock().unwrap_or_else(PoisonError::into_inner).at;
        if self.runtime.elapsed().saturating_sub(at) >= KEPT {
            return self.asked(store).await;
        }
        Ok(self.now())
    }

    /// Asks the store for its time.
    pub(crate) async fn asked(&self, store: &dyn Store) -> Result<DateTime> {
        let time = store.now().await?;
        let at = self.runtime.elapsed();
        *self.told.lock().unwrap_or_else(PoisonError::into_inner) = Told { time, at };
        Ok(time)
    }
}

//! What the commits of a handle brought, told to who watches and kept for who claims next.

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::store::watch::Watchers;
use crate::value::Text;

/// The watches of a handle, and the collections that it wrote to since somebody last claimed there.
#[derive(Debug, Default)]
pub(super) struct Arrivals {
    pub(super) watchers: Watchers,
    fresh: Mutex<HashSet<Text>>,
}

impl Arrivals {
    /// Tells of a commit that changed a collection.
    pub(super) fn tell(&self, collection: &Text) {
        self.fresh().insert(collection.clone());
        self.watchers.wake(collection);
    }

    /// Tells whether there was a commit since this was last asked.
    pub(super) fn take(&self, collection: &str) -> bool {
        self.fresh().remove(collection)
    }

    fn fresh(&self) -> MutexGuard<'_, HashSet<Text>> {
        self.fresh.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::Arrivals;

    #[test]
    fn a_commit_wakes_who_watches_and_is_expected_once() {
        let arrivals = Arrivals::default();
        let mut watch = arrivals.watchers.watch("jobs");
        assert!(!arrivals.take("jobs"));
        arrivals.tell(&"jobs".into());
        arrivals.tell(&"jobs".into());
        assert!(watch.changed().now_or_never().is_some());
        assert!(!arrivals.take("sessions"));
        assert!(arrivals.take("jobs"));
        assert!(!arrivals.take("jobs"));
    }
}

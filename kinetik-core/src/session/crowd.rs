//! Who runs jobs in this process, and who must be alone for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::{Member, Session};

/// Counts what runs or is about to, and shuts the door for one who must be alone.
///
/// Whoever enters is counted before it looks at the door, and whoever shuts the door does so before it counts; so of two
/// who come at the same moment at least one sees the other.
#[derive(Debug, Default)]
pub(super) struct Crowd {
    present: AtomicUsize,
    is_shut: AtomicBool,
}

/// Something runs here, or is about to be claimed, until this is dropped.
#[derive(Debug)]
pub(crate) struct Presence(Arc<Session>);

/// The door is shut to all others until this is dropped.
#[derive(Debug)]
pub(crate) struct Alone(Arc<Session>);

impl Member {
    /// Counts something as running here.
    pub(crate) fn present(&self) -> Presence {
        self.session.crowd.present.fetch_add(1, Ordering::SeqCst);
        Presence(Arc::clone(&self.session))
    }

    /// Comes in to claim, unless the door is shut.
    pub(crate) fn enter(&self) -> Option<Presence> {
        let presence = self.present();
        (!self.is_shut()).then_some(presence)
    }

    /// Comes in to claim behind the door that oneself has shut, if nobody else is in any more.
    pub(crate) fn enter_alone(&self) -> Option<Presence> {
        let presence = self.present();
        (self.session.crowd.present.load(Ordering::SeqCst) == 1).then_some(presence)
    }

    /// Shuts the door, unless another has.
    pub(crate) fn shut(&self) -> Option<Alone> {
        let door = &self.session.crowd.is_shut;
        let was_open = door.compare_exchange(false, true, Ordering::SeqCst, Ordering::SeqCst);
        was_open.is_ok().then(|| Alone(Arc::clone(&self.session)))
    }

    pub(crate) fn is_shut(&self) -> bool {
        self.session.crowd.is_shut.load(Ordering::SeqCst)
    }

    pub(crate) fn is_anyone_present(&self) -> bool {
        self.session.crowd.present.load(Ordering::SeqCst) > 0
    }
}

impl Drop for Presence {
    fn drop(&mut self) {
        let crowd = &self.0.crowd;
        let was_last = crowd.present.fetch_sub(1, Ordering::SeqCst) == 1;
        if was_last && crowd.is_shut.load(Ordering::SeqCst) {
            self.0.beat();
        }
    }
}

impl Drop for Alone {
    fn drop(&mut self) {
        self.0.crowd.is_shut.store(false, Ordering::SeqCst);
        self.0.beat();
    }
}

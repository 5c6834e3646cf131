//! What the lanes of a processor share.
//!
//! A processor with many slots splits them over a few lanes, loops that work side by side, so that one talks to the
//! store while another sets jobs going. Each looks at the first tag first, and a free slot of any of them takes the next
//! job, so that nobody can tell them from one loop.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{OnceCell, watch};

use crate::error::Result;
use crate::queue::Queue;
use crate::session::Member;

/// How many slots make a further lane worth it.
const LANE_SLOTS: usize = 16;

/// More lanes than this only meet in the store.
const MOST_LANES: usize = 4;

/// The part in the session, and who rests.
#[derive(Debug)]
pub(super) struct Lanes {
    count: usize,
    tags: Vec<String>,
    slots: usize,
    member: OnceCell<Arc<Member>>,
    resting: AtomicUsize,
}

/// One lane's seat in the session of its process.
#[derive(Debug)]
pub(super) struct Seat {
    pub(super) member: Arc<Member>,
    beats: watch::Receiver<u64>,
}

impl Lanes {
    pub(super) fn new(queue: &Queue, tags: &[String], slots: usize) -> Arc<Self> {
        // Where a claim takes several trips, lanes would be after the same jobs in between.
        let most = match queue.store().capabilities().fused_write {
            true => queue.runtime().parallelism().clamp(1, MOST_LANES),
            false => 1,
        };
        Arc::new(Self {
            count: (slots / LANE_SLOTS).clamp(1, most),
            tags: tags.to_vec(),
            slots,
            member: OnceCell::new(),
            resting: AtomicUsize::new(0),
        })
    }

    /// Returns how many slots each lane has.
    pub(super) fn slots(&self) -> impl Iterator<Item = usize> {
        let (count, slots) = (self.count, self.slots);
        (0..count).map(move |lane| slots / count + usize::from(lane < slots % count))
    }

    /// Takes a seat in the session, which the first lane joins for all.
    pub(super) async fn seat(&self, queue: &Queue) -> Result<Seat> {
        let join = async || queue.join(self.tags.clone(), self.slots).await.map(Arc::new);
        let member = Arc::clone(self.member.get_or_try_init(join).await?);
        let beats = member.beats();
        Ok(Seat { member, beats })
    }

    /// Leaves the session, once all lanes have given their seats back.
    pub(super) async fn leave(self: Arc<Self>) {
        let member = Arc::into_inner(self).and_then(|lanes| lanes.member.into_inner());
        if let Some(member) = member.and_then(Arc::into_inner) {
            member.leave().await;
        }
    }

    /// Notes that a lane found nothing, and says whether all rest now.
    pub(super) fn begin_rest(&self, is_resting: &mut bool) -> bool {
        let before = match std::mem::replace(is_resting, true) {
            true => self.resting.load(Ordering::SeqCst),
            false => self.resting.fetch_add(1, Ordering::SeqCst) + 1,
        };
        before == self.count
    }

    /// Notes that a lane found something.
    pub(super) fn end_rest(&self, is_resting: &mut bool) {
        if std::mem::replace(is_resting, false) {
            self.resting.fetch_sub(1, Ordering::SeqCst);
        }
    }
}

impl Seat {
    /// Waits for the next renewal, the next life, or a change of who may run.
    pub(super) async fn changed(&mut self) {
        if self.beats.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

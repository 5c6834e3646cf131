//! What stores can and cannot do.

use std::time::Duration;

/// What a store can do, read by whoever must know instead of a store's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Capabilities {
    /// Whether a write outlives the process once it has returned.
    pub durable: bool,
    /// Whether a batch of writes is carried out wholly or not at all when something crashes.
    pub atomic_batch: bool,
    /// Whether one batch can hold updates and a find-and-update and still be a single trip.
    pub fused_write: bool,
    /// Whether wake-ups are pushed, and not found out by looking again and again.
    pub native_watch: bool,
    /// How late a wake-up may come.
    pub watch_bound: Duration,
    /// Whether several processes can open the same store.
    pub shared_between_processes: bool,
    /// Whether a message that is published reaches the subscribers of every handle on the store, those of other
    /// processes too, and not only those of the handle that it was published through.
    pub shared_events: bool,
}

impl Capabilities {
    /// The capabilities of a store that lives and dies with its process.
    pub const IN_PROCESS: Self = Self {
        durable: false,
        atomic_batch: true,
        fused_write: true,
        native_watch: true,
        watch_bound: Duration::ZERO,
        shared_between_processes: false,
        shared_events: true,
    };

    /// Says that writes outlive the process.
    #[must_use]
    pub const fn durable(mut self) -> Self {
        self.durable = true;
        self
    }

    /// Says that several processes can open the store, and how late one hears of another's commits and messages.
    #[must_use]
    pub const fn shared_between_processes(mut self, watch_bound: Duration) -> Self {
        self.shared_between_processes = true;
        self.watch_bound = watch_bound;
        self
    }
}

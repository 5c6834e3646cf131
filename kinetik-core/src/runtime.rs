//! Time, chance and tasks, all from one place, so that tests can simulate them.

use std::fmt::Debug;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

/// A future that was boxed to be handed to a [`Runtime`].
pub type BoxFuture = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Where a queue gets its time, its randomness and its tasks from.
///
/// Nothing else in this crate reads a clock, draws a number or spawns anything.
pub trait Runtime: Debug + Send + Sync {
    /// Returns the time since some fixed moment, by a clock that never steps back.
    fn elapsed(&self) -> Duration;

    /// Returns a future that is ready after a while.
    fn sleep(&self, time: Duration) -> BoxFuture;

    /// Returns a future that gives whatever else is ready a turn first.
    fn yield_now(&self) -> BoxFuture;

    /// Runs a future on its own.
    fn spawn(&self, future: BoxFuture);

    /// Runs a future where nothing that was spawned can starve it, however long that does not wait.
    fn spawn_apart(&self, future: BoxFuture);

    /// Returns how many futures can run at the same moment.
    fn parallelism(&self) -> usize;

    /// Returns a random number.
    fn random(&self) -> u64;
}

/// The runtime of the tokio that a call is made in.
///
/// In a test whose time is paused it is a simulated one: sleeps take no time and follow each other in order.
#[derive(Debug)]
pub struct TokioRuntime {
    start: tokio::time::Instant,
}

impl TokioRuntime {
    /// Makes a runtime that counts from now.
    pub fn new() -> Self {
        Self {
            start: tokio::time::Instant::now(),
        }
    }
}

impl Default for TokioRuntime {
    fn default() -> Self {
        Self::new()
    }
}

impl Runtime for TokioRuntime {
    fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }

    fn sleep(&self, time: Duration) -> BoxFuture {
        Box::pin(tokio::time::sleep(time))
    }

    fn yield_now(&self) -> BoxFuture {
        Box::pin(tokio::task::yield_now())
    }

    fn spawn(&self, future: BoxFuture) {
        tokio::spawn(future);
    }

    fn spawn_apart(&self, future: BoxFuture) {
        let apart = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build();
        let name = std::thread::Builder::new().name("kinetik-session".to_owned());
        // Without a thread of its own the future is dropped, and whoever waits for it hears of that.
        let _ = apart.and_then(|apart| name.spawn(move || apart.block_on(future)));
    }

    fn parallelism(&self) -> usize {
        tokio::runtime::Handle::current().metrics().num_workers()
    }

    fn random(&self) -> u64 {
        rand::random()
    }
}

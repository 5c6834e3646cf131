//! A runtime whose time is simulated and whose processes can be killed, for tests.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use seed::{Clock, DateTime};
use tokio::task::AbortHandle;
use tokio::time::Instant;

use crate::runtime::{BoxFuture, Runtime};

/// The time of day at which simulated clocks begin.
const START: DateTime = DateTime::from_millis(1_800_000_000_000);

/// How many tasks are remembered before those that have ended are forgotten.
const REMEMBERED: usize = 1_000;

/// One process of a simulation.
///
/// It lives in a single-threaded tokio whose time is paused: sleeps take no time and follow each other in order, and the
/// same seed gives the same numbers. Several of them are several processes, each with tasks of its own.
#[derive(Debug)]
pub struct SimulatedRuntime {
    start: Instant,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    random: u64,
    tasks: Vec<AbortHandle>,
    is_dead: bool,
}

impl SimulatedRuntime {
    /// Makes a process whose randomness begins with a seed.
    pub fn seeded(seed: u64) -> Self {
        let state = State {
            random: seed,
            tasks: Vec::new(),
            is_dead: false,
        };
        Self {
            start: Instant::now(),
            state: Mutex::new(state),
        }
    }

    /// Ends everything that runs here at once and for good, as SIGKILL would: nothing is stored and nobody is told.
    pub fn kill(&self) {
        let mut state = self.state();
        state.is_dead = true;
        state.tasks.drain(..).for_each(|task| task.abort());
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Runtime for SimulatedRuntime {
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
        let mut state = self.state();
        if state.is_dead {
            return;
        }
        if state.tasks.len() >= REMEMBERED {
            state.tasks.retain(|task| !task.is_finished());
        }
        state.tasks.push(tokio::spawn(future).abort_handle());
    }

    fn spawn_apart(&self, future: BoxFuture) {
        // On one thread whose time stands still while anything runs nothing can be starved.
        self.spawn(future);
    }

    fn parallelism(&self) -> usize {
        // Nothing does, but what is written for it should be seen to work.
        2
    }

    fn random(&self) -> u64 {
        // SplitMix64, as Steele, Lea and Flood give it.
        let mut state = self.state();
        state.random = state.random.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = state.random;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }
}

/// A store's clock that moves with tokio's time, so that store and processes agree while it is paused.
#[derive(Debug)]
pub struct SimulatedTime {
    start: Instant,
    /// By how many milliseconds the clock was set forward or back.
    set_by: Mutex<i64>,
}

impl SimulatedTime {
    /// Makes a clock that begins now.
    pub fn new() -> Arc<Self> {
        Arc::new(Self {
            start: Instant::now(),
            set_by: Mutex::new(0),
        })
    }

    /// Sets the clock forward, or back if negative, by so many milliseconds.
    pub fn step(&self, millis: i64) {
        *self.set_by.lock().unwrap_or_else(PoisonError::into_inner) += millis;
    }
}

impl Clock for SimulatedTime {
    fn now(&self) -> DateTime {
        let set_by = *self.set_by.lock().unwrap_or_else(PoisonError::into_inner);
        DateTime::from_millis(START.saturating_add(self.start.elapsed()).as_millis() + set_by)
    }
}

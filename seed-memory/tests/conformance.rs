//! The suite that every store passes, over memory.

use std::collections::HashMap;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};

use conformance::Unavailable;
use seed::{Clock, Store};
use seed_memory::MemoryStore;

/// Keeps the stores, whose data goes with their last handle.
struct Stores(Mutex<HashMap<String, MemoryStore>>);

impl conformance::Fixture for Stores {
    async fn start() -> Result<Self, Unavailable> {
        Ok(Self(Mutex::default()))
    }

    async fn open(&self, name: &str, clock: Arc<dyn Clock>) -> Arc<dyn Store> {
        let mut stores = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::new(
            stores
                .entry(name.to_owned())
                .or_insert_with(|| MemoryStore::with_clock(clock))
                .clone(),
        )
    }
}

fn main() -> ExitCode {
    conformance::run::<Stores>()
}

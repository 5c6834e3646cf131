//! Seed's store on Redis 7: a server that many processes share, or a cluster.
//!
//! | promise | |
//! |---|---|
//! | durability | what the server is set up for: with `appendonly yes` and `appendfsync always` a write that returned outlives a crash of the server, with `everysec` all but the last second does, with snapshots what came before the last one; [`RedisStore::warnings`] tells |
//! | isolation | each call of a script is alone on the server; a page of a find is one moment of its collection |
//! | a batch | is carried out in its order, as many items in one step as go together; a crash leaves a prefix |
//! | a failed call | that is [unavailable](seed::ErrorKind::Unavailable) may have been carried out or not: look before trying again; after any other error nothing was changed |
//! | limits | the server's memory; documents as everywhere in seed |
//! | several processes | yes, on any number of machines |
//! | a full server | refuses writes as [full](seed::ErrorKind::Full), before any of them is stored; removing goes on |
//! | a lost connection | fails the calls on it; it is made anew at once, then every half a second |
//! | wake-ups | by messages, at the latest within [`WATCH_BOUND`] |
//!
//! URL: `redis://USER:PASSWORD@HOST:PORT/DATABASE`, `rediss://` with TLS; `redis-cluster://HOST:PORT?node=HOST:PORT` and
//! `rediss-cluster://` for a cluster. With `?prefix=NAME` the keys begin with another name than `seed`.
//!
//! # Example
//! ```no_run
//! use seed::{Filter, StoreExt, doc, store::Count, Store};
//! use seed_redis::RedisStore;
//!
//! # futures::executor::block_on(async {
//! let store = RedisStore::open("redis://127.0.0.1:6379")?;
//! store.insert_one("jobs", doc! { "_id": 1, "tag": "mail" }).await?;
//! assert_eq!(store.count(Count::new("jobs", Filter::all())).await?, 1);
//! # Ok::<(), seed::Error>(())
//! # }).unwrap();
//! ```

mod change;
mod checks;
mod claim;
mod claims;
mod collection;
mod commit;
mod emptied;
mod ensure;
mod error;
mod events;
mod find;
mod insert;
mod instructions;
mod keys;
mod layout;
mod link;
mod options;
mod packed;
mod prepare;
mod scripts;
mod search;
mod seen;
mod steps;
mod store;
mod tally;
mod writes;

use std::sync::Arc;

use seed::store::{Delegate, Store};
use seed::{Error, ErrorKind, Result};

pub use events::WATCH_BOUND;
use link::Place;
pub use options::Options;
use store::{Handle, Inner, THREAD};

/// A store on a Redis server. Clones are the same handle.
#[derive(Clone, Debug)]
pub struct RedisStore {
    handle: Handle,
    warnings: Vec<String>,
}

impl RedisStore {
    /// Opens the server that a URL names. This waits on the calling thread for the connection.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] if the URL cannot be read or the server is older than Redis 7,
    /// [`ErrorKind::Unavailable`] if it cannot be reached or refuses the password, [`ErrorKind::ReadOnly`] if it is a
    /// replica.
    pub fn open(url: &str) -> Result<Self> {
        Self::open_with(Options::from_url(url)?)
    }

    /// Opens a server with options.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_with(options: Options) -> Result<Self> {
        futures::executor::block_on(Self::begin(Inner::start(options, THREAD)?))
    }

    /// Opens a server by a connection that lives on the tokio runtime on which this is awaited, in place of a thread of its
    /// own: a call wakes no other thread, which saves a good part of its time.
    ///
    /// The store can be called from anywhere as long as that runtime goes on. Whatever keeps all of the runtime's threads
    /// busy keeps the connection waiting too; what must not wait, such as the renewal of a worker's session, still has a
    /// connection and a thread of its own.
    ///
    /// # Errors
    /// As [`open`](Self::open), and [`ErrorKind::Unsupported`] outside a tokio runtime.
    pub async fn connect(options: Options) -> Result<Self> {
        let runtime = tokio::runtime::Handle::try_current().map_err(|cause| {
            let message = "there is no tokio runtime here for the connection: open the store instead";
            Error::new(ErrorKind::Unsupported, message).with_source(cause)
        })?;
        Self::begin(Inner::start(options, Place::Runtime(runtime))?).await
    }

    async fn begin(inner: Arc<Inner>) -> Result<Self> {
        inner.link.ready().await?;
        let warnings = checks::check(&inner.link, &inner.options).await?;
        inner.remember_mark().await?;
        Ok(Self {
            handle: Handle(inner),
            warnings,
        })
    }

    /// Returns what the user should know of the way the server is set up: keys that it may throw away, data that it
    /// does not keep.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }
}

impl Delegate for RedisStore {
    fn store(&self) -> &dyn Store {
        &self.handle
    }
}

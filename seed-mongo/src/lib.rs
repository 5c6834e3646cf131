//! Seed's store on MongoDB 6.0 to 8: queries, updates and pipelines go to the server as they are.
//!
//! Tested against a stand-in that speaks MongoDB's protocol; a real server was not at hand yet.
//!
//! | promise | |
//! |---|---|
//! | durability | a write returns when a majority of the members have it in their journals, unless `w` and `journal` in the URL say something else |
//! | isolation | each document is changed atomically; a find sees each document as it is when its page is read |
//! | a batch | is carried out in its order, in as few commands as its items allow; a crash leaves a prefix |
//! | a failed call | that is [unavailable](seed::ErrorKind::Unavailable) may have been carried out, in part too: look before trying again |
//! | limits | documents as everywhere in seed; a sort without an index keeps 100 MiB on the server |
//! | several processes | yes, on any number of machines |
//! | a full disk | refuses writes as [full](seed::ErrorKind::Full) |
//! | a lost connection | fails the calls on it; the next call makes a new one |
//! | wake-ups | by change streams on a replica set, by looking again on a single server, within [`WATCH_BOUND`] |
//!
//! URL: `mongodb://USER:PASSWORD@HOST:PORT/DATABASE` or `mongodb+srv://…`, with the options of MongoDB's drivers.
//!
//! # Example
//! ```no_run
//! use seed::{Filter, StoreExt, doc, store::Count, Store};
//! use seed_mongo::MongoStore;
//!
//! # futures::executor::block_on(async {
//! let store = MongoStore::open("mongodb://127.0.0.1:27017/app")?;
//! store.insert_one("jobs", doc! { "_id": 1, "tag": "mail" }).await?;
//! assert_eq!(store.count(Count::new("jobs", Filter::all())).await?, 1);
//! # Ok::<(), seed::Error>(())
//! # }).unwrap();
//! ```

mod batch;
mod bulk;
mod change;
mod checks;
mod claim;
mod ensure;
mod error;
mod events;
mod find;
mod hints;
mod insert;
mod link;
mod names;
mod options;
mod steps;
mod store;
mod values;

use seed::Result;
use seed::store::{Delegate, Store};

pub use events::WATCH_BOUND;
pub use options::Options;
use store::{Handle, Inner};

/// A store on a MongoDB server. Clones are the same handle.
#[derive(Clone, Debug)]
pub struct MongoStore {
    handle: Handle,
    warnings: Vec<String>,
}

impl MongoStore {
    /// Opens the server that a URL names. This waits on the calling thread for the connection.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`](seed::ErrorKind::Unsupported) if the URL cannot be read or the server is older than
    /// MongoDB 6.0, [`ErrorKind::Unavailable`](seed::ErrorKind::Unavailable) if it cannot be reached or refuses the
    /// password, [`ErrorKind::ReadOnly`](seed::ErrorKind::ReadOnly) if it is a secondary that was named alone.
    pub fn open(url: &str) -> Result<Self> {
        Self::open_with(Options::from_url(url)?)
    }

    /// Opens a server with options.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_with(options: Options) -> Result<Self> {
        let (inner, warnings) = futures::executor::block_on(Inner::start(options))?;
        Ok(Self {
            handle: Handle(inner),
            warnings,
        })
    }

    /// Tells whether the server says that it is built from MongoDB. What else speaks its protocol may answer otherwise.
    pub fn is_mongodb(&self) -> bool {
        self.handle.0.is_genuine()
    }

    /// Returns what the user should know of the way the server is set up and spoken to.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }
}

impl Delegate for MongoStore {
    fn store(&self) -> &dyn Store {
        &self.handle
    }
}

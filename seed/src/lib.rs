//! Seed: documents, a MongoDB-compatible query language, and one store trait over any store.

#[macro_use]
pub mod value;
pub mod clock;
pub mod engine;
mod error;
pub mod expr;
#[cfg(feature = "testing")]
pub mod faulty;
pub mod filter;
pub mod hash;
pub mod key;
mod parallel;
pub mod path;
pub mod pipeline;
pub mod plan;
pub mod projection;
pub mod sort;
pub mod store;
mod suggest;
pub mod update;

pub use clock::{Clock, SimulatedClock, SystemClock};
pub use error::{Error, ErrorKind, Place, Result};
pub use expr::Expression;
pub use filter::Filter;
pub use hash::Hash;
pub use path::Path;
pub use pipeline::Pipeline;
pub use plan::{CollectionSpec, IndexSpec};
pub use projection::Projection;
pub use sort::{Direction, Sort};
pub use store::{Store, StoreExt};
pub use update::Update;
pub use value::{DateTime, Document, ObjectId, Value};

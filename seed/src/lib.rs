//! Seed: documents, a MongoDB-compatible query language, and one store trait over any store.

#[macro_use]
pub mod value;
pub mod clock;
mod error;
pub mod hash;
pub mod key;
pub mod path;
pub mod sort;

pub use clock::{Clock, SimulatedClock, SystemClock};
pub use error::{Error, ErrorKind, Place, Result};
pub use hash::Hash;
pub use path::Path;
pub use value::{DateTime, Document, ObjectId, Value};

//! Seed: documents, a MongoDB-compatible query language, and one store trait over any store.

#[macro_use]
pub mod value;
pub mod clock;
mod error;
pub mod expr;
pub mod filter;
pub mod hash;
pub mod key;
pub mod path;
pub mod sort;
mod suggest;

pub use clock::{Clock, SimulatedClock, SystemClock};
pub use error::{Error, ErrorKind, Place, Result};
pub use expr::Expression;
pub use filter::Filter;
pub use hash::Hash;
pub use path::Path;
pub use sort::{Direction, Sort};
pub use value::{DateTime, Document, ObjectId, Value};

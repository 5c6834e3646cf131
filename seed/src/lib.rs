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
pub mod pipeline;
pub mod projection;
pub mod sort;
mod suggest;
pub mod update;

pub use clock::{Clock, SimulatedClock, SystemClock};
pub use error::{Error, ErrorKind, Place, Result};
pub use expr::Expression;
pub use filter::Filter;
pub use hash::Hash;
pub use path::Path;
pub use pipeline::Pipeline;
pub use projection::Projection;
pub use sort::{Direction, Sort};
pub use update::Update;
pub use value::{DateTime, Document, ObjectId, Value};

//! Cases of the query language: documents, one operation, and the answer that MongoDB gives.
//!
//! A file holds a case a line, as JSON. [`read_folder`] reads all below a folder, [`run_case`] carries one out on a
//! store (or the caller does, without one), and [`judge`] compares the [`Answer`] with what was expected.

mod case;
mod judge;
mod run;

pub use case::{Case, Expected, Op, read_file, read_folder};
pub use judge::{Answer, Mismatch, judge};
pub use run::run_case;

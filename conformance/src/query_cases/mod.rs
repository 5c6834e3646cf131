//! Cases of the query language: documents, one operation, and the answer that MongoDB gives.
//!
//! A file holds a case a line, as JSON. [`read_folder`] reads all below a folder, the caller carries out [`Case::op`] on
//! [`Case::documents`], and [`judge`] compares its [`Answer`] with what was expected.

mod case;
mod judge;

pub use case::{Case, Expected, Op, read_file, read_folder};
pub use judge::{Answer, Mismatch, judge};

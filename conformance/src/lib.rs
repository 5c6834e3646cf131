//! Conformance: what every store must answer, whatever it is made of.
//!
//! [`query_cases`] reads the cases of the query language and judges answers to them; how an answer is come by is left to
//! the caller, so the same cases serve the matcher alone and each store.

pub mod query_cases;

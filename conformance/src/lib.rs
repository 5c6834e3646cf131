//! Conformance: what every store must answer, whatever it is made of.
//!
//! An adapter tells how to open its store ([`Fixture`]) and calls [`run`]: every promise of
//! [`seed::Store`] is a small case that runs, lists and filters like any test. The cases stand in `store`, a file
//! for each promise, and in `queue`, where the queue runs on the store; `random` compares a store with a plain scan. A case that needs what the store cannot do, or a
//! server that is not there, is *ignored* with its reason, never passed.
//!
//! [`query_cases`] reads the cases of the query language and judges answers to them; how an answer is come by is left to
//! the caller, so the same cases serve the matcher alone and each store.

#![allow(clippy::unwrap_used, reason = "a case fails by panicking, as a test does")]

mod case;
pub mod damage;
mod fixture;
mod harness;
pub mod query_cases;
mod queue;
mod random;
mod still;
mod store;
mod things;
mod threads;

pub use fixture::{Fixture, Scale, Unavailable};
pub use harness::{check, run};

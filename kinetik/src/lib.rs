//! Kinetik: background jobs on the store that an application already has.
//!
//! A [`Queue`] lives in a [`Store`], which [`open`] finds by its URL. Tasks are defined on it, jobs created in it and
//! processed from it. The same queue is served by the `kinetik` program, whose tasks are commands in a `kinetik.toml`;
//! its commands are in [`cli`], so that a program with tasks of its own can have them too.
//!
//! | feature | gives |
//! |---|---|
//! | `memory` (on) | `memory:`, a store that lives and dies with its process |
//! | `sqlite` (on) | `sqlite:PATH`, a durable store in one file, shared between processes |
//! | `cli` (on) | the program and [`cli`] |
//!
//! # Example
//! ```
//! use kinetik::{Queue, doc};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let queue = Queue::open(kinetik::open("memory:")?).await?;
//! queue.define("send email").tag("notifications").action(async |job| {
//!     job.log(format!("to {}", job.job().data));
//!     Ok("sent".into())
//! })?;
//! queue.create("send email", doc! { "to": "ada@example.org" }).priority(5).save().await?;
//! assert_eq!(queue.process(["notifications"]).drain().await?.completed, 1);
//! # Ok(())
//! # }
//! ```

pub mod bench;
#[cfg(feature = "cli")]
pub mod cli;
mod open;

pub use kinetik_core::{
    Clean, Context, DEFAULT_QUEUE, Error, ErrorKind, Event, Failure, FailureKind, Job, JobBuilder, JobCount,
    NewJob, Outcome, Processor, Queue, QueueBuilder, Result, Runtime, Status, Summary, Task, TokioRuntime,
    Worker, WorkerLoop, WorkerTask, backoff, check_name, event, job, processor, runtime, session, task,
};
pub use open::{connect, open};
pub use seed::{self, DateTime, Document, Filter, Store, Value, doc};

/// Has the README's code compiled with the tests.
#[cfg(all(doctest, feature = "cli", feature = "sqlite"))]
#[doc = include_str!("../../README.md")]
struct Readme;

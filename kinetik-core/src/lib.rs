//! The queue of Kinetik: tasks, jobs and the processor, on seed's traits alone.
//!
//! A [`Queue`] lives in any [`Store`](seed::Store). [Tasks](task) say what is done, [jobs](job) that it should be done
//! once, and a [processor](processor::ProcessorBuilder) works them off, tag after tag. Nothing here names a store, reads
//! the wall clock or draws a random number: time, chance and tasks come from one [`Runtime`].

pub mod backoff;
mod error;
pub mod event;
pub mod job;
pub mod processor;
mod promote;
mod queue;
pub mod runtime;
pub mod session;
#[cfg(any(test, feature = "testing"))]
pub mod simulated;
pub mod task;

pub use error::{Error, ErrorKind, Result};
pub use event::Event;
pub use job::{Failure, FailureKind, Job, Status};
pub use processor::{Processor, Summary};
pub use queue::{Clean, DEFAULT_QUEUE, JobBuilder, JobCount, NewJob, Queue, QueueBuilder, check_name};
pub use runtime::{Runtime, TokioRuntime};
pub use session::{Worker, WorkerLoop, WorkerTask};
pub use task::{Context, Outcome, Task};

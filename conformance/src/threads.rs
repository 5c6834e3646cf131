//! Real threads, for what must hold when callers truly meet.

use std::future::Future;
use std::panic::resume_unwind;

use tokio::runtime::Handle;

/// How many threads meet in a case about races: more than most machines that run it have cores.
pub(crate) const CALLERS: i64 = 4;

/// Runs `work` with the numbers from 0 on, each on a thread of its own, and returns what they give, in order.
pub(crate) fn at_once<T, F>(callers: i64, work: impl Fn(i64) -> F) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let runtime = Handle::current();
    let start = |caller| {
        let (runtime, future) = (runtime.clone(), work(caller));
        std::thread::spawn(move || runtime.block_on(future))
    };
    let threads: Vec<_> = (0..callers).map(start).collect();
    threads
        .into_iter()
        .map(|thread| thread.join().unwrap_or_else(|panic| resume_unwind(panic)))
        .collect()
}

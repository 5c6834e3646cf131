//! Looking again and again for what other processes do.

use std::io;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use super::durable::join;

/// A thread that looks at the store of other processes until this is dropped, which waits for it.
#[derive(Debug)]
pub struct Watching {
    end: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Watching {
    /// Looks every so often, for as long as `look` says that somebody wants to know.
    ///
    /// # Errors
    /// If no thread can be started.
    pub fn every(
        interval: Duration,
        name: &str,
        mut look: impl FnMut() -> bool + Send + 'static,
    ) -> io::Result<Self> {
        let (end, told) = channel();
        let thread = Builder::new().name(name.to_owned()).spawn(move || {
            while told.recv_timeout(interval) == Err(RecvTimeoutError::Timeout) && look() {}
        })?;
        Ok(Self {
            end: Some(end),
            thread: Some(thread),
        })
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        drop(self.end.take());
        join(self.thread.take());
    }
}

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
    /// Looks after a while, and then as often as `look` says: it gives the time to the next look, or nothing once nobody
    /// wants to know any more.
    ///
    /// # Errors
    /// If no thread can be started.
    pub fn start(
        first: Duration,
        name: &str,
        mut look: impl FnMut() -> Option<Duration> + Send + 'static,
    ) -> io::Result<Self> {
        let (end, told) = channel();
        let thread = Builder::new().name(name.to_owned()).spawn(move || {
            let mut next = Some(first);
            while let Some(wait) = next
                && told.recv_timeout(wait) == Err(RecvTimeoutError::Timeout)
            {
                next = look();
            }
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

//! The signals that ask a command to stop.

use std::time::Duration;

use anyhow::Result;
use futures::FutureExt;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Signals that come within this time of each other are one.
const SAME: Duration = Duration::from_millis(20);

/// The signals that ask a command to stop.
pub(super) struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    pub(super) fn listen() -> Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    pub(super) async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
        // `timeout` sends its signal to the process and then to its group, which is one wish and not two.
        tokio::time::sleep(SAME).await;
        while let Some(Some(())) = self.interrupt.recv().now_or_never() {}
        while let Some(Some(())) = self.terminate.recv().now_or_never() {}
    }
}

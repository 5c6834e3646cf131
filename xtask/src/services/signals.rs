//! The signals that a command hears itself, so that its servers are ended before it ends.

use std::io;
use std::process::{Command, ExitStatus};
use std::thread;

use anyhow::{Context, bail};
use futures::channel::oneshot;
use futures::future::{self, Either};
use tokio::runtime::Runtime;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Hears signals from when it is made.
pub(super) struct Signals {
    runtime: Runtime,
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    pub(super) fn listen() -> anyhow::Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_io()
            .build()?;
        let inside = runtime.enter();
        let listen = |kind| signal(kind).context("cannot listen for signals");
        let (interrupt, terminate) = (listen(SignalKind::interrupt())?, listen(SignalKind::terminate())?);
        drop(inside);
        Ok(Self {
            runtime,
            interrupt,
            terminate,
        })
    }

    /// Waits for ctrl-c, for the wish that this ends, or for the end of the standard input.
    pub(super) fn wait(&mut self) {
        let (sender, end) = oneshot::channel::<()>();
        // Nothing can end a read of the standard input, so it has a thread that ends with the process.
        thread::spawn(move || {
            let _ = io::copy(&mut io::stdin().lock(), &mut io::sink());
            drop(sender);
        });
        let (interrupt, terminate) = (self.interrupt.recv(), self.terminate.recv());
        let signals = future::select(Box::pin(interrupt), Box::pin(terminate));
        self.runtime.block_on(future::select(signals, end));
    }

    /// Runs a command to its end. Ctrl-c is left to the command, which hears it too.
    pub(super) fn run(&mut self, command: Command) -> anyhow::Result<ExitStatus> {
        let program = command.get_program().to_string_lossy().into_owned();
        let mut command = tokio::process::Command::from(command);
        command.kill_on_drop(true);
        let terminate = self.terminate.recv();
        self.runtime.block_on(async {
            let mut child = command
                .spawn()
                .with_context(|| format!("cannot start {program}"))?;
            match future::select(Box::pin(child.wait()), Box::pin(terminate)).await {
                Either::Left((status, _)) => Ok(status?),
                Either::Right(_) => bail!("told to end while {program} ran"),
            }
        })
    }
}

//! One redis-server: a process on a free loopback port, ended when it is dropped.

use std::collections::VecDeque;
use std::io::{BufRead as _, BufReader};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};

/// What must be installed.
pub(super) const PROGRAM: &str = "redis-server";

/// Where all servers listen.
pub(super) const HOST: Ipv4Addr = Ipv4Addr::LOCALHOST;

/// How many databases a server has: a test of the program takes one.
const DATABASES: &str = "256";

/// How long a server may take to start; what it stored before is read by then.
const LIMIT: Duration = Duration::from_secs(60);

/// How often a free port is looked for: another process may take it before the server does.
const TRIES: u32 = 5;

/// How many of the last lines of its log are told when a server does not start.
const LINES: usize = 5;

/// Becomes the server, and leaves a process behind that kills it once our end of its standard input is closed: whatever
/// becomes of us, the server does not outlive us. The log is the server's alone, so that it ends with it.
const START: &str = "exec 3<&0; { cat <&3; kill -KILL $$; } > /dev/null 2>&1 & exec \"$@\" < /dev/null 3<&-";

/// A running server.
#[derive(Debug)]
pub(super) struct Server {
    settings: Settings,
    process: Child,
}

/// All that a server is started with.
#[derive(Debug)]
struct Settings {
    port: u16,
    folder: PathBuf,
    options: Vec<String>,
}

impl Server {
    /// Starts a server with its data in a folder and options by its port, and waits until it serves.
    pub(super) fn start(
        folder: &Path,
        options: impl Fn(u16) -> anyhow::Result<Vec<String>>,
    ) -> anyhow::Result<Self> {
        let mut tries = 1;
        loop {
            let port = free_port()?;
            let settings = Settings {
                port,
                folder: folder.to_owned(),
                options: options(port)?,
            };
            match settings.start() {
                Ok(process) => return Ok(Self { settings, process }),
                Err(fault) if tries < TRIES && fault.to_string().contains("already in use") => tries += 1,
                Err(fault) => return Err(fault),
            }
        }
    }

    pub(super) fn port(&self) -> u16 {
        self.settings.port
    }

    /// Kills the server, without a chance to write anything more.
    pub(super) fn kill(&mut self) -> anyhow::Result<()> {
        kill(&mut self.process)
    }

    /// Starts a killed server on the same port and data.
    pub(super) fn restart(&mut self) -> anyhow::Result<()> {
        self.process = self.settings.start()?;
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may be gone already, and its data go with it.
        let _ = self.kill();
    }
}

impl Settings {
    fn start(&self) -> anyhow::Result<Child> {
        let mut command = Command::new("sh");
        command
            .args(["-c", START, "sh", PROGRAM])
            .args(["--bind", &HOST.to_string(), "--port", &self.port.to_string()])
            .args(["--databases", DATABASES, "--save", "", "--daemonize", "no"])
            .arg("--dir")
            .arg(&self.folder)
            .args(&self.options)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // Ctrl-c is meant for whoever uses the server, and must not end it before them.
            .process_group(0);
        let mut process = command
            .spawn()
            .with_context(|| format!("cannot start {PROGRAM}"))?;
        let log = process.stdout.take().context("the server's log is a pipe")?;
        match wait_until_ready(&follow(log)) {
            Ok(()) => Ok(process),
            Err(fault) => {
                kill(&mut process)?;
                Err(fault)
            }
        }
    }
}

/// Ends a server by closing its standard input.
fn kill(process: &mut Child) -> anyhow::Result<()> {
    drop(process.stdin.take());
    process.wait()?;
    Ok(())
}

/// Reads a server's log to its end, so that the server never waits for a reader.
fn follow(log: ChildStdout) -> Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(log).lines().map_while(Result::ok) {
            // Nobody listens once the server is ready.
            let _ = sender.send(line);
        }
    });
    receiver
}

fn wait_until_ready(log: &Receiver<String>) -> anyhow::Result<()> {
    let end = Instant::now() + LIMIT;
    let mut last = VecDeque::new();
    while let Ok(line) = log.recv_timeout(end.saturating_duration_since(Instant::now())) {
        if line.contains("Ready to accept connections") {
            return Ok(());
        }
        last.push_back(line);
        if last.len() > LINES {
            last.pop_front();
        }
    }
    bail!("{PROGRAM} did not start: {}", Vec::from(last).join("; "))
}

/// Finds a port that nobody listens on.
pub(super) fn free_port() -> anyhow::Result<u16> {
    let listener = TcpListener::bind((HOST, 0)).context("no free port")?;
    Ok(listener.local_addr()?.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(lines: &[&str]) -> Receiver<String> {
        let (sender, receiver) = mpsc::channel();
        lines
            .iter()
            .for_each(|&line| sender.send(line.to_owned()).unwrap());
        receiver
    }

    #[test]
    fn a_server_is_ready_when_its_log_says_so() {
        assert!(wait_until_ready(&log(&["starting", "* Ready to accept connections tcp"])).is_ok());
    }

    #[test]
    fn a_server_that_does_not_start_is_told_by_the_end_of_its_log() {
        let lines = ["1", "2", "3", "4", "5", "bind: Address already in use"];
        let fault = wait_until_ready(&log(&lines)).unwrap_err().to_string();
        assert_eq!(
            fault,
            "redis-server did not start: 2; 3; 4; 5; bind: Address already in use"
        );
    }
}

//! A command's process group: started, waited for, ended as a whole.

use std::io;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use kinetik_core::{Context, Failure};
use rustix::io::Errno;
use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout};

use super::Command;
use super::hearing::STOP_TIME;

/// How long a group has after SIGTERM before SIGKILL.
const TERM_TIME: Duration = Duration::from_secs(5);

/// How long it takes to end a group and to read the rest of what it said at the most, with time to spare: what gets SIGKILL
/// is gone at once.
pub(in crate::cli) const END_TIME: Duration = TERM_TIME
    .saturating_add(STOP_TIME)
    .saturating_add(Duration::from_secs(1));

/// How often is looked whether a group that was told to end has ended. There is no call that waits for it.
const LOOK_TIME: Duration = Duration::from_millis(20);

/// A running command with everything it has started. Dropped while it runs, it is killed.
#[derive(Debug)]
pub(super) struct Group {
    leader: Child,
    /// None once the leader has been waited for, since its number may then be another's.
    id: Option<Pid>,
}

/// The ends of a command's standard streams.
#[derive(Debug)]
pub(super) struct Streams {
    pub(super) stdin: ChildStdin,
    pub(super) stdout: ChildStdout,
    pub(super) stderr: ChildStderr,
}

impl Group {
    /// Starts the command of a task for a job.
    pub(super) fn start(command: &Command, context: &Context) -> Result<(Self, Streams), Failure> {
        let job = context.job();
        let mut process = tokio::process::Command::new(command.program());
        process
            .args(command.arguments(&job.data)?)
            .env("KINETIK_JOB_ID", &job.id)
            .env("KINETIK_TASK", &job.task)
            .env("KINETIK_TAG", &job.tag)
            .env("KINETIK_ATTEMPT", context.attempt().to_string())
            .env("KINETIK_TOKEN", job.token.as_deref().unwrap_or_default())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0);
        let mut leader = process.spawn().map_err(|cause| cannot_start(command, &cause))?;
        let id = leader.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
        let streams = leader
            .stdin
            .take()
            .zip(leader.stdout.take())
            .zip(leader.stderr.take());
        let ((stdin, stdout), stderr) = streams.expect("all three were asked for as pipes");
        Ok((
            Self { leader, id },
            Streams {
                stdin,
                stdout,
                stderr,
            },
        ))
    }

    /// Waits for the command itself to end; what it leaves behind is left alone.
    pub(super) async fn wait(&mut self) -> io::Result<ExitStatus> {
        let status = self.leader.wait().await?;
        self.id = None;
        Ok(status)
    }

    /// Ends the whole group: SIGTERM, and SIGKILL for those that are still there after a while.
    pub(super) async fn end(mut self) {
        let Some(id) = self.id else { return };
        // A group that is gone already is what is wanted.
        let _ = kill_process_group(id, Signal::TERM);
        if tokio::time::timeout(TERM_TIME, self.ended(id)).await.is_err() {
            let _ = kill_process_group(id, Signal::KILL);
            let _ = self.leader.wait().await;
        }
        self.id = None;
    }

    /// Waits until nobody is left. While anybody is, the group's number is not given to another.
    async fn ended(&mut self, id: Pid) {
        let _ = self.leader.wait().await;
        while test_kill_process_group(id) != Err(Errno::SRCH) {
            tokio::time::sleep(LOOK_TIME).await;
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(id) = self.id {
            let _ = kill_process_group(id, Signal::KILL);
        }
    }
}

fn cannot_start(command: &Command, cause: &io::Error) -> Failure {
    let program = command.program();
    let what = match cause.kind() {
        // Of a script the system says the same as of the program that is to run it.
        io::ErrorKind::NotFound if program.is_absolute() && program.exists() => {
            "needs a program that was not found; see its first line"
        }
        io::ErrorKind::NotFound => "was not found",
        io::ErrorKind::PermissionDenied => "may not be run",
        _ => "cannot be started",
    };
    Failure::new(format!(
        "the command {:?} {what}: {cause}",
        program.display().to_string()
    ))
}

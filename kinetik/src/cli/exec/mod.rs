//! Tasks that are commands.
//!
//! A [`Command`] is the words of `run`; `run` starts it for a job, hands it the job's data and listens to what it
//! says until it ends. It runs in a process group of its own (`group`), so that at a timeout everything it has started
//! ends with it. What it prints is read line by line with limits (`lines`) and understood (`protocol`); `hearing`
//! keeps what matters for the outcome. No shell has a part in any of this.
//!
//! Once the command itself has ended the job is over, even if processes that it left behind hold its output open.

mod arguments;
mod group;
mod hearing;
mod lines;
mod protocol;

use std::process::ExitStatus;
use std::sync::Arc;

use kinetik_core::{Context, Failure, Outcome};

pub use arguments::Command;
pub(super) use group::END_TIME;
use group::Group;
use hearing::{Heard, Hearing};

/// Runs the command of a task for one job.
pub(super) async fn run(command: Arc<Command>, context: Context) -> Outcome {
    let (mut group, streams) = Group::start(&command, &context)?;
    let hearing = Hearing::start(streams, &context);
    tokio::select! {
        ended = group.wait() => {
            let status = ended.map_err(|cause| Failure::new(format!("the command cannot be waited for: {cause}")))?;
            outcome(status, hearing.finish().await)
        }
        () = context.cancellation().cancelled() => {
            group.end().await;
            // What it has said until then is for the log.
            hearing.stop().await;
            Err(Failure::new("the command was stopped"))
        }
    }
}

/// Exit 0 completes the job, anything else fails it.
fn outcome(status: ExitStatus, heard: Heard) -> Outcome {
    if status.success() {
        return heard.result;
    }
    let (ended, code) = how_it_ended(status);
    if let Some(error) = heard.error {
        return Err(Failure::new(error.message).code(error.code.unwrap_or(code)));
    }
    let message = match heard.last_error_line {
        Some(line) => format!("{line} ({ended})"),
        None => format!("the command ended with {ended}"),
    };
    Err(Failure::new(message).code(code))
}

fn how_it_ended(status: ExitStatus) -> (String, String) {
    use std::os::unix::process::ExitStatusExt;
    match (status.code(), status.signal()) {
        (Some(code), _) => (format!("exit code {code}"), code.to_string()),
        (None, Some(signal)) => (format!("signal {signal}"), format!("signal {signal}")),
        (None, None) => ("an unknown status".to_owned(), "unknown".to_owned()),
    }
}

#[cfg(test)]
mod tests;

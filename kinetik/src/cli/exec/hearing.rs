//! Talks to a running command: hands it the job's data and keeps what it says.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use kinetik_core::{Context, Failure, FailureKind, Outcome};
use seed::Value;
use seed::value::json;
use tokio::io::{AsyncRead, AsyncWriteExt};
use tokio::process::ChildStdin;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::group::Streams;
use super::lines::{Line, Lines, Unread};
use super::protocol::{self, ErrorSaid, Said};

/// How many bytes of a line go into the log.
const LOGGED_BYTES: usize = 16 * 1024;

/// How long the rest of the output may take to be read once the command has ended, however much processes that it left
/// behind still write.
const REST_TIME: Duration = Duration::from_secs(5);

/// How long it may take if the command was ended, and others wait for that.
pub(super) const STOP_TIME: Duration = Duration::from_secs(1);

/// The streams of a running command, each served by a task of its own.
#[derive(Debug)]
pub(super) struct Hearing {
    heard: Arc<Mutex<Heard>>,
    streams: JoinSet<()>,
    /// Cancelled when the command has ended.
    ended: CancellationToken,
}

/// What a command has said that decides over its job.
#[derive(Debug)]
pub(super) struct Heard {
    pub(super) result: Outcome,
    pub(super) error: Option<ErrorSaid>,
    pub(super) last_error_line: Option<String>,
}

/// Which of the two streams a line came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stream {
    Output,
    Error,
}

impl Hearing {
    /// Begins to serve the streams of a command.
    pub(super) fn start(streams: Streams, context: &Context) -> Self {
        let heard = Heard {
            result: Ok(Value::Null),
            error: None,
            last_error_line: None,
        };
        let ended = CancellationToken::new();
        let mut hearing = Self {
            heard: Arc::new(Mutex::new(heard)),
            streams: JoinSet::new(),
            ended,
        };
        hearing
            .streams
            .spawn(feed(streams.stdin, context.clone(), hearing.ended.clone()));
        hearing.listen(streams.stdout, Stream::Output, context);
        hearing.listen(streams.stderr, Stream::Error, context);
        hearing
    }

    fn listen(
        &mut self,
        stream: impl AsyncRead + Unread + Unpin + Send + 'static,
        kind: Stream,
        context: &Context,
    ) {
        let mut lines = Lines::new(stream, self.ended.clone());
        let (heard, context) = (Arc::clone(&self.heard), context.clone());
        self.streams.spawn(async move {
            // A stream that cannot be read has nothing more to say.
            while let Ok(Some(line)) = lines.next().await {
                heard
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .take(&line, kind, &context);
            }
        });
    }

    /// Reads what is left once the command was ended before its time.
    pub(super) async fn stop(mut self) {
        self.read_rest(STOP_TIME).await;
    }

    async fn read_rest(&mut self, longest: Duration) {
        self.ended.cancel();
        // What is not read by then does not matter any more.
        let _ = tokio::time::timeout(longest, self.closed()).await;
    }

    /// Reads what is left once the command has ended.
    pub(super) async fn finish(mut self) -> Heard {
        self.read_rest(REST_TIME).await;
        let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        let nothing = Heard {
            result: Ok(Value::Null),
            error: None,
            last_error_line: None,
        };
        std::mem::replace(&mut heard, nothing)
    }

    async fn closed(&mut self) {
        while self.streams.join_next().await.is_some() {}
    }
}

impl Heard {
    fn take(&mut self, line: &Line, stream: Stream, context: &Context) {
        if line.is_cut && line.text.starts_with("::result ") {
            let message = "the result is larger than a job may carry";
            self.result = Err(Failure::of_kind(FailureKind::TooLarge, message));
            return;
        }
        match protocol::read(&line.text) {
            Said::Progress(current, total) => context.progress(current, total),
            Said::Log(message, data) => context.log_with(message, data),
            Said::Result(result) => self.result = Ok(result),
            Said::Error(error) => self.error = Some(error),
            Said::Line => {
                let text = cut(&line.text, line.is_cut);
                if stream == Stream::Error && !text.trim().is_empty() {
                    self.last_error_line = Some(text.clone());
                }
                context.log(text);
            }
        }
    }
}

/// Hands a command the data of its job, as a line of JSON.
async fn feed(mut stdin: ChildStdin, context: Context, ended: CancellationToken) {
    let mut data = json::to_plain(&context.job().data);
    data.push('\n');
    tokio::select! {
        // A command need not read its input, and may close it.
        _ = stdin.write_all(data.as_bytes()) => {}
        () = ended.cancelled() => {}
    }
}

/// Returns as much of a line as goes into the log, with a mark if that is not all.
fn cut(text: &str, is_cut: bool) -> String {
    if text.len() <= LOGGED_BYTES && !is_cut {
        return text.to_owned();
    }
    let end = (0..=text.len().min(LOGGED_BYTES))
        .rev()
        .find(|&at| text.is_char_boundary(at))
        .unwrap_or(0);
    format!("{}… (the rest of the line is cut off)", &text[..end])
}

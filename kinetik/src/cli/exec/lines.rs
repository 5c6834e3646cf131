//! Reads lines of any length and any bytes in bounded memory.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio_util::sync::CancellationToken;

/// How much of a line is kept: a result of the largest size and the word before it.
pub(super) const LINE_BYTES: usize = 1024 * 1024 + 1024;

/// How long an open stream may be silent once its writer has ended. What that one has written is in the pipe by then;
/// only processes that it left behind hold it open.
const OPEN_TIME: Duration = Duration::from_millis(200);

/// A line, without its end.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// What it says; bytes that are no text are replaced.
    pub(super) text: String,
    /// Whether there was more of it than is kept.
    pub(super) is_cut: bool,
}

/// The lines of a stream.
#[derive(Debug)]
pub(super) struct Lines<R> {
    reader: BufReader<R>,
    /// Cancelled when the writer has ended, after which more is waited for only shortly.
    ended: CancellationToken,
}

impl<R: AsyncRead + Unpin> Lines<R> {
    pub(super) fn new(stream: R, ended: CancellationToken) -> Self {
        Self {
            reader: BufReader::new(stream),
            ended,
        }
    }

    /// Returns the next line, also the last one without an end; none at the end of the stream.
    pub(super) async fn next(&mut self) -> io::Result<Option<Line>> {
        let mut bytes = Vec::new();
        let mut is_cut = false;
        let mut has_begun = false;
        loop {
            let available = tokio::select! {
                biased;
                available = self.reader.fill_buf() => available?,
                () = silence(&self.ended) => &[],
            };
            if available.is_empty() {
                return Ok(has_begun.then(|| line(bytes, is_cut)));
            }
            has_begun = true;
            let end = available.iter().position(|byte| *byte == b'\n');
            let part = &available[..end.unwrap_or(available.len())];
            let kept = part.len().min(LINE_BYTES - bytes.len());
            bytes.extend_from_slice(&part[..kept]);
            is_cut |= kept < part.len();
            let used = part.len() + usize::from(end.is_some());
            self.reader.consume(used);
            if end.is_some() {
                return Ok(Some(line(bytes, is_cut)));
            }
        }
    }
}

/// Waits until nothing more is to be expected.
async fn silence(ended: &CancellationToken) {
    ended.cancelled().await;
    tokio::time::sleep(OPEN_TIME).await;
}

fn line(mut bytes: Vec<u8>, is_cut: bool) -> Line {
    if bytes.last() == Some(&b'\r') {
        bytes.pop();
    }
    let text = String::from_utf8(bytes)
        .unwrap_or_else(|fault| String::from_utf8_lossy(fault.as_bytes()).into_owned());
    Line { text, is_cut }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn lines(input: &[u8]) -> Vec<Line> {
        let mut lines = Lines::new(input, CancellationToken::new());
        let mut read = Vec::new();
        while let Some(line) = lines.next().await.unwrap() {
            read.push(line);
        }
        read
    }

    #[tokio::test]
    async fn lines_end_as_they_like() {
        let read = lines(b"a\r\n\nb\xff\nlast").await;
        let texts: Vec<_> = read.iter().map(|line| line.text.as_str()).collect();
        assert_eq!(texts, ["a", "", "b\u{fffd}", "last"]);
    }

    #[tokio::test]
    async fn a_long_line_is_cut_and_the_next_one_is_not() {
        let mut input = vec![b'x'; 3 * LINE_BYTES];
        input.extend_from_slice(b"\nnext\n");
        let read = lines(&input).await;
        assert_eq!((read[0].text.len(), read[0].is_cut), (LINE_BYTES, true));
        assert_eq!(
            read[1],
            Line {
                text: "next".to_owned(),
                is_cut: false
            }
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_that_stays_open_is_left_once_its_writer_has_ended() {
        let (mut command, stream) = tokio::io::duplex(64);
        tokio::io::AsyncWriteExt::write_all(&mut command, b"one\nhalf")
            .await
            .unwrap();
        let ended = CancellationToken::new();
        ended.cancel();
        let mut lines = Lines::new(stream, ended);
        assert_eq!(lines.next().await.unwrap().unwrap().text, "one");
        assert_eq!(lines.next().await.unwrap().unwrap().text, "half");
        assert_eq!(lines.next().await.unwrap(), None);
    }
}

//! Reads lines of any length and any bytes in bounded memory.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{ChildStderr, ChildStdout};
use tokio_util::sync::CancellationToken;

/// How much of a line is kept: a result of the largest size and the word before it.
pub(super) const LINE_BYTES: usize = 1024 * 1024 + 1024;

/// How long a stream that does not say what is left may be silent once its writer has ended.
const OPEN_TIME: Duration = Duration::from_millis(200);

/// A line, without its end.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// What it says; bytes that are no text are replaced.
    pub(super) text: String,
    /// Whether there was more of it than is kept.
    pub(super) is_cut: bool,
}

/// A stream that may know how much was written to it and is not read yet.
pub(super) trait Unread {
    /// Returns the number of bytes; none if they cannot be counted.
    fn unread(&self) -> Option<u64>;
}

impl Unread for ChildStdout {
    fn unread(&self) -> Option<u64> {
        rustix::io::ioctl_fionread(self).ok()
    }
}

impl Unread for ChildStderr {
    fn unread(&self) -> Option<u64> {
        rustix::io::ioctl_fionread(self).ok()
    }
}

/// The lines of a stream.
#[derive(Debug)]
pub(super) struct Lines<R> {
    reader: BufReader<R>,
    /// Cancelled when the writer has ended. What it has written is in the pipe by then; all that comes later is from processes
    /// that it left behind and that hold the pipe open.
    ended: CancellationToken,
    /// How many bytes are still to be read, once that is known.
    left: Option<u64>,
}

impl<R: AsyncRead + Unread + Unpin> Lines<R> {
    pub(super) fn new(stream: R, ended: CancellationToken) -> Self {
        Self {
            reader: BufReader::new(stream),
            ended,
            left: None,
        }
    }

    /// Returns the next line, also the last one without an end; none at the end of the stream.
    pub(super) async fn next(&mut self) -> io::Result<Option<Line>> {
        let mut bytes = Vec::new();
        let mut is_cut = false;
        let mut has_begun = false;
        loop {
            if self.left.is_none() && self.ended.is_cancelled() {
                let buffered = self.reader.buffer().len() as u64;
                self.left = self.reader.get_ref().unread().map(|unread| unread + buffered);
            }
            let is_over = self.left == Some(0);
            let may_be_counted = self.left.is_none() && !self.ended.is_cancelled();
            let available = tokio::select! {
                biased;
                () = std::future::ready(()), if is_over => &[],
                available = self.reader.fill_buf() => available?,
                () = self.ended.cancelled(), if may_be_counted => continue,
                () = silence(&self.ended) => &[],
            };
            let most = self.left.and_then(|left| usize::try_from(left).ok());
            let available = &available[..available.len().min(most.unwrap_or(usize::MAX))];
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
            self.left = self.left.map(|left| left - used as u64);
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

    impl Unread for &[u8] {
        fn unread(&self) -> Option<u64> {
            None
        }
    }

    impl Unread for tokio::io::DuplexStream {
        fn unread(&self) -> Option<u64> {
            None
        }
    }

    /// A stream that others still write to, of which this much is left.
    struct Held(u64);

    impl Unread for Held {
        fn unread(&self) -> Option<u64> {
            Some(self.0)
        }
    }

    impl AsyncRead for Held {
        fn poll_read(
            self: std::pin::Pin<&mut Self>,
            _context: &mut std::task::Context<'_>,
            buffer: &mut tokio::io::ReadBuf<'_>,
        ) -> std::task::Poll<io::Result<()>> {
            buffer.put_slice(b"drip\n");
            std::task::Poll::Ready(Ok(()))
        }
    }

    #[tokio::test]
    async fn what_others_write_once_the_writer_has_ended_is_not_read() {
        let ended = CancellationToken::new();
        let mut lines = Lines::new(Held(12), ended.clone());
        assert_eq!(lines.next().await.unwrap().unwrap().text, "drip");
        ended.cancel();
        let mut rest = Vec::new();
        while let Some(line) = lines.next().await.unwrap() {
            rest.push(line.text);
        }
        assert_eq!(rest, ["drip", "drip", "dr"]);
    }

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

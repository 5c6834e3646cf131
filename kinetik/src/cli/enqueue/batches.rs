//! Reads an input in batches of lines, in bounded memory, on a thread of its own.

use std::io::{BufRead, BufReader, Read};
use std::sync::Arc;

use anyhow::{Context, Result, anyhow, bail};
use tokio::sync::mpsc;

/// How many lines a batch has at the most.
const BATCH_LINES: usize = 1_000;

/// At how many bytes a batch is full; its last line may go beyond.
const BATCH_BYTES: u64 = 1024 * 1024;

/// How long a line may be. More than the largest data takes as JSON, unless it is all escapes.
const LINE_BYTES: u64 = 32 * 1024 * 1024;

/// How many batches wait to be taken.
const BATCHES_AHEAD: usize = 2;

/// Reads standard input as the data of one job.
pub(super) fn read_text(input: impl Read) -> Result<String> {
    let mut text = String::new();
    input
        .take(LINE_BYTES)
        .read_to_string(&mut text)
        .context("the data cannot be read from standard input")?;
    if text.len() as u64 == LINE_BYTES {
        bail!(
            "standard input: the data is longer than {} MiB",
            LINE_BYTES / 1024 / 1024
        );
    }
    Ok(text)
}

/// Lines that were read together, with their numbers.
#[derive(Debug)]
pub(super) struct Batch {
    /// The name of the input.
    pub(super) name: Arc<str>,
    /// The lines that say something, each with its number from 1.
    pub(super) lines: Vec<(u64, String)>,
    /// How many bytes they took in the input.
    pub(super) bytes: u64,
}

/// The batches of an input.
#[derive(Debug)]
pub(super) struct Batches(mpsc::Receiver<Result<Batch>>);

impl Batches {
    /// Begins to read an input.
    pub(super) fn read(input: impl Read + Send + 'static, name: &str) -> Self {
        let (sender, receiver) = mpsc::channel(BATCHES_AHEAD);
        let mut lines = Reader {
            input: BufReader::with_capacity(64 * 1024, input),
            name: name.into(),
            number: 0,
            fault: None,
        };
        let work = move || {
            while let Some(batch) = lines.batch() {
                let is_last = batch.is_err();
                if sender.blocking_send(batch).is_err() || is_last {
                    return;
                }
            }
        };
        // Without the thread the receiver finds the channel closed; that cannot go unseen, so it is told.
        let started = std::thread::Builder::new()
            .name("kinetik-reader".to_owned())
            .spawn(work);
        if let Err(cause) = started {
            let (failed, receiver) = mpsc::channel(1);
            let _ = failed.try_send(Err(anyhow!("cannot start a thread to read {name}: {cause}")));
            return Self(receiver);
        }
        Self(receiver)
    }

    /// Waits for the next batch; none at the end, and none after a fault.
    pub(super) async fn next(&mut self) -> Option<Result<Batch>> {
        self.0.recv().await
    }
}

struct Reader<R> {
    input: BufReader<R>,
    name: Arc<str>,
    number: u64,
    /// What is wrong behind the last batch.
    fault: Option<anyhow::Error>,
}

impl<R: Read> Reader<R> {
    /// Reads until a batch is full or more would have to be waited for, so that a slow pipe is not held back.
    fn batch(&mut self) -> Option<Result<Batch>> {
        if let Some(fault) = self.fault.take() {
            return Some(Err(fault));
        }
        let mut batch = Batch {
            name: Arc::clone(&self.name),
            lines: Vec::new(),
            bytes: 0,
        };
        loop {
            match self.line() {
                Ok(None) => return (batch.bytes > 0).then_some(Ok(batch)),
                Ok(Some((text, bytes))) => {
                    batch.bytes += bytes;
                    if !text.trim().is_empty() {
                        batch.lines.push((self.number, text));
                    }
                }
                Err(fault) if batch.lines.is_empty() => return Some(Err(fault)),
                // What came before the fault is delivered first. The line is read, so that it would not be met again.
                Err(fault) => {
                    self.fault = Some(fault);
                    return Some(Ok(batch));
                }
            }
            let is_full = batch.lines.len() >= BATCH_LINES || batch.bytes >= BATCH_BYTES;
            if is_full || self.input.buffer().is_empty() {
                return Some(Ok(batch));
            }
        }
    }

    fn line(&mut self) -> Result<Option<(String, u64)>> {
        let mut bytes = Vec::new();
        let place = format!("{}:{}", self.name, self.number + 1);
        let read = self.input.by_ref().take(LINE_BYTES).read_until(b'\n', &mut bytes);
        let length = read.map_err(|cause| anyhow!("{place}: cannot be read: {cause}"))? as u64;
        if length == 0 {
            return Ok(None);
        }
        if length == LINE_BYTES && bytes.last() != Some(&b'\n') {
            return Err(anyhow!(
                "{place}: the line is longer than {} MiB",
                LINE_BYTES / 1024 / 1024
            ));
        }
        let mut text = String::from_utf8(bytes).map_err(|_| anyhow!("{place}: the line is not UTF-8"))?;
        if self.number == 0 && text.starts_with('\u{feff}') {
            text.remove(0);
        }
        self.number += 1;
        Ok(Some((text, length)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_line_that_cannot_be_read_is_met_once_what_came_before_it_is_delivered() {
        for (input, good) in [
            (&b"\xff\n"[..], vec![]),
            (b"1\n\n\xff\n2\n", vec![1]),
            (b"1\n2\n\xff\n\xff\n3\n", vec![1, 2]),
        ] {
            let mut batches = Batches::read(std::io::Cursor::new(input), "jobs");
            let mut numbers = Vec::new();
            let fault = loop {
                match batches.next().await.expect("the fault comes before the end") {
                    Ok(batch) => numbers.extend(batch.lines.iter().map(|(number, _)| *number)),
                    Err(fault) => break fault.to_string(),
                }
            };
            assert_eq!(numbers, good);
            let line = input
                .split(|byte| *byte == b'\n')
                .position(|line| line == b"\xff")
                .unwrap()
                + 1;
            assert_eq!(fault, format!("jobs:{line}: the line is not UTF-8"));
            assert!(batches.next().await.is_none());
        }
    }
}

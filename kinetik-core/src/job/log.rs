//! The lines of a job's log.

use seed::value::Array;
use seed::{DateTime, Document, Value};

use super::limits;

/// Bytes of a line of the queue's own. The whole message of a failure is in the job's error.
const EVENT_BYTES: usize = 1024;

/// One line of a job's log.
#[derive(Clone, Debug, PartialEq)]
pub struct LogLine {
    /// When it was written, by the store's clock.
    pub at: DateTime,
    /// What it says.
    pub message: String,
    /// What belongs to it; null if nothing does.
    pub data: Value,
}

impl LogLine {
    /// Writes a line without data.
    pub fn new(at: DateTime, message: impl Into<String>) -> Self {
        Self {
            at,
            message: message.into(),
            data: Value::Null,
        }
    }

    pub(crate) fn to_value(&self) -> Value {
        let mut document = seed::doc! { "at": (self.at), "message": (self.message.as_str()) };
        if !self.data.is_null() {
            document.set("data", self.data.clone());
        }
        document.into()
    }

    /// Leaves the data out if no job can hold it, so that the line does not cost the job its end.
    pub(crate) fn within_depth(mut self) -> Self {
        if let Err(fault) = seed::value::limits::check_depth(&self.data, limits::DATA_DEPTH) {
            self.data = Value::Null;
            self.message = format!("{} (its data is left out: {fault})", self.message);
        }
        self
    }

    fn from_value(value: &Value) -> Option<Self> {
        let document = value.as_document()?;
        Some(Self {
            at: document.get("at")?.as_date()?,
            message: document.get("message")?.as_str()?.to_owned(),
            data: document.get("data").cloned().unwrap_or_default(),
        })
    }

    /// Returns about how many bytes the line takes in the store.
    fn bytes(&self) -> usize {
        let data: Document = [("d".into(), self.data.clone())].into_iter().collect();
        40 + self.message.len() + seed::value::limits::bson_size(&data).unwrap_or(limits::LOG_BYTES)
    }
}

pub(super) fn read(lines: &[Value]) -> Vec<LogLine> {
    lines.iter().filter_map(LogLine::from_value).collect()
}

/// Lines that wait to be stored, and how much of the log is used up.
#[derive(Debug, Default)]
pub(crate) struct LogBuffer {
    lines: Vec<LogLine>,
    used: usize,
    is_full: bool,
}

impl LogBuffer {
    /// Counts what a job's log holds already.
    pub(crate) fn begin_after(&mut self, stored: &[LogLine]) {
        self.used = stored.iter().map(LogLine::bytes).sum();
        self.is_full = self.used >= limits::LOG_BYTES;
    }

    /// Adds a line. Once the log is full one last line says so, and the rest is dropped.
    pub(crate) fn push(&mut self, line: LogLine) {
        if self.is_full {
            return;
        }
        let at = line.at;
        self.used += line.bytes();
        if self.used <= limits::LOG_BYTES {
            self.lines.push(line);
        } else {
            self.is_full = true;
            self.lines
                .push(LogLine::new(at, "the log is full: what follows is cut off"));
        }
    }

    /// Adds a line of the queue's own. A full log takes it, too, up to as much again: what a job says must not hide what
    /// became of it, and what became of it must not make it too large to be stored.
    pub(crate) fn push_event(&mut self, at: DateTime, message: &str) {
        if self.used <= 2 * limits::LOG_BYTES {
            let line = LogLine::new(at, cut(message, EVENT_BYTES));
            self.lines.push(line);
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// Takes the waiting lines as values to be stored.
    pub(crate) fn take(&mut self) -> Array {
        self.lines.drain(..).map(|line| line.to_value()).collect()
    }
}

/// Cuts a text to so many bytes, between two characters, with a mark.
pub(crate) fn cut(text: &str, bytes: usize) -> String {
    if text.len() <= bytes {
        return text.to_owned();
    }
    let mark = "…";
    let end = (0..=bytes - mark.len())
        .rev()
        .find(|&at| text.is_char_boundary(at))
        .unwrap_or(0);
    format!("{}{mark}", &text[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_log_says_so_once() {
        let mut buffer = LogBuffer::default();
        let at = DateTime::from_millis(0);
        for _ in 0..30 {
            buffer.push(LogLine::new(at, "x".repeat(100_000)));
        }
        let lines = buffer.take();
        assert_eq!(lines.len(), 11);
        assert!(lines[10].to_string().contains("cut off"));
    }

    #[test]
    fn a_text_is_cut_between_characters() {
        assert_eq!(cut("ééé", 6), "ééé");
        assert_eq!(cut("éééé", 6), "é…");
    }
}

//! What a job of a measurement carries, and the handler's part of reading it.

use kinetik_core::{Context, Failure};
use seed::{Document, doc};
use serde::Deserialize;

/// The text of the fields without the number and the filling.
const FRAME: usize = r#"{"i":,"t":"0000000000000000","s":""}"#.len();

/// The data of a job, as its handler reads it.
#[derive(Debug, Deserialize)]
pub(super) struct Payload {
    #[allow(dead_code, reason = "a handler reads all of its data")]
    i: u64,
    t: String,
    #[allow(dead_code, reason = "a handler reads all of its data")]
    s: String,
}

/// Makes the data of a job: an object whose text as JSON has so many bytes, with when it was sent in microseconds.
pub(super) fn make(number: u64, bytes: usize, sent: u64) -> Document {
    let filling = "x".repeat(bytes.saturating_sub(least(number)));
    let number = i64::try_from(number).unwrap_or(i64::MAX);
    doc! { "i": number, "t": (format!("{sent:016}")), "s": filling }
}

/// Returns how many bytes the data of a job has that is to have `bytes`.
pub(super) fn size(bytes: usize) -> usize {
    bytes.max(least(1))
}

fn least(number: u64) -> usize {
    FRAME + number.checked_ilog10().unwrap_or(0) as usize + 1
}

impl Payload {
    /// Reads the data of the job that runs.
    ///
    /// # Errors
    /// A failure of the kind `decode`.
    pub(super) fn read(context: &Context) -> Result<Self, Failure> {
        context.data()
    }

    /// Returns when the job was sent, in microseconds.
    ///
    /// # Errors
    /// If it does not say so.
    pub(super) fn sent(&self) -> Result<u64, Failure> {
        Ok(self.t.parse()?)
    }
}

#[cfg(test)]
mod tests {
    use seed::value::json;

    use super::*;

    #[test]
    fn the_text_has_as_many_bytes_as_asked_for() {
        for number in [0, 1, 9, 10, 99_999, 1_000_000] {
            let text = json::document_to_plain(&make(number, 100, 123));
            assert_eq!(text.len(), 100, "{text}");
        }
        assert_eq!(size(100), 100);
    }

    #[test]
    fn the_fields_are_there_however_short_it_is_to_be() {
        let text = json::document_to_plain(&make(1, 0, 5));
        assert_eq!(text, r#"{"i":1,"t":"0000000000000005","s":""}"#);
        assert_eq!(text.len(), size(0));
    }
}

//! How much a stage may keep.

use crate::error::{Error, ErrorKind, Result};
use crate::value::{Document, Value};

/// How many bytes a `$sort` or a `$group` keeps at most.
pub const MAX_BYTES: usize = 64 * 1024 * 1024;

/// What a stage keeps, in bytes.
#[derive(Debug, Default)]
pub(super) struct Memory {
    used: usize,
}

impl Memory {
    /// Counts bytes that are kept from now on.
    ///
    /// # Errors
    /// [`ErrorKind::Limit`] beyond [`MAX_BYTES`], with the advice.
    pub(super) fn take(&mut self, bytes: usize, advice: &str) -> Result<()> {
        self.used = self.used.saturating_add(bytes);
        if self.used <= MAX_BYTES {
            return Ok(());
        }
        let megabytes = MAX_BYTES / (1024 * 1024);
        Err(Error::new(
            ErrorKind::Limit,
            format!("would keep more than {megabytes} MiB: {advice}"),
        ))
    }

    /// Counts bytes that are no longer kept.
    pub(super) fn give_back(&mut self, bytes: usize) {
        self.used = self.used.saturating_sub(bytes);
    }
}

/// Returns about how many bytes a value takes in memory; shared parts count each time.
pub(super) fn weight(value: &Value) -> usize {
    let own = size_of::<Value>();
    own + match value {
        Value::String(text) => text.len(),
        Value::Binary(binary) => binary.bytes().len(),
        Value::Array(elements) => elements.iter().map(weight).sum(),
        Value::Document(document) => document_weight(document),
        _ => 0,
    }
}

/// Returns about how many bytes a document takes in memory.
pub(super) fn document_weight(document: &Document) -> usize {
    document
        .iter()
        .map(|(name, value)| 16 + name.len() + weight(value))
        .sum()
}

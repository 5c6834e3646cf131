//! The first documents of an order that no index gives.

use super::cursor::Found;
use crate::error::{Error, ErrorKind, Result};
use crate::key::KeyBytes;
use crate::sort::{Direction, Sort};
use crate::value::limits;

/// How many bytes of documents a sort without an index may keep.
pub const MAX_SORT_BYTES: usize = 64 * 1024 * 1024;

/// Keeps the first `wanted` documents of an order while any number of them go by.
#[derive(Debug)]
pub struct Top<'a, S> {
    sort: &'a Sort,
    wanted: usize,
    kept: Vec<(KeyBytes, usize, Found<S>)>,
    bytes: usize,
}

impl<'a, S> Top<'a, S> {
    /// Keeps up to `wanted` documents in the order of a sort.
    pub fn new(sort: &'a Sort, wanted: usize) -> Self {
        Self {
            sort,
            wanted,
            kept: Vec::new(),
            bytes: 0,
        }
    }

    /// Takes a document.
    ///
    /// # Errors
    /// [`ErrorKind::Limit`] if too much would have to be kept.
    pub fn push(&mut self, found: Found<S>) -> Result<()> {
        if self.wanted == 0 {
            return Ok(());
        }
        let mut sort_key = self.sort.key(&found.document)?;
        // Documents that tie come in the order of their ids.
        sort_key.extend_from_slice(&found.id);
        let bytes = limits::bson_size(&found.document)? + sort_key.len();
        self.bytes += bytes;
        self.kept.push((sort_key, bytes, found));
        if self.kept.len() >= self.wanted.saturating_mul(2).max(64) || self.bytes > MAX_SORT_BYTES {
            self.cut();
        }
        if self.bytes > MAX_SORT_BYTES {
            return Err(self.too_large());
        }
        Ok(())
    }

    /// Returns what was kept, in order.
    pub fn finish(mut self) -> Vec<Found<S>> {
        self.kept.sort_by(|a, b| a.0.cmp(&b.0));
        self.kept.truncate(self.wanted);
        self.kept.into_iter().map(|(_, _, found)| found).collect()
    }

    fn cut(&mut self) {
        if self.kept.len() > self.wanted {
            self.kept
                .select_nth_unstable_by(self.wanted - 1, |a, b| a.0.cmp(&b.0));
            self.kept.truncate(self.wanted);
            self.bytes = self.kept.iter().map(|(_, bytes, _)| bytes).sum();
        }
    }

    fn too_large(&self) -> Error {
        let fields: Vec<_> = self
            .sort
            .fields()
            .iter()
            .map(|(path, direction)| {
                format!(
                    "{path}: {}",
                    if *direction == Direction::Ascending { 1 } else { -1 }
                )
            })
            .collect();
        let fields = fields.join(", ");
        let message = format!(
            "the sort would keep more than {} MiB of documents: give it an index on {{{fields}}}, or a limit",
            MAX_SORT_BYTES / 1024 / 1024
        );
        Error::new(ErrorKind::Limit, message).at_operator("sort")
    }
}

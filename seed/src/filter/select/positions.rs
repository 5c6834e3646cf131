//! A selection from a slice, on all cores.

use std::borrow::Borrow;

use super::batch::Batch;
use super::{WIDTH, first, has_expression, places};
use crate::error::Result;
use crate::filter::matches::node_matches;
use crate::filter::{Filter, Node};
use crate::parallel;
use crate::value::Document;

/// How many documents a thread takes at a time: to start one takes as long as to look at a thousand.
const PIECE: usize = 4 * 1_024;

impl Filter {
    /// Finds the positions of the documents that meet the filter, in their order.
    ///
    /// The answers are those of [`select`](Self::select), all at once. Some ten thousand documents and more are looked at
    /// by as many threads as there are processors, which are gone when this returns; fewer by the caller's thread alone.
    ///
    /// # Errors
    /// [`ErrorKind::Query`](crate::ErrorKind::Query) if [`matches`](Self::matches) fails for one of the documents; the
    /// error is that of the first such document.
    ///
    /// # Example
    /// ```
    /// use seed::{Filter, doc};
    ///
    /// let jobs = [doc! { "priority": 7 }, doc! { "priority": 1 }, doc! { "priority": [0, 9] }];
    /// let filter = Filter::parse(&doc! { "priority": { "$gte": 5 } })?;
    /// assert_eq!(filter.positions(&jobs)?, [0, 2]);
    /// # Ok::<(), seed::Error>(())
    /// ```
    pub fn positions<D>(&self, documents: &[D]) -> Result<Vec<usize>>
    where
        D: Borrow<Document> + Sync,
    {
        let found = parallel::pieces(documents, PIECE, |start, piece| find(&self.root, piece, start));
        let mut positions = Vec::new();
        for of_piece in found {
            positions.append(&mut of_piece?);
        }
        Ok(positions)
    }
}

/// Finds the positions of those that meet a condition, counted from `start`.
fn find<D: Borrow<Document>>(node: &Node, documents: &[D], start: usize) -> Result<Vec<usize>> {
    let mut positions = Vec::new();
    if has_expression(node) {
        for (at, document) in documents.iter().enumerate() {
            if node_matches(node, document.borrow())? {
                positions.push(start + at);
            }
        }
        return Ok(positions);
    }
    let mut taken: Vec<&Document> = Vec::with_capacity(WIDTH);
    for (batch, documents) in documents.chunks(WIDTH).enumerate() {
        taken.clear();
        taken.extend(documents.iter().map(Borrow::borrow));
        let met = Batch::new(&taken).meets(node, first(taken.len()))?;
        positions.extend(places(met).map(|at| start + batch * WIDTH + at));
    }
    Ok(positions)
}

//! A selection from a slice, on all cores.

use std::borrow::Borrow;

use crate::error::Result;
use crate::filter::Filter;
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
        let found = parallel::pieces(documents, PIECE, |start, piece| {
            let selected = self.select(piece.iter().map(Borrow::borrow));
            let positions = selected.map(|selected| Ok(start + selected?.0));
            positions.collect::<Result<Vec<usize>>>()
        });
        let mut positions = Vec::new();
        for of_piece in found {
            positions.append(&mut of_piece?);
        }
        Ok(positions)
    }
}

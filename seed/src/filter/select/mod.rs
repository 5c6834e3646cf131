//! Which of many documents meet a filter: the same answers as one by one, in a fraction of the time.
//!
//! Documents lie apart in memory, and to look at one is mostly to wait for it. So they are taken [`WIDTH`] at a time, and
//! a path is followed in all of them a step at a time (`column.rs`), so that the waits of a step overlap. A test is asked
//! of the values as they are found (`ask.rs`), and only in the documents that are still undecided (`batch.rs`). Where all
//! documents are at hand, several threads share them (`positions.rs`).

mod ask;
mod batch;
mod column;
mod positions;

use std::iter::FusedIterator;

use super::matches::node_matches;
use super::{Filter, Node};
use crate::error::Result;
use crate::value::Document;
use batch::Batch;

/// Some of the documents that are looked at together: a bit for each.
type Mask = u64;

/// How many documents are looked at together.
const WIDTH: usize = Mask::BITS as usize;

/// The documents that meet a filter, with their positions; made by [`Filter::select`].
#[derive(Debug)]
pub struct Selection<'f, 'd, D> {
    root: &'f Node,
    documents: D,
    width: usize,
    taken: Vec<&'d Document>,
    /// The position of the first that was taken.
    start: usize,
    /// Which of those taken meet the filter and were not given out yet.
    met: Mask,
}

impl Filter {
    /// Picks out the documents that meet the filter, in their order, each with its position counted from 0.
    ///
    /// The answers are those of [`matches`](Self::matches), and where there are many documents they come several times
    /// as fast. Up to 64 documents are looked at before the first is given out.
    ///
    /// # Errors
    /// An item is an error where [`matches`](Self::matches) fails; those before it were given out, and none come after.
    ///
    /// # Example
    /// ```
    /// use seed::{Filter, doc};
    ///
    /// let jobs = [doc! { "priority": 7 }, doc! { "priority": 1 }, doc! { "priority": [0, 9] }];
    /// let filter = Filter::parse(&doc! { "priority": { "$gte": 5 } })?;
    /// let urgent: Vec<usize> = filter.select(&jobs).map(|found| Ok(found?.0)).collect::<seed::Result<_>>()?;
    /// assert_eq!(urgent, [0, 2]);
    /// # Ok::<(), seed::Error>(())
    /// ```
    pub fn select<'f, 'd, D>(&'f self, documents: D) -> Selection<'f, 'd, D::IntoIter>
    where
        D: IntoIterator<Item = &'d Document>,
    {
        // An expression can fail, which must not be told of a document behind the one that the caller stops at.
        let width = if has_expression(&self.root) { 1 } else { WIDTH };
        Selection {
            root: &self.root,
            documents: documents.into_iter(),
            width,
            taken: Vec::with_capacity(width),
            start: 0,
            met: 0,
        }
    }
}

/// Tells whether an expression is part of the tree; none stands below a field.
fn has_expression(node: &Node) -> bool {
    match node {
        Node::And(nodes) | Node::Or(nodes) | Node::Nor(nodes) => nodes.iter().any(has_expression),
        Node::Expr(_) => true,
        Node::Field(..) | Node::Constant(_) => false,
    }
}

impl<'d, D> Selection<'_, 'd, D>
where
    D: Iterator<Item = &'d Document>,
{
    /// Takes the next documents and asks the filter of them. None are taken at the end.
    fn take_more(&mut self) -> Result<()> {
        self.start += self.taken.len();
        self.taken.clear();
        self.taken.extend(self.documents.by_ref().take(self.width));
        self.met = match self.taken.as_slice() {
            [] => 0,
            [document] => Mask::from(node_matches(self.root, document)?),
            documents => Batch::new(documents).meets(self.root, first(documents.len()))?,
        };
        Ok(())
    }
}

impl<'d, D> Iterator for Selection<'_, 'd, D>
where
    D: Iterator<Item = &'d Document>,
{
    type Item = Result<(usize, &'d Document)>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.met == 0 {
            // Nothing is taken any more once the width is zero.
            if let Err(fault) = self.take_more() {
                self.width = 0;
                return Some(Err(fault));
            }
            if self.taken.is_empty() {
                self.width = 0;
                return None;
            }
        }
        let at = take_first(&mut self.met);
        Some(Ok((self.start + at, self.taken[at])))
    }
}

impl<'d, D> FusedIterator for Selection<'_, 'd, D> where D: Iterator<Item = &'d Document> {}

/// Returns the mask of the first `count` documents.
fn first(count: usize) -> Mask {
    Mask::MAX.checked_shr((WIDTH - count) as u32).unwrap_or(0)
}

/// Takes the first document out of a mask that has one, and returns its place.
fn take_first(mask: &mut Mask) -> usize {
    let at = mask.trailing_zeros();
    *mask &= *mask - 1;
    at as usize
}

/// Returns the places of the documents of a mask.
fn places(mut mask: Mask) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || (mask != 0).then(|| take_first(&mut mask)))
}

#[cfg(test)]
mod tests;

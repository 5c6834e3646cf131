//! A walk along a plan, page by page, that can go on in another transaction.

use super::catalogue::Catalogue;
use super::{Engine, Entry, IndexId, ReadTransaction, Towards};
use crate::error::Result;
use crate::filter::{Filter, node_matches};
use crate::key::{self, KeyBytes};
use crate::plan::{Access, KeyRange, Order, Plan, Scan, or_branches};
use crate::value::Document;

/// A document that was found, as it is stored and as it reads.
#[derive(Debug)]
pub(super) struct Found<S> {
    pub(super) id: KeyBytes,
    pub(super) stored: S,
    pub(super) document: Document,
}

/// Where a walk along a plan stands.
#[derive(Debug)]
pub(super) struct Cursor {
    /// What is left, the next one last.
    scans: Vec<Walk>,
    towards: Towards,
    /// How many entries were looked at so far.
    pub(super) looked_at: u64,
}

#[derive(Debug)]
struct Walk {
    scan: Scan,
    index: Option<IndexId>,
    /// The ranges that are left, the next one last.
    left: Vec<KeyRange>,
    /// The position of the branch among those of the `$or`; none if the scan serves the whole filter.
    branch: Option<usize>,
}

impl Cursor {
    pub(super) fn new(plan: &Plan, catalogue: &Catalogue) -> Self {
        let towards = if plan.order() == Order::Backwards {
            Towards::Start
        } else {
            Towards::End
        };
        let is_union = plan.scans().len() > 1;
        let walk = |(branch, scan): (usize, &Scan)| {
            let index = match scan.access {
                Access::Primary => None,
                Access::Index(at) => Some(catalogue.indexes[at].id),
            };
            let mut left: Vec<_> = scan
                .ranges
                .iter()
                .filter(|range| !range.is_empty())
                .cloned()
                .collect();
            if towards == Towards::End {
                left.reverse();
            }
            Walk {
                scan: scan.clone(),
                index,
                left,
                branch: is_union.then_some(branch),
            }
        };
        Self {
            scans: plan.scans().iter().enumerate().map(walk).rev().collect(),
            towards,
            looked_at: 0,
        }
    }

    /// Returns the indexes that are still to be read.
    pub(super) fn indexes(&self) -> impl Iterator<Item = IndexId> {
        self.scans.iter().filter_map(|walk| walk.index)
    }

    /// Tells whether the walk is over.
    pub(super) fn is_done(&self) -> bool {
        self.scans.iter().all(|walk| walk.left.is_empty())
    }

    /// Looks at up to `page` further entries and appends the documents among them that match.
    pub(super) fn next_page<E: Engine>(
        &mut self,
        engine: &E,
        transaction: &mut dyn ReadTransaction<E::Stored>,
        catalogue: &Catalogue,
        filter: &Filter,
        page: usize,
        out: &mut Vec<Found<E::Stored>>,
    ) -> Result<()> {
        let look = Look {
            engine,
            catalogue,
            filter,
            towards: self.towards,
        };
        let mut budget = page;
        while budget > 0 {
            let Some(walk) = self.scans.last_mut() else {
                return Ok(());
            };
            if walk.left.is_empty() {
                self.scans.pop();
                continue;
            }
            let looked_at = match walk.index {
                None => walk.primary_page(&look, transaction, budget, out)?,
                Some(index) => walk.index_page(&look, transaction, index, budget, out)?,
            };
            self.looked_at += looked_at as u64;
            budget -= looked_at.min(budget);
        }
        Ok(())
    }
}

/// What all pages of a walk have in common.
struct Look<'a, E> {
    engine: &'a E,
    catalogue: &'a Catalogue,
    filter: &'a Filter,
    towards: Towards,
}

impl Walk {
    fn primary_page<E: Engine>(
        &mut self,
        look: &Look<'_, E>,
        transaction: &mut dyn ReadTransaction<E::Stored>,
        limit: usize,
        out: &mut Vec<Found<E::Stored>>,
    ) -> Result<usize> {
        let range = self.left.last().expect("a walk with ranges left");
        let mut page = Vec::new();
        transaction.page(range, look.towards, limit, &mut page)?;
        self.advance(
            page.last().map(|(id, _)| id.as_slice()),
            page.len() < limit,
            look.towards,
        );
        let looked_at = page.len();
        for (id, stored) in page {
            let document = look.engine.decode(&stored)?;
            if self.takes(look.filter, &document)? {
                out.push(Found { id, stored, document });
            }
        }
        Ok(looked_at)
    }

    fn index_page<E: Engine>(
        &mut self,
        look: &Look<'_, E>,
        transaction: &mut dyn ReadTransaction<E::Stored>,
        index: IndexId,
        limit: usize,
        out: &mut Vec<Found<E::Stored>>,
    ) -> Result<usize> {
        let range = self.left.last().expect("a walk with ranges left");
        let mut page = Vec::new();
        transaction.index_page(index, range, look.towards, limit, &mut page)?;
        self.advance(
            page.last().map(|entry| entry.bytes.as_slice()),
            page.len() < limit,
            look.towards,
        );
        let looked_at = page.len();
        for entry in page {
            let Some(stored) = transaction.get(entry.id())? else {
                continue;
            };
            let document = look.engine.decode(&stored)?;
            if self.comes_first(look, index, &entry, &document)? && self.takes(look.filter, &document)? {
                out.push(Found {
                    id: entry.id().to_vec(),
                    stored,
                    document,
                });
            }
        }
        Ok(looked_at)
    }

    /// Moves behind the last entry of a page, or to the next range if there were no more.
    fn advance(&mut self, last: Option<&[u8]>, is_range_done: bool, towards: Towards) {
        let range = self.left.last_mut().expect("a walk with ranges left");
        match (last, is_range_done, towards) {
            (None, _, _) | (_, true, _) => {
                self.left.pop();
            }
            // The least bytes above an entry are the entry and a zero.
            (Some(last), false, Towards::End) => range.start = key::joined(last, &[0]),
            (Some(last), false, Towards::Start) => range.end = Some(last.to_vec()),
        }
    }

    fn takes(&self, filter: &Filter, document: &Document) -> Result<bool> {
        if self.scan.is_exact {
            return Ok(true);
        }
        if !filter.matches(document)? {
            return Ok(false);
        }
        let Some(branch) = self.branch else {
            return Ok(true);
        };
        // The ranges may hold what only another branch takes: each document is left to the first branch that takes it.
        let branches = or_branches(filter.root()).unwrap_or_default();
        for earlier in &branches[..branch] {
            if node_matches(earlier, document)? {
                return Ok(false);
            }
        }
        node_matches(&branches[branch], document)
    }

    /// Tells whether this entry is the first of its document that the scan meets, so that it is returned once.
    fn comes_first<E>(
        &self,
        look: &Look<'_, E>,
        index: IndexId,
        entry: &Entry,
        document: &Document,
    ) -> Result<bool> {
        let Some(index) = look.catalogue.index(index).filter(|index| index.is_multikey) else {
            return Ok(true);
        };
        let keys = key::index_keys(document, index.spec.fields())?.keys;
        let entries = keys.iter().map(|key| Entry::new(key, entry.id()));
        let mut within =
            entries.filter(|entry| self.scan.ranges.iter().any(|range| range.contains(&entry.bytes)));
        let first = match look.towards {
            Towards::End => within.next(),
            Towards::Start => within.next_back(),
        };
        Ok(first.is_none_or(|first| first == *entry))
    }
}

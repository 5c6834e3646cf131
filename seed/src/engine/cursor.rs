//! A walk along a plan, page by page, that can go on in another transaction.
//!
//! The cursor says what is to be read next ([`Cursor::ask`]), is told how far that went ([`Cursor::advance`]), and judges
//! what was read ([`Cursor::takes`]). It reads nothing itself, so that a store on a network can walk as well. Where ranges
//! are read side by side, [`Heads`] says what is needed and which entry is next.

use std::error::Error as _;

use super::catalogue::{Catalogue, Index};
use super::heads::{Heads, Rest};
use super::{Engine, Entry, IndexId, ReadTransaction, Towards};
use crate::error::{Error, ErrorKind, Result};
use crate::filter::{Filter, node_matches};
use crate::key::{self, KeyBytes};
use crate::plan::{Access, KeyRange, Plan, Scan, or_branches};
use crate::value::Document;

/// A document that was found, as it is stored and as it reads.
#[derive(Debug)]
pub struct Found<S> {
    /// The bytes of its `_id`.
    pub id: KeyBytes,
    /// How it is stored.
    pub stored: S,
    /// How it reads.
    pub document: Document,
}

/// What is to be read next: entries of an index, or documents by their ids.
#[derive(Clone, Copy, Debug)]
pub struct Ask<'a> {
    /// Which index; the documents themselves if none.
    pub index: Option<IndexId>,
    /// Over which range.
    pub range: &'a KeyRange,
    /// Which way.
    pub towards: Towards,
}

/// Where a walk along a plan stands.
#[derive(Debug)]
pub struct Cursor {
    /// What is left, the next one last.
    scans: Vec<Walk>,
    towards: Towards,
    /// Whether the ranges are read side by side.
    is_merged: bool,
    /// How many entries were looked at so far.
    looked_at: u64,
    /// What was come by and cannot be read.
    unreadable: Vec<Unreadable>,
    /// Entries whose documents do not belong in their index, as somebody has changed them behind the store's back.
    strays: Vec<(IndexId, Entry)>,
}

/// A document that is there and cannot be read. It must not keep anybody from the others.
#[derive(Debug)]
pub struct Unreadable {
    /// The bytes of its `_id`.
    pub id: KeyBytes,
    /// The entry that led to it; none if it was come by without an index.
    pub entry: Option<(IndexId, Entry)>,
    /// Why it cannot be read.
    pub fault: Error,
}

impl Unreadable {
    /// What was come by without an index.
    pub fn of_id(id: KeyBytes, fault: Error) -> Self {
        Self {
            id,
            entry: None,
            fault,
        }
    }

    /// What an entry of an index led to.
    pub fn of_entry(index: IndexId, entry: Entry, fault: Error) -> Self {
        Self {
            id: entry.id().to_vec(),
            entry: Some((index, entry)),
            fault,
        }
    }

    /// Returns the fault as one of this document, which it names, with the reason.
    pub fn into_error(self) -> Error {
        if self.fault.kind() == ErrorKind::Unreadable {
            return self.fault;
        }
        let id = key::shown_id(&self.id);
        let reason = self
            .fault
            .source()
            .map_or_else(String::new, |reason| format!("; {reason}"));
        let message = format!("{} (_id {id}{reason})", self.fault.message());
        Error::new(ErrorKind::Unreadable, message).with_source(self.fault)
    }

    /// Returns the fault of a claim that took the entry out of its index.
    pub fn taken_out(self) -> Error {
        let is_out = self.entry.is_some();
        let fault = self.into_error();
        match is_out {
            true => {
                let message = format!(
                    "{}: it is left out from now on, and kept as it is",
                    fault.message()
                );
                Error::new(fault.kind(), message).with_source(fault)
            }
            false => fault,
        }
    }
}

#[derive(Debug)]
struct Walk {
    scan: Scan,
    index: Option<IndexId>,
    /// The ranges that are left, the next one last.
    left: Vec<Rest>,
    /// The position of the branch among those of the `$or`; none if the scan serves the whole filter.
    branch: Option<usize>,
}

impl Cursor {
    /// Begins a walk along a plan that was made with this catalogue.
    pub fn new(plan: &Plan, catalogue: &Catalogue) -> Self {
        let towards = match plan.order().is_backwards() {
            true => Towards::Start,
            false => Towards::End,
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
                .map(Rest::of)
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
            is_merged: plan.order().is_merged(),
            looked_at: 0,
            unreadable: Vec::new(),
            strays: Vec::new(),
        }
    }

    /// Begins a walk along one range of an index, all of whose documents are taken.
    pub fn of_range(index: IndexId, range: KeyRange) -> Self {
        let mut scan = Plan::full(&[]).scans()[0].clone();
        scan.is_exact = true;
        let walk = Walk {
            scan,
            index: Some(index),
            left: vec![Rest::of(range)],
            branch: None,
        };
        Self {
            scans: vec![walk],
            towards: Towards::End,
            is_merged: false,
            looked_at: 0,
            unreadable: Vec::new(),
            strays: Vec::new(),
        }
    }

    /// Leaves out what cannot be read, and keeps it to be [taken](Self::take_unreadable).
    pub fn leave_out(&mut self, unreadable: Unreadable) {
        self.unreadable.push(unreadable);
    }

    /// Takes what was left out so far. Whoever walks must ask for it, and tell of it or have a reason not to.
    pub fn take_unreadable(&mut self) -> Vec<Unreadable> {
        std::mem::take(&mut self.unreadable)
    }

    /// Takes the entries so far whose documents do not belong in their index.
    pub(super) fn take_strays(&mut self) -> Vec<(IndexId, Entry)> {
        std::mem::take(&mut self.strays)
    }

    /// Ends the walk, for what was looked for was come by otherwise.
    pub fn finish(&mut self, looked_at: u64) {
        self.looked_at += looked_at;
        self.scans.clear();
    }

    /// Returns the indexes that are still to be read.
    pub fn indexes(&self) -> impl Iterator<Item = IndexId> {
        self.scans.iter().filter_map(|walk| walk.index)
    }

    /// Returns how many entries were looked at so far.
    pub fn looked_at(&self) -> u64 {
        self.looked_at
    }

    /// Tells whether the walk is over.
    pub fn is_done(&self) -> bool {
        self.scans.iter().all(|walk| walk.left.is_empty())
    }

    /// Says what is to be read next; nothing if the walk is over.
    pub fn ask(&mut self) -> Option<Ask<'_>> {
        while self.scans.last()?.left.is_empty() {
            self.scans.pop();
        }
        let walk = self.scans.last()?;
        Some(Ask {
            index: walk.index,
            range: &walk.left.last()?.range,
            towards: self.towards,
        })
    }

    /// Gives the heads of all ranges with their index, if they are to be read side by side for the next page. They must be
    /// given [back](Self::put_back).
    pub fn heads<T: AsRef<[u8]>>(&mut self) -> Option<(IndexId, Heads<T>)> {
        let walk = self.scans.last_mut().filter(|_| self.is_merged)?;
        Some((
            walk.index?,
            Heads::new(std::mem::take(&mut walk.left), self.towards),
        ))
    }

    /// Moves each range behind the last of its entries that was taken from the heads.
    pub fn put_back<T: AsRef<[u8]>>(&mut self, heads: Heads<T>) {
        if let Some(walk) = self.scans.last_mut() {
            self.looked_at += heads.taken();
            walk.left = heads.into_rest();
        }
    }

    /// Moves behind the last entry of what was asked for, or to the next range if there were no more.
    pub fn advance(&mut self, looked_at: usize, last: Option<&[u8]>, is_range_done: bool) {
        self.looked_at += looked_at as u64;
        let Some(left) = self.scans.last_mut().map(|walk| &mut walk.left) else {
            return;
        };
        match (last, left.last_mut()) {
            (Some(last), Some(rest)) if !is_range_done => rest.move_behind(last, self.towards),
            _ => drop(left.pop()),
        }
    }

    /// Tells whether a document that was read at this entry, or by its id, is one of those that are looked for.
    ///
    /// # Errors
    /// As the filter, and [`ErrorKind::Index`] if the document does not belong in the index.
    pub fn takes(
        &self,
        catalogue: &Catalogue,
        filter: &Filter,
        entry: Option<&Entry>,
        document: &Document,
    ) -> Result<bool> {
        let Some(walk) = self.scans.last() else {
            return Ok(false);
        };
        let is_first = match (walk.index.and_then(|index| catalogue.index(index)), entry) {
            (Some(index), Some(entry)) if index.is_multikey => {
                walk.comes_first(index, self.towards, entry, document)?
            }
            _ => true,
        };
        Ok(is_first && walk.takes(filter, document)?)
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
        if let Some((index, mut heads)) = self.heads() {
            let entries = merged_entries(transaction, index, &mut heads, page);
            self.put_back(heads);
            return self.take_entries(engine, transaction, (catalogue, filter), (index, &entries?), out);
        }
        let mut budget = page;
        while budget > 0 {
            let Some(Ask {
                index,
                range,
                towards,
            }) = self.ask()
            else {
                return Ok(());
            };
            let looked_at = match index {
                None => {
                    let mut read = Vec::new();
                    transaction.page(range, towards, budget, &mut read)?;
                    let last = read.last().map(|(id, _)| id.as_slice());
                    self.advance(read.len(), last, read.len() < budget);
                    let looked_at = read.len();
                    for (id, stored) in read {
                        let document = match engine.decode(&stored) {
                            Ok(document) => document,
                            Err(fault) => {
                                self.leave_out(Unreadable::of_id(id, fault));
                                continue;
                            }
                        };
                        if self.takes(catalogue, filter, None, &document)? {
                            out.push(Found { id, stored, document });
                        }
                    }
                    looked_at
                }
                Some(index) => {
                    let mut read = Vec::new();
                    transaction.index_page(index, range, towards, budget, &mut read)?;
                    let last = read.last().map(|entry| entry.bytes.as_slice());
                    self.advance(read.len(), last, read.len() < budget);
                    self.take_entries(engine, transaction, (catalogue, filter), (index, &read), out)?;
                    read.len()
                }
            };
            budget -= looked_at.min(budget);
        }
        Ok(())
    }

    /// Reads the documents of entries and appends those that match.
    fn take_entries<E: Engine>(
        &mut self,
        engine: &E,
        transaction: &mut dyn ReadTransaction<E::Stored>,
        (catalogue, filter): (&Catalogue, &Filter),
        (index, entries): (IndexId, &[Entry]),
        out: &mut Vec<Found<E::Stored>>,
    ) -> Result<()> {
        let declared = catalogue.index(index);
        for entry in entries {
            let Some(stored) = transaction.get(entry.id())? else {
                continue;
            };
            let document = match engine.decode(&stored) {
                Ok(document) => document,
                Err(fault) => {
                    self.leave_out(Unreadable::of_entry(index, entry.clone(), fault));
                    continue;
                }
            };
            // What the plan takes for granted of an entry must be true of its document.
            if let Some(declared) = declared
                && !declared.spec.takes(&document)?
            {
                self.strays.push((index, entry.clone()));
                continue;
            }
            if self.takes(catalogue, filter, Some(entry), &document)? {
                let id = entry.id().to_vec();
                out.push(Found { id, stored, document });
            }
        }
        Ok(())
    }
}

/// Reads the next entries of ranges that are read side by side.
fn merged_entries<S>(
    transaction: &mut dyn ReadTransaction<S>,
    index: IndexId,
    heads: &mut Heads<Entry>,
    page: usize,
) -> Result<Vec<Entry>> {
    let mut entries = Vec::new();
    while entries.len() < page {
        while let Some((at, range, towards)) = heads.needed() {
            let (limit, mut read) = (heads.limit(page - entries.len()), Vec::new());
            transaction.index_page(index, range, towards, limit, &mut read)?;
            let is_all = read.len() < limit;
            heads.fill(at, read, is_all);
        }
        match heads.take() {
            Some(entry) => entries.push(entry),
            None => break,
        }
    }
    Ok(entries)
}

impl Walk {
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
    fn comes_first(
        &self,
        index: &Index,
        towards: Towards,
        entry: &Entry,
        document: &Document,
    ) -> Result<bool> {
        let keys = key::index_keys(document, index.spec.fields())?.keys;
        let entries = keys.iter().map(|key| Entry::new(key, entry.id()));
        let mut within =
            entries.filter(|entry| self.scan.ranges.iter().any(|range| range.contains(&entry.bytes)));
        let first = match towards {
            Towards::End => within.next(),
            Towards::Start => within.next_back(),
        };
        Ok(first.is_none_or(|first| first == *entry))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_read_is_named_with_the_reason() {
        let id = || key::id_key(&"x".into()).unwrap();
        let corrupt = Error::new(ErrorKind::Corrupt, "cannot be read");
        let told = |fault| Unreadable::of_id(id(), fault).into_error().to_string();
        assert_eq!(told(corrupt.clone()), "cannot be read (_id \"x\")");
        let large = corrupt.with_source(Error::new(ErrorKind::Limit, "too large"));
        assert_eq!(told(large), "cannot be read (_id \"x\"; too large)");
    }
}

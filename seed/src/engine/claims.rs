//! Finding documents inside a write transaction, and changing those that were found.

use std::collections::HashSet;
use std::sync::Arc;

use super::Engine;
use super::change::{self, Change};
use super::cursor::{Cursor, Found, Unreadable};
use super::session::{Session, duplicate};
use super::top::Top;
use super::writes::Setting;
use crate::error::{ErrorKind, Result};
use crate::filter::Filter;
use crate::key;
use crate::plan::{Order, Plan};
use crate::sort::Sort;
use crate::update::Update;
use crate::value::Document;

/// How many entries are looked at at once, at the most.
const PAGE: usize = 500;

impl<E: Engine> Setting<E> {
    /// Changes documents that were found; if one of the changes is refused, none is left.
    pub(super) fn find_and_update(
        &self,
        session: &mut Session<'_, E::Stored>,
        filters: &[Filter],
        sort: &Sort,
        limit: usize,
        update: &Update,
    ) -> Result<Vec<Document>> {
        let mut found = Vec::new();
        for filter in filters {
            if found.len() < limit {
                let more = self.collect(session, filter, sort, limit, &found)?;
                found.extend(more.into_iter().map(|found| (found, filter)));
            }
        }
        let mut changed = Vec::with_capacity(found.len());
        for (found, filter) in found {
            match self.change_found(session, found, filter, update) {
                Ok(document) => changed.push(document),
                Err(fault) => {
                    let mut changes = changed.iter().rev().filter_map(|(_, change)| change.as_ref());
                    changes.try_for_each(|change| session.revert(change))?;
                    return Err(fault);
                }
            }
        }
        let documents = changed.iter().map(|(document, _)| document.clone()).collect();
        let stored = changed.into_iter().filter_map(|(document, change)| {
            let stored = change?
                .new
                .filter(|stored| self.engine().is_worth_keeping(stored))?;
            Some((document, stored))
        });
        self.inner.recent.keep(stored);
        Ok(documents)
    }

    /// Finds documents that match and were not found by an earlier filter, until there are `limit` in all.
    fn collect<'f>(
        &self,
        session: &mut Session<'_, E::Stored>,
        filter: &'f Filter,
        sort: &Sort,
        limit: usize,
        earlier: &[(Found<E::Stored>, &'f Filter)],
    ) -> Result<Vec<Found<E::Stored>>> {
        let wanted = limit - earlier.len();
        if let Some(id) = filter.the_id() {
            let found = self.look_up(session, &key::id_key(id)?, filter)?;
            let is_new = |found: &Found<_>| !earlier.iter().any(|(earlier, _)| earlier.id == found.id);
            return Ok(found.into_iter().filter(is_new).collect());
        }
        let taken: HashSet<&[u8]> = earlier.iter().map(|(found, _)| found.id.as_slice()).collect();
        let plan = Plan::choose(filter, sort.fields(), &session.catalogue.views());
        if plan.order() != Order::Sorted {
            return self.collect_in_order(session, filter, &plan, wanted, &taken);
        }
        match self.collect_sorted(session, filter, sort, &plan, wanted, &taken) {
            Err(fault) if fault.kind() == ErrorKind::Limit && sort.fields().is_empty() => {
                self.collect_in_order(session, filter, &Plan::full(&[]), wanted, &taken)
            }
            result => result,
        }
    }

    fn collect_in_order(
        &self,
        session: &mut Session<'_, E::Stored>,
        filter: &Filter,
        plan: &Plan,
        wanted: usize,
        taken: &HashSet<&[u8]>,
    ) -> Result<Vec<Found<E::Stored>>> {
        let mut cursor = Cursor::new(plan, &session.catalogue);
        let mut found = Vec::new();
        // Most often the next entries are just those that are wanted; where they are not, the pages grow.
        let mut least = 1;
        while found.len() < wanted && !cursor.is_done() {
            let page = (wanted - found.len()).max(least);
            least = (page * 2).min(PAGE);
            let catalogue = Arc::clone(&session.catalogue);
            cursor.next_page(
                self.engine(),
                &mut *session.transaction,
                &catalogue,
                filter,
                page,
                &mut found,
            )?;
            found.retain(|found| !taken.contains(found.id.as_slice()));
        }
        take_out(session, &mut cursor)?;
        found.truncate(wanted);
        Ok(found)
    }

    fn collect_sorted(
        &self,
        session: &mut Session<'_, E::Stored>,
        filter: &Filter,
        sort: &Sort,
        plan: &Plan,
        wanted: usize,
        taken: &HashSet<&[u8]>,
    ) -> Result<Vec<Found<E::Stored>>> {
        let mut cursor = Cursor::new(plan, &session.catalogue);
        let mut top = Top::new(sort, wanted);
        while !cursor.is_done() {
            let catalogue = Arc::clone(&session.catalogue);
            let mut page = Vec::new();
            cursor.next_page(
                self.engine(),
                &mut *session.transaction,
                &catalogue,
                filter,
                PAGE,
                &mut page,
            )?;
            let mut new = page
                .into_iter()
                .filter(|found| !taken.contains(found.id.as_slice()));
            new.try_for_each(|found| top.push(found))?;
        }
        take_out(session, &mut cursor)?;
        Ok(top.finish())
    }

    pub(super) fn first(
        &self,
        session: &mut Session<'_, E::Stored>,
        filter: &Filter,
    ) -> Result<Option<Found<E::Stored>>> {
        Ok(self.collect(session, filter, &Sort::default(), 1, &[])?.pop())
    }

    /// Reads the document of an id, if it matches.
    pub(super) fn look_up(
        &self,
        session: &mut Session<'_, E::Stored>,
        id: &[u8],
        filter: &Filter,
    ) -> Result<Option<Found<E::Stored>>> {
        let Some(stored) = session.transaction.get(id)? else {
            return Ok(None);
        };
        let unreadable = |fault| Unreadable::of_id(id.to_vec(), fault).into_error();
        let document = self.engine().decode(&stored).map_err(unreadable)?;
        Ok(filter.matches(&document)?.then(|| Found {
            id: id.to_vec(),
            stored,
            document,
        }))
    }

    pub(super) fn update_found(
        &self,
        session: &mut Session<'_, E::Stored>,
        found: Found<E::Stored>,
        filter: &Filter,
        update: &Update,
    ) -> Result<(Document, bool)> {
        let (document, change) = self.change_found(session, found, filter, update)?;
        Ok((document, change.is_some()))
    }

    /// Changes a document that was found; returns it as it is now, with the change if there was one.
    fn change_found(
        &self,
        session: &mut Session<'_, E::Stored>,
        found: Found<E::Stored>,
        filter: &Filter,
        update: &Update,
    ) -> Result<(Document, Option<Change<E::Stored>>)> {
        let position = match update.needs_position() {
            true => filter
                .find_match(&found.document)?
                .and_then(|matched| matched.element()),
            false => None,
        };
        let Some(new) = update.apply(&found.document, &self.context(position))? else {
            return Ok((found.document, None));
        };
        let before = (found.stored, &found.document);
        let change = change::replacement(
            self.engine(),
            &session.catalogue,
            found.id,
            before,
            (&new, update),
        )?;
        match session.apply(&change)? {
            None => Ok((new, Some(change))),
            Some(index) => Err(duplicate(&index)),
        }
    }

    pub(super) fn delete_found(
        &self,
        session: &mut Session<'_, E::Stored>,
        found: Found<E::Stored>,
    ) -> Result<()> {
        let change = change::removal(&session.catalogue, found.id, (found.stored, &found.document))?;
        session.apply(&change).map(drop)
    }
}

/// Takes entries of documents that cannot be read, or do not belong in the index, out of their indexes, so that they stand in
/// nobody's way a second time, and tells of the first that cannot be read. The documents stay as they are.
fn take_out<S: Clone + PartialEq>(session: &mut Session<'_, S>, cursor: &mut Cursor) -> Result<()> {
    let unreadable = cursor.take_unreadable();
    let of_unreadable = unreadable
        .iter()
        .filter_map(|unreadable| unreadable.entry.clone());
    for (index, entry) in of_unreadable.chain(cursor.take_strays()) {
        session.transaction.index_remove(index, &entry)?;
    }
    let told = unreadable.into_iter().next();
    told.map_or(Ok(()), |unreadable| Err(unreadable.taken_out()))
}

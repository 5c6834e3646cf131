//! Finding out by reading that a claim has nothing to take.
//!
//! Most claims of an idle worker find nothing. As writes they would take turns with each other and with whoever has
//! something to write, for the only writer that a store has; readers hold nobody up. A claim that follows a commit of its
//! own handle has something to take, most likely, and does not look first.

use super::Engine;
use super::cursor::Cursor;
use super::indexed::Inner;
use crate::error::Result;
use crate::filter::Filter;
use crate::plan::Plan;
use crate::store::{WriteBatch, WriteItem, WriteOutcome};

/// How many entries are looked at in one transaction at the most.
const PAGE: usize = 512;

/// Returns the outcomes of a batch that only claims, and would find nothing. Where a write costs no more than a read,
/// nobody looks.
pub(super) fn empty_claims<E: Engine>(
    inner: &Inner<E>,
    batch: &WriteBatch,
) -> Result<Option<Vec<WriteOutcome>>> {
    if !inner.is_grouped() {
        return Ok(None);
    }
    let claims = batch.items.iter().map(|item| match item {
        WriteItem::FindAndUpdate { filters, .. } => Some(filters),
        _ => None,
    });
    let Some(claims) = claims.collect::<Option<Vec<_>>>() else {
        return Ok(None);
    };
    if inner.arrivals.take(&batch.collection) {
        return Ok(None);
    }
    for filter in claims.into_iter().flatten() {
        if matches_any(inner, &batch.collection, filter)? {
            return Ok(None);
        }
    }
    Ok(Some(vec![WriteOutcome::Found(Vec::new()); batch.items.len()]))
}

/// Looks page by page for one document that matches. If the indexes changed meanwhile, the claim itself must look.
fn matches_any<E: Engine>(inner: &Inner<E>, collection: &str, filter: &Filter) -> Result<bool> {
    let catalogue = inner.catalogue(collection)?;
    let plan = Plan::choose(filter, &[], &catalogue.views());
    let mut cursor = Cursor::new(&plan, &catalogue);
    let mut page = 1;
    while !cursor.is_done() {
        let mut found = Vec::new();
        let mut is_current = false;
        inner.engine.read(collection, &mut |transaction| {
            is_current = transaction.version()? == catalogue.version;
            match is_current {
                true => cursor.next_page(&*inner.engine, transaction, &catalogue, filter, page, &mut found),
                false => Ok(()),
            }
        })?;
        // The claim itself takes out of the way what cannot be read, or does not belong there.
        let is_in_the_way = !cursor.take_unreadable().is_empty() || !cursor.take_strays().is_empty();
        if !is_current || !found.is_empty() || is_in_the_way {
            return Ok(true);
        }
        page = PAGE.min(page * 8);
    }
    Ok(false)
}

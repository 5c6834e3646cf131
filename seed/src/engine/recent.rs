//! The stored forms of documents that were changed just now.
//!
//! Whoever claims a job brings its document along when the job ends, so that the store can tell whether it is still the same
//! without reading it. That takes its stored form, which was at hand when the job was claimed: kept for a while it need not
//! be made a second time.

use std::ptr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::value::Document;

/// How many are kept, a power of two. Where more are out at a time, the older ones are made anew.
const MOST: usize = 512;

/// Documents with their stored forms, each in the place that its address leads to.
#[derive(Debug)]
pub(super) struct Recent<S> {
    places: Mutex<Vec<Option<(Document, S)>>>,
}

impl<S> Default for Recent<S> {
    fn default() -> Self {
        Self {
            places: Mutex::default(),
        }
    }
}

impl<S> Recent<S> {
    /// Keeps stored forms, in place of others.
    pub(super) fn keep(&self, documents: impl Iterator<Item = (Document, S)>) {
        let mut documents = documents.peekable();
        if documents.peek().is_none() {
            return;
        }
        let mut places = self.places();
        if places.is_empty() {
            places.resize_with(MOST, || None);
        }
        for (document, stored) in documents {
            let place = place(&document);
            places[place] = Some((document, stored));
        }
    }

    /// Takes out the stored form of this document: of itself or a clone of it that was not changed, not of one that is equal.
    pub(super) fn take(&self, document: &Document) -> Option<S> {
        let mut places = self.places();
        let kept = places.get_mut(place(document))?;
        // What is kept shares its fields, so that nobody else can have got their address meanwhile.
        let is_same = |kept: &mut (Document, S)| is_same(&kept.0, document);
        kept.take_if(is_same).map(|(_, stored)| stored)
    }

    fn places(&self) -> MutexGuard<'_, Vec<Option<(Document, S)>>> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_same(a: &Document, b: &Document) -> bool {
    ptr::eq(a.fields(), b.fields())
}

fn place(document: &Document) -> usize {
    // Lists of as many fields lie at even distances: multiplied so, the bits that differ are in the upper ones, too.
    let address = document.fields().as_ptr().addr() as u64;
    (address.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> (u64::BITS - MOST.ilog2())) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(recent: &Recent<u32>, documents: &[Document]) {
        recent.keep(documents.iter().cloned().zip(0..));
    }

    #[test]
    fn a_stored_form_is_that_of_a_document_and_its_clones_until_they_are_changed() {
        let recent = Recent::default();
        let document = doc! { "_id": 1, "n": 1 };
        assert_eq!(recent.take(&document), None);
        kept(&recent, std::slice::from_ref(&document));
        let mut changed = document.clone();
        changed.set("n", 2);
        assert_eq!(recent.take(&changed), None);
        assert_eq!(
            recent.take(&doc! { "_id": 1, "n": 1 }),
            None,
            "another list of fields"
        );
        assert_eq!(recent.take(&document.clone()), Some(0));
        assert_eq!(recent.take(&document), None, "it is taken out");
    }

    #[test]
    fn a_document_that_was_changed_in_place_is_another() {
        let recent = Recent::default();
        let mut document = doc! { "_id": 1, "n": 1 };
        kept(&recent, std::slice::from_ref(&document));
        let before = document.clone();
        document.set("n", 2);
        assert_eq!(recent.take(&document), None);
        assert_eq!(recent.take(&before), Some(0));
    }

    #[test]
    fn of_many_some_are_kept_and_each_with_its_own() {
        let recent = Recent::default();
        let documents: Vec<_> = (0..10_000).map(|id| doc! { "_id": id }).collect();
        kept(&recent, &documents);
        let found: Vec<_> = (0..)
            .zip(&documents)
            .filter_map(|(at, document)| Some((at, recent.take(document)?)))
            .collect();
        assert!(!found.is_empty() && found.len() <= MOST, "{}", found.len());
        assert!(found.iter().all(|(at, stored)| at == stored));
    }
}

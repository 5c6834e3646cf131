//! The values of one path in many documents.

use std::hint::black_box;

use super::{Mask, WIDTH, places};
use crate::error::Result;
use crate::path::{Part, Path};
use crate::value::{Document, Value};

/// The values that a path leads to, each at the place of its document.
#[derive(Debug)]
pub(super) struct Column<'n, 'd> {
    path: Option<&'n Path>,
    /// The documents in which the path was followed; nothing is known of the others.
    followed: Mask,
    /// Those in which it ends at a value.
    present: Mask,
    /// Those in which it ends at an array.
    arrays: Mask,
    /// Those in which it leads through an array, to several values; none is kept of them.
    entered: Mask,
    values: [Option<&'d Value>; WIDTH],
}

impl Default for Column<'_, '_> {
    fn default() -> Self {
        Self {
            path: None,
            followed: 0,
            present: 0,
            arrays: 0,
            entered: 0,
            values: [None; WIDTH],
        }
    }
}

impl<'n, 'd> Column<'n, 'd> {
    /// Follows a path in some of the documents, unless that was done just before.
    pub(super) fn follow(&mut self, path: &'n Path, documents: &[&'d Document], among: Mask) {
        let is_same = self.path.is_some_and(|last| last.as_str() == path.as_str());
        if is_same && among & !self.followed == 0 {
            return;
        }
        self.path = Some(path);
        self.followed = among;
        self.entered = 0;
        let (part, rest) = path.parts().split_first().expect("a path has at least one part");
        self.step(part, among, |at, _| Some(documents[at]));
        for part in rest {
            self.entered |= self.arrays;
            let inner = |_, value: Option<&'d Value>| value.and_then(Value::as_document);
            self.step(part, among & !self.entered, inner);
        }
    }

    /// Looks for a field in documents of which `document` is given the place and the value found there before.
    fn step(
        &mut self,
        part: &Part,
        among: Mask,
        document: impl Fn(usize, Option<&'d Value>) -> Option<&'d Document>,
    ) {
        // Looked at in vain first: these looks wait for memory together, as nothing depends on what they find.
        let values = &self.values;
        touch(places(among).map(|at| document(at, values[at]).map_or(0, |document| part.glance(document))));
        (self.present, self.arrays) = (0, 0);
        for at in places(among) {
            let value = document(at, self.values[at]).and_then(|document| part.field(document));
            self.values[at] = value;
            self.present |= Mask::from(value.is_some()) << at;
            self.arrays |= Mask::from(matches!(value, Some(Value::Array(_)))) << at;
        }
    }

    /// Returns the documents that have a value.
    pub(super) fn present(&self) -> Mask {
        self.present
    }

    /// Returns the documents that must be asked one by one.
    pub(super) fn entered(&self) -> Mask {
        self.entered
    }

    /// Returns the arrays that some of the documents have, with their places.
    pub(super) fn arrays(&self, among: Mask) -> impl Iterator<Item = (usize, &'d [Value])> {
        let arrays = move || {
            places(among & self.arrays).filter_map(|at| Some((at, self.values[at]?.as_array()?.as_slice())))
        };
        touch(arrays().map(|(_, elements)| elements.first().map_or(0, |first| usize::from(first.is_null()))));
        arrays()
    }

    /// Waits for the texts that are not kept in place.
    pub(super) fn touch_texts(&self, among: Mask) {
        let text = |at: usize| self.values[at].and_then(Value::as_str);
        touch(places(among).map(|at| text(at).map_or(0, |text| text.bytes().next().map_or(0, usize::from))));
    }

    /// Returns the documents whose value passes, or an element of it if it is an array.
    pub(super) fn any(&self, among: Mask, passes: impl Fn(&Value) -> Result<bool>) -> Result<Mask> {
        let mut met = self.whole(among & !self.arrays, &passes)?;
        for (at, elements) in self.arrays(among) {
            let mut passed = false;
            for element in elements {
                passed = passed || passes(element)?;
            }
            met |= Mask::from(passed) << at;
        }
        Ok(met | self.whole(among & self.arrays & !met, passes)?)
    }

    /// Returns the documents whose value passes as it is.
    pub(super) fn whole(&self, among: Mask, passes: impl Fn(&Value) -> Result<bool>) -> Result<Mask> {
        let mut met = 0;
        for at in places(among) {
            if let Some(value) = self.values[at] {
                met |= Mask::from(passes(value)?) << at;
            }
        }
        Ok(met)
    }
}

/// Reads what has nothing to be read for, but that it is near when it is wanted.
fn touch(reads: impl Iterator<Item = usize>) {
    black_box(reads.fold(0, |all, read| all ^ read));
}

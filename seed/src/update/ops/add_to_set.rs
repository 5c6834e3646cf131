//! `$addToSet`: values put into an array unless it holds them.

use super::push::each;
use super::{Change, array};
use crate::error::{Error, Result};
use crate::update::apply::Run;
use crate::value::{Array, Value, order};

/// Values that an array is to hold; no two are equal.
#[derive(Clone, Debug)]
pub(crate) struct AddToSet {
    values: Array,
    /// The places of the values in the order of comparison, so that each element is looked for in few steps.
    sorted: Vec<usize>,
}

impl AddToSet {
    /// Reads one value, or a document that begins with `$each` and has nothing else.
    pub(super) fn parse(operand: &Value) -> Result<Self> {
        let first = operand.as_document().and_then(|document| document.iter().next());
        let Some(("$each", values)) = first else {
            return Ok(Self {
                values: [operand.clone()].as_slice().into(),
                sorted: vec![0],
            });
        };
        if let Some(name) = operand.as_document().and_then(|document| document.keys().nth(1)) {
            return Err(Error::update(format!(
                "$each stands alone in $addToSet: take out {name}"
            )));
        }
        Ok(Self::distinct(&each(values)?))
    }

    /// Keeps the first of equal values.
    fn distinct(values: &Array) -> Self {
        let mut sorted: Vec<usize> = (0..values.len()).collect();
        sorted.sort_by(|a, b| order::compare(&values[*a], &values[*b]));
        sorted.dedup_by(|later, first| order::equal(&values[*later], &values[*first]));
        // They are to be put in the order in which they were given.
        let mut kept = sorted.clone();
        kept.sort_unstable();
        for place in &mut sorted {
            *place = kept.partition_point(|other| other < place);
        }
        Self {
            values: kept.iter().map(|at| values[*at].clone()).collect(),
            sorted,
        }
    }

    /// Adds what the array does not hold.
    pub(super) fn on_value(&self, value: &Value, run: &mut Run<'_>) -> Result<Change> {
        let elements = array(value)?;
        let mut held = vec![false; self.values.len()];
        for element in elements {
            if let Ok(at) = self
                .sorted
                .binary_search_by(|at| order::compare(&self.values[*at], element))
            {
                held[self.sorted[at]] = true;
            }
        }
        let missing = held.iter().filter(|held| !**held).count();
        if missing == 0 {
            return Ok(Change::Keep);
        }
        run.grow(missing)?;
        let mut added = elements.clone();
        added.extend(
            self.values
                .iter()
                .zip(held)
                .filter(|(_, held)| !held)
                .map(|(value, _)| value.clone()),
        );
        Ok(Change::set(added))
    }

    /// Makes an array where there is none.
    pub(super) fn on_missing(&self, run: &mut Run<'_>) -> Result<Value> {
        run.grow(self.values.len())?;
        Ok(Value::Array(self.values.clone()))
    }
}

#[cfg(test)]
mod tests {
    use crate::update::Context;
    use crate::{DateTime, Document, Update};

    fn add(document: &Document, operand: Document) -> Option<Document> {
        let update = Update::parse(&doc! {"$addToSet": operand}, &[]).unwrap();
        update
            .apply(document, &Context::at(DateTime::from_millis(0)))
            .unwrap()
    }

    #[test]
    fn values_are_equal_as_queries_see_it() {
        assert_eq!(add(&doc! {"a": [1]}, doc! {"a": 1.0}), None);
        assert_eq!(
            add(&doc! {"a": [{"x": 1, "y": 2}]}, doc! {"a": {"y": 2, "x": 1}}),
            Some(doc! {"a": [{"x": 1, "y": 2}, {"y": 2, "x": 1}]})
        );
        assert_eq!(add(&doc! {"a": [1]}, doc! {"a": [1]}), Some(doc! {"a": [1, [1]]}));
    }

    #[test]
    fn each_value_is_added_once_in_its_order() {
        let each = doc! {"a": {"$each": [3, 1, 3.0, 2, "x", 1]}};
        assert_eq!(
            add(&doc! {"a": [2, 2]}, each.clone()),
            Some(doc! {"a": [2, 2, 3, 1, "x"]})
        );
        assert_eq!(add(&doc! {}, each), Some(doc! {"a": [3, 1, 2, "x"]}));
        assert_eq!(add(&doc! {}, doc! {"a": {"$each": []}}), Some(doc! {"a": []}));
    }

    #[test]
    fn each_comes_first_and_alone() {
        let parse = |operand: Document| Update::parse(&doc! {"$addToSet": {"a": operand}}, &[]);
        assert!(parse(doc! {"$each": [1], "$slice": 1}).is_err());
        assert!(parse(doc! {"$each": 1}).is_err());
        assert!(parse(doc! {"x": 1, "$each": 1}).is_ok());
    }
}

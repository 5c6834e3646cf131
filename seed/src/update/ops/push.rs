//! `$push`: values put into an array, which may then be sorted and cut.

use super::element_order::ElementOrder;
use super::{Change, array};
use crate::error::{Error, Result};
use crate::suggest::did_you_mean;
use crate::update::apply::Run;
use crate::value::{Array, Document, Value};

const EACH: &str = "$each";

/// What is put where, in the order in which it is done: insert, sort, slice.
#[derive(Clone, Debug)]
pub(crate) struct Push {
    values: Array,
    /// Where the first value goes, from the end if negative; the end if there is none.
    position: Option<i64>,
    order: Option<ElementOrder>,
    /// How many elements stay, the last ones if negative; all if there is none.
    slice: Option<i64>,
}

impl Push {
    /// Reads one value, or a document with `$each` and what else is to be done.
    pub(super) fn parse(operand: &Value) -> Result<Self> {
        match operand {
            Value::Document(clauses) if clauses.has(EACH) => Self::parse_clauses(clauses),
            value => Ok(Self {
                values: [value.clone()].as_slice().into(),
                position: None,
                order: None,
                slice: None,
            }),
        }
    }

    fn parse_clauses(clauses: &Document) -> Result<Self> {
        let mut push = Self {
            values: Array::new(),
            position: None,
            order: None,
            slice: None,
        };
        for (name, value) in clauses.iter() {
            match name {
                EACH => push.values = each(value)?,
                "$position" => push.position = Some(whole(name, value)?),
                "$slice" => push.slice = Some(whole(name, value)?),
                "$sort" => push.order = Some(ElementOrder::parse(value)?),
                _ => {
                    let hint = did_you_mean(name, [EACH, "$position", "$slice", "$sort"]);
                    return Err(Error::update(format!("unknown clause {name} in $push{hint}")));
                }
            }
        }
        Ok(push)
    }

    /// Changes an array. Nothing pushed and nothing moved or cut is no change.
    pub(super) fn on_value(&self, value: &Value, run: &mut Run<'_>) -> Result<Change> {
        let elements = array(value)?;
        let pushed = self.pushed(elements, run)?;
        Ok(if self.values.is_empty() && pushed == *elements {
            Change::Keep
        } else {
            Change::set(pushed)
        })
    }

    /// Makes an array where there is none.
    pub(super) fn on_missing(&self, run: &mut Run<'_>) -> Result<Value> {
        self.pushed(&Array::new(), run).map(Value::Array)
    }

    fn pushed(&self, elements: &Array, run: &mut Run<'_>) -> Result<Array> {
        run.grow(self.values.len())?;
        let mut pushed = match self.index(elements.len()) {
            at if at == elements.len() => elements.clone(),
            at => elements[..at].into(),
        };
        let rest = &elements[pushed.len()..];
        pushed.extend_from_slice(&self.values);
        pushed.extend_from_slice(rest);
        if let Some(order) = &self.order {
            pushed.make_mut().sort_by(|a, b| order.compare(a, b));
        }
        self.cut(&mut pushed);
        Ok(pushed)
    }

    /// Finds the place of the first value in an array of so many elements.
    fn index(&self, len: usize) -> usize {
        match self.position {
            None => len,
            Some(position) => resolve(position, len),
        }
    }

    fn cut(&self, elements: &mut Array) {
        match self.slice {
            None => {}
            Some(keep @ 0..) => elements.truncate(resolve(keep, elements.len())),
            Some(keep) => *elements = elements[resolve(keep, elements.len())..].into(),
        }
    }
}

/// Reads a position that counts from the end if it is negative, held within the array.
fn resolve(position: i64, len: usize) -> usize {
    let distance = usize::try_from(position.unsigned_abs())
        .unwrap_or(usize::MAX)
        .min(len);
    if position < 0 { len - distance } else { distance }
}

/// Reads the values of `$each`.
pub(super) fn each(value: &Value) -> Result<Array> {
    value.as_array().cloned().ok_or_else(|| {
        Error::update(format!(
            "$each takes an array, not a value of type {}",
            value.type_name()
        ))
    })
}

fn whole(name: &str, value: &Value) -> Result<i64> {
    value
        .as_i64()
        .ok_or_else(|| Error::update(format!("{name} takes a whole number, not {value}")))
}

#[cfg(test)]
mod tests {
    use crate::update::Context;
    use crate::{DateTime, Document, Update, Value};

    fn push(elements: impl Into<Value>, operand: Document) -> Option<Value> {
        let update = Update::parse(&doc! {"$push": {"a": operand}}, &[]).unwrap();
        let changed = update
            .apply(
                &doc! {"a": elements.into()},
                &Context::at(DateTime::from_millis(0)),
            )
            .unwrap();
        changed.map(|document| document.get("a").unwrap().clone())
    }

    #[test]
    fn a_position_counts_from_either_end() {
        for (position, expected) in [
            (0, [9, 1, 2, 3]),
            (1, [1, 9, 2, 3]),
            (3, [1, 2, 3, 9]),
            (10, [1, 2, 3, 9]),
            (-1, [1, 2, 9, 3]),
            (-3, [9, 1, 2, 3]),
            (-10, [9, 1, 2, 3]),
            (i64::MIN, [9, 1, 2, 3]),
        ] {
            let pushed = push([1, 2, 3], doc! {"$each": [9], "$position": position});
            assert_eq!(pushed, Some(expected.into()), "{position}");
        }
    }

    #[test]
    fn it_is_inserted_then_sorted_then_cut() {
        let all = doc! {"$each": [5, 0], "$position": 0, "$sort": 1, "$slice": -2};
        assert_eq!(push([3, 1], all), Some([3, 5].into()));
        assert_eq!(
            push([3, 1], doc! {"$each": [], "$slice": 0}),
            Some(Value::Array(Default::default()))
        );
        assert_eq!(push([3, 1], doc! {"$each": [], "$slice": i64::MIN}), None);
        assert_eq!(push([3, 1], doc! {"$each": [], "$slice": 1.0}), Some([3].into()));
    }

    #[test]
    fn nothing_pushed_or_moved_is_no_change() {
        assert_eq!(push([1, 3], doc! {"$each": []}), None);
        assert_eq!(push([1, 3], doc! {"$each": [], "$sort": 1}), None);
        assert_eq!(push([1, 3], doc! {"$each": [], "$sort": -1}), Some([3, 1].into()));
        assert_eq!(
            push([1, 3], doc! {"$each": [4], "$slice": 2}),
            Some([1, 3].into())
        );
    }

    #[test]
    fn clauses_need_each_and_are_checked() {
        assert_eq!(
            push([1], doc! {"$slice": 1}).unwrap().as_array().unwrap().len(),
            2
        );
        for operand in [
            doc! {"$each": 1},
            doc! {"$each": [], "$slice": 1.5},
            doc! {"$each": [], "$position": "x"},
            doc! {"$each": [], "$srot": 1},
            doc! {"$each": [], "x": 1},
        ] {
            assert!(
                Update::parse(&doc! {"$push": {"a": operand.clone()}}, &[]).is_err(),
                "{operand}"
            );
        }
    }
}

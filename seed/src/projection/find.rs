//! What only the projection of a find knows: `$slice` and the positional `$`, which change the projected document.

use crate::error::{Error, Result};
use crate::filter::Filter;
use crate::path::{Part, Path};
use crate::value::{Array, Document, Value};

/// A change to a projected document.
#[derive(Clone, Debug)]
pub(super) enum Step {
    /// Cuts the arrays at a path.
    Slice(Path, Slice),
    /// Leaves of the first array on a path only the element that met the filter.
    Positional(Path),
}

/// Which elements of an array stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Slice {
    /// The first ones.
    First(u32),
    /// The last ones.
    Last(u32),
    /// So many from a position on, which is counted from the end if it is negative.
    From { skip: i32, limit: u32 },
}

impl Slice {
    /// Reads the operand of `$slice`: a number, or `[skip, limit]`.
    pub(super) fn parse(operand: &Value) -> Result<Self> {
        let parts = match operand {
            Value::Array(parts) => parts.as_slice(),
            number => return whole(number).map(Self::count).ok_or_else(|| expected(number)),
        };
        match parts {
            [skip, limit] => match (whole(skip), whole(limit)) {
                (Some(skip), Some(limit)) if limit > 0 => Ok(Self::From {
                    skip,
                    limit: limit.unsigned_abs(),
                }),
                (Some(_), Some(_)) => Err(Error::query("the limit beside a skip is above 0")),
                _ => Err(expected(operand)),
            },
            _ => Err(expected(operand)),
        }
    }

    fn count(count: i32) -> Self {
        let size = count.unsigned_abs();
        if count < 0 {
            Self::Last(size)
        } else {
            Self::First(size)
        }
    }

    fn of(self, elements: &Array) -> Array {
        let length = elements.len();
        let (start, count) = match self {
            Self::First(count) => (0, count),
            Self::Last(count) => (length.saturating_sub(count as usize), count),
            Self::From { skip, limit } if skip < 0 => {
                (length.saturating_sub(skip.unsigned_abs() as usize), limit)
            }
            Self::From { skip, limit } => (skip.unsigned_abs() as usize, limit),
        };
        elements
            .iter()
            .skip(start)
            .take(count as usize)
            .cloned()
            .collect()
    }
}

/// Reads a number as MongoDB's server does: digits after the point are cut off, what is too large is the largest.
fn whole(value: &Value) -> Option<i32> {
    match value {
        Value::Int(int) => Some(i32::try_from(*int).unwrap_or(if *int < 0 { i32::MIN } else { i32::MAX })),
        // This cast cuts off and stops at the ends; NaN is 0.
        Value::Double(double) => Some(*double as i32),
        _ => None,
    }
}

fn expected(operand: &Value) -> Error {
    Error::query(format!("takes a number or [skip, limit], not {operand}"))
}

impl Step {
    /// Changes the projected document; the original one tells which element met the filter.
    pub(super) fn apply(&self, original: &Document, projected: &mut Document, filter: &Filter) -> Result<()> {
        match self {
            Self::Slice(path, slice) => slice_document(projected, path.parts(), *slice),
            Self::Positional(path) => {
                let keep = |error: Error| error.at_operator("$").at_path(path.as_str());
                keep_matched(path, original, projected, filter).map_err(keep)?;
            }
        }
        Ok(())
    }
}

fn slice_document(document: &mut Document, parts: &[Part], slice: Slice) {
    let (first, rest) = parts.split_first().expect("a path has at least one part");
    match document.get_mut(first.name()) {
        Some(Value::Array(elements)) if rest.is_empty() => *elements = slice.of(elements),
        Some(Value::Array(elements)) => {
            for element in elements.make_mut() {
                // An array inside an array stays whole.
                if let Value::Document(inner) = element {
                    slice_document(inner, rest, slice);
                }
            }
        }
        Some(Value::Document(inner)) if !rest.is_empty() => slice_document(inner, rest, slice),
        _ => {}
    }
}

/// Sets the first array on the path, in the original document, to the one element that met the filter.
fn keep_matched(path: &Path, original: &Document, projected: &mut Document, filter: &Filter) -> Result<()> {
    let mut document = original;
    for (depth, part) in path.parts().iter().enumerate() {
        match document.get(part.name()) {
            Some(Value::Array(elements)) => {
                let element = filter.find_match(original)?.and_then(|matched| matched.element());
                let Some(at) = element else {
                    return Err(Error::query(
                        "the filter tells no element of this array: compare the array in it",
                    ));
                };
                let element = elements
                    .get(at)
                    .ok_or_else(|| Error::query("the filter met another array than this"))?;
                set(projected, &path.parts()[..=depth], [element].into());
                return Ok(());
            }
            Some(Value::Document(inner)) => document = inner,
            _ => return Ok(()),
        }
    }
    Ok(())
}

fn set(document: &mut Document, parts: &[Part], value: Value) {
    match parts {
        [last] => drop(document.set(last.name().clone(), value)),
        [first, rest @ ..] => {
            if let Some(Value::Document(inner)) = document.get_mut(first.name()) {
                set(inner, rest, value);
            }
        }
        [] => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sliced(operand: impl Into<Value>, length: i64) -> Vec<Value> {
        let elements: Array = (0..length).map(Value::Int).collect();
        Slice::parse(&operand.into()).unwrap().of(&elements).to_vec()
    }

    fn ints(ints: &[i64]) -> Vec<Value> {
        ints.iter().copied().map(Value::Int).collect()
    }

    #[test]
    fn slices_are_cut_from_both_ends() {
        assert_eq!(sliced(2, 3), ints(&[0, 1]));
        assert_eq!(sliced(-2, 3), ints(&[1, 2]));
        assert_eq!(sliced(0, 3), ints(&[]));
        assert_eq!(sliced(1.9, 3), ints(&[0]));
        assert_eq!(sliced(i64::MIN, 3), ints(&[0, 1, 2]));
        assert_eq!(sliced([1, 1], 3), ints(&[1]));
        assert_eq!(sliced([-9, 2], 3), ints(&[0, 1]));
        assert_eq!(sliced([9, 2], 3), ints(&[]));
        assert_eq!(sliced([i64::MIN, i64::MAX], 3), ints(&[0, 1, 2]));
    }

    #[test]
    fn the_operand_is_a_number_or_a_pair() {
        for operand in [
            Value::Null,
            "x".into(),
            [1].into(),
            [1, 0].into(),
            [1, -1].into(),
            [1, 2, 3].into(),
        ] {
            assert!(Slice::parse(&operand).is_err(), "{operand}");
        }
    }
}

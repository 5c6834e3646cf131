//! Turns a test on a field into the ranges in which the field's key part must lie.

use super::KeyRange;
use crate::filter::ops::array::Elements;
use crate::filter::{Comparison, Test};
use crate::key::{self, KeyBytes};
use crate::sort::Direction;
use crate::value::Value;

/// Where the key part of one field may lie.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Bounds {
    /// Ranges of the part's bytes, ascending, apart from each other.
    pub(super) ranges: Vec<KeyRange>,
    /// Whether each range holds the part of one value only.
    pub(super) are_points: bool,
    /// Whether all that lies within passes the test, in an index without arrays.
    pub(super) are_exact: bool,
}

/// What a test asks of the key part of a field that is no array: to lie in one of some ranges, or in none of them.
#[derive(Clone, Debug, PartialEq)]
pub struct PartTest {
    /// The ranges, as an index with the direction of the part holds them.
    pub ranges: Vec<KeyRange>,
    /// Whether the part must lie in them; else outside all of them.
    pub is_within: bool,
}

impl PartTest {
    /// Returns what a test asks of a part, if the part alone tells whether it passes.
    pub fn of(test: &Test, direction: Direction) -> Option<Self> {
        if let Test::Not(test) = test {
            let negated = Self::of(test, direction)?;
            return Some(Self {
                is_within: !negated.is_within,
                ..negated
            });
        }
        let bounds = Bounds::of(test).filter(|bounds| bounds.are_exact)?;
        Some(Self {
            ranges: bounds.directed(direction).ranges,
            is_within: true,
        })
    }

    /// Tells whether a part passes.
    pub fn passes(&self, part: &[u8]) -> bool {
        self.ranges.iter().any(|range| range.contains(part)) == self.is_within
    }
}

impl Bounds {
    fn none() -> Self {
        Self {
            ranges: Vec::new(),
            are_points: true,
            are_exact: true,
        }
    }

    fn point(value: &Value) -> Self {
        let ranges = vec![KeyRange::of_prefix(&key::encode(value))];
        Self {
            ranges,
            are_points: true,
            are_exact: true,
        }
    }

    fn inexact(self) -> Self {
        Self {
            are_exact: false,
            ..self
        }
    }

    /// Returns what a test says about the part, if it limits it at all.
    pub(super) fn of(test: &Test) -> Option<Self> {
        match test {
            Test::Compare(Comparison::Eq, value) => Some(equal_to(value)),
            Test::Compare(comparison, value) => compared(*comparison, value),
            Test::In(values) => Some(values.iter().map(equal_to).fold(Self::none(), Self::or)),
            Test::Regex(pattern) => Some(beginning_with(pattern.prefix()?)),
            Test::ElemMatch(Elements::Values(tests)) => tests
                .iter()
                .filter_map(Self::of)
                .reduce(|all, next| all.and(&next))
                .map(Self::inexact),
            _ => None,
        }
    }

    /// Joins two bounds of which either suffices.
    fn or(self, other: Self) -> Self {
        let mut ranges = [self.ranges, other.ranges].concat();
        ranges.sort_by(|a, b| a.start.cmp(&b.start));
        ranges.dedup();
        Self {
            ranges,
            are_points: self.are_points && other.are_points,
            are_exact: self.are_exact && other.are_exact,
        }
    }

    /// Joins two bounds that one value must both meet.
    pub(super) fn and(self, other: &Self) -> Self {
        let mut ranges = Vec::new();
        for a in &self.ranges {
            for b in &other.ranges {
                let start = a.start.clone().max(b.start.clone());
                let end = match (&a.end, &b.end) {
                    (Some(a), Some(b)) => Some(a.min(b).clone()),
                    (a, b) => a.as_ref().or(b.as_ref()).cloned(),
                };
                let both = KeyRange { start, end };
                if !both.is_empty() {
                    ranges.push(both);
                }
            }
        }
        Self {
            ranges,
            are_points: self.are_points || other.are_points,
            are_exact: self.are_exact && other.are_exact,
        }
    }

    /// Returns the ranges as an index with this direction holds them.
    pub(super) fn directed(self, direction: Direction) -> Self {
        if direction == Direction::Ascending {
            return self;
        }
        let ranges = self.ranges.into_iter().rev().map(descending).collect();
        Self { ranges, ..self }
    }
}

/// A part lies in `[start, end)` just if its complement lies in the returned range, since no part begins another.
fn descending(range: KeyRange) -> KeyRange {
    let flipped = |mut bytes: KeyBytes| {
        key::complement(&mut bytes);
        key::after_prefix(&bytes)
    };
    KeyRange {
        start: range.end.and_then(flipped).unwrap_or_default(),
        end: if range.start.is_empty() {
            None
        } else {
            flipped(range.start)
        },
    }
}

fn equal_to(value: &Value) -> Bounds {
    match value {
        // Null is a missing field too, and what stands for it below an array.
        Value::Null => Bounds::point(value).inexact(),
        Value::Double(double) if double.is_nan() => Bounds::point(value).inexact(),
        // An array is equal as a whole, and then has its first element for a key, or is an element of another.
        Value::Array(elements) => {
            let first = match elements.first() {
                Some(first) => Bounds::point(first),
                None => Bounds {
                    ranges: vec![KeyRange::of_prefix(&[key::EMPTY])],
                    are_points: true,
                    are_exact: false,
                },
            };
            first.or(Bounds::point(value)).inexact()
        }
        _ => Bounds::point(value),
    }
}

fn compared(comparison: Comparison, value: &Value) -> Option<Bounds> {
    let is_nan = value.as_f64().is_some_and(f64::is_nan);
    match value {
        Value::Null => {
            let is_met = matches!(comparison, Comparison::Gte | Comparison::Lte);
            return Some(if is_met {
                Bounds::point(value).inexact()
            } else {
                Bounds::none()
            });
        }
        // Arrays compare as wholes, but the index has their elements.
        Value::Array(_) => return None,
        // A document may hold a NaN somewhere: the matcher decides.
        _ if is_nan => return Some(Bounds::point(value).inexact()),
        _ => {}
    }
    let tag = key::type_byte(value);
    let part = key::encode(value);
    let above = key::after_prefix(&part);
    let bottom = match value {
        // NaN is the least number in the order, but no range holds it.
        Value::Int(_) | Value::Double(_) => key::encode(&Value::Double(f64::NEG_INFINITY)),
        _ => vec![tag],
    };
    let range = match comparison {
        Comparison::Eq => KeyRange {
            start: part,
            end: above,
        },
        Comparison::Gt => KeyRange {
            start: above.unwrap_or_default(),
            end: Some(vec![tag + 1]),
        },
        Comparison::Gte => KeyRange {
            start: part,
            end: Some(vec![tag + 1]),
        },
        Comparison::Lt => KeyRange {
            start: bottom,
            end: Some(part),
        },
        Comparison::Lte => KeyRange {
            start: bottom,
            end: above,
        },
    };
    let are_exact = !matches!(value, Value::Document(_));
    let ranges = if range.is_empty() { Vec::new() } else { vec![range] };
    Some(Bounds {
        ranges,
        are_points: false,
        are_exact,
    })
}

fn beginning_with(prefix: &str) -> Bounds {
    let mut start = Vec::new();
    key::write_string_prefix(prefix, &mut start);
    Bounds {
        ranges: vec![KeyRange::of_prefix(&start)],
        are_points: false,
        are_exact: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filter::{Filter, Node};
    use crate::{Document, Path};

    /// Judges a value by its part alone, where that can be done.
    fn by_part(filter: &Document, document: &Document, direction: Direction) -> Option<bool> {
        let filter = Filter::parse(filter).unwrap();
        let Node::Field(path, test) = filter.root() else {
            panic!("a condition on one field")
        };
        let mut part = Vec::new();
        key::write_plain_part(document, path, direction, &mut part);
        assert_eq!(*path.as_str(), *Path::new("a").as_str());
        PartTest::of(test, direction).map(|test| test.passes(&part))
    }

    #[test]
    fn a_part_tells_what_the_filter_tells() {
        let tests = [
            doc! {"a": 2},
            doc! {"a": {"$in": ["x", 2]}},
            doc! {"a": {"$gte": 2}},
            doc! {"a": {"$lt": 2}},
            doc! {"a": {"$not": {"$gte": 2}}},
            doc! {"a": {"$ne": "x"}},
            doc! {"a": {"$nin": [1, "x"]}},
            doc! {"a": {"$gt": true}},
        ];
        let documents = [
            doc! {},
            doc! {"a": null},
            doc! {"a": 1},
            doc! {"a": 2.0},
            doc! {"a": 2.5},
            doc! {"a": f64::NAN},
            doc! {"a": "x"},
            doc! {"a": "xy"},
            doc! {"a": {"b": 1}},
            doc! {"a": false},
        ];
        for test in &tests {
            for document in &documents {
                let expected = Filter::parse(test).unwrap().matches(document).unwrap();
                for direction in [Direction::Ascending, Direction::Descending] {
                    assert_eq!(
                        by_part(test, document, direction),
                        Some(expected),
                        "{test} {document}"
                    );
                }
            }
        }
    }

    #[test]
    fn what_a_part_does_not_tell_is_left_to_the_filter() {
        for test in [
            doc! {"a": null},
            doc! {"a": {"$in": [null, 1]}},
            doc! {"a": {"$exists": true}},
            doc! {"a": [1]},
            doc! {"a": {"$gt": {"b": 1}}},
        ] {
            assert_eq!(
                by_part(&test, &doc! {"a": 1}, Direction::Ascending),
                None,
                "{test}"
            );
        }
    }
}

//! One test, asked of the values of a column: what depends on the test alone is decided once for all of them.

use super::batch::Batch;
use super::column::Column;
use super::{Mask, WIDTH, first, places};
use crate::error::Result;
use crate::filter::matches::value_passes;
use crate::filter::ops::array::Elements;
use crate::filter::ops::compare;
use crate::filter::{Comparison, Node, Test};
use crate::value::{Document, Value, order, same_text};

/// The longest text that a [`Text`](crate::value::Text) keeps in place.
const SHORT_TEXT: usize = 15;

/// Returns the documents whose values pass, or which have none where its absence does.
pub(super) fn passing(test: &Test, column: &Column<'_, '_>, among: Mask) -> Result<Mask> {
    let missing = among & !column.present();
    let missing = if missing != 0 && value_passes(test, None)? {
        missing
    } else {
        0
    };
    let among = among & column.present();
    let met = match test {
        Test::Exists(true) => among,
        Test::Compare(Comparison::Eq, Value::String(wanted)) => {
            if wanted.len() > SHORT_TEXT {
                column.touch_texts(among);
            }
            column.any(among, |value| {
                Ok(matches!(value, Value::String(text) if same_text(text, wanted)))
            })?
        }
        Test::Compare(comparison, operand @ Value::Int(bound)) => {
            let (least, most) = bounds(*comparison, *bound);
            column.any(among, |value| {
                Ok(match value {
                    Value::Int(int) => (least..=most).contains(int),
                    other => compare::passes(*comparison, operand, Some(other)),
                })
            })?
        }
        Test::Compare(comparison, Value::Date(bound)) => {
            let (least, most) = bounds(*comparison, bound.as_millis());
            column.any(among, |value| {
                Ok(matches!(value, Value::Date(date) if (least..=most).contains(&date.as_millis())))
            })?
        }
        Test::In(wanted) if matches!(wanted.as_slice(), [Value::String(_), .., Value::String(_)]) => {
            // They are sorted by type first, so that all between two strings are strings.
            column.any(among, |value| {
                Ok(value.as_str().is_some() && is_one_of(wanted, value))
            })?
        }
        Test::Regex(_) => {
            column.touch_texts(among);
            column.any(among, |value| value_passes(test, Some(value)))?
        }
        Test::ElemMatch(elements @ Elements::Object(node)) => {
            meets_in_element(elements, node, column, among)?
        }
        Test::ElemMatch(_) | Test::Size(_) => column.whole(among, |value| value_passes(test, Some(value)))?,
        _ => column.any(among, |value| value_passes(test, Some(value)))?,
    };
    Ok(missing | met)
}

/// Returns the least and the most integer that compares so; the least is above the most if none does.
fn bounds(comparison: Comparison, bound: i64) -> (i64, i64) {
    const NONE: (i64, i64) = (1, 0);
    match comparison {
        Comparison::Eq => (bound, bound),
        Comparison::Gte => (bound, i64::MAX),
        Comparison::Lte => (i64::MIN, bound),
        Comparison::Gt => bound.checked_add(1).map_or(NONE, |least| (least, i64::MAX)),
        Comparison::Lt => bound.checked_sub(1).map_or(NONE, |most| (i64::MIN, most)),
    }
}

/// Tells whether a string is one of a sorted list of strings: a short list is gone through, as most differ in length.
fn is_one_of(wanted: &[Value], value: &Value) -> bool {
    match wanted.len() {
        ..=8 => wanted.iter().any(|wanted| order::equal(wanted, value)),
        _ => compare::is_in(wanted, Some(value)),
    }
}

/// Returns the documents with an array in which an element meets a query: the elements of many arrays together.
fn meets_in_element(query: &Elements, node: &Node, column: &Column<'_, '_>, among: Mask) -> Result<Mask> {
    let mut met = 0;
    let mut inner = Inner::new();
    for (at, elements) in column.arrays(among) {
        for element in elements {
            if let Value::Document(document) = element {
                if inner.documents.len() == WIDTH {
                    met |= inner.meets(node)?;
                }
                inner.push(at, document);
            } else {
                met |= Mask::from(query.is_met_by(element)?) << at;
            }
        }
    }
    Ok(met | inner.meets(node)?)
}

/// Documents inside arrays, each with the place of the document that it is a part of.
struct Inner<'d> {
    documents: Vec<&'d Document>,
    owners: Vec<usize>,
}

impl<'d> Inner<'d> {
    fn new() -> Self {
        Self {
            documents: Vec::with_capacity(WIDTH),
            owners: Vec::with_capacity(WIDTH),
        }
    }

    fn push(&mut self, owner: usize, document: &'d Document) {
        self.documents.push(document);
        self.owners.push(owner);
    }

    /// Returns the owners of those that meet a condition, and begins anew.
    fn meets(&mut self, node: &Node) -> Result<Mask> {
        let met = Batch::new(&self.documents).meets(node, first(self.documents.len()))?;
        let owners = places(met).fold(0, |owners, at| owners | 1 << self.owners[at]);
        self.documents.clear();
        self.owners.clear();
        Ok(owners)
    }
}

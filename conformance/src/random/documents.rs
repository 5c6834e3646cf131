//! Random documents: few names and few values, so that they meet each other often.

use seed::value::Binary;
use seed::{DateTime, Document, ObjectId, Value, doc};

use super::chance::Chance;

/// The fields that documents have, and indexes and filters ask for.
pub(super) const FIELDS: [&str; 3] = ["a", "b", "c"];

pub(super) fn id(chance: &mut Chance) -> Value {
    match chance.below(12) {
        0 => chance.one_of(&["x", "y", ""]).into(),
        1 => (chance.number(0..4) as f64 + 0.5).into(),
        2 => doc! { "k": (chance.number(0..3)) }.into(),
        _ => chance.number(0..50).into(),
    }
}

pub(super) fn document(chance: &mut Chance) -> Document {
    let mut document = doc! { "_id": (id(chance)) };
    for field in FIELDS {
        if !chance.once_in(5) {
            document.set(field, value(chance, 3));
        }
    }
    document
}

/// Makes a value that nests no deeper than `depth`.
pub(super) fn value(chance: &mut Chance, depth: u64) -> Value {
    match chance.below(if depth == 0 { 7 } else { 11 }) {
        7 | 8 => Value::from(chance.some(0, 3, |chance| value(chance, depth - 1))),
        9 | 10 => inner(chance, depth).into(),
        _ => scalar(chance),
    }
}

/// Makes a document that is a value of another one.
fn inner(chance: &mut Chance, depth: u64) -> Document {
    let mut document = Document::new();
    for field in FIELDS {
        if chance.once_in(2) {
            document.set(field, value(chance, depth - 1));
        }
    }
    document
}

pub(super) fn scalar(chance: &mut Chance) -> Value {
    match chance.below(16) {
        0 => Value::Null,
        1 => chance.once_in(2).into(),
        2 => chance.one_of(&["", "a", "ab", "b\u{0}"]).into(),
        3 => DateTime::from_millis(chance.number(0..3)).into(),
        4 => odd_number(chance),
        5 => Binary::generic(&[chance.below(3) as u8]).into(),
        6 => ObjectId::from_bytes([chance.below(2) as u8; 12]).into(),
        7 | 8 => (chance.number(0..5) as f64).into(),
        _ => chance.number(0..6).into(),
    }
}

/// Makes a number that is easily got wrong.
fn odd_number(chance: &mut Chance) -> Value {
    match chance.below(7) {
        0 => f64::NAN.into(),
        1 => f64::INFINITY.into(),
        2 => f64::NEG_INFINITY.into(),
        3 => (-0.0).into(),
        4 => 9_007_199_254_740_993_i64.into(),
        5 => 9_007_199_254_740_992.0.into(),
        _ => 2.5.into(),
    }
}

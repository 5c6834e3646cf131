//! Random filters, sorts, updates and indexes.

use seed::value::Array;
use seed::{Document, IndexSpec, Value, doc};

use super::chance::Chance;
use super::documents::{FIELDS, id, scalar, value};
use crate::things::index;

/// The paths that filters ask for, those of indexes first.
const PATHS: [&str; 8] = ["a", "b", "c", "a.b", "a.c", "b.a", "a.0", "c.1.a"];

/// How many of the paths an index may have.
const INDEXED: usize = 6;

pub(super) fn filter(chance: &mut Chance, depth: u64) -> Document {
    if depth > 0 && chance.once_in(4) {
        let operator = chance.one_of(&["$or", "$or", "$and", "$nor"]);
        let parts: Array = chance
            .some(1, 3, |chance| Value::from(filter(chance, depth - 1)))
            .into_iter()
            .collect();
        let mut filter = if chance.once_in(3) {
            conditions(chance)
        } else {
            Document::new()
        };
        filter.set(operator, parts);
        return filter;
    }
    conditions(chance)
}

fn conditions(chance: &mut Chance) -> Document {
    let mut filter = Document::new();
    for _ in 0..=chance.below(3) {
        if chance.once_in(8) {
            filter.set("_id", about_the_id(chance));
        } else {
            filter.set(chance.one_of(&PATHS), condition(chance, 2));
        }
    }
    filter
}

fn about_the_id(chance: &mut Chance) -> Value {
    match chance.below(4) {
        0 => doc! { "$in": (chance.some(0, 4, id)) }.into(),
        1 => doc! { (chance.one_of(&["$gt", "$gte", "$lt", "$lte", "$ne"])): (id(chance)) }.into(),
        _ => id(chance),
    }
}

/// Makes what may stand behind a path.
fn condition(chance: &mut Chance, depth: u64) -> Value {
    match chance.below(4) {
        0 => plain(chance),
        1 if depth > 0 => match chance.below(3) {
            0 => doc! { "$not": (operators(chance, depth - 1)) }.into(),
            1 => doc! { "$elemMatch": (operators(chance, depth - 1)) }.into(),
            _ => doc! { "$elemMatch": { (chance.one_of(&FIELDS)): (condition(chance, depth - 1)) } }.into(),
        },
        _ => operators(chance, depth).into(),
    }
}

/// Makes a value to compare with: most often a scalar.
fn plain(chance: &mut Chance) -> Value {
    if chance.once_in(4) {
        value(chance, 2)
    } else {
        scalar(chance)
    }
}

fn operators(chance: &mut Chance, depth: u64) -> Document {
    let mut operators = Document::new();
    for _ in 0..=chance.below(2) {
        let (operator, operand) = match chance.below(12) {
            0 => ("$eq", plain(chance)),
            1 => ("$ne", plain(chance)),
            2 => ("$in", Value::from(chance.some(0, 4, plain))),
            3 => ("$nin", Value::from(chance.some(0, 2, plain))),
            4 => ("$exists", chance.once_in(2).into()),
            5 => ("$size", chance.number(0..3).into()),
            6 => (
                "$type",
                chance
                    .one_of(&["number", "null", "array", "object", "string"])
                    .into(),
            ),
            7 => ("$all", Value::from(chance.some(0, 2, plain))),
            8 if depth > 0 => ("$not", self::operators(chance, depth - 1).into()),
            _ => (chance.one_of(&["$gt", "$gte", "$lt", "$lte"]), plain(chance)),
        };
        operators.set(operator, operand);
    }
    operators
}

pub(super) fn sort(chance: &mut Chance) -> Document {
    let mut sort = Document::new();
    if chance.once_in(3) {
        return sort;
    }
    for _ in 0..=chance.below(3) {
        let path = if chance.once_in(8) {
            "_id"
        } else {
            chance.one_of(&PATHS)
        };
        // One path must not run through another.
        if !sort
            .keys()
            .any(|other| runs_through(other, path) || runs_through(path, other))
        {
            sort.set(path, direction(chance));
        }
    }
    sort
}

fn runs_through(path: &str, end: &str) -> bool {
    path.strip_prefix(end).is_some_and(|rest| rest.starts_with('.'))
}

fn direction(chance: &mut Chance) -> i64 {
    if chance.once_in(2) { 1 } else { -1 }
}

pub(super) fn update(chance: &mut Chance) -> Document {
    let (field, other) = (
        chance.one_of(&["a", "b", "c", "a.b", "b.0"]),
        chance.one_of(&["d", "e.c"]),
    );
    match chance.below(8) {
        0 => doc! { "$unset": { field: 1 }, "$inc": { other: 1 } },
        1 => doc! { "$inc": { field: (chance.number(-2..3)) } },
        2 => doc! { "$push": { field: (value(chance, 1)) } },
        3 => doc! { "$pull": { field: (scalar(chance)) } },
        4 => doc! { "$addToSet": { field: (scalar(chance)) }, "$set": { other: (scalar(chance)) } },
        5 => doc! { "$min": { field: (scalar(chance)) } },
        _ => doc! { "$set": { field: (value(chance, 2)) } },
    }
}

/// Makes some indexes with different names.
pub(super) fn indexes(chance: &mut Chance) -> Vec<IndexSpec> {
    let mut indexes: Vec<IndexSpec> = Vec::new();
    for name in ["one", "two", "three"] {
        if !chance.once_in(4) {
            indexes.push(an_index(chance, name));
        }
    }
    indexes
}

fn an_index(chance: &mut Chance, name: &str) -> IndexSpec {
    let mut fields = Document::new();
    for _ in 0..=chance.below(3) {
        let path = PATHS[chance.below(INDEXED as u64) as usize];
        if !fields
            .keys()
            .any(|other| runs_through(other, path) || runs_through(path, other))
        {
            fields.set(path, direction(chance));
        }
    }
    let mut index = index(name, &fields);
    if chance.once_in(6) {
        index = index.unique();
    }
    if chance.once_in(3) {
        index.partial(&partial(chance)).unwrap()
    } else {
        index
    }
}

fn partial(chance: &mut Chance) -> Document {
    let field = chance.one_of(&FIELDS);
    match chance.below(4) {
        0 => doc! { field: { "$exists": true } },
        1 => doc! { field: (chance.number(0..4)) },
        2 => doc! { field: { "$gte": (chance.number(0..4)) } },
        _ => {
            doc! { field: { "$gt": (chance.number(0..2)), "$lt": (chance.number(3..6)) }, "a": { "$exists": true } }
        }
    }
}

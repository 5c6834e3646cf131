//! Values as bytes whose byte order is the comparison order of the values.
//!
//! Every ordered store can then keep an index as plain bytes, and one planner serves all. Equal values have equal
//! bytes (`1` and `1.0`, `0` and `-0.0`), so a key is never decoded: the document itself is looked at instead.
//!
//! | value | bytes after the type byte |
//! |---|---|
//! | number | its double rounded toward zero, made order-preserving; from 2^53 on two bytes of exact remainder |
//! | string, name | the bytes with 00 written as 00 FF, ended by 00 01 |
//! | binary | length (4 bytes), subtype, bytes |
//! | array | each element, ended by 00 |
//! | document | each field as type byte, name, value; ended by 00 |
//! | date | milliseconds, order-preserving |
//!
//! Each part says itself where it ends, so parts can be joined to a compound key. A descending part is the complement
//! of the whole ascending one. In an index a missing field is written as null and an empty array just below it; an
//! array has one key for each element (what MongoDB calls a multikey index).

use std::collections::BTreeSet;

use smallvec::{SmallVec, smallvec};

use crate::error::{Error, ErrorKind, Result};
use crate::path::{Part, Path};
use crate::sort::Direction;
use crate::value::{Array, Document, Value};

/// The bytes of one key.
pub type KeyBytes = Vec<u8>;

const END: u8 = 0x00;
/// The type byte of an empty array in an index, just below null.
pub(crate) const EMPTY: u8 = 0x08;
pub(crate) const NULL: u8 = 0x10;

/// Returns the type byte of a value. There is always room between two of them.
pub(crate) fn type_byte(value: &Value) -> u8 {
    NULL + (crate::value::order::rank(value) - 1) * 8
}

/// Encodes a value.
///
/// # Example
/// ```
/// use seed::key::encode;
///
/// assert_eq!(encode(&1.into()), encode(&1.0.into()));
/// assert!(encode(&"mail".into()) > encode(&i64::MAX.into()));
/// ```
pub fn encode(value: &Value) -> KeyBytes {
    let mut out = Vec::with_capacity(24);
    write(value, &mut out);
    out
}

/// Appends the bytes of a value.
pub fn write(value: &Value, out: &mut Vec<u8>) {
    out.push(type_byte(value));
    write_payload(value, out);
}

fn write_payload(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Null => {}
        Value::Bool(bool) => out.push(u8::from(*bool)),
        Value::Int(int) => write_int(*int, out),
        Value::Double(double) => write_double(*double, out),
        Value::String(text) => {
            write_escaped(text.as_bytes(), out);
            out.extend([0x00, 0x01]);
        }
        Value::Binary(binary) => {
            // Documents are at most 16 MiB, so the length fits.
            out.extend((binary.bytes().len() as u32).to_be_bytes());
            out.push(binary.subtype());
            out.extend_from_slice(binary.bytes());
        }
        Value::Date(date) => out.extend(order_preserving(date.as_millis())),
        Value::ObjectId(id) => out.extend(id.bytes()),
        Value::Array(elements) => {
            elements.iter().for_each(|element| write(element, out));
            out.push(END);
        }
        Value::Document(document) => {
            for (name, value) in document.iter() {
                out.push(type_byte(value));
                write_escaped(name.as_bytes(), out);
                out.extend([0x00, 0x01]);
                write_payload(value, out);
            }
            out.push(END);
        }
    }
}

/// Appends the beginning that all strings with this beginning share, for a range over them.
pub(crate) fn write_string_prefix(prefix: &str, out: &mut Vec<u8>) {
    out.push(type_byte(&Value::String(crate::value::Text::new())));
    write_escaped(prefix.as_bytes(), out);
}

fn write_escaped(bytes: &[u8], out: &mut Vec<u8>) {
    for piece in bytes.split_inclusive(|&byte| byte == 0) {
        out.extend_from_slice(piece);
        if piece.last() == Some(&0) {
            out.push(0xFF);
        }
    }
}

fn order_preserving(int: i64) -> [u8; 8] {
    (int as u64 ^ 1 << 63).to_be_bytes()
}

/// The first integer that the next double above it does not follow by one.
const EXACT: i64 = 1 << 53;

fn write_int(int: i64, out: &mut Vec<u8>) {
    if (-EXACT..=EXACT).contains(&int) {
        write_double(int as f64, out);
        return;
    }
    // Toward zero: what does not fit into the 53 bits of a double is cut off, and is the remainder.
    let cut = 64 - int.unsigned_abs().leading_zeros() - 53;
    let rounded = ((int.unsigned_abs() >> cut) << cut) as f64;
    let remainder = (int.unsigned_abs() & ((1 << cut) - 1)) as u16;
    write_bits(if int < 0 { -rounded } else { rounded }, out);
    write_remainder(if int < 0 { !remainder } else { remainder }, out);
}

fn write_double(double: f64, out: &mut Vec<u8>) {
    write_bits(double, out);
    if double.abs() >= EXACT as f64 && double.is_finite() {
        write_remainder(if double < 0.0 { !0 } else { 0 }, out);
    }
}

/// Appends the remainder, at most 1,023; that of a negative number is complemented, for a larger one is further down.
fn write_remainder(remainder: u16, out: &mut Vec<u8>) {
    out.extend(remainder.to_be_bytes());
}

fn write_bits(double: f64, out: &mut Vec<u8>) {
    let bits = match double {
        // Below minus infinity, whose bytes begin 00 0F.
        nan if nan.is_nan() => 0,
        0.0 => 1 << 63,
        negative if negative < 0.0 => !negative.to_bits(),
        positive => positive.to_bits() | 1 << 63,
    };
    out.extend(bits.to_be_bytes());
}

/// Some keys in their order, most often just one.
pub type Keys = SmallVec<[KeyBytes; 1]>;

/// The keys of one document in one index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexKeys {
    /// The keys in their order, each once.
    pub keys: Keys,
    /// Whether an array was met, so that the index must be read as a multikey one.
    pub is_multikey: bool,
}

/// Returns the keys of a document for index fields in order, each with its direction.
///
/// # Errors
/// [`ErrorKind::Index`] if two of the fields lead into different arrays: their keys would be all pairs.
pub fn index_keys(document: &Document, fields: &[(Path, Direction)]) -> Result<IndexKeys> {
    if let Some(key) = plain_key(document, fields) {
        return Ok(IndexKeys {
            keys: smallvec![key],
            is_multikey: false,
        });
    }
    let mut keys = BTreeSet::new();
    let slots = fields
        .iter()
        .map(|(path, _)| Slot::Walk(document, path.parts()))
        .collect();
    expand(slots, fields, &mut keys)?;
    Ok(IndexKeys {
        keys: keys.into_iter().collect(),
        is_multikey: true,
    })
}

/// Returns the key by which a document sorts: the least of its index keys.
///
/// # Errors
/// As [`index_keys`].
pub fn sort_key(document: &Document, fields: &[(Path, Direction)]) -> Result<KeyBytes> {
    if let Some(key) = plain_key(document, fields) {
        return Ok(key);
    }
    let keys = index_keys(document, fields)?.keys;
    Ok(keys
        .into_iter()
        .next()
        .expect("a document has at least one key in every index"))
}

/// Returns the one key of a document in which none of the fields meets an array.
fn plain_key(document: &Document, fields: &[(Path, Direction)]) -> Option<KeyBytes> {
    let mut out = Vec::with_capacity(fields.len() * 24);
    for (path, direction) in fields {
        match plain_value(document, path.parts()) {
            Ok(value) => write_part(Elem::Value(value), *direction, &mut out),
            Err(MetArray) => return None,
        }
    }
    Some(out)
}

/// Appends the part of a key that one field makes, unless its path meets an array: then nothing, and it says false.
pub fn write_plain_part(document: &Document, path: &Path, direction: Direction, out: &mut Vec<u8>) -> bool {
    match plain_value(document, path.parts()) {
        Ok(value) => {
            write_part(Elem::Value(value), direction, out);
            true
        }
        Err(MetArray) => false,
    }
}

struct MetArray;

fn plain_value<'a>(document: &'a Document, parts: &[Part]) -> Result<Option<&'a Value>, MetArray> {
    let (first, rest) = parts.split_first().expect("a path has at least one part");
    match first.field(document) {
        Some(Value::Array(_)) => Err(MetArray),
        Some(Value::Document(inner)) if !rest.is_empty() => plain_value(inner, rest),
        Some(value) if rest.is_empty() => Ok(Some(value)),
        _ => Ok(None),
    }
}

#[derive(Clone, Copy)]
enum Elem<'a> {
    Value(Option<&'a Value>),
    EmptyArray,
}

fn write_part(elem: Elem<'_>, direction: Direction, out: &mut Vec<u8>) {
    let start = out.len();
    match elem {
        Elem::Value(Some(value)) => write(value, out),
        Elem::Value(None) => out.push(NULL),
        Elem::EmptyArray => out.push(EMPTY),
    }
    if direction == Direction::Descending {
        complement(&mut out[start..]);
    }
}

/// Turns the bytes of a complete ascending part into those of a descending one, and back.
pub(crate) fn complement(part: &mut [u8]) {
    part.iter_mut().for_each(|byte| *byte = !*byte);
}

/// Where the walk of one index field stands.
#[derive(Clone, Copy)]
enum Slot<'a> {
    Walk(&'a Document, &'a [Part]),
    Array(&'a Array, &'a [Part]),
    Done(Elem<'a>),
}

/// Walks all fields to their ends; where they meet an array, once for each of its elements.
///
/// Source: how MongoDB's server makes the keys of its B-tree indexes.
fn expand<'a>(
    mut slots: Vec<Slot<'a>>,
    fields: &[(Path, Direction)],
    keys: &mut BTreeSet<KeyBytes>,
) -> Result<()> {
    slots.iter_mut().for_each(|slot| *slot = advance(*slot));
    let Some(array) = the_one_array(&slots, fields)? else {
        let mut key = Vec::with_capacity(fields.len() * 24);
        for (slot, (_, direction)) in slots.iter().zip(fields) {
            if let Slot::Done(elem) = slot {
                write_part(*elem, *direction, &mut key);
            }
        }
        keys.insert(key);
        return Ok(());
    };
    if array.is_empty() {
        let next = slots.iter().map(|slot| match slot {
            Slot::Array(_, []) => Slot::Done(Elem::EmptyArray),
            Slot::Array(..) => Slot::Done(Elem::Value(None)),
            other => *other,
        });
        return expand(next.collect(), fields, keys);
    }
    for element in array {
        let next = slots.iter().map(|slot| match slot {
            Slot::Array(_, []) => Slot::Done(Elem::Value(Some(element))),
            Slot::Array(_, rest) => match element {
                Value::Document(inner) => Slot::Walk(inner, rest),
                // Below a path, scalars and inner arrays count as null.
                _ => Slot::Done(Elem::Value(None)),
            },
            other => *other,
        });
        expand(next.collect(), fields, keys)?;
    }
    Ok(())
}

/// Walks one field until it ends or meets an array that it does not enter by a position.
fn advance(slot: Slot<'_>) -> Slot<'_> {
    let Slot::Walk(mut document, mut parts) = slot else {
        return slot;
    };
    loop {
        let (first, mut rest) = parts.split_first().expect("a walk has a part left");
        let mut value = document.get(first.name());
        // A position that the array has names one element; what is there may be an array again.
        while let (Some(Value::Array(elements)), Some((part, after))) = (value, rest.split_first()) {
            match part.index().and_then(|index| elements.get(index)) {
                Some(element) => (value, rest) = (Some(element), after),
                None => break,
            }
        }
        match value {
            Some(Value::Array(elements)) => return Slot::Array(elements, rest),
            Some(value) if rest.is_empty() => return Slot::Done(Elem::Value(Some(value))),
            Some(Value::Document(inner)) => (document, parts) = (inner, rest),
            _ => return Slot::Done(Elem::Value(None)),
        }
    }
}

/// Returns the array that the fields have met, which must be one and the same.
fn the_one_array<'a>(slots: &[Slot<'a>], fields: &[(Path, Direction)]) -> Result<Option<&'a Array>> {
    let mut met: Option<(&Array, &Path)> = None;
    for (slot, (path, _)) in slots.iter().zip(fields) {
        match (slot, met) {
            (Slot::Array(array, _), Some((first, first_path))) if !std::ptr::eq(*array, first) => {
                let message = format!("{first_path:?} and {path:?} are two arrays: a key cannot hold both");
                return Err(Error::new(ErrorKind::Index, message).at_path(path.as_str()));
            }
            (Slot::Array(array, _), None) => met = Some((array, path)),
            _ => {}
        }
    }
    Ok(met.map(|(array, _)| array))
}

/// Returns the key of a document's `_id`, by which it is stored.
///
/// # Errors
/// [`ErrorKind::Unsupported`] if the id is an array, which no store takes.
pub fn id_key(id: &Value) -> Result<KeyBytes> {
    match id {
        Value::Array(_) => {
            Err(Error::new(ErrorKind::Unsupported, "an _id cannot be an array").at_path("_id"))
        }
        id => Ok(encode(id)),
    }
}

/// Shows the `_id` of a key for people: a text as it is, quoted, anything else as the bytes of its key.
pub fn shown_id(id: &[u8]) -> String {
    let text = id
        .strip_prefix(&[type_byte(&Value::String(crate::value::Text::new()))])
        .and_then(|rest| rest.strip_suffix(&[0x00, 0x01]))
        .filter(|text| !text.contains(&0));
    match text.map(std::str::from_utf8) {
        Some(Ok(text)) => format!("{text:?}"),
        _ => id.escape_ascii().to_string(),
    }
}

/// Returns the least bytes that are above all that begin with `prefix`; none if there are no such.
pub fn after_prefix(prefix: &[u8]) -> Option<KeyBytes> {
    let last = prefix.iter().rposition(|&byte| byte != 0xFF)?;
    let mut after = prefix[..=last].to_vec();
    after[last] += 1;
    Some(after)
}

/// Joins two byte strings.
pub fn joined(prefix: &[u8], rest: &[u8]) -> KeyBytes {
    [prefix, rest].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use Direction::{Ascending, Descending};

    #[test]
    fn an_id_that_is_a_text_is_shown_as_it_is() {
        let shown = |id: Value| shown_id(&id_key(&id).unwrap());
        assert_eq!(shown("01a2-x".into()), "\"01a2-x\"");
        assert_eq!(shown("\n".into()), "\"\\n\"");
        assert!(!shown("a\0b".into()).contains("a\0b"));
        assert!(shown(7.into()).is_ascii());
    }

    fn keys(document: &Document, fields: &[(&str, Direction)]) -> Result<IndexKeys> {
        let fields: Vec<_> = fields
            .iter()
            .map(|(path, direction)| (Path::new(*path), *direction))
            .collect();
        index_keys(document, &fields)
    }

    fn one(values: &[Value]) -> KeyBytes {
        values.iter().flat_map(encode).collect()
    }

    #[test]
    fn numbers_beyond_2_to_53_lie_between_their_neighbours() {
        let ascending: Vec<Value> = vec![
            f64::NAN.into(),
            f64::NEG_INFINITY.into(),
            (-1e300).into(),
            (-9_223_372_036_854_777_856.0).into(),
            i64::MIN.into(),
            (i64::MIN + 1).into(),
            (-9_007_199_254_740_994_i64).into(),
            (-9_007_199_254_740_993_i64).into(),
            (-9_007_199_254_740_992.0).into(),
            (-1.5).into(),
            (-1).into(),
            0.into(),
            5e-324.into(),
            1.into(),
            9_007_199_254_740_991_i64.into(),
            9_007_199_254_740_992.0.into(),
            9_007_199_254_740_993_i64.into(),
            9_007_199_254_740_994.0.into(),
            (i64::MAX - 1).into(),
            i64::MAX.into(),
            9_223_372_036_854_775_808.0.into(),
            f64::INFINITY.into(),
        ];
        for pair in ascending.windows(2) {
            assert!(encode(&pair[0]) < encode(&pair[1]), "{} < {}", pair[0], pair[1]);
        }
        assert_eq!(encode(&i64::MIN.into()), encode(&(i64::MIN as f64).into()));
        assert_eq!(encode(&(-0.0).into()), encode(&0.into()));
    }

    #[test]
    fn strings_end_by_themselves() {
        assert!(encode(&"a".into()) < encode(&"a\0".into()));
        assert!(encode(&"a\0".into()) < encode(&"a\u{1}".into()));
        assert!(one(&["a".into(), "z".into()]) < one(&["a\0".into(), "b".into()]));
    }

    #[test]
    fn a_descending_part_sorts_the_other_way() {
        let key = |text: &str| {
            keys(&doc! {"a": text}, &[("a", Descending)])
                .unwrap()
                .keys
                .remove(0)
        };
        assert!(key("b") < key("a"));
        assert!(key("ab") < key("a"));
    }

    #[test]
    fn an_array_has_a_key_for_each_element_once() {
        let got = keys(
            &doc! {"a": [2, 1, 2], "b": "x"},
            &[("a", Ascending), ("b", Ascending)],
        )
        .unwrap();
        assert!(got.is_multikey);
        assert_eq!(
            got.keys.to_vec(),
            [one(&[1.into(), "x".into()]), one(&[2.into(), "x".into()])]
        );
    }

    #[test]
    fn fields_of_one_array_go_together() {
        let document = doc! {"a": [{"x": 1, "y": 2}, {"x": 3}]};
        let got = keys(&document, &[("a.x", Ascending), ("a.y", Ascending)]).unwrap();
        assert_eq!(
            got.keys.to_vec(),
            [one(&[1.into(), 2.into()]), one(&[3.into(), Value::Null])]
        );
    }

    #[test]
    fn two_arrays_are_refused() {
        let error = keys(&doc! {"a": [1], "b": [2]}, &[("a", Ascending), ("b", Ascending)]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Index);
        assert_eq!(error.place().path.as_deref(), Some("b"));
    }

    #[test]
    fn missing_is_null_and_an_empty_array_is_below_it() {
        assert_eq!(
            keys(&doc! {}, &[("a", Ascending)]).unwrap().keys.to_vec(),
            [vec![NULL]]
        );
        assert_eq!(
            keys(&doc! {"a": []}, &[("a", Ascending)]).unwrap().keys.to_vec(),
            [vec![EMPTY]]
        );
        for document in [
            doc! {"a": []},
            doc! {"a": [1]},
            doc! {"a": [[{"b": 1}]]},
            doc! {"a": 1},
        ] {
            assert_eq!(
                keys(&document, &[("a.b", Ascending)]).unwrap().keys.to_vec(),
                [vec![NULL]],
                "{document}"
            );
        }
    }

    #[test]
    fn a_position_names_one_element() {
        let document = doc! {"a": [[5, 4], 1]};
        assert_eq!(
            keys(&document, &[("a.1", Ascending)]).unwrap().keys.to_vec(),
            [encode(&1.into())]
        );
        assert_eq!(
            keys(&document, &[("a.0", Ascending)]).unwrap().keys.to_vec(),
            [encode(&4.into()), encode(&5.into())]
        );
    }

    #[test]
    fn the_end_of_a_prefix_is_above_all_that_begin_with_it() {
        assert_eq!(after_prefix(&[1, 2]), Some(vec![1, 3]));
        assert_eq!(after_prefix(&[1, 0xFF]), Some(vec![2]));
        assert_eq!(after_prefix(&[0xFF]), None);
    }
}

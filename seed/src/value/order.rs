//! MongoDB's comparison order over values of all types.
//!
//! Source: "Comparison/Sort Order" in MongoDB's manual, and how its server compares documents, arrays, binary data
//! and numbers of different types.

use std::cmp::Ordering;

use super::{Binary, Document, Value, same_text};

/// Returns the place of the value's type in the order across types.
///
/// Values of different ranks compare by rank alone; integers and doubles share one.
pub fn rank(value: &Value) -> u8 {
    match value {
        Value::Null => 1,
        Value::Int(_) | Value::Double(_) => 2,
        Value::String(_) => 3,
        Value::Document(_) => 4,
        Value::Array(_) => 5,
        Value::Binary(_) => 6,
        Value::ObjectId(_) => 7,
        Value::Bool(_) => 8,
        Value::Date(_) => 9,
    }
}

/// Compares two values as queries and sorts do.
///
/// Numbers compare by exact value whatever their type, and NaN is below all others and equal to itself; strings
/// by their UTF-8 bytes; documents field by field: first the type, then the name, then the value.
pub fn compare(a: &Value, b: &Value) -> Ordering {
    match (a, b) {
        (Value::Int(a), Value::Int(b)) => a.cmp(b),
        (Value::Double(a), Value::Double(b)) => compare_doubles(*a, *b),
        (Value::Int(a), Value::Double(b)) => compare_int_to_double(*a, *b),
        (Value::Double(a), Value::Int(b)) => compare_int_to_double(*b, *a).reverse(),
        (Value::String(a), Value::String(b)) => a.as_bytes().cmp(b.as_bytes()),
        (Value::Document(a), Value::Document(b)) => compare_documents(a, b),
        (Value::Array(a), Value::Array(b)) => compare_arrays(a, b),
        (Value::Binary(a), Value::Binary(b)) => compare_binary(a, b),
        (Value::ObjectId(a), Value::ObjectId(b)) => a.cmp(b),
        (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
        (Value::Date(a), Value::Date(b)) => a.cmp(b),
        _ => rank(a).cmp(&rank(b)),
    }
}

/// Tells whether two values are equal as queries see it: `1` equals `1.0`.
pub fn equal(a: &Value, b: &Value) -> bool {
    match (a, b) {
        // Strings of different lengths need not be read.
        (Value::String(a), Value::String(b)) => same_text(a, b),
        _ => compare(a, b) == Ordering::Equal,
    }
}

/// Compares two documents field by field: first the type, then the name, then the value.
pub fn compare_documents(a: &Document, b: &Document) -> Ordering {
    for ((a_name, a_value), (b_name, b_value)) in a.iter().zip(b.iter()) {
        let order = rank(a_value)
            .cmp(&rank(b_value))
            .then_with(|| a_name.as_bytes().cmp(b_name.as_bytes()))
            .then_with(|| compare(a_value, b_value));
        if order.is_ne() {
            return order;
        }
    }
    a.len().cmp(&b.len())
}

fn compare_arrays(a: &[Value], b: &[Value]) -> Ordering {
    a.iter()
        .zip(b)
        .map(|(a, b)| compare(a, b))
        .find(|order| order.is_ne())
        .unwrap_or_else(|| a.len().cmp(&b.len()))
}

/// Binary data goes by its length, then its subtype, then its bytes.
fn compare_binary(a: &Binary, b: &Binary) -> Ordering {
    let by_length = a.bytes().len().cmp(&b.bytes().len());
    by_length
        .then(a.subtype().cmp(&b.subtype()))
        .then_with(|| a.bytes().cmp(b.bytes()))
}

fn compare_doubles(a: f64, b: f64) -> Ordering {
    // Only a NaN has no partial order; it is below everything and equal to itself.
    a.partial_cmp(&b).unwrap_or_else(|| b.is_nan().cmp(&a.is_nan()))
}

/// Compares without rounding: an `i64` beyond 2^53 need not be a double.
fn compare_int_to_double(int: i64, double: f64) -> Ordering {
    const TWO_TO_63: f64 = 9_223_372_036_854_775_808.0;
    if double.is_nan() || double < -TWO_TO_63 {
        return Ordering::Greater;
    }
    if double >= TWO_TO_63 {
        return Ordering::Less;
    }
    let whole = double.trunc();
    int.cmp(&(whole as i64))
        .then_with(|| compare_doubles(whole, double))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn less(a: impl Into<Value>, b: impl Into<Value>) {
        let (a, b) = (a.into(), b.into());
        assert_eq!(compare(&a, &b), Ordering::Less, "{a} < {b}");
        assert_eq!(compare(&b, &a), Ordering::Greater, "{b} > {a}");
    }

    #[test]
    fn numbers_compare_by_exact_value() {
        less(9_007_199_254_740_992.0, 9_007_199_254_740_993_i64);
        less(9_007_199_254_740_993_i64, 9_007_199_254_740_994.0);
        less(i64::MAX, 9_223_372_036_854_775_808.0);
        less(-1.5, -1);
        less(1, 1.5);
        less(f64::NAN, f64::NEG_INFINITY);
        less(f64::NAN, i64::MIN);
        assert!(equal(&(-0.0).into(), &0.into()));
        assert!(equal(&f64::NAN.into(), &f64::NAN.into()));
    }

    #[test]
    fn documents_compare_by_type_then_name_then_value() {
        less(doc! {}, doc! {"a": 1});
        less(doc! {"z": 1}, doc! {"a": "s"});
        less(doc! {"a": 9}, doc! {"b": 1});
        less(doc! {"a": 1}, doc! {"a": 1, "b": null});
    }

    #[test]
    fn strings_compare_by_bytes_and_binary_by_length_first() {
        less("\u{FFFD}", "\u{1F600}");
        less(Binary::generic(&[9]), Binary::generic(&[1, 1]));
    }
}

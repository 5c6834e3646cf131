//! Keys: an array of two values, whose keys must sort as the values compare.

#![no_main]

use libfuzzer_sys::fuzz_target;
use seed::sort::Direction;
use seed::value::{json, order};
use seed::{Path, Value, doc, key};

fuzz_target!(|text: &str| {
    let Ok(Value::Array(values)) = json::parse_extended(text) else {
        return;
    };
    let [a, b] = values.as_slice() else {
        return;
    };
    let expected = order::compare(a, b);
    let (a_key, b_key) = (key::encode(a), key::encode(b));
    assert_eq!(a_key.cmp(&b_key), expected);
    // A key is one part of a longer one, so it must end by itself.
    assert!(a_key == b_key || !b_key.starts_with(&a_key));

    if !matches!((a, b), (Value::Array(_), _) | (_, Value::Array(_))) {
        let fields = [(Path::new("f"), Direction::Descending)];
        let descending =
            |value: &Value| key::sort_key(&doc! {"f": value}, &fields).expect("one field has one key");
        assert_eq!(descending(b).cmp(&descending(a)), expected);
    }
    let paths = [
        (Path::new("a.b"), Direction::Ascending),
        (Path::new("a.0"), Direction::Descending),
    ];
    let _keys = key::index_keys(&doc! {"a": a, "b": b}, &paths);
});

//! Extended JSON and stored text: what is written is read again as the same value.

#![no_main]

use libfuzzer_sys::fuzz_target;
use seed::Value;
use seed::value::{json, limits, serde};

fuzz_target!(|text: &str| {
    let Ok(value) = json::parse_extended(text) else {
        return;
    };
    let written = json::to_extended(&value);
    assert_eq!(
        json::parse_extended(&written).expect("what was written can be read"),
        value
    );

    assert_eq!(
        serde::to_value(&value).expect("a value is one for serde too"),
        value
    );
    assert_eq!(
        serde::from_value::<Value>(&value).expect("a value is one for serde too"),
        value
    );

    if let Value::Document(document) = &value {
        limits::check(document).expect("the parser keeps the limits");
        let stored = json::document_to_stored(document);
        assert_eq!(
            &json::parse_stored(&stored).expect("what was stored can be read"),
            document
        );
    }
});

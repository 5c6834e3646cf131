//! Plain JSON: what is written is read again as the same, and another parser reads the text as we do.

#![no_main]

use libfuzzer_sys::fuzz_target;
use seed::Value;
use seed::value::json;

fuzz_target!(|text: &str| {
    let Ok(value) = json::parse_plain(text) else {
        return;
    };
    let written = json::to_plain(&value);
    assert_eq!(
        json::parse_plain(&written).expect("what was written can be read"),
        value
    );

    // We are stricter than serde_json, never laxer. It reads the integer -0 as a double; we do not.
    let theirs: Value = serde_json::from_str(text).expect("what we take, others take");
    assert!(theirs == value || text.contains("-0"), "{theirs} is not {value}");
});

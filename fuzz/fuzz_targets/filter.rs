//! Filters: whatever the filter and the document, an answer or an error, and the same one each time.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use seed::value::{Binary, json};
use seed::{Document, Filter, doc};

static DOCUMENTS: LazyLock<[Document; 6]> = LazyLock::new(|| {
    [
        doc! {},
        doc! {"_id": 1, "a": 1, "b": "text", "c": null},
        doc! {"_id": 2, "a": [1, 2.5, "x", null, [3], {"b": 1}], "b": {"c": [{"d": 1}, {"d": [2]}]}},
        doc! {"a": {"b": {"c": true}}, "b": seed::DateTime::from_millis(0), "c": f64::NAN},
        doc! {"a": [], "b": [[]], "c": {}, "0": {"1": 2}},
        doc! {"a": Binary::generic(&[1, 2]), "b": seed::ObjectId::from_bytes([7; 12]), "c": i64::MIN},
    ]
});

fuzz_target!(|text: &str| {
    let Ok(source) = json::parse_extended_document(text) else {
        return;
    };
    let Ok(filter) = Filter::parse(&source) else {
        return;
    };
    let again = Filter::parse(filter.source()).expect("a filter that was parsed is parsed again");
    for document in DOCUMENTS.iter().chain([&source]) {
        let matches = filter.matches(document).ok();
        assert_eq!(again.matches(document).ok(), matches);
        assert_eq!(
            filter.find_match(document).ok().map(|found| found.is_some()),
            matches
        );
    }
});

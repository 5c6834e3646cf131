//! Updates: `{"update": …, "filters": […], "documents": […]}`. Each document is changed, left alone, or refused.

#![no_main]

use libfuzzer_sys::fuzz_target;
use seed::update::{Context, Update};
use seed::value::json;
use seed::{DateTime, Document, Filter, Value};

fuzz_target!(|text: &str| {
    let Ok(input) = json::parse_extended_document(text) else {
        return;
    };
    let Some(source) = input.get("update").and_then(Value::as_document) else {
        return;
    };
    let Ok(update) = Update::parse(source, &documents(&input, "filters")) else {
        return;
    };
    let mut context = Context::at(DateTime::from_millis(0));
    context.position = Some(1);
    for document in documents(&input, "documents") {
        let Ok(Some(changed)) = update.apply(&document, &context) else {
            continue;
        };
        // A push counts as a change even if its sort and slice bring back what was there, and so does a replacement
        // that leaves the `_id` out.
        assert!(
            changed != document || source.has("$push") || update.is_replacement(),
            "a change changes something"
        );
        assert!(
            document.id().is_none() || changed.id() == document.id(),
            "an _id stays what it is"
        );
        if let Some(fields) = update.constant() {
            assert!(
                fields
                    .iter()
                    .all(|(name, value)| changed.get(name) == value.as_ref())
            );
        }
    }
    let _inserted = update.upsert(&Filter::all(), &context);
});

fn documents(input: &Document, name: &str) -> Vec<Document> {
    let elements = input.get(name).and_then(Value::as_array).into_iter().flatten();
    elements.filter_map(Value::as_document).cloned().collect()
}

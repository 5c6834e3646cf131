//! Laws that every update keeps, whatever it is and whatever it meets.

use proptest::collection::vec;
use proptest::prelude::*;
use seed::update::Context;
use seed::value::json;
use seed::{DateTime, Document, Filter, Update, Value};

fn context() -> Context {
    Context {
        position: Some(1),
        new_id: Some("new".into()),
        ..Context::at(DateTime::from_millis(7))
    }
}

/// Few names, so that paths meet fields; some are positions too.
fn name() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["a", "b", "c", "0", "1", "10", "9", "00"])
}

fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-2_i64..4).prop_map(Value::from),
        prop::sample::select(vec![0.0, -0.0, 1.0, 2.5, f64::NAN, f64::INFINITY]).prop_map(Value::from),
        prop::sample::select(vec![i64::MAX, i64::MIN]).prop_map(Value::from),
        "[a-c]{0,2}".prop_map(Value::from),
        Just(Value::Date(DateTime::from_millis(7))),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    scalar().prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            fields(inner).prop_map(Value::from)
        ]
    })
}

fn fields(value: impl Strategy<Value = Value>) -> impl Strategy<Value = Document> {
    vec((name(), value), 0..4).prop_map(|fields| {
        fields
            .into_iter()
            .map(|(name, value)| (name.into(), value))
            .collect()
    })
}

fn document() -> impl Strategy<Value = Document> {
    (any::<bool>(), fields(value())).prop_map(|(has_id, mut document)| {
        if has_id {
            document.set_first("_id", 1);
        }
        document
    })
}

fn part() -> impl Strategy<Value = &'static str> {
    prop_oneof![8 => name(), 1 => prop::sample::select(vec!["$", "$[]", "$[e]", "$x", "_id", "", "4294967296"])]
}

/// Paths that may be malformed.
fn path() -> impl Strategy<Value = String> {
    vec(part(), 1..4).prop_map(|parts| parts.join("."))
}

fn plain_path() -> impl Strategy<Value = String> {
    vec(name(), 1..4).prop_map(|parts| parts.join("."))
}

/// Operands that some operator takes, and others.
fn operand() -> impl Strategy<Value = Value> {
    let clause = prop::sample::select(vec![
        "$each",
        "$position",
        "$slice",
        "$sort",
        "$gt",
        "$in",
        "$type",
        "or",
        "x",
    ]);
    let clauses = vec((clause, value()), 0..4).prop_map(|clauses| {
        clauses
            .into_iter()
            .map(|(name, value)| (name.into(), value))
            .collect::<Document>()
    });
    prop_oneof![
        3 => value(),
        2 => clauses.prop_map(Value::from),
        1 => plain_path().prop_map(Value::from),
        1 => Just(Value::Int(-1)),
    ]
}

fn operators() -> impl Strategy<Value = Document> {
    let operator = prop::sample::select(vec![
        "$set",
        "$unset",
        "$setOnInsert",
        "$inc",
        "$mul",
        "$min",
        "$max",
        "$rename",
        "$currentDate",
        "$push",
        "$addToSet",
        "$pop",
        "$pull",
        "$pullAll",
        "$bit",
        "$nope",
    ]);
    vec((operator, vec((path(), operand()), 0..3)), 1..4).prop_map(|operators| {
        let document = |fields: Vec<(String, Value)>| -> Document {
            fields
                .into_iter()
                .map(|(path, operand)| (path.into(), operand))
                .collect()
        };
        operators
            .into_iter()
            .map(|(name, fields)| (name.into(), document(fields).into()))
            .collect()
    })
}

fn one(operator: &str, path: &str, operand: &Value) -> Option<Update> {
    let mut fields = Document::new();
    fields.set(path, operand);
    let mut source = Document::new();
    source.set(operator, fields);
    Update::parse(&source, &[]).ok()
}

fn text(document: &Document) -> String {
    json::document_to_stored(document)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_update_panics_and_a_failed_one_changes_nothing(document in document(), source in operators()) {
        let filters = [seed::doc! {"e": {"$gt": 0}}];
        let before = text(&document);
        for filters in [&filters[..], &[]] {
            let Ok(update) = Update::parse(&source, filters) else { continue };
            if let Ok(Some(changed)) = update.apply(&document, &context()) {
                prop_assert_eq!(changed.id(), document.id().or(changed.id()));
            }
            let _ = update.upsert(&Filter::all(), &context());
            prop_assert_eq!(&text(&document), &before);
        }
    }

    #[test]
    fn an_idempotent_update_done_twice_is_done_once(
        document in document(),
        operator in prop::sample::select(vec!["$set", "$unset", "$addToSet", "$min", "$max", "$pull", "$pullAll"]),
        path in plain_path(),
        operand in operand(),
    ) {
        let Some(update) = one(operator, &path, &operand) else { return Ok(()) };
        let Ok(once) = update.apply(&document, &context()) else { return Ok(()) };
        let once = once.unwrap_or(document);
        prop_assert_eq!(update.apply(&once, &context()).unwrap(), None, "{:?} on {:?}", update.source(), once);
    }

    #[test]
    fn what_was_set_is_there(document in document(), path in plain_path(), value in value()) {
        let Some(update) = one("$set", &path, &value) else { return Ok(()) };
        let Ok(changed) = update.apply(&document, &context()) else { return Ok(()) };
        let changed = changed.unwrap_or(document);
        let mut found = changed.get(path.split('.').next().unwrap()).unwrap();
        for part in path.split('.').skip(1) {
            found = match found {
                Value::Document(inner) => inner.get(part).unwrap(),
                Value::Array(elements) => &elements[part.parse::<usize>().unwrap()],
                other => panic!("{other} is in the way"),
            };
        }
        prop_assert_eq!(found, &value);
    }

    #[test]
    fn a_constant_update_does_what_the_general_way_does(
        document in document(),
        set in fields(value()),
        unset in vec(name(), 0..3),
    ) {
        let mut source = Document::new();
        let gone: Document = unset.into_iter().filter(|name| !set.has(name)).map(|name| (name.into(), Value::Null)).collect();
        source.set("$set", set);
        source.set("$unset", gone);
        let constant = Update::parse(&source, &[]).unwrap();
        prop_assert!(constant.constant().is_some());
        // An idle operator takes the update off the fast path.
        source.set("$setOnInsert", seed::doc! {"zz": 1});
        let general = Update::parse(&source, &[]).unwrap();
        prop_assert!(general.constant().is_none());
        prop_assert_eq!(constant.apply(&document, &context()).unwrap(), general.apply(&document, &context()).unwrap());
    }

    #[test]
    fn an_upserted_document_meets_its_filter(equalities in vec((plain_path(), value()), 0..3)) {
        let filter: Document = equalities.into_iter().map(|(path, value)| (path.into(), seed::doc! {"$eq": value}.into())).collect();
        let filter = Filter::parse(&filter).unwrap();
        let update = Update::parse(&seed::doc! {"$set": {"zz": 1}}, &[]).unwrap();
        if let Ok(made) = update.upsert(&filter, &context()) {
            prop_assert!(filter.matches(&made).unwrap(), "{:?} is not met by {made}", filter.source());
        }
    }
}

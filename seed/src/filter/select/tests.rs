use proptest::prelude::*;

use crate::error::ErrorKind;
use crate::filter::Filter;
use crate::value::{DateTime, Document, Value};

fn scalar() -> impl Strategy<Value = Value> {
    let long = "a text that is not kept in place";
    prop_oneof![
        Just(Value::Null),
        (-2_i64..3).prop_map(Value::from),
        prop_oneof![Just(i64::MIN), Just(i64::MAX)].prop_map(Value::from),
        (-3_i8..3).prop_map(|half| (f64::from(half) / 2.0).into()),
        Just(Value::from(f64::NAN)),
        "[ab]{0,2}".prop_map(Value::from),
        Just(Value::from(long)),
        (0_i64..3).prop_map(|millis| DateTime::from_millis(millis).into()),
    ]
}

fn fields(value: impl Strategy<Value = Value>) -> impl Strategy<Value = Document> {
    let name = prop_oneof![Just("a"), Just("b"), Just("0")];
    prop::collection::vec((name, value), 0..4).prop_map(|fields| {
        fields
            .into_iter()
            .map(|(name, value)| (name.into(), value))
            .collect()
    })
}

fn value() -> impl Strategy<Value = Value> {
    scalar().prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            fields(inner).prop_map(Value::from),
        ]
    })
}

fn path() -> impl Strategy<Value = &'static str> {
    prop_oneof![
        4 => Just("a"),
        2 => Just("b"),
        4 => Just("a.b"),
        1 => Just("a.0"),
        1 => Just("a.b.a"),
        1 => Just("a.0.b"),
    ]
}

fn operators() -> impl Strategy<Value = Document> {
    let comparison = prop_oneof![
        Just("$eq"),
        Just("$ne"),
        Just("$gt"),
        Just("$gte"),
        Just("$lt"),
        Just("$lte")
    ];
    let texts = prop::collection::vec("[ab]{0,2}", 0..12).prop_map(Value::from);
    let values = prop::collection::vec(scalar(), 0..4).prop_map(Value::from);
    let simple = prop_oneof![
        6 => (comparison, value()).prop_map(|(name, operand)| doc! {name: operand}),
        2 => prop_oneof![texts, values].prop_map(|listed| doc! {"$in": listed}),
        1 => any::<bool>().prop_map(|exists| doc! {"$exists": exists}),
        1 => (0_i64..3).prop_map(|size| doc! {"$size": size}),
        1 => Just(doc! {"$regex": "^a|text"}),
        1 => Just(doc! {"$type": "string"}),
    ];
    simple.prop_recursive(2, 6, 2, |inner| {
        prop_oneof![
            inner.clone().prop_map(|inner| doc! {"$not": inner}),
            inner.clone().prop_map(|inner| doc! {"$elemMatch": inner}),
            (path(), inner).prop_map(|(path, inner)| doc! {"$elemMatch": {path: inner}}),
        ]
    })
}

fn filter() -> impl Strategy<Value = Document> {
    let field = (path(), operators()).prop_map(|(path, operators)| doc! {path: operators});
    field.prop_recursive(2, 8, 3, |inner| {
        let joined = prop_oneof![Just("$and"), Just("$or"), Just("$nor")];
        (joined, prop::collection::vec(inner, 1..4)).prop_map(|(name, filters)| doc! {name: filters})
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn a_selection_is_what_matches_one_by_one(
        documents in prop::collection::vec(fields(value()), 0..200),
        filter in filter(),
    ) {
        let filter = Filter::parse(&filter).unwrap();
        let one_by_one: Vec<usize> = (0..documents.len())
            .filter(|at| filter.matches(&documents[*at]).unwrap())
            .collect();
        let selected: Vec<_> = filter.select(&documents).map(Result::unwrap).collect();
        let positions: Vec<usize> = selected.iter().map(|(at, _)| *at).collect();
        prop_assert_eq!(&positions, &one_by_one);
        for (at, document) in selected {
            prop_assert!(std::ptr::eq(document, &documents[at]));
        }
        prop_assert_eq!(filter.positions(&documents).unwrap(), one_by_one);
    }
}

#[test]
fn positions_in_many_documents_are_told_in_order() {
    let documents: Vec<_> = (0..50_001).map(|number| doc! {"n": (number % 7)}).collect();
    let filter = Filter::parse(&doc! {"n": 3}).unwrap();
    let expected: Vec<usize> = (0..documents.len()).filter(|at| at % 7 == 3).collect();
    assert_eq!(filter.positions(&documents).unwrap(), expected);
}

#[test]
fn of_several_failures_the_first_documents_is_told() {
    let divided = doc! {"$expr": {"$gte": [{"$divide": [4, "$by"]}, 2]}};
    let filter = Filter::parse(&divided).unwrap();
    let mut documents = vec![doc! {"by": 1}; 20_000];
    documents[9_000] = doc! {"by": "text"};
    documents[19_000] = doc! {"by": 0};
    let fault = filter.positions(&documents).unwrap_err();
    assert_eq!(
        fault.to_string(),
        filter.matches(&documents[9_000]).unwrap_err().to_string()
    );
    assert_ne!(
        fault.to_string(),
        filter.matches(&documents[19_000]).unwrap_err().to_string()
    );
}

#[test]
fn a_failure_comes_after_what_was_found_before_it_and_ends_the_selection() {
    let divided = doc! {"$expr": {"$gte": [{"$divide": [4, "$by"]}, 2]}};
    let filter = Filter::parse(&divided).unwrap();
    let documents = [1, 4, 2, 0, 1].map(|by| doc! {"by": by});
    let mut selection = filter.select(&documents);
    assert_eq!(selection.next().unwrap().unwrap().0, 0);
    assert_eq!(selection.next().unwrap().unwrap().0, 2);
    assert_eq!(selection.next().unwrap().unwrap_err().kind(), ErrorKind::Query);
    assert!(selection.next().is_none());
}

#[test]
fn no_more_is_taken_than_is_wanted() {
    let documents = vec![doc! {"a": 1}; 1_000];
    let filter = Filter::parse(&doc! {"a": 1}).unwrap();
    let mut taken = 0;
    let counted = documents.iter().inspect(|_| taken += 1);
    assert_eq!(filter.select(counted).take(3).count(), 3);
    assert_eq!(taken, 64);
}

use super::{MAX_GROWTH, Run};
use crate::update::tree::Branch;
use crate::update::{Context, Operators};
use crate::{DateTime, Document, ErrorKind, Result, Update, Value};

fn apply_with(
    update: &Document,
    array_filters: &[Document],
    document: &Document,
) -> Result<Option<Document>> {
    let context = Context {
        position: Some(1),
        ..Context::at(DateTime::from_millis(5))
    };
    Update::parse(update, array_filters)?.apply(document, &context)
}

fn apply(update: &Document, document: &Document) -> Option<Document> {
    apply_with(update, &[], document).unwrap()
}

fn fails(update: &Document, document: &Document) {
    let error = apply_with(update, &[], document).expect_err(&update.to_string());
    assert_eq!(error.kind(), ErrorKind::Update, "{error}");
    assert!(error.place().path.is_some(), "{error}");
}

#[test]
fn new_fields_come_in_name_order_over_all_operators() {
    let update = doc! {"$set": {"c.y": 1, "b": 2, "10": 3}, "$inc": {"c.x": 1, "9": 1}, "$push": {"B": 1}};
    let expected = doc! {"_id": 1, "9": 1, "10": 3, "B": [1], "b": 2, "c": {"x": 1, "y": 1}};
    assert_eq!(apply(&update, &doc! {"_id": 1}), Some(expected));
}

#[test]
fn numeric_parts_are_positions_in_arrays_and_names_elsewhere() {
    let update = doc! {"$set": {"v.1": 9, "o.1": 9, "n.0.x": 9}};
    assert_eq!(
        apply(&update, &doc! {"v": [1, 2], "o": {}}),
        Some(doc! {"v": [1, 9], "o": {"1": 9}, "n": {"0": {"x": 9}}})
    );
}

#[test]
fn an_array_is_filled_up_with_nulls_within_bounds() {
    assert_eq!(
        apply(&doc! {"$set": {"v.3.x": 1}}, &doc! {"v": [0]}),
        Some(doc! {"v": [0, null, null, {"x": 1}]})
    );
    assert!(apply(&doc! {"$set": {"v.1500001": 1}}, &doc! {"v": [0]}).is_some());
    fails(&doc! {"$set": {"v.1500002": 1}}, &doc! {"v": [0]});
}

#[test]
fn arrays_grow_no_further_than_a_document_can_hold() {
    let operators = Operators {
        root: Branch::default(),
        array_filters: Vec::new(),
        positional: false,
    };
    let document = Document::new();
    let mut run = Run::updating(&operators, &document, &Context::at(DateTime::from_millis(0)));
    assert!(run.grow(MAX_GROWTH).is_ok());
    assert_eq!(run.grow(1).unwrap_err().kind(), ErrorKind::Limit);
    assert_eq!(run.grow(usize::MAX).unwrap_err().kind(), ErrorKind::Limit);
}

#[test]
fn nothing_is_created_in_a_scalar_or_in_an_array_by_name() {
    for document in [
        doc! {"a": 5},
        doc! {"a": null},
        doc! {"a": "s"},
        doc! {"a": [1, {"b": 1}]},
    ] {
        for update in [
            doc! {"$set": {"a.b": 1}},
            doc! {"$inc": {"a.b.c": 1}},
            doc! {"$push": {"a.b": 1}},
            doc! {"$pop": {"a.b": 1}},
            doc! {"$pull": {"a.b": 1}},
            doc! {"$pullAll": {"a.b.c": [1]}},
        ] {
            fails(&update, &document);
        }
        let shrugs = doc! {"$unset": {"a.b": 1}, "$setOnInsert": {"a.c": 1}, "$rename": {"q": "a.d"}};
        assert_eq!(apply(&shrugs, &document), None);
    }
}

#[test]
fn an_unset_element_becomes_null() {
    let update = doc! {"$unset": {"v.0": 1, "a": 1, "o.x": 1}};
    assert_eq!(
        apply(&update, &doc! {"v": [1, 2], "a": 1, "o": {"x": 1}}),
        Some(doc! {"v": [null, 2], "o": {}})
    );
    assert_eq!(apply(&update, &doc! {"v": [null, 2]}), None);
}

#[test]
fn every_element_or_those_that_meet_a_filter_are_changed() {
    let document = doc! {"g": [{"q": [1, 8], "n": 1}, {"q": [9], "n": 2}]};
    assert_eq!(
        apply(&doc! {"$inc": {"g.$[].n": 1}}, &document),
        Some(doc! {"g": [{"q": [1, 8], "n": 2}, {"q": [9], "n": 3}]})
    );
    let filters = [doc! {"e.n": 1}, doc! {"f": {"$gt": 5}}];
    assert_eq!(
        apply_with(&doc! {"$set": {"g.$[e].q.$[f]": 0}}, &filters, &document).unwrap(),
        Some(doc! {"g": [{"q": [1, 0], "n": 1}, {"q": [9], "n": 2}]})
    );
    fails(&doc! {"$set": {"x.$[]": 1}}, &document);
    fails(&doc! {"$unset": {"x.$[]": 1}}, &document);
    fails(&doc! {"$set": {"g.$[].n.$[]": 1}}, &document);
}

#[test]
fn filters_that_take_one_element_are_joined_unless_they_conflict() {
    let document = doc! {"v": [{"x": 1, "y": 1}, {"x": 2}]};
    let filters = [doc! {"e.x": 1}, doc! {"f.y": 1}];
    assert_eq!(
        apply_with(
            &doc! {"$set": {"v.$[e].b": 1, "v.$[f].a": 2}},
            &filters,
            &document
        )
        .unwrap(),
        Some(doc! {"v": [{"x": 1, "y": 1, "a": 2, "b": 1}, {"x": 2}]})
    );
    assert!(
        apply_with(
            &doc! {"$set": {"v.$[e].b": 1, "v.$[f].b": 2}},
            &filters,
            &document
        )
        .is_err()
    );
}

#[test]
fn the_element_that_met_the_query_is_changed() {
    let document = doc! {"v": [1, 5, 9], "w": [{"x": 1}, {"x": 2}]};
    assert_eq!(
        apply(&doc! {"$set": {"v.$": 0, "w.$.y": 1, "w.0.x": 3}}, &document),
        Some(doc! {"v": [1, 0, 9], "w": [{"x": 3}, {"x": 2, "y": 1}]})
    );
    assert_eq!(
        apply(&doc! {"$set": {"w.$.b": 1, "w.1.a": 2}}, &document),
        Some(doc! {"v": [1, 5, 9], "w": [{"x": 1}, {"x": 2, "a": 2, "b": 1}]})
    );
    fails(&doc! {"$set": {"v.$": 0, "v.1": 2}}, &document);
    let update = Update::parse(&doc! {"$set": {"v.$": 0}}, &[]).unwrap();
    assert!(
        update
            .apply(&document, &Context::at(DateTime::from_millis(0)))
            .is_err()
    );
}

#[test]
fn a_renamed_value_takes_the_place_of_another() {
    let document = doc! {"_id": 1, "a": 1, "b": {"x": 1, "y": 2}, "d": null};
    assert_eq!(
        apply(&doc! {"$rename": {"d": "a"}}, &document),
        Some(doc! {"_id": 1, "a": null, "b": {"x": 1, "y": 2}})
    );
    assert_eq!(
        apply(&doc! {"$rename": {"b.x": "n.m", "a": "b.z"}}, &document),
        Some(doc! {"_id": 1, "b": {"y": 2, "z": 1}, "d": null, "n": {"m": 1}})
    );
    fails(&doc! {"$rename": {"a": "d.x"}}, &document);
    fails(&doc! {"$rename": {"a": "v.0"}}, &doc! {"a": 1, "v": [1]});
}

#[test]
fn the_id_does_not_change() {
    let document = doc! {"_id": {"x": 1}, "a": 1};
    assert_eq!(apply(&doc! {"$set": {"_id": {"x": 1}}}, &document), None);
    assert_eq!(
        apply(&doc! {"$set": {"_id.x": 1}, "$inc": {"a": 0}}, &document),
        None
    );
    for update in [
        doc! {"$set": {"_id": {"x": 1.0}}},
        doc! {"$set": {"_id.y": 1}},
        doc! {"$unset": {"_id": 1}},
        doc! {"$rename": {"_id": "b"}},
        doc! {"$rename": {"a": "_id"}},
    ] {
        fails(&update, &document);
    }
    assert_eq!(
        apply(&doc! {"$set": {"_id": 1}}, &doc! {"a": 1}),
        Some(doc! {"_id": 1, "a": 1})
    );
}

#[test]
fn the_current_date_is_that_of_the_context() {
    let now = Value::Date(DateTime::from_millis(5));
    assert_eq!(
        apply(
            &doc! {"$currentDate": {"a": true, "b": {"$type": "date"}}},
            &doc! {"a": 1}
        ),
        Some(doc! {"a": (&now), "b": (&now)})
    );
}

use super::*;
use crate::error::{Error, ErrorKind};
use crate::value::Value;

fn apply(projection: &Document, document: &Document) -> Document {
    apply_with(projection, document, &doc! {})
}

fn apply_with(projection: &Document, document: &Document, filter: &Document) -> Document {
    let projection = Projection::parse(projection).unwrap();
    projection
        .apply(document, &Filter::parse(filter).unwrap())
        .unwrap()
}

fn fault(projection: &Document) -> Error {
    Projection::parse(projection).expect_err(&projection.to_string())
}

#[test]
fn an_inclusion_keeps_the_order_of_the_document() {
    let document = doc! {"_id": 1, "a": {"x": 1, "y": 2}, "b": 2, "c": 3};
    assert_eq!(
        apply(&doc! {"c": 1, "a.y": true}, &document),
        doc! {"_id": 1, "a": {"y": 2}, "c": 3}
    );
    assert_eq!(apply(&doc! {"_id": 0, "b": 2.5}, &document), doc! {"b": 2});
    assert_eq!(apply(&doc! {"_id": 1}, &document), doc! {"_id": 1});
    assert_eq!(apply(&doc! {}, &document), document);
}

#[test]
fn scalars_fall_away_below_an_included_path() {
    let document = doc! {"a": [[1, 2], [{"x": 1, "y": 2}], {"y": 3}, 4], "b": 5};
    assert_eq!(
        apply(&doc! {"a.x": 1, "b.x": 1}, &document),
        doc! {"a": [[], [{"x": 1}], {}]}
    );
    assert_eq!(
        apply(&doc! {"a.x": 0, "b.x": 0}, &document),
        doc! {"a": [[1, 2], [{"y": 2}], {"y": 3}, 4], "b": 5}
    );
}

#[test]
fn numbers_in_a_path_are_names() {
    let document = doc! {"a": [5, {"0": 1, "1": 2}]};
    assert_eq!(apply(&doc! {"a.0": 1}, &document), doc! {"a": [{"0": 1}]});
}

#[test]
fn an_exclusion_may_name_the_id_either_way() {
    let document = doc! {"_id": 1, "a": 1, "b": 2};
    assert_eq!(
        apply(&doc! {"_id": 1, "a": 0}, &document),
        doc! {"_id": 1, "b": 2}
    );
    assert_eq!(apply(&doc! {"a": false, "_id": false}, &document), doc! {"b": 2});
    assert_eq!(apply(&doc! {"_id": 0}, &document), doc! {"a": 1, "b": 2});
}

#[test]
fn documents_are_paths_too() {
    let document = doc! {"_id": 1, "a": {"x": {"p": 1, "q": 2}, "y": 2}};
    assert_eq!(
        apply(&doc! {"a": {"x.p": 1}}, &document),
        doc! {"_id": 1, "a": {"x": {"p": 1}}}
    );
    assert_eq!(apply(&doc! {"a": {"x": 1}, "a.y": 1}, &document), document);
    assert_eq!(
        apply(&doc! {"a": {"y": 0}}, &document),
        doc! {"_id": 1, "a": {"x": {"p": 1, "q": 2}}}
    );
}

#[test]
fn computed_fields_come_after_the_included_ones() {
    let document = doc! {"_id": 1, "a": 2, "b": 3, "o": [{"p": 1}, 5]};
    assert_eq!(
        apply(&doc! {"n": {"$add": ["$a", 1]}, "b": 1}, &document),
        doc! {"_id": 1, "b": 3, "n": 3}
    );
    assert_eq!(
        apply(&doc! {"_id": 0, "a": "$b", "n": "text"}, &document),
        doc! {"a": 3, "n": "text"}
    );
    assert_eq!(
        apply(&doc! {"_id": 0, "n": "$none", "x": null}, &document),
        doc! {"x": null}
    );
    assert_eq!(
        apply(&doc! {"_id": 0, "o.z": "$b"}, &document),
        doc! {"o": [{"z": 3}]}
    );
    assert_eq!(
        apply(&doc! {"_id": 0, "a.z": "$b"}, &document),
        doc! {"a": {"z": 3}}
    );
    assert_eq!(apply(&doc! {"_id": "$a"}, &document), doc! {"_id": 2});
}

#[test]
fn a_slice_alone_keeps_all_else() {
    let document = doc! {"_id": 1, "v": [1, 2, 3], "k": 5, "w": [{"v": [1, 2]}, [{"v": [1, 2]}]]};
    assert_eq!(
        apply(&doc! {"v": {"$slice": 1}, "w.v": {"$slice": -1}}, &document),
        doc! {"_id": 1, "v": [1], "k": 5, "w": [{"v": [2]}, [{"v": [1, 2]}]]}
    );
    assert_eq!(
        apply(&doc! {"v": {"$slice": 1}, "k": 1}, &document),
        doc! {"_id": 1, "v": [1], "k": 5}
    );
    assert_eq!(
        apply(&doc! {"v": {"$slice": 1}, "_id": 1}, &document),
        doc! {"_id": 1, "v": [1]}
    );
    assert_eq!(
        apply(&doc! {"v": {"$slice": 1}, "w": 0}, &document),
        doc! {"_id": 1, "v": [1], "k": 5}
    );
    let expression = doc! {"_id": 0, "v": {"$slice": ["$v", 2]}};
    assert_eq!(apply(&expression, &document), doc! {"v": [1, 2]});
}

#[test]
fn elem_match_gives_one_element_or_no_field() {
    let document = doc! {"_id": 1, "v": [{"x": 1}, {"x": 2, "y": 1}, {"x": 2}], "k": 5};
    let projection = doc! {"v": {"$elemMatch": {"x": 2}}, "k": 1};
    assert_eq!(
        apply(&projection, &document),
        doc! {"_id": 1, "k": 5, "v": [{"x": 2, "y": 1}]}
    );
    assert_eq!(
        apply(&doc! {"v": {"$elemMatch": {"x": 3}}}, &document),
        doc! {"_id": 1}
    );
    assert_eq!(
        apply(&doc! {"v": {"$elemMatch": {"x": 3}}, "k": 0}, &document),
        doc! {"_id": 1}
    );
}

#[test]
fn the_positional_operator_keeps_the_element_that_met_the_filter() {
    let document = doc! {"_id": 1, "v": [1, 5, 9], "o": {"w": [{"x": 1, "y": 1}, {"x": 2, "y": 2}]}, "k": 3};
    assert_eq!(
        apply_with(&doc! {"v.$": 1}, &document, &doc! {"v": {"$gt": 4}}),
        doc! {"_id": 1, "v": [5]}
    );
    assert_eq!(
        apply_with(&doc! {"o.w.$": 1, "k": 1}, &document, &doc! {"o.w.x": 2}),
        doc! {"_id": 1, "o": {"w": [{"x": 2, "y": 2}]}, "k": 3}
    );
    assert_eq!(
        apply_with(&doc! {"k.$": 1}, &document, &doc! {"k": 3}),
        doc! {"_id": 1, "k": 3}
    );
    let projection = Projection::parse(&doc! {"v.$": 1}).unwrap();
    assert!(projection.apply(&document, &Filter::all()).is_err());
}

#[test]
fn malformed_projections_are_refused_by_path() {
    for (projection, path) in [
        (doc! {"a": 1, "b": 0}, "b"),
        (doc! {"a": 0, "b": "$a"}, "b"),
        (doc! {"a": 0, "b": {"$add": [1, 2]}}, "b"),
        (doc! {"o": {"p": 1, "q": 0}}, "o.q"),
        (doc! {"a": 1, "a.b": 1}, "a.b"),
        (doc! {"_id": 1, "_id.a": 1}, "_id.a"),
        (doc! {"": 1}, ""),
        (doc! {".a": 1}, ".a"),
        (doc! {"$a": 1}, "$a"),
        (doc! {"a.$b": 1}, "a.$b"),
        (doc! {"a": {}}, "a"),
        (doc! {"a": {"$foo": 1}}, "a"),
        (doc! {"a": {"b": 1, "$add": 1}}, "a.$add"),
        (doc! {"v.$": 1, "w.$": 1}, "w"),
        (doc! {"v.$": 1, "w": {"$elemMatch": {"x": 1}}}, "w"),
        (doc! {"w": {"$elemMatch": {"x": 1}}, "v.$": 1}, "v"),
        (doc! {"v.$": 0}, "v"),
        (doc! {"v.$": "x"}, "v"),
        (doc! {"v.$.x": 1}, "v.$.x"),
        (doc! {"o.v": {"$elemMatch": {"x": 1}}}, "o.v"),
        (doc! {"v": {"$elemMatch": 1}}, "v"),
        (doc! {"v": {"$slice": "x"}}, "v"),
        (doc! {"v": {"$slice": [1, 0]}}, "v"),
        (doc! {"v": {"$slice": [1]}}, "v"),
        (doc! {"v": {"$slice": [1, 2, 3]}}, "v"),
    ] {
        let error = fault(&projection);
        assert_eq!(
            (error.kind(), error.place().path.as_deref()),
            (ErrorKind::Query, Some(path)),
            "{projection}"
        );
    }
}

#[test]
fn a_stage_knows_no_find_operators() {
    for projection in [doc! {}, doc! {"v.$": 1}, doc! {"v": {"$elemMatch": {"x": 1}}}] {
        assert!(
            Projection::parse_as(&projection, Syntax::Project).is_err(),
            "{projection}"
        );
    }
    let slice = Projection::parse_as(&doc! {"v": {"$slice": ["$v", 1]}}, Syntax::Project).unwrap();
    assert_eq!(slice.apply_fields(&doc! {"v": [1, 2]}).unwrap(), doc! {"v": [1]});
}

#[test]
fn added_fields_go_through_arrays_and_replace_scalars() {
    let add = |fields: Document, document: &Document| {
        Projection::parse_as(&fields, Syntax::AddFields)
            .unwrap()
            .apply_fields(document)
            .unwrap()
    };
    let document = doc! {"_id": 1, "a": [{"x": 1}, 5, [{}]], "b": 2};
    assert_eq!(
        add(doc! {"a.y": "$b"}, &document),
        doc! {"_id": 1, "a": [{"x": 1, "y": 2}, {"y": 2}, [{"y": 2}]], "b": 2}
    );
    assert_eq!(add(doc! {"b.c": 1}, &doc! {"b": 2}), doc! {"b": {"c": 1}});
    assert_eq!(
        add(doc! {"b": {"c": true}, "d": {}}, &doc! {"b": {"e": 1}}),
        doc! {"b": {"e": 1, "c": true}, "d": {}}
    );
    assert_eq!(add(doc! {"b": "$$REMOVE"}, &doc! {"a": 1, "b": 2}), doc! {"a": 1});
    assert!(Projection::parse_as(&doc! {"a": 1, "a.b": 1}, Syntax::AddFields).is_err());
}

#[test]
fn plain_inclusions_name_their_fields() {
    let included = |projection: Document| {
        let projection = Projection::parse(&projection).unwrap();
        projection.included().map(|names| names.join(","))
    };
    assert_eq!(included(doc! {"a": 1, "b": true}).as_deref(), Some("a,b,_id"));
    assert_eq!(included(doc! {"a": 1, "_id": 0}).as_deref(), Some("a"));
    for other in [
        doc! {"a": 0},
        doc! {"a.b": 1},
        doc! {"a": "$b"},
        doc! {"a": {"$slice": 1}, "b": 1},
        doc! {},
    ] {
        assert_eq!(included(other), None);
    }
}

#[test]
fn a_projected_document_cannot_outgrow_one() {
    let array: Vec<Value> = vec![Value::Null; 1000];
    let document = doc! {"a": (Value::from(array)), "s": ("x".repeat(100_000))};
    let projection = Projection::parse_as(&doc! {"a.s": "$s"}, Syntax::AddFields).unwrap();
    assert_eq!(
        projection.apply_fields(&document).unwrap_err().kind(),
        ErrorKind::Limit
    );
}

#[test]
fn the_depth_is_bounded() {
    let dotted = |parts| doc! {(vec!["a"; parts].join(".")): 1};
    assert!(Projection::parse(&dotted(100)).is_ok());
    assert_eq!(fault(&dotted(101)).kind(), ErrorKind::Limit);
    let nested = |levels| (1..levels).fold(doc! {"a": 1}, |inner, _| doc! {"a": inner});
    assert!(Projection::parse(&nested(100)).is_ok());
    assert_eq!(fault(&nested(101)).kind(), ErrorKind::Limit);
}

use super::*;
use crate::error::{Error, ErrorKind};
use crate::value::Value;

fn run(stages: &[Document], documents: &[Document]) -> Result<Vec<Document>> {
    let pipeline = Pipeline::parse(stages)?;
    let mut run = pipeline.run();
    for document in documents {
        if run.push(document.clone())?.is_break() {
            break;
        }
    }
    run.finish()
}

fn numbered(count: i64) -> Vec<Document> {
    (0..count)
        .map(|id| doc! {"_id": id, "even": (id % 2 == 0), "v": [id, (id + 1)]})
        .collect()
}

fn ids(documents: &[Document]) -> Vec<Value> {
    documents
        .iter()
        .filter_map(|document| document.id().cloned())
        .collect()
}

#[test]
fn stages_follow_each_other() {
    let stages = [
        doc! {"$match": {"even": true}},
        doc! {"$unwind": "$v"},
        doc! {"$group": {"_id": "$v", "n": {"$sum": 1}}},
        doc! {"$sort": {"_id": -1}},
        doc! {"$skip": 1},
        doc! {"$limit": 2},
        doc! {"$project": {"_id": 0, "v": "$_id"}},
    ];
    assert_eq!(
        run(&stages, &numbered(5)).unwrap(),
        [doc! {"v": 4}, doc! {"v": 3}]
    );
    assert_eq!(run(&[], &numbered(2)).unwrap(), numbered(2));
}

#[test]
fn a_limit_says_when_it_has_enough() {
    let pipeline = Pipeline::parse(&[doc! {"$skip": 1}, doc! {"$limit": 2}, doc! {"$count": "n"}]).unwrap();
    let mut run = pipeline.run();
    let flows: Vec<_> = numbered(3)
        .into_iter()
        .map(|document| run.push(document).unwrap().is_break())
        .collect();
    assert_eq!(flows, [false, false, true]);
    assert!(run.push(doc! {}).unwrap().is_break());
    assert_eq!(run.finish().unwrap(), [doc! {"n": 2}]);
}

#[test]
fn a_sort_before_a_limit_keeps_what_that_wants() {
    for stages in [
        vec![doc! {"$sort": {"_id": -1}}, doc! {"$skip": 1}, doc! {"$limit": 2}],
        vec![
            doc! {"$sort": {"_id": -1}},
            doc! {"$unset": "v"},
            doc! {"$skip": 1},
            doc! {"$limit": 2},
        ],
        vec![
            doc! {"$sort": {"_id": -1}},
            doc! {"$match": {"_id": {"$lt": 4}}},
            doc! {"$limit": 2},
        ],
    ] {
        assert_eq!(
            ids(&run(&stages, &numbered(5)).unwrap()),
            [3, 2].map(Value::Int),
            "{stages:?}"
        );
    }
}

#[test]
fn counting_nothing_gives_nothing() {
    let stages = [doc! {"$match": {"_id": 9}}, doc! {"$count": "n"}];
    assert!(run(&stages, &numbered(3)).unwrap().is_empty());
    assert_eq!(run(&stages[1..], &numbered(3)).unwrap(), [doc! {"n": 3}]);
}

#[test]
fn documents_are_reshaped() {
    let documents = [doc! {"_id": 1, "o": {"a": 1}, "b": 2}];
    assert_eq!(
        run(&[doc! {"$replaceRoot": {"newRoot": "$o"}}], &documents).unwrap(),
        [doc! {"a": 1}]
    );
    assert_eq!(
        run(&[doc! {"$replaceWith": {"x": "$b"}}], &documents).unwrap(),
        [doc! {"x": 2}]
    );
    assert_eq!(
        run(&[doc! {"$unset": ["o.a", "b"]}], &documents).unwrap(),
        [doc! {"_id": 1, "o": {}}]
    );
    assert_eq!(
        run(&[doc! {"$set": {"o.c": "$b"}}], &documents).unwrap(),
        [doc! {"_id": 1, "o": {"a": 1, "c": 2}, "b": 2}]
    );
    assert!(run(&[doc! {"$replaceWith": "$b"}], &documents).is_err());
    assert_eq!(
        run(&[doc! {"$sortByCount": "$even"}], &numbered(3)).unwrap(),
        [doc! {"_id": true, "count": 2}, doc! {"_id": false, "count": 1}]
    );
}

#[test]
fn the_first_match_can_be_left_to_the_store() {
    let pipeline = Pipeline::parse(&[doc! {"$match": {"a": 1}}, doc! {"$count": "n"}]).unwrap();
    assert_eq!(pipeline.leading_match().unwrap().source(), &doc! {"a": 1});
    let mut run = pipeline.run_matched();
    assert!(run.push(doc! {}).unwrap().is_continue());
    assert_eq!(run.finish().unwrap(), [doc! {"n": 1}]);
    assert!(
        Pipeline::parse(&[doc! {"$count": "n"}])
            .unwrap()
            .leading_match()
            .is_none()
    );
}

fn fault(stage: &Document) -> Error {
    Pipeline::parse(std::slice::from_ref(stage)).expect_err(&stage.to_string())
}

#[test]
fn malformed_stages_are_refused_by_name() {
    for stage in [
        doc! {"$match": 5},
        doc! {"$match": {"a": {"$foo": 1}}},
        doc! {"$project": {}},
        doc! {"$project": {"": 1}},
        doc! {"$addFields": {}},
        doc! {"$addFields": {"a": 1, "a.b": 1}},
        doc! {"$unset": []},
        doc! {"$unset": ["a", "a"]},
        doc! {"$unset": 1},
        doc! {"$replaceRoot": {}},
        doc! {"$replaceRoot": {"newRoot": "$a", "b": 1}},
        doc! {"$group": 5},
        doc! {"$sort": {}},
        doc! {"$sort": 5},
        doc! {"$sort": {"a": 0}},
        doc! {"$skip": (-1)},
        doc! {"$skip": 1.5},
        doc! {"$limit": 0},
        doc! {"$limit": 1.5},
        doc! {"$limit": "1"},
        doc! {"$count": ""},
        doc! {"$count": "$x"},
        doc! {"$count": "a.b"},
        doc! {"$count": 1},
        doc! {"$sortByCount": "a"},
        doc! {"$sortByCount": 1},
    ] {
        let error = fault(&stage);
        assert_eq!(error.kind(), ErrorKind::Query, "{stage}");
        assert!(error.place().operator.is_some(), "{stage}");
    }
    assert!(Pipeline::parse(&[doc! {}]).is_err());
    assert!(Pipeline::parse(&[doc! {"$limit": 1, "$skip": 1}]).is_err());
}

#[test]
fn unknown_stages_are_refused_by_name() {
    assert_eq!(
        fault(&doc! {"$macth": {}}).message(),
        "unknown stage $macth: did you mean $match?"
    );
    assert_eq!(fault(&doc! {"$lookup": {}}).kind(), ErrorKind::Unsupported);
    let many = vec![doc! {"$skip": 1}; MAX_STAGES + 1];
    assert_eq!(Pipeline::parse(&many).unwrap_err().kind(), ErrorKind::Limit);
}

#[test]
fn whole_doubles_count() {
    assert_eq!(
        run(&[doc! {"$skip": 1.0}, doc! {"$limit": 1.0}], &numbered(3)).unwrap(),
        [numbered(2).remove(1)]
    );
}

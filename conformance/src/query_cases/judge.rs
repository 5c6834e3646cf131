//! Whether an answer is the expected one.

use std::fmt;

use seed::value::{Array, order};
use seed::{Document, Error, Value};

use super::case::{Case, Expected, Op};

/// What came of carrying out a case.
#[derive(Clone, Debug)]
pub enum Answer {
    /// What a find or a pipeline gave, in its order.
    Found(Vec<Document>),
    /// What an update did.
    Updated {
        /// The whole collection afterwards.
        documents: Vec<Document>,
        /// How many documents matched.
        matched: u64,
        /// How many were changed.
        modified: u64,
        /// The id of the document that was inserted because none matched.
        upserted: Option<Value>,
    },
    /// It was refused.
    Refused {
        /// Why, as far as the caller keeps it.
        because: Option<Error>,
        /// The whole collection afterwards, if it could have been changed.
        documents: Option<Vec<Document>>,
    },
}

/// An answer that is not the expected one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    /// What was expected.
    pub expected: String,
    /// What came.
    pub came: String,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected {}, came {}", self.expected, self.came)
    }
}

/// Compares an answer with what the case expects, types included; `-0.0` alone equals `0` and `0.0`.
///
/// A case that needs a backtracking matcher of patterns (tag `lookaround`) may be refused.
///
/// # Errors
/// A [`Mismatch`] tells what was expected and what came.
pub fn judge(case: &Case, answer: &Answer) -> Result<(), Mismatch> {
    match (&case.expected, answer) {
        (_, Answer::Refused { .. }) if case.has_tag("lookaround") => Ok(()),
        (Expected::Refused, Answer::Refused { documents, .. }) => judge_unchanged(case, documents.as_deref()),
        (Expected::Ids(ids), Answer::Found(found)) => judge_ids(case, ids, found),
        (
            Expected::Documents {
                documents,
                unordered,
                sets,
                ..
            },
            Answer::Found(found),
        ) => {
            let (mut expected, mut came) = (documents.clone(), found.clone());
            for document in expected.iter_mut().chain(&mut came) {
                sets.iter().for_each(|field| sort_field(document, field));
            }
            if *unordered {
                sort(&mut expected);
                sort(&mut came);
            }
            judge_documents(&expected, &came)
        }
        (Expected::Documents { .. }, Answer::Updated { .. }) => judge_update(&case.expected, answer),
        (expected, answer) => Err(Mismatch {
            expected: told(expected),
            came: format!("{answer:?}"),
        }),
    }
}

fn judge_unchanged(case: &Case, after: Option<&[Document]>) -> Result<(), Mismatch> {
    match (&case.op, after) {
        (Op::Update { .. }, Some(after)) => judge_documents(&by_id(&case.documents), &by_id(after)),
        _ => Ok(()),
    }
}

fn judge_ids(case: &Case, expected: &Array, found: &[Document]) -> Result<(), Mismatch> {
    let mut expected: Vec<Value> = expected.to_vec();
    let mut came: Vec<Value> = found
        .iter()
        .map(|document| document.id().cloned().unwrap_or_default())
        .collect();
    if !case.is_sorted() {
        expected.sort_by(order::compare);
        came.sort_by(order::compare);
    }
    if same_values(&expected, &came) {
        return Ok(());
    }
    Err(Mismatch {
        expected: Value::from(expected).to_string(),
        came: Value::from(came).to_string(),
    })
}

fn judge_documents(expected: &[Document], came: &[Document]) -> Result<(), Mismatch> {
    let same = expected.len() == came.len() && expected.iter().zip(came).all(|(a, b)| same_documents(a, b));
    if same {
        return Ok(());
    }
    let told = |documents: &[Document]| Value::from(documents.to_vec()).to_string();
    Err(Mismatch {
        expected: told(expected),
        came: told(came),
    })
}

fn judge_update(expected: &Expected, answer: &Answer) -> Result<(), Mismatch> {
    let (
        Expected::Documents {
            documents,
            matched,
            modified,
            upserted,
            ..
        },
        Answer::Updated {
            documents: after,
            matched: came_matched,
            modified: came_modified,
            upserted: came_upserted,
        },
    ) = (expected, answer)
    else {
        unreachable!("the caller saw an update")
    };
    judge_documents(documents, &by_id(after))?;
    judge_count("matched", matched.as_ref(), *came_matched)?;
    judge_count("modified", modified.as_ref(), *came_modified)?;
    let came = came_upserted.clone().unwrap_or_default();
    match upserted {
        Some(expected) if !same(expected, &came) => Err(Mismatch {
            expected: format!("upserted {expected}"),
            came: format!("upserted {came}"),
        }),
        _ => Ok(()),
    }
}

fn judge_count(what: &str, expected: Option<&Value>, came: u64) -> Result<(), Mismatch> {
    match expected {
        Some(expected) if expected.as_i64() != i64::try_from(came).ok() => Err(Mismatch {
            expected: format!("{what} {expected}"),
            came: format!("{what} {came}"),
        }),
        _ => Ok(()),
    }
}

fn told(expected: &Expected) -> String {
    match expected {
        Expected::Refused => "a refusal".to_owned(),
        Expected::Ids(ids) => Value::from(ids.clone()).to_string(),
        Expected::Documents { documents, .. } => Value::from(documents.clone()).to_string(),
    }
}

fn by_id(documents: &[Document]) -> Vec<Document> {
    let id = |document: &Document| document.id().cloned().unwrap_or_default();
    let mut sorted = documents.to_vec();
    sorted.sort_by(|a, b| order::compare(&id(a), &id(b)));
    sorted
}

fn sort(documents: &mut [Document]) {
    documents.sort_by(order::compare_documents);
}

fn sort_field(document: &mut Document, field: &str) {
    if let Some(Value::Array(elements)) = document.get_mut(field) {
        elements.make_mut().sort_by(order::compare);
    }
}

/// Compares an expected value with one that came; `{"$generated": true}` is equal to any.
fn same(expected: &Value, came: &Value) -> bool {
    match (expected, came) {
        (Value::Document(expected), _) if is_generated(expected) => !came.is_null(),
        (Value::Document(expected), Value::Document(came)) => same_documents(expected, came),
        (Value::Array(expected), Value::Array(came)) => same_values(expected, came),
        (expected, came) => {
            expected == came || (is_zero(expected) && is_zero(came) && one_is_negative(expected, came))
        }
    }
}

fn same_documents(expected: &Document, came: &Document) -> bool {
    let pairs = expected.iter().zip(came.iter());
    let same_pairs = pairs.map(|((name, value), (came_name, came))| name == came_name && same(value, came));
    expected.len() == came.len() && same_pairs.into_iter().all(|same| same)
}

fn same_values(expected: &[Value], came: &[Value]) -> bool {
    expected.len() == came.len()
        && expected
            .iter()
            .zip(came)
            .all(|(expected, came)| same(expected, came))
}

fn is_generated(document: &Document) -> bool {
    document.len() == 1 && document.get("$generated").is_some()
}

fn is_zero(value: &Value) -> bool {
    value.as_f64() == Some(0.0)
}

fn one_is_negative(a: &Value, b: &Value) -> bool {
    let negative = |value: &Value| matches!(value, Value::Double(double) if double.is_sign_negative());
    negative(a) || negative(b)
}

#[cfg(test)]
mod tests {
    use seed::doc;

    use super::*;

    fn case(op: &str, expected: &str) -> Case {
        let line = format!(
            r#"{{"id":"x","area":"a","family":"f","note":"n","docs":[{{"_id":1}}],"op":{op},"expect":{expected}}}"#
        );
        Case::parse(&line).unwrap()
    }

    fn found(op: &str, expected: &str, documents: &[Document]) -> bool {
        judge(&case(op, expected), &Answer::Found(documents.to_vec())).is_ok()
    }

    #[test]
    fn types_and_the_order_of_keys_count() {
        let op = r#"{"filter":{}}"#;
        assert!(found(
            op,
            r#"{"docs":[{"a":1,"b":0}]}"#,
            &[doc! {"a": 1, "b": -0.0}]
        ));
        assert!(!found(op, r#"{"docs":[{"a":1}]}"#, &[doc! {"a": 1.0}]));
        assert!(!found(op, r#"{"docs":[{"a":0}]}"#, &[doc! {"a": 0.0}]));
        assert!(!found(
            op,
            r#"{"docs":[{"a":1,"b":2}]}"#,
            &[doc! {"b": 2, "a": 1}]
        ));
        assert!(found(
            op,
            r#"{"docs":[{"_id":{"$generated":true}}]}"#,
            &[doc! {"_id": "x"}]
        ));
    }

    #[test]
    fn ids_have_an_order_only_if_the_case_sorts() {
        let documents = [doc! {"_id": 2}, doc! {"_id": 1}];
        assert!(found(r#"{"filter":{}}"#, r#"{"ids":[1,2]}"#, &documents));
        assert!(!found(
            r#"{"filter":{},"sort":{"a":1}}"#,
            r#"{"ids":[1,2]}"#,
            &documents
        ));
        assert!(!found(r#"{"filter":{}}"#, r#"{"ids":[1]}"#, &documents));
    }

    #[test]
    fn what_has_no_order_is_compared_without() {
        let documents = [doc! {"r": [2, 1]}, doc! {"r": []}];
        assert!(found(
            r#"{"pipeline":[]}"#,
            r#"{"docs":[{"r":[]},{"r":[1,2]}],"unordered":true,"sets":["r"]}"#,
            &documents
        ));
        assert!(!found(
            r#"{"pipeline":[]}"#,
            r#"{"docs":[{"r":[]},{"r":[1,2]}],"sets":["r"]}"#,
            &documents
        ));
    }

    #[test]
    fn an_update_is_judged_by_what_the_case_tells() {
        let case = case(
            r#"{"filter":{},"update":{}}"#,
            r#"{"docs":[{"_id":1},{"_id":2}],"matched":1,"upserted":null}"#,
        );
        let answer = |matched, upserted| Answer::Updated {
            documents: vec![doc! {"_id": 2}, doc! {"_id": 1}],
            matched,
            modified: 7,
            upserted,
        };
        assert!(judge(&case, &answer(1, None)).is_ok());
        assert_eq!(
            judge(&case, &answer(2, None)).unwrap_err().to_string(),
            "expected matched 1, came matched 2"
        );
        assert!(judge(&case, &answer(1, Some(Value::Int(2)))).is_err());
    }

    #[test]
    fn a_refusal_must_have_changed_nothing() {
        let case = case(r#"{"filter":{},"update":{}}"#, r#"{"error":true}"#);
        let refused = |documents| {
            judge(
                &case,
                &Answer::Refused {
                    because: None,
                    documents: Some(documents),
                },
            )
        };
        assert!(refused(vec![doc! {"_id": 1}]).is_ok());
        assert!(refused(vec![doc! {"_id": 1, "a": 1}]).is_err());
        assert!(judge(&case, &Answer::Found(Vec::new())).is_err());
    }
}

//! Updates that set and unset whole top-level fields: known beforehand, applied in one pass.
//!
//! A claim of a job is such an update, and so is its end; they are by far the most frequent ones.

use super::ops::Operator;
use super::tree::{Branch, Node};
use crate::value::{Document, Text, Value};

/// Returns the fields that the operators set or unset (none), if they do nothing else.
pub(super) fn fields(root: &Branch) -> Option<Vec<(Text, Option<Value>)>> {
    root.children()
        .iter()
        .map(|(name, node)| field(name, node))
        .collect()
}

fn field(name: &Text, node: &Node) -> Option<(Text, Option<Value>)> {
    let Node::Leaf(leaf) = node else {
        return None;
    };
    // A change to the `_id` is refused with a look at the document, so it is left to the general way.
    match &leaf.operator {
        _ if name == "_id" => None,
        Operator::Set(value) => Some((name.clone(), Some(value.clone()))),
        Operator::Unset => Some((name.clone(), None)),
        _ => None,
    }
}

/// Applies the fields; none if the document has them already.
pub(super) fn apply(fields: &[(Text, Option<Value>)], document: &Document) -> Option<Document> {
    let mut changed: Option<Document> = None;
    for (name, value) in fields {
        if changed.as_ref().unwrap_or(document).get(name) == value.as_ref() {
            continue;
        }
        let changed = changed.get_or_insert_with(|| document.clone());
        match value {
            Some(value) => changed.set(name.clone(), value.clone()),
            None => changed.remove(name),
        };
    }
    changed
}

#[cfg(test)]
mod tests {
    use crate::value::Value;
    use crate::{DateTime, Update, update::Context};

    #[test]
    fn fields_are_known_in_name_order() {
        let update = Update::parse(&doc! {"$set": {"b": 1, "a": 2}, "$unset": {"aa": 1}}, &[]).unwrap();
        let expected = [
            ("a".into(), Some(Value::Int(2))),
            ("aa".into(), None),
            ("b".into(), Some(Value::Int(1))),
        ];
        assert_eq!(update.constant(), Some(&expected[..]));
    }

    #[test]
    fn other_updates_are_not_constant() {
        for source in [
            doc! {"a": 1},
            doc! {"$set": {"a.b": 1}},
            doc! {"$set": {"_id": 1}},
            doc! {"$set": {"a": 1}, "$inc": {"b": 1}},
            doc! {"$currentDate": {"a": true}},
            doc! {"$setOnInsert": {"a": 1}},
        ] {
            assert_eq!(Update::parse(&source, &[]).unwrap().constant(), None, "{source}");
        }
    }

    #[test]
    fn fields_keep_their_place_and_new_ones_follow_in_name_order() {
        let update = Update::parse(
            &doc! {"$set": {"n": 1, "m": 2, "b": 3}, "$unset": {"a": 1, "q": 1}},
            &[],
        )
        .unwrap();
        let context = Context::at(DateTime::from_millis(0));
        let changed = update
            .apply(&doc! {"_id": 1, "a": 1, "b": 1, "c": 1}, &context)
            .unwrap()
            .unwrap();
        let expected = doc! {"_id": 1, "b": 3, "c": 1, "m": 2, "n": 1};
        assert_eq!(changed, expected);
        assert_eq!(update.apply(&expected, &context).unwrap(), None);
    }
}

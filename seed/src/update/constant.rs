//! Updates that set and unset whole top-level fields: known beforehand, applied in one pass.
//!
//! A claim of a job is such an update, and so is its end; they are by far the most frequent ones.

use smallvec::SmallVec;

use super::ops::Operator;
use super::tree::{Branch, Node};
use crate::value::{Document, Text, Value, same_text};

/// Returns the fields that the operators set or unset (none), if they do nothing else.
pub(super) fn fields(root: &Branch) -> Option<Vec<(Text, Option<Value>)>> {
    root.children()
        .iter()
        .map(|(name, node)| field(name, node))
        .collect()
}

/// Reads an update that is plainly of this kind without the detour over the tree; none if it must be looked at closer.
pub(super) fn read(source: &Document) -> Option<Vec<(Text, Option<Value>)>> {
    let mut fields = Vec::with_capacity(
        source
            .values()
            .filter_map(Value::as_document)
            .map(Document::len)
            .sum(),
    );
    for (operator, operands) in source.iter() {
        let operands = operands.as_document().filter(|operands| !operands.is_empty())?;
        for (name, operand) in operands.fields() {
            let value = match operator {
                "$set" => Some(operand.clone()),
                "$unset" => None,
                _ => return None,
            };
            fields.push((name.clone(), value));
        }
    }
    fields.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
    let is_twice = fields.windows(2).any(|pair| pair[0].0 == pair[1].0);
    (!is_twice && fields.iter().all(|(name, _)| is_plain(name))).then_some(fields)
}

/// Tells whether a path is one name of letters, which has no second meaning and no order but that of its bytes.
fn is_plain(path: &str) -> bool {
    path != "_id"
        && !path.is_empty()
        && path
            .bytes()
            .all(|byte| byte.is_ascii_alphabetic() || byte == b'_')
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
    let has = |(name, value): &(Text, Option<Value>)| document.get(name) == value.as_ref();
    if fields.iter().all(has) {
        return None;
    }
    // Made anew with room for all of it, since a copy would have to be made in any case.
    let mut changed = Document::with_capacity(document.len() + fields.len());
    let mut left: SmallVec<[bool; 16]> = SmallVec::from_elem(true, fields.len());
    for (name, value) in document.fields() {
        let Some(at) = fields.iter().position(|(field, _)| same_text(field, name)) else {
            changed.push(name.clone(), value.clone());
            continue;
        };
        left[at] = false;
        if let Some(value) = &fields[at].1 {
            changed.push(name.clone(), value.clone());
        }
    }
    for ((name, value), _) in fields.iter().zip(left).filter(|(_, is_left)| *is_left) {
        if let Some(value) = value {
            changed.push(name.clone(), value.clone());
        }
    }
    Some(changed)
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
    fn what_is_read_at_once_is_what_the_tree_gives() {
        for source in [
            doc! {"$set": {"b": 1, "a": {"x.y": 1}}, "$unset": {"aa": 1}},
            doc! {"$set": {"run_at": 1, "Z": 2, "_a": 3}},
        ] {
            let read = super::read(&source).unwrap();
            let update = Update::parse(&source, &[]).unwrap();
            assert_eq!(update.constant(), Some(&read[..]));
        }
        for source in [
            doc! {"$set": {"a": 1}, "$unset": {"a": 1}},
            doc! {"$set": {}},
            doc! {"$set": {"a.b": 1}},
            doc! {"$set": {"_id": 1}},
            doc! {"$set": {"a": 1}, "$inc": {"b": 1}},
            doc! {"$set": 1},
        ] {
            assert_eq!(super::read(&source), None, "{source}");
        }
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

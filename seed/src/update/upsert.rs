//! Upsert: the document that is made when nothing met the filter.

use super::apply::Run;
use super::{Body, Context, Update, constant, replacement};
use crate::error::{Error, ErrorKind, Result};
use crate::filter::{Comparison, Filter, Node, Test};
use crate::path::Path;
use crate::value::limits::MAX_DEPTH;
use crate::value::{Document, Value};

/// Makes the document to insert.
pub(super) fn document(update: &Update, filter: &Filter, context: &Context) -> Result<Document> {
    let mut equalities = Vec::new();
    collect(filter.root(), &mut equalities);
    if update.is_replacement() {
        keep_only_id(&mut equalities)?;
    }
    let seed = seed(&equalities)?;
    let document = match &*update.body {
        Body::Replacement => replacement::with_id_of(&update.source, &seed)?,
        Body::Constant(fields) => constant::apply(fields, &seed).unwrap_or(seed),
        Body::Operators(operators) => Run::inserting(operators, &seed, context).apply()?.unwrap_or(seed),
    };
    with_id(document, context)
}

/// Finds what the filter says that values are equal to: where it can only be met so.
fn collect<'f>(node: &'f Node, equalities: &mut Vec<(&'f Path, &'f Value)>) {
    match node {
        Node::And(nodes) => nodes.iter().for_each(|node| collect(node, equalities)),
        Node::Or(nodes) if nodes.len() == 1 => collect(&nodes[0], equalities),
        Node::Field(path, test) => collect_from_test(path, test, equalities),
        Node::Or(_) | Node::Nor(_) | Node::Expr(_) | Node::Constant(_) => {}
    }
}

fn collect_from_test<'f>(path: &'f Path, test: &'f Test, equalities: &mut Vec<(&'f Path, &'f Value)>) {
    match test {
        Test::Compare(Comparison::Eq, value) => equalities.push((path, value)),
        Test::In(values) if values.len() == 1 => equalities.push((path, &values[0])),
        Test::All(tests) => tests
            .iter()
            .for_each(|test| collect_from_test(path, test, equalities)),
        _ => {}
    }
}

/// Keeps the `_id` alone, which has to be there whole.
fn keep_only_id(equalities: &mut Vec<(&Path, &Value)>) -> Result<()> {
    equalities.retain(|(path, _)| path.parts()[0].name() == "_id");
    match equalities.iter().find(|(path, _)| !path.is_top_level()) {
        Some((path, _)) => {
            let message = "the filter tells only a part of the _id: a replacement needs the whole one";
            Err(Error::update(message).at_path(path.as_str()))
        }
        None => Ok(()),
    }
}

/// Makes a document of the equalities in the order of the filter, `_id` first.
fn seed(equalities: &[(&Path, &Value)]) -> Result<Document> {
    let mut seed = Document::new();
    for (at, (path, value)) in equalities.iter().enumerate() {
        if let Some((other, _)) = equalities[..at]
            .iter()
            .find(|(other, _)| other.conflicts_with(path))
        {
            let message =
                format!("the filter tells both {other:?} and {path:?}: a new document takes each field once");
            return Err(Error::update(message).at_path(path.as_str()));
        }
        place(&mut seed, path, value)?;
    }
    if let Some(id) = seed.id().cloned() {
        seed.set_first("_id", id);
    }
    Ok(seed)
}

/// Sets a value, making the documents that lead to it. No value is in the way, since no two paths conflict.
fn place(document: &mut Document, path: &Path, value: &Value) -> Result<()> {
    let Some((last, parents)) = path.parts().split_last() else {
        return Ok(());
    };
    if parents.len() >= MAX_DEPTH {
        let message =
            format!("a path of the filter has more parts than the {MAX_DEPTH} levels of a document");
        return Err(Error::new(ErrorKind::Limit, message));
    }
    let mut document = document;
    for parent in parents {
        if !document.has(parent.name()) {
            document.set(parent.name().clone(), Document::new());
        }
        document = match document.get_mut(parent.name()) {
            Some(Value::Document(inner)) => inner,
            _ => return Ok(()),
        };
    }
    document.set(last.name().clone(), value);
    Ok(())
}

fn with_id(mut document: Document, context: &Context) -> Result<Document> {
    match (document.id(), &context.new_id) {
        (Some(Value::Array(_)), _) => Err(Error::update("an _id is no array").at_path("_id")),
        (None, Some(id)) => {
            document.set_first("_id", id);
            Ok(document)
        }
        _ => Ok(document),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::DateTime;

    fn upsert(filter: &Document, update: &Document) -> Result<Document> {
        let context = Context {
            new_id: Some("new".into()),
            ..Context::at(DateTime::from_millis(0))
        };
        Update::parse(update, &[])?.upsert(&Filter::parse(filter)?, &context)
    }

    #[test]
    fn equalities_in_every_form_are_the_seed() {
        let filter = doc! {
            "z": 1, "a": {"$eq": null}, "$and": [{"b.c": 2}, {"b.d": {"$in": [3]}}], "$or": [{"e": {"$all": [4]}}],
            "n": {"$gt": 1}, "m": {"$ne": 1}, "i": {"$in": [1, 2]}, "$nor": [{"q": 1}], "_id": 7,
        };
        let made = upsert(&filter, &doc! {"$set": {"x": 1}}).unwrap();
        assert_eq!(
            made,
            doc! {"_id": 7, "z": 1, "a": null, "b": {"c": 2, "d": 3}, "e": 4, "x": 1}
        );
    }

    #[test]
    fn a_field_is_told_once() {
        for filter in [
            doc! {"a": 1, "$and": [{"a": 1}]},
            doc! {"a": 1, "a.b": 1},
            doc! {"a.b": 1, "a": 1},
            doc! {"a": {"$all": [1, 2]}},
        ] {
            assert!(upsert(&filter, &doc! {"$set": {"x": 1}}).is_err(), "{filter}");
        }
    }

    #[test]
    fn a_replacement_takes_only_the_id_from_the_filter() {
        assert_eq!(
            upsert(&doc! {"_id": 1, "a": 2}, &doc! {"b": 3}).unwrap(),
            doc! {"_id": 1, "b": 3}
        );
        assert_eq!(
            upsert(&doc! {"a": 2}, &doc! {"b": 3}).unwrap(),
            doc! {"_id": "new", "b": 3}
        );
        assert_eq!(
            upsert(&doc! {"a": 1, "a.b": 2}, &doc! {"b": 3}).unwrap(),
            doc! {"_id": "new", "b": 3}
        );
        assert!(upsert(&doc! {"_id.x": 1}, &doc! {"b": 3}).is_err());
        assert!(upsert(&doc! {"_id": 1}, &doc! {"_id": 2}).is_err());
    }

    #[test]
    fn the_id_comes_from_filter_update_or_context_and_first() {
        assert_eq!(
            upsert(&doc! {"a": 1}, &doc! {"$set": {"_id": 8}}).unwrap(),
            doc! {"_id": 8, "a": 1}
        );
        assert_eq!(
            upsert(&doc! {"a": 1}, &doc! {"$setOnInsert": {"_id": 8}}).unwrap(),
            doc! {"_id": 8, "a": 1}
        );
        assert_eq!(
            upsert(&doc! {"a": 1}, &doc! {"$set": {"a": 2}}).unwrap(),
            doc! {"_id": "new", "a": 2}
        );
        assert!(upsert(&doc! {"_id": 5}, &doc! {"$set": {"_id": 6}}).is_err());
        assert!(upsert(&doc! {"a": 1}, &doc! {"$set": {"_id": [1]}}).is_err());
        assert!(upsert(&doc! {"_id": {"$eq": [1]}}, &doc! {"$inc": {"a": 1}}).is_err());
    }

    #[test]
    fn operators_apply_to_the_seed() {
        assert_eq!(
            upsert(
                &doc! {"_id": 1, "n": 2},
                &doc! {"$inc": {"n": 1}, "$setOnInsert": {"m": 1}}
            )
            .unwrap(),
            doc! {"_id": 1, "n": 3, "m": 1}
        );
        assert!(upsert(&doc! {"_id": 1, "v": 1}, &doc! {"$set": {"v.$": 1}}).is_err());
    }

    #[test]
    fn a_path_deeper_than_a_document_is_refused() {
        let deep = vec!["a"; 10_000].join(".");
        let mut filter = Document::new();
        filter.set(deep.as_str(), 1);
        assert!(upsert(&filter, &doc! {"$set": {"x": 1}}).is_err());
    }
}

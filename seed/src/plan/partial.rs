//! The filter of a partial index, which every write asks about every document.

use crate::error::{Error, ErrorKind, Result};
use crate::filter::{Comparison, Filter, Node, Test, node_matches};
use crate::path::Part;
use crate::value::{Document, Text, Value, same_text};

/// A filter of equalities, ranges and `$exists: true` on top-level fields.
#[derive(Clone, Debug)]
pub(super) struct Partial {
    pub(super) filter: Filter,
    /// What each condition needs of its field.
    needs: Vec<(Part, Need)>,
    /// The condition itself of each need.
    conditions: Vec<Node>,
}

/// What can be told of a field at a glance. No condition holds without its field.
#[derive(Clone, Debug)]
enum Need {
    /// It is there.
    Presence,
    /// It is this text, or an array that may hold it.
    Text(Text),
    /// That takes a closer look.
    Other,
}

impl Partial {
    /// Takes a filter that has no other conditions.
    ///
    /// # Errors
    /// [`ErrorKind::Index`] if it has.
    pub(super) fn new(filter: Filter) -> Result<Self> {
        let (mut needs, mut conditions) = (Vec::new(), Vec::new());
        collect(filter.root(), &mut needs, &mut conditions)?;
        Ok(Self {
            filter,
            needs,
            conditions,
        })
    }

    /// Tells whether a document meets the filter.
    ///
    /// # Errors
    /// None in practice: the filter has no expression that can fail.
    pub(super) fn takes(&self, document: &Document) -> Result<bool> {
        let mut is_sure = true;
        for (field, need) in &self.needs {
            match (need, field.field(document)) {
                (Need::Presence, Some(_)) => {}
                (Need::Text(wanted), Some(Value::String(text))) if same_text(wanted, text) => {}
                (Need::Text(_), Some(Value::Array(_))) | (Need::Other, Some(_)) => is_sure = false,
                (Need::Text(_), Some(_)) | (_, None) => return Ok(false),
            }
        }
        if is_sure {
            Ok(true)
        } else {
            self.filter.matches(document)
        }
    }

    /// Returns the fields that have conditions, each once.
    pub(super) fn fields(&self) -> impl Iterator<Item = &Text> {
        let name = |at: usize| self.needs[at].0.name();
        let is_first = move |at: usize| (0..at).all(|earlier| name(earlier) != name(at));
        (0..self.needs.len()).filter(move |at| is_first(*at)).map(name)
    }

    /// Tells whether all conditions on one field hold for a value of it.
    ///
    /// # Errors
    /// As [`takes`](Self::takes).
    pub(super) fn takes_field(&self, field: &str, value: Option<&Value>) -> Result<bool> {
        let Some(value) = value else {
            return Ok(!self.looks_at(field));
        };
        let needs = self.needs.iter().zip(&self.conditions);
        for ((_, need), condition) in needs.filter(|((part, _), _)| same_text(part.name(), field)) {
            let is_met = match (need, value) {
                (Need::Presence, _) => true,
                (Need::Text(wanted), Value::String(text)) => same_text(wanted, text),
                (Need::Text(_) | Need::Other, _) => {
                    let alone = Document::from_iter([(field.into(), value.clone())]);
                    node_matches(condition, &alone)?
                }
            };
            if !is_met {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Tells whether a condition is on this field.
    pub(super) fn looks_at(&self, field: &str) -> bool {
        self.needs.iter().any(|(part, _)| same_text(part.name(), field))
    }
}

fn collect(node: &Node, needs: &mut Vec<(Part, Need)>, conditions: &mut Vec<Node>) -> Result<()> {
    let (path, test) = match node {
        Node::And(nodes) => {
            return nodes.iter().try_for_each(|node| collect(node, needs, conditions));
        }
        Node::Field(path, test) if path.is_top_level() => (path, test),
        _ => return Err(fault("only conditions on top-level fields, all of them met")),
    };
    check(test).map_err(|cause| cause.at_path(path.as_str()))?;
    let need = match test {
        Test::Exists(true) => Need::Presence,
        Test::Compare(Comparison::Eq, Value::String(text)) => Need::Text(text.clone()),
        _ => Need::Other,
    };
    needs.push((path.parts()[0].clone(), need));
    conditions.push(node.clone());
    Ok(())
}

fn check(test: &Test) -> Result<()> {
    match test {
        Test::Exists(true) => Ok(()),
        Test::All(tests) => tests.iter().try_for_each(check),
        Test::Compare(
            Comparison::Eq | Comparison::Gt | Comparison::Gte | Comparison::Lt | Comparison::Lte,
            value,
        ) if !matches!(value, Value::Null | Value::Array(_) | Value::Document(_)) => Ok(()),
        _ => Err(fault("equalities and ranges by a plain value, and $exists: true")),
    }
}

fn fault(allowed: &str) -> Error {
    Error::new(
        ErrorKind::Index,
        format!("the filter of a partial index takes {allowed}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_glance_tells_what_the_filter_tells() {
        let filters = [
            doc! {},
            doc! {"s": "queued"},
            doc! {"s": "queued", "n": {"$gte": 1}},
            doc! {"s": {"$exists": true}},
            doc! {"n": 1, "s": {"$exists": true, "$gt": "a"}},
        ];
        let values: [Option<Value>; 9] = [
            None,
            Some(Value::Null),
            Some("queued".into()),
            Some("done".into()),
            Some(1.into()),
            Some(0.5.into()),
            Some(vec!["done", "queued"].into()),
            Some(Value::from(Vec::<Value>::new())),
            Some(doc! {"s": "queued"}.into()),
        ];
        for filter in filters {
            let partial = Partial::new(Filter::parse(&filter).unwrap()).unwrap();
            for s in &values {
                for n in &values {
                    let mut document = doc! {};
                    s.iter().for_each(|value| drop(document.set("s", value.clone())));
                    n.iter().for_each(|value| drop(document.set("n", value.clone())));
                    let expected = partial.filter.matches(&document).unwrap();
                    assert_eq!(partial.takes(&document).unwrap(), expected, "{filter} {document}");
                    let by_field = |field: &Text| partial.takes_field(field, document.get(field)).unwrap();
                    assert_eq!(
                        partial.fields().all(by_field),
                        expected,
                        "{filter} {document} field by field"
                    );
                }
            }
        }
    }
}

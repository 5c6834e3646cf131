//! Applies the tree of fields to documents: what stays first, then what is worked out.

use crate::error::Result;
use crate::filter::Filter;
use crate::value::{Array, Document, Value};

use super::Kind;
use super::tree::{Child, Fields};

/// Returns the fields that stay, in their order.
pub(super) fn select(fields: &Fields, kind: Kind, document: &Document) -> Document {
    let mut selected = Document::new();
    for (name, value) in document.fields() {
        let kept = match (fields.get(name), kind) {
            (Some(Child::Named | Child::Sliced), Kind::Inclusion)
            | (Some(Child::Sliced | Child::Computed(_) | Child::Element(_)) | None, Kind::Exclusion) => {
                Some(value.clone())
            }
            (Some(Child::Inside(inner)), kind) => select_inside(inner, kind, value),
            // Computed fields come after the included ones, even if there was one of the same name.
            (Some(Child::Computed(_) | Child::Element(_)) | None, Kind::Inclusion)
            | (Some(Child::Named), Kind::Exclusion) => None,
        };
        if let Some(value) = kept {
            selected.push(name.clone(), value);
        }
    }
    selected
}

/// Looks at the documents in a value, those in nested arrays too; what holds none stays only in an exclusion.
fn select_inside(fields: &Fields, kind: Kind, value: &Value) -> Option<Value> {
    match value {
        Value::Document(document) => Some(select(fields, kind, document).into()),
        Value::Array(elements) => {
            let kept = elements
                .iter()
                .filter_map(|element| select_inside(fields, kind, element));
            Some(kept.collect::<Array>().into())
        }
        scalar => (kind == Kind::Exclusion).then(|| scalar.clone()),
    }
}

/// Sets the fields that are worked out from `root`, in the order in which they were named.
pub(super) fn compute(fields: &Fields, root: &Document, document: &mut Document) -> Result<()> {
    for (name, child) in fields.iter() {
        let value = match child {
            Child::Named | Child::Sliced => continue,
            Child::Computed(expression) => expression.evaluate(root)?,
            Child::Element(filter) => first_element(filter, name, root)?,
            Child::Inside(inner) if inner.is_computed() => {
                Some(compute_inside(inner, root, document.get(name))?)
            }
            Child::Inside(_) => continue,
        };
        match value {
            Some(value) => drop(document.set(name, value)),
            None => drop(document.remove(name)),
        }
    }
    Ok(())
}

/// Sets fields in each document in a value; what is neither an array nor a document becomes one.
fn compute_inside(fields: &Fields, root: &Document, value: Option<&Value>) -> Result<Value> {
    match value {
        Some(Value::Array(elements)) => {
            let values = elements
                .iter()
                .map(|element| compute_inside(fields, root, Some(element)));
            Ok(Value::Array(values.collect::<Result<_>>()?))
        }
        other => {
            let mut document = other.and_then(Value::as_document).cloned().unwrap_or_default();
            compute(fields, root, &mut document)?;
            Ok(document.into())
        }
    }
}

/// Returns the first element that meets `$elemMatch` as an array of its own; missing if there is none.
fn first_element(filter: &Filter, name: &str, root: &Document) -> Result<Option<Value>> {
    let element = filter.find_match(root)?.and_then(|matched| matched.element());
    let elements = root.get(name).and_then(Value::as_array);
    Ok(elements
        .zip(element)
        .and_then(|(elements, at)| elements.get(at))
        .map(|element| [element].into()))
}

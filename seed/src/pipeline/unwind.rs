//! The stage `$unwind`: a document for each element of an array.

use crate::error::{Error, ErrorKind, Result};
use crate::expr::validate_name;
use crate::path::{Part, Path};
use crate::suggest::did_you_mean;
use crate::value::limits::MAX_DEPTH;
use crate::value::{Document, Value};

/// A parsed `$unwind`.
#[derive(Clone, Debug)]
pub(super) struct Unwind {
    path: Path,
    /// The field that is set to the position of the element.
    index: Option<Path>,
    /// Whether a document without elements passes.
    keeps_empty: bool,
}

impl Unwind {
    pub(super) fn parse(operand: &Value) -> Result<Self> {
        let options = match operand {
            Value::String(_) => &doc! {"path": operand},
            Value::Document(options) => options,
            other => {
                return Err(Error::query(format!(
                    "takes a path or a document, not {}",
                    other.type_name()
                )));
            }
        };
        let mut unwind = Self {
            path: Path::new(""),
            index: None,
            keeps_empty: false,
        };
        for (name, value) in options.iter() {
            match (name, value) {
                ("path", Value::String(path)) => unwind.path = field(path)?,
                ("path", _) => return Err(Error::query("path is a string that begins with $")),
                ("includeArrayIndex", Value::String(index)) => unwind.index = Some(validated(index)?),
                ("includeArrayIndex", _) => {
                    return Err(Error::query("includeArrayIndex is the path of a field"));
                }
                ("preserveNullAndEmptyArrays", Value::Bool(keeps)) => unwind.keeps_empty = *keeps,
                ("preserveNullAndEmptyArrays", _) => {
                    return Err(Error::query("preserveNullAndEmptyArrays is true or false"));
                }
                _ => {
                    let hint =
                        did_you_mean(name, ["path", "includeArrayIndex", "preserveNullAndEmptyArrays"]);
                    return Err(Error::query(format!("knows no option {name:?}{hint}")));
                }
            }
        }
        if unwind.path.as_str().is_empty() {
            return Err(Error::query("path is missing"));
        }
        Ok(unwind)
    }

    /// Returns the documents that a document becomes.
    pub(super) fn apply<'a>(&'a self, document: &'a Document) -> Box<dyn Iterator<Item = Document> + 'a> {
        match read(document, self.path.parts()) {
            Some(Value::Array(elements)) if !elements.is_empty() => {
                Box::new(elements.iter().enumerate().map(|(at, element)| {
                    let mut unwound = document.clone();
                    write(&mut unwound, self.path.parts(), element.clone());
                    self.with_index(unwound, (at as i64).into())
                }))
            }
            empty @ (None | Some(Value::Null | Value::Array(_))) => {
                let kept = self.keeps_empty.then(|| {
                    let mut kept = document.clone();
                    if matches!(empty, Some(Value::Array(_))) {
                        remove(&mut kept, self.path.parts());
                    }
                    self.with_index(kept, Value::Null)
                });
                Box::new(kept.into_iter())
            }
            Some(_) => Box::new(std::iter::once(self.with_index(document.clone(), Value::Null))),
        }
    }

    fn with_index(&self, mut document: Document, at: Value) -> Document {
        if let Some(index) = &self.index {
            write(&mut document, index.parts(), at);
        }
        document
    }
}

fn field(text: &str) -> Result<Path> {
    match text.strip_prefix('$') {
        Some(path) => validated(path),
        None => Err(Error::query(format!("path begins with $: write \"${text}\""))),
    }
}

fn validated(text: &str) -> Result<Path> {
    let path = Path::new(text);
    let fault = |error: Error| error.at_path(text);
    path.parts()
        .iter()
        .try_for_each(|part| validate_name(part.name()))
        .map_err(fault)?;
    if path.parts().len() > MAX_DEPTH {
        let message = format!("a path has at most {MAX_DEPTH} parts");
        return Err(fault(Error::new(ErrorKind::Limit, message)));
    }
    Ok(path)
}

/// Follows a path through documents only; arrays on the way are not entered.
fn read<'a>(document: &'a Document, parts: &[Part]) -> Option<&'a Value> {
    let (first, rest) = parts.split_first()?;
    let value = document.get(first.name())?;
    if rest.is_empty() {
        Some(value)
    } else {
        read(value.as_document()?, rest)
    }
}

/// Sets a path; what stands in the way becomes a document.
fn write(document: &mut Document, parts: &[Part], value: Value) {
    match parts {
        [] => {}
        [last] => drop(document.set(last.name(), value)),
        [first, rest @ ..] => match document.get_mut(first.name()) {
            Some(Value::Document(inner)) => write(inner, rest, value),
            _ => {
                let mut inner = Document::new();
                write(&mut inner, rest, value);
                document.set(first.name(), inner);
            }
        },
    }
}

fn remove(document: &mut Document, parts: &[Part]) {
    match parts {
        [] => {}
        [last] => drop(document.remove(last.name())),
        [first, rest @ ..] => {
            if let Some(Value::Document(inner)) = document.get_mut(first.name()) {
                remove(inner, rest);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unwound(operand: impl Into<Value>, document: &Document) -> Vec<Document> {
        Unwind::parse(&operand.into()).unwrap().apply(document).collect()
    }

    #[test]
    fn each_element_takes_the_place_of_its_array() {
        let document = doc! {"_id": 1, "o": {"v": [1, [2]], "k": 3}};
        assert_eq!(
            unwound(doc! {"path": "$o.v", "includeArrayIndex": "o.at"}, &document),
            [
                doc! {"_id": 1, "o": {"v": 1, "k": 3, "at": 0}},
                doc! {"_id": 1, "o": {"v": [2], "k": 3, "at": 1}}
            ]
        );
        assert_eq!(unwound("$_id", &document), std::slice::from_ref(&document));
        assert!(unwound("$o.v.x", &document).is_empty());
    }

    #[test]
    fn what_has_no_elements_passes_only_if_it_is_preserved() {
        let keep = || doc! {"path": "$v", "preserveNullAndEmptyArrays": true, "includeArrayIndex": "i"};
        for (document, kept) in [
            (doc! {"v": null}, doc! {"v": null, "i": null}),
            (doc! {"v": [], "k": 1}, doc! {"k": 1, "i": null}),
            (doc! {"k": 1}, doc! {"k": 1, "i": null}),
        ] {
            assert!(unwound("$v", &document).is_empty());
            assert_eq!(unwound(keep(), &document), [kept]);
        }
        assert_eq!(unwound(keep(), &doc! {"v": 5}), [doc! {"v": 5, "i": null}]);
    }

    #[test]
    fn malformed_options_are_refused() {
        for operand in [
            Value::from("v"),
            "$".into(),
            "$$ROOT".into(),
            5.into(),
            Value::from(doc! {}),
            doc! {"path": "v"}.into(),
            doc! {"path": 1}.into(),
            doc! {"path": "$v", "foo": 1}.into(),
            doc! {"path": "$v", "includeArrayIndex": ""}.into(),
            doc! {"path": "$v", "includeArrayIndex": "$i"}.into(),
            doc! {"path": "$v", "preserveNullAndEmptyArrays": 1}.into(),
        ] {
            assert!(Unwind::parse(&operand).is_err(), "{operand}");
        }
    }
}

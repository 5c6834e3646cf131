//! References: field paths such as `$a.b` and variables such as `$$ROOT` and `$$this.a`.

use crate::error::{Error, ErrorKind, Result};
use crate::path::{Part, Path};
use crate::value::{Document, Value};

use super::Operand;

/// What a `$…` text refers to.
#[derive(Clone, Debug)]
pub(super) struct Reference {
    base: Base,
    /// The path below the base; none is the base itself.
    path: Option<Path>,
}

/// Where a reference starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Base {
    /// The document.
    Root,
    /// Nothing: `$$REMOVE`.
    Missing,
    /// The variable at this place, counted from the outermost.
    Variable(usize),
}

impl Reference {
    /// Reads a text that begins with `$`, with the variables in sight, the innermost last.
    pub(super) fn parse(text: &str, variables: &[String]) -> Result<Self> {
        let fault = |error: Error| error.at_path(text);
        let (name, path) = match text.strip_prefix("$$") {
            Some(variable) => match variable.split_once('.') {
                Some((name, path)) => (name, Some(path)),
                None => (variable, None),
            },
            None => ("CURRENT", Some(&text[1..])),
        };
        let base = base(name, variables).map_err(fault)?;
        let path = path.map(field_path).transpose().map_err(fault)?;
        Ok(Self { base, path })
    }

    /// Makes the reference that leads to nothing.
    pub(super) fn missing() -> Self {
        Self {
            base: Base::Missing,
            path: None,
        }
    }

    /// Follows the reference; arrays on the way give an array of what their documents hold.
    pub(super) fn follow(&self, root: &Document, variables: &[Operand]) -> Operand {
        let parts = self.path.as_ref().map(Path::parts);
        match (self.base, parts) {
            (Base::Root, None) => Some(Value::Document(root.clone())),
            (Base::Root, Some(parts)) => walk_document(root, parts),
            (Base::Missing, _) => None,
            (Base::Variable(at), None) => variables[at].clone(),
            (Base::Variable(at), Some(parts)) => walk(variables[at].as_ref()?, parts),
        }
    }
}

fn base(name: &str, variables: &[String]) -> Result<Base> {
    if let Some(at) = variables.iter().rposition(|variable| variable == name) {
        return Ok(Base::Variable(at));
    }
    match name {
        "ROOT" | "CURRENT" => Ok(Base::Root),
        "REMOVE" => Ok(Base::Missing),
        "NOW" | "CLUSTER_TIME" | "DESCEND" | "PRUNE" | "KEEP" | "JS_SCOPE" | "IS_MR" | "SEARCH_META"
        | "USER_ROLES" => {
            let message = format!("the variable $${name} is not offered");
            Err(Error::new(ErrorKind::Unsupported, message))
        }
        "" => Err(Error::query("a name is expected after $$")),
        _ => Err(Error::query(format!("the variable $${name} is not defined"))),
    }
}

fn field_path(text: &str) -> Result<Path> {
    let path = Path::new(text);
    path.parts()
        .iter()
        .try_for_each(|part| validate_name(part.name()))?;
    Ok(path)
}

/// Checks one part of a path that is read or one name of a field that is made.
pub(crate) fn validate_name(name: &str) -> Result<()> {
    let fault = match name {
        "" => "has an empty part: take out the dot too many, or name a field after $",
        name if name.starts_with('$') && !matches!(name, "$id" | "$ref" | "$db") => {
            "has a part that begins with $: only values and operators do"
        }
        name if name.contains('\0') => "holds the character U+0000",
        _ => return Ok(()),
    };
    Err(Error::query(format!("the path {fault}")))
}

fn walk(value: &Value, parts: &[Part]) -> Operand {
    match value {
        Value::Document(document) => walk_document(document, parts),
        // An array inside an array is not entered.
        Value::Array(elements) => {
            let documents = elements.iter().filter_map(Value::as_document);
            Some(Value::Array(
                documents
                    .filter_map(|document| walk_document(document, parts))
                    .collect(),
            ))
        }
        _ => None,
    }
}

fn walk_document(document: &Document, parts: &[Part]) -> Operand {
    let (first, rest) = parts.split_first().expect("a path has at least one part");
    let value = document.get(first.name())?;
    if rest.is_empty() {
        Some(value.clone())
    } else {
        walk(value, rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn follow(text: &str, document: &Document) -> Operand {
        Reference::parse(text, &[]).unwrap().follow(document, &[])
    }

    #[test]
    fn arrays_on_the_way_give_arrays() {
        let document = doc! {"a": [{"b": 1}, {"c": 2}, 5, [{"b": 3}], {"b": [4]}], "d": [], "e": 5};
        assert_eq!(
            follow("$a.b", &document),
            Some(vec![1.into(), Value::from([4])].into())
        );
        assert_eq!(follow("$d.x", &document), Some(Value::Array([].into())));
        assert_eq!(follow("$e.x", &document), None);
        assert_eq!(follow("$a.0", &document), Some(Value::Array([].into())));
        assert_eq!(follow("$$ROOT.e", &document), Some(5.into()));
        assert_eq!(follow("$$CURRENT", &document), Some(document.clone().into()));
        assert_eq!(follow("$$REMOVE", &document), None);
    }

    #[test]
    fn malformed_references_are_refused() {
        for text in [
            "$", "$$", "$a.", "$.a", "$a..b", "$a.$b", "$$ROOT.", "$$x", "$$.a", "$a\0",
        ] {
            assert!(Reference::parse(text, &[]).is_err(), "{text}");
        }
        assert_eq!(
            Reference::parse("$$NOW", &[]).unwrap_err().kind(),
            ErrorKind::Unsupported
        );
    }
}

//! `$rename`: a value goes to another path.

use crate::error::{Error, Result};
use crate::path::{Part, Path};
use crate::update::apply::Run;
use crate::update::step::array_index;
use crate::value::{Document, Value};

/// Where a value is from and where it goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rename {
    source: Path,
    target: Path,
}

impl Rename {
    /// Reads the other path; neither has `$` in it, and neither leads to the other.
    pub(super) fn parse(source: &str, target: &Value) -> Result<Self> {
        let Value::String(target) = target else {
            let found = target.type_name();
            return Err(Error::update(format!(
                "the new path is a string, not a value of type {found}"
            )));
        };
        let (source, target) = (Path::new(source), Path::new(target.clone()));
        if source.conflicts_with(&target) {
            return Err(Error::update(format!(
                "{source} and {target} lie on one path: rename to another one"
            )));
        }
        if [&source, &target]
            .iter()
            .any(|path| path.parts().iter().any(is_dynamic))
        {
            return Err(Error::update(
                "elements of arrays cannot be renamed: take the $ out of the path",
            ));
        }
        Ok(Self { source, target })
    }

    /// Returns the path where the value goes.
    pub(crate) fn target(&self) -> &Path {
        &self.target
    }

    /// Takes the value from where it was in the document before the update, if there is one.
    ///
    /// No other operator may touch either path or a part of it, so the document before the update is as good as any.
    pub(super) fn carry(&self, run: &mut Run<'_>) -> Result<Option<Value>> {
        let value = find(run.original(), self.source.parts())?.cloned();
        if value.is_some() {
            refuse_arrays(run.original(), self.target.parts())?;
            run.move_away(&self.source);
        }
        Ok(value)
    }
}

/// Removes a value that [`Rename::carry`] found.
pub(crate) fn remove(document: &mut Document, path: &[Part]) {
    match path {
        [] => {}
        [last] => {
            document.remove(last.name());
        }
        [first, rest @ ..] => {
            if let Some(Value::Document(inner)) = document.get_mut(first.name()) {
                remove(inner, rest);
            }
        }
    }
}

/// Finds the value to be renamed, which is no element of an array nor in one.
fn find<'d>(document: &'d Document, path: &[Part]) -> Result<Option<&'d Value>> {
    let Some((first, rest)) = path.split_first() else {
        return Ok(None);
    };
    let mut in_array = false;
    let mut value = document.get(first.name());
    for part in rest {
        value = match value {
            None => return Ok(None),
            Some(Value::Document(inner)) => inner.get(part.name()),
            Some(Value::Array(elements)) => {
                in_array = true;
                let at = array_index(part.name()).ok_or_else(|| not_viable(part, "array"))?;
                elements.get(at)
            }
            Some(other) => return Err(not_viable(part, other.type_name())),
        };
    }
    if in_array && value.is_some() {
        return Err(Error::update(
            "an element of an array cannot be renamed: use $push and $pull",
        ));
    }
    Ok(value)
}

/// Refuses a target in an array; other values that are in the way are found when the tree is walked.
fn refuse_arrays(document: &Document, path: &[Part]) -> Result<()> {
    let Some((_, parents)) = path.split_last() else {
        return Ok(());
    };
    let mut document = document;
    for part in parents {
        match document.get(part.name()) {
            Some(Value::Document(inner)) => document = inner,
            Some(Value::Array(_)) => {
                return Err(Error::update(
                    "a value cannot be renamed into an array: use $push",
                ));
            }
            _ => return Ok(()),
        }
    }
    Ok(())
}

fn not_viable(part: &Part, found: &str) -> Error {
    Error::update(format!(
        "the old path leads into a value of type {found}, which has no field {}",
        part.name()
    ))
}

fn is_dynamic(part: &Part) -> bool {
    let name = part.name();
    name == "$" || (name.starts_with("$[") && name.ends_with(']'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_paths_are_fixed_and_apart() {
        let parse = |source: &str, target: &str| Rename::parse(source, &target.into());
        assert!(parse("a.b", "a.c").is_ok());
        for (source, target) in [
            ("a", "a"),
            ("a", "a.b"),
            ("a.b", "a"),
            ("a.$", "b"),
            ("a", "b.$[]"),
            ("a", "b.$[e]"),
        ] {
            assert!(parse(source, target).is_err(), "{source} {target}");
        }
        assert!(Rename::parse("a", &1.into()).is_err());
    }

    #[test]
    fn a_value_is_found_outside_of_arrays_only() {
        let document = doc! {"a": {"b": 1}, "v": [1, {"x": 1}], "s": "x"};
        let find = |path: &str| find(&document, Path::new(path).parts()).map(Option::<&Value>::cloned);
        assert_eq!(find("a.b").unwrap(), Some(1.into()));
        assert_eq!(find("a.c").unwrap(), None);
        assert_eq!(find("n.c").unwrap(), None);
        assert_eq!(find("v.9").unwrap(), None);
        assert!(find("v").unwrap().is_some());
        for path in ["v.0", "v.1.x", "v.x", "s.x", "a.b.c"] {
            assert!(find(path).is_err(), "{path}");
        }
    }
}

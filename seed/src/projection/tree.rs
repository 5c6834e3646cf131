//! The tree of the fields that a projection names.

use crate::error::{Error, Result};
use crate::expr::Expression;
use crate::filter::Filter;
use crate::path::{Part, Path};
use crate::value::Text;

/// The fields that a projection names in a document, in the order in which it names them.
#[derive(Clone, Debug, Default)]
pub(super) struct Fields {
    children: Vec<(Text, Child)>,
    is_computed: bool,
}

/// What a projection does with one field.
#[derive(Clone, Debug)]
pub(super) enum Child {
    /// Keeps it in an inclusion, drops it in an exclusion.
    Named,
    /// Keeps it, for a later step cuts it.
    Sliced,
    /// Looks at the documents in it.
    Inside(Fields),
    /// Sets it to what an expression gives.
    Computed(Expression),
    /// Sets it to the first element that meets `$elemMatch`.
    Element(Filter),
}

impl Child {
    fn is_computed(&self) -> bool {
        match self {
            Self::Computed(_) | Self::Element(_) => true,
            Self::Inside(fields) => fields.is_computed,
            Self::Named | Self::Sliced => false,
        }
    }
}

impl Fields {
    /// Returns what is to be done with a field; none if it is not named.
    pub(super) fn get(&self, name: &str) -> Option<&Child> {
        self.children
            .iter()
            .find(|(field, _)| field == name)
            .map(|(_, child)| child)
    }

    /// Returns the fields in the order in which they were named.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &Child)> {
        self.children.iter().map(|(name, child)| (name.as_str(), child))
    }

    /// Tells whether a value is worked out somewhere below.
    pub(super) fn is_computed(&self) -> bool {
        self.is_computed
    }

    /// Takes a field out again.
    pub(super) fn remove(&mut self, name: &str) {
        self.children.retain(|(field, _)| field != name);
    }

    /// Adds what is to be done with a path.
    ///
    /// # Errors
    /// [`ErrorKind::Query`](crate::ErrorKind::Query) if the path, one above it or one below it was named before.
    pub(super) fn insert(&mut self, path: &Path, child: Child) -> Result<()> {
        self.insert_at(path.parts(), child)
            .map_err(|error| error.at_path(path.as_str()))
    }

    fn insert_at(&mut self, parts: &[Part], child: Child) -> Result<()> {
        let (first, rest) = parts.split_first().expect("a path has at least one part");
        self.is_computed |= child.is_computed();
        let known = self.children.iter_mut().find(|(name, _)| name == first.name());
        match known.map(|(_, known)| known) {
            Some(Child::Inside(inner)) if !rest.is_empty() => inner.insert_at(rest, child),
            Some(_) => Err(Error::query("the path, or one above or below it, is named twice")),
            None if rest.is_empty() => {
                self.children.push((first.name().clone(), child));
                Ok(())
            }
            None => {
                let mut inner = Self::default();
                inner.insert_at(rest, child)?;
                self.children.push((first.name().clone(), Child::Inside(inner)));
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_named_once() {
        let mut fields = Fields::default();
        for path in ["a.b", "a.c", "d"] {
            fields.insert(&Path::new(path), Child::Named).unwrap();
        }
        for path in ["a", "a.b", "a.b.c", "d.e", "d"] {
            let error = fields.insert(&Path::new(path), Child::Named).unwrap_err();
            assert_eq!(error.place().path.as_deref(), Some(path));
        }
    }
}

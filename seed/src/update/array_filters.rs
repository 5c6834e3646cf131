//! Array filters: which elements the part `$[name]` of a path means.

use crate::error::{Error, Result};
use crate::filter::{Filter, Node};
use crate::value::{Document, Text, Value};

/// A filter on the elements of an array, under a name.
#[derive(Clone, Debug)]
pub(crate) struct ArrayFilter {
    identifier: Text,
    filter: Filter,
}

impl ArrayFilter {
    /// Reads one filter; all its paths begin with the same name.
    pub(crate) fn parse(source: &Document) -> Result<Self> {
        let filter = Filter::parse(source)?;
        refuse_expressions(filter.root())?;
        let identifier = identifier(filter.root())?
            .ok_or_else(|| Error::update("an array filter begins with a name: write {name: condition}"))?
            .clone();
        if !is_identifier(&identifier) {
            return Err(Error::update(format!(
                "the name of an array filter is letters and digits after a small letter, not {identifier:?}"
            )));
        }
        Ok(Self { identifier, filter })
    }

    /// Returns the name that stands between `$[` and `]`.
    pub(crate) fn identifier(&self) -> &str {
        &self.identifier
    }

    /// Tells whether an element is meant.
    pub(crate) fn matches(&self, element: &Value) -> Result<bool> {
        // Under its name an element is reached as the filter's paths say, an array among the elements included.
        let mut wrapped = Document::with_capacity(1);
        wrapped.push(self.identifier.clone(), element.clone());
        self.filter.matches(&wrapped)
    }
}

/// Reads the filters of an update, each with a name of its own.
pub(crate) fn parse(sources: &[Document]) -> Result<Vec<ArrayFilter>> {
    let mut filters: Vec<ArrayFilter> = Vec::with_capacity(sources.len());
    for source in sources {
        let filter = ArrayFilter::parse(source)?;
        if filters.iter().any(|other| other.identifier == filter.identifier) {
            let name = filter.identifier;
            return Err(Error::update(format!(
                "there are two array filters for {name}: join them with $and"
            )));
        }
        filters.push(filter);
    }
    Ok(filters)
}

/// Refuses `$expr`, which sees whole documents and has none here.
pub(crate) fn refuse_expressions(node: &Node) -> Result<()> {
    match node {
        Node::And(nodes) | Node::Or(nodes) | Node::Nor(nodes) => {
            nodes.iter().try_for_each(refuse_expressions)
        }
        Node::Expr(_) => {
            Err(Error::update("$expr cannot be used on the elements of an array").at_operator("$expr"))
        }
        Node::Field(..) | Node::Constant(_) => Ok(()),
    }
}

/// Finds the name that all paths begin with, none if there is no path.
fn identifier(node: &Node) -> Result<Option<&Text>> {
    let (Node::And(nodes) | Node::Or(nodes) | Node::Nor(nodes)) = node else {
        return Ok(match node {
            Node::Field(path, _) => path.parts().first().map(|part| part.name()),
            _ => None,
        });
    };
    let mut common = None;
    for node in nodes {
        let name = identifier(node)?;
        match (common, name) {
            (_, None) => return Ok(None),
            (Some(first), Some(name)) if first != name => {
                return Err(Error::update(format!(
                    "an array filter is for one name, not for {first} and {name}"
                )));
            }
            _ => common = name,
        }
    }
    Ok(common)
}

fn is_identifier(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_element_is_reached_under_the_name() {
        let above = ArrayFilter::parse(&doc! {"e": {"$gt": 1}}).unwrap();
        assert!(above.matches(&2.into()).unwrap());
        assert!(!above.matches(&1.into()).unwrap());
        assert!(above.matches(&[0, 2].into()).unwrap());
        let nested = ArrayFilter::parse(&doc! {"$or": [{"e.x": 1}, {"e.y": 1}]}).unwrap();
        assert_eq!(nested.identifier(), "e");
        assert!(nested.matches(&doc! {"y": 1}.into()).unwrap());
        assert!(!nested.matches(&1.into()).unwrap());
    }

    #[test]
    fn a_filter_without_one_good_name_is_refused() {
        for source in [
            doc! {},
            doc! {"E": 1},
            doc! {"1": 1},
            doc! {"a_b": 1},
            doc! {"$and": [{"e": 1}, {"f": 1}]},
            doc! {"$expr": true},
            doc! {"e": 1, "$expr": true},
            doc! {"$alwaysTrue": 1},
        ] {
            assert!(ArrayFilter::parse(&source).is_err(), "{source}");
        }
    }

    #[test]
    fn each_name_is_given_once() {
        assert!(parse(&[doc! {"e": 1}, doc! {"f": 1}]).is_ok());
        assert!(parse(&[doc! {"e": 1}, doc! {"e.x": 1}]).is_err());
    }
}

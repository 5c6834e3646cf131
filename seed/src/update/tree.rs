//! The tree of an update's paths, with an operator at each end.
//!
//! Two paths that would change the same place have no common tree, which is how such a conflict is found: when the
//! update is parsed, and again when it turns out that `$` or `$[name]` means an element that another path means too.

use std::cmp::Ordering;
use std::sync::Arc;

use super::ops::Operator;
use super::step::{Selector, Step, is_number};
use crate::error::{Error, Result};
use crate::value::Text;

/// What happens at one place of a document.
#[derive(Clone, Debug)]
pub(crate) enum Node {
    /// An operator changes the value.
    Leaf(Arc<Leaf>),
    /// Fields of a document or single elements of an array are changed.
    Branch(Branch),
    /// Many elements of an array are changed.
    Elements(Elements),
}

/// An operator and where it stands in the update.
#[derive(Debug)]
pub(crate) struct Leaf {
    /// The operator's name, such as `$set`.
    pub(crate) name: &'static str,
    /// The whole path as it was written.
    pub(crate) path: Text,
    /// What it does.
    pub(crate) operator: Operator,
}

/// Changes to fields by their names, and to the element that met the query.
#[derive(Clone, Debug, Default)]
pub(crate) struct Branch {
    children: Vec<(Text, Node)>,
    positioned: Option<Box<Node>>,
}

/// Changes to the elements of an array by what selects them.
#[derive(Clone, Debug)]
pub(crate) struct Elements(Vec<(Selector, Node)>);

impl Leaf {
    /// Names the operator and the path in an error, unless it names better ones.
    pub(crate) fn locate(&self, error: Error) -> Error {
        error.at_operator(self.name).at_path(&self.path)
    }
}

impl Node {
    /// Returns the first operator at or below this place, to name a place in an error.
    pub(crate) fn first_leaf(&self) -> &Leaf {
        let child = match self {
            Self::Leaf(leaf) => return leaf,
            Self::Branch(branch) => branch
                .children
                .first()
                .map(|(_, node)| node)
                .or(branch.positioned.as_deref()),
            Self::Elements(elements) => elements.0.first().map(|(_, node)| node),
        };
        child
            .expect("a node is made for the operator at its end")
            .first_leaf()
    }

    /// Takes up the operators of another tree for the same place.
    ///
    /// # Errors
    /// [`ErrorKind::Update`](crate::ErrorKind::Update) if both change one value, or one a value and the other a part of it.
    pub(crate) fn merge(&mut self, other: Self) -> Result<()> {
        match (self, other) {
            (Self::Branch(branch), Self::Branch(other)) => branch.merge(other),
            (Self::Elements(elements), Self::Elements(other)) => elements.merge(other),
            (node, other) => Err(conflict(node.first_leaf(), other.first_leaf())),
        }
    }
}

impl Branch {
    /// Adds an operator at the end of a path that begins with a field.
    ///
    /// # Errors
    /// As [`Node::merge`].
    pub(crate) fn insert(&mut self, steps: &[Step], leaf: Leaf) -> Result<()> {
        let end = Node::Leaf(Arc::new(leaf));
        let path = steps.iter().rev().fold(end, |node, step| match step {
            Step::Field(name) => Node::Branch(Self {
                children: vec![(name.clone(), node)],
                positioned: None,
            }),
            Step::Position => Node::Branch(Self {
                children: Vec::new(),
                positioned: Some(Box::new(node)),
            }),
            Step::Elements(selector) => Node::Elements(Elements(vec![(*selector, node)])),
        });
        match path {
            Node::Branch(path) => self.merge(path),
            Node::Leaf(_) | Node::Elements(_) => Ok(()),
        }
    }

    /// Returns the changes by name, in the order in which new fields come.
    pub(crate) fn children(&self) -> &[(Text, Node)] {
        &self.children
    }

    /// Returns the changes to the element that met the query.
    pub(crate) fn positioned(&self) -> Option<&Node> {
        self.positioned.as_deref()
    }

    /// Returns the changes by name, where the element that met the query has got the name of its position.
    ///
    /// # Errors
    /// As [`Node::merge`].
    pub(crate) fn with_position(&self, node: &Node, position: usize) -> Result<Vec<(Text, Node)>> {
        let mut named = Self {
            children: self.children.clone(),
            positioned: None,
        };
        named.put(position.to_string().into(), node.clone())?;
        Ok(named.children)
    }

    fn merge(&mut self, other: Self) -> Result<()> {
        for (name, node) in other.children {
            self.put(name, node)?;
        }
        match (&mut self.positioned, other.positioned) {
            (Some(node), Some(other)) => node.merge(*other)?,
            (mine @ None, other) => *mine = other,
            (Some(_), None) => {}
        }
        Ok(())
    }

    fn put(&mut self, name: Text, node: Node) -> Result<()> {
        match self
            .children
            .binary_search_by(|(other, _)| compare_names(other, &name))
        {
            Ok(at) => self.children[at].1.merge(node),
            Err(at) => {
                self.children.insert(at, (name, node));
                Ok(())
            }
        }
    }
}

impl Elements {
    /// Returns the changes by what selects the elements.
    pub(crate) fn children(&self) -> &[(Selector, Node)] {
        &self.0
    }

    fn merge(&mut self, other: Self) -> Result<()> {
        for (selector, node) in other.0 {
            match self.0.iter_mut().find(|(mine, _)| *mine == selector) {
                Some((_, mine)) => mine.merge(node)?,
                None => self.0.push((selector, node)),
            }
        }
        Ok(())
    }
}

/// Orders names by their bytes, but numbers by their value.
///
/// Source: the server's `cmpPathsAndArrayIndexes`. It is no total order (`9` < `10` < `1a` < `9`), so nothing may rely
/// on that.
fn compare_names(a: &str, b: &str) -> Ordering {
    if is_number(a) && is_number(b) {
        a.len().cmp(&b.len()).then_with(|| a.cmp(b))
    } else {
        a.cmp(b)
    }
}

fn conflict(first: &Leaf, second: &Leaf) -> Error {
    let message = format!(
        "{} of {:?} changes the same place: leave one of them out",
        first.name,
        first.path.as_str()
    );
    second.locate(Error::update(message))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::update::step;
    use crate::value::Value;

    fn tree(paths: &[&str]) -> Result<Branch> {
        let mut root = Branch::default();
        for path in paths {
            let leaf = Leaf {
                name: "$set",
                path: (*path).into(),
                operator: Operator::Set(Value::Null),
            };
            root.insert(&step::parse(path, &[])?, leaf)?;
        }
        Ok(root)
    }

    #[test]
    fn names_come_in_order_and_numbers_by_their_value() {
        let root = tree(&["b", "10", "a", "9", "B"]).unwrap();
        let order: Vec<&str> = root.children().iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(order, ["9", "10", "B", "a", "b"]);
    }

    #[test]
    fn a_path_conflicts_with_itself_and_its_prefixes() {
        for paths in [
            ["a", "a"],
            ["a", "a.b"],
            ["a.b", "a"],
            ["a.$", "a.$"],
            ["a.$[].b", "a.$[]"],
        ] {
            let error = tree(&paths).unwrap_err();
            assert_eq!(error.place().path.as_deref(), Some(paths[1]));
        }
        for paths in [
            ["a.b", "a.c"],
            ["a", "ab"],
            ["a.$", "a.0"],
            ["a.$[].b", "a.$[].c"],
        ] {
            assert!(tree(&paths).is_ok(), "{paths:?}");
        }
    }

    #[test]
    fn elements_by_position_and_by_selector_conflict() {
        assert!(tree(&["a.$[]", "a.0"]).is_err());
        assert!(tree(&["a.$.b", "a.$[].c"]).is_err());
    }
}

//! An update applied: its tree and the document are walked together.
//!
//! Nothing is changed in place. Each step gives the new value or says that there is none, so that a document without
//! changes is never copied, and one that fails half-way is as it was.

use std::borrow::Cow;

use super::ops::{Change, rename};
use super::step::{Selector, array_index};
use super::tree::{Branch, Elements, Leaf, Node};
use super::{Context, Operators};
use crate::error::{Error, ErrorKind, Result};
use crate::path::Path;
use crate::value::limits::MAX_DOCUMENT_BYTES;
use crate::value::{Array, DateTime, Document, Text, Value};

/// How many nulls may be put before an element that is set beyond the end of its array, as in the server.
const MAX_PADDING: usize = 1_500_000;

/// How many elements one update may add to arrays: each takes three bytes at least, so more fit in no document.
const MAX_GROWTH: usize = MAX_DOCUMENT_BYTES / 3;

/// One update on one document.
#[derive(Debug)]
pub(crate) struct Run<'a> {
    operators: &'a Operators,
    document: &'a Document,
    position: Option<usize>,
    now: DateTime,
    inserting: bool,
    grown: usize,
    /// Where values were taken away by `$rename`.
    moved: Vec<Path>,
}

impl<'a> Run<'a> {
    /// Prepares to change a document that is there.
    pub(super) fn updating(operators: &'a Operators, document: &'a Document, context: &Context) -> Self {
        Self {
            operators,
            document,
            position: context.position,
            now: context.now,
            inserting: false,
            grown: 0,
            moved: Vec::new(),
        }
    }

    /// Prepares to complete a document that is about to be inserted; no element of an array has met its query.
    pub(super) fn inserting(operators: &'a Operators, document: &'a Document, context: &Context) -> Self {
        Self {
            position: None,
            inserting: true,
            ..Self::updating(operators, document, context)
        }
    }

    /// Returns the changed document, none if nothing changes.
    pub(super) fn apply(mut self) -> Result<Option<Document>> {
        let Some(mut changed) = self.branch_in_document(&self.operators.root, self.document)? else {
            return Ok(None);
        };
        for path in &self.moved {
            rename::remove(&mut changed, path.parts());
        }
        self.check_id(&mut changed)?;
        Ok(Some(changed))
    }

    /// Returns the time that `$currentDate` sets.
    pub(crate) fn now(&self) -> DateTime {
        self.now
    }

    /// Tells whether `$setOnInsert` is to set.
    pub(crate) fn is_inserting(&self) -> bool {
        self.inserting
    }

    /// Returns the document before the update.
    pub(crate) fn original(&self) -> &'a Document {
        self.document
    }

    /// Notes that the value at a path is to go, since it stands elsewhere now.
    pub(crate) fn move_away(&mut self, path: &Path) {
        self.moved.push(path.clone());
    }

    /// Counts elements that are about to be added to an array.
    ///
    /// # Errors
    /// [`ErrorKind::Limit`] if no document can hold them; it is found out before they take up the memory.
    pub(crate) fn grow(&mut self, by: usize) -> Result<()> {
        self.grown = self.grown.saturating_add(by);
        if self.grown <= MAX_GROWTH {
            return Ok(());
        }
        let message =
            format!("the update adds more than {MAX_GROWTH} elements to arrays, no document holds so many");
        Err(Error::new(ErrorKind::Limit, message))
    }

    fn check_id(&self, changed: &mut Document) -> Result<()> {
        match (self.document.id(), changed.id()) {
            (old @ Some(_), new) if old != new => {
                Err(Error::update("the _id cannot be changed: insert a new document").at_path("_id"))
            }
            (None, Some(id)) => {
                let id = id.clone();
                changed.set_first("_id", id);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn node(&mut self, node: &Node, value: &Value) -> Result<Change> {
        match (node, value) {
            (Node::Leaf(leaf), _) => leaf
                .operator
                .on_value(value, self)
                .map_err(|error| leaf.locate(error)),
            (Node::Branch(branch), Value::Document(document)) => {
                self.branch_in_document(branch, document).map(Change::of)
            }
            (Node::Branch(branch), Value::Array(array)) => {
                self.branch_in_array(branch, array, value).map(Change::of)
            }
            (Node::Branch(_), _) => self.dead_end(node, value).map(|()| Change::Keep),
            (Node::Elements(elements), Value::Array(array)) => self.elements(elements, array).map(Change::of),
            (Node::Elements(_), _) => {
                let found = value.type_name();
                let message = format!("$[] needs an array, but there is a value of type {found}");
                Err(node.first_leaf().locate(Error::update(message)))
            }
        }
    }

    fn branch_in_document(&mut self, branch: &Branch, document: &Document) -> Result<Option<Document>> {
        let mut changed: Option<Document> = None;
        for (name, child) in self.children(branch)?.iter() {
            match self.child(child, changed.as_ref().unwrap_or(document).get(name))? {
                Change::Keep => {}
                Change::Set(value) => {
                    changed
                        .get_or_insert_with(|| document.clone())
                        .set(name.clone(), value);
                }
                Change::Remove => {
                    changed.get_or_insert_with(|| document.clone()).remove(name);
                }
            }
        }
        Ok(changed)
    }

    fn branch_in_array(&mut self, branch: &Branch, array: &Array, value: &Value) -> Result<Option<Array>> {
        let mut changed: Option<Array> = None;
        for (name, child) in self.children(branch)?.iter() {
            let Some(at) = array_index(name) else {
                self.dead_end(child, value)?;
                continue;
            };
            let change = self.child(child, changed.as_ref().unwrap_or(array).get(at))?;
            self.put(array, &mut changed, at, change)
                .map_err(|error| child.first_leaf().locate(error))?;
        }
        Ok(changed)
    }

    fn elements(&mut self, elements: &Elements, array: &Array) -> Result<Option<Array>> {
        let mut changed = None;
        for (at, element) in array.iter().enumerate() {
            if let Some(node) = self.selected(elements, element)? {
                let change = self.node(&node, element)?;
                self.put(array, &mut changed, at, change)?;
            }
        }
        Ok(changed)
    }

    /// Returns what is to happen to an element: the changes of all selectors that take it, if they do not conflict.
    fn selected<'n>(&self, elements: &'n Elements, element: &Value) -> Result<Option<Cow<'n, Node>>> {
        let mut selected: Option<Cow<'n, Node>> = None;
        for (selector, node) in elements.children() {
            if self.selects(*selector, element)? {
                match &mut selected {
                    Some(other) => other.to_mut().merge(node.clone())?,
                    None => selected = Some(Cow::Borrowed(node)),
                }
            }
        }
        Ok(selected)
    }

    fn selects(&self, selector: Selector, element: &Value) -> Result<bool> {
        match selector {
            Selector::Every => Ok(true),
            Selector::Filter(at) => self.operators.array_filters[at].matches(element),
        }
    }

    /// Puts an element into the copy of an array, with nulls before it if it lies beyond the end.
    fn put(&mut self, array: &Array, changed: &mut Option<Array>, at: usize, change: Change) -> Result<()> {
        let value = match change {
            Change::Keep => return Ok(()),
            Change::Set(value) => value,
            // The elements behind it keep their positions. A null that stays a null is no change.
            Change::Remove if array.get(at) == Some(&Value::Null) => return Ok(()),
            Change::Remove => Value::Null,
        };
        let elements = changed.get_or_insert_with(|| array.clone());
        if at < elements.len() {
            elements.make_mut()[at] = value;
            return Ok(());
        }
        let missing = at - elements.len();
        if missing > MAX_PADDING {
            let message =
                format!("the array would be filled up with {missing} nulls, the most is {MAX_PADDING}");
            return Err(Error::update(message));
        }
        self.grow(missing + 1)?;
        elements.extend(std::iter::repeat_n(Value::Null, missing));
        elements.push(value);
        Ok(())
    }

    fn child(&mut self, node: &Node, value: Option<&Value>) -> Result<Change> {
        match value {
            Some(value) => self.node(node, value),
            None => self.missing(node).map(Change::of),
        }
    }

    /// Returns the value that comes to be where there is none, if one does.
    fn missing(&mut self, node: &Node) -> Result<Option<Value>> {
        match node {
            Node::Leaf(leaf) => leaf.operator.on_missing(self).map_err(|error| leaf.locate(error)),
            Node::Branch(branch) => {
                let mut created: Option<Document> = None;
                for (name, child) in self.children(branch)?.iter() {
                    if let Some(value) = self.missing(child)? {
                        created.get_or_insert_default().push(name.clone(), value);
                    }
                }
                Ok(created.map(Value::from))
            }
            Node::Elements(_) => {
                let message = "$[] needs an array, but there is none: create it first";
                Err(node.first_leaf().locate(Error::update(message)))
            }
        }
    }

    /// Refuses what would have to be created below a value that has no such field; only some operators shrug.
    fn dead_end(&mut self, node: &Node, value: &Value) -> Result<()> {
        match node {
            Node::Leaf(leaf) if self.missing(node)?.is_some() || leaf.operator.needs_viable_path() => {
                Err(leaf.locate(not_viable(leaf, value)))
            }
            Node::Leaf(_) => Ok(()),
            Node::Branch(branch) => self
                .children(branch)?
                .iter()
                .try_for_each(|(_, child)| self.dead_end(child, value)),
            Node::Elements(_) => self.missing(node).map(|_| ()),
        }
    }

    /// Returns the changes by name, `$` among them under the position of the element that it means.
    fn children<'n>(&self, branch: &'n Branch) -> Result<Cow<'n, [(Text, Node)]>> {
        let Some(node) = branch.positioned() else {
            return Ok(Cow::Borrowed(branch.children()));
        };
        let Some(position) = self.position else {
            let message = "no element of an array met the filter, so there is none for $: put the array into the filter";
            return Err(node.first_leaf().locate(Error::update(message)));
        };
        branch.with_position(node, position).map(Cow::Owned)
    }
}

fn not_viable(leaf: &Leaf, value: &Value) -> Error {
    let found = value.type_name();
    let hint = match value {
        Value::Array(_) => ": name its elements by position, $[] or $[name]",
        _ => "",
    };
    Error::update(format!(
        "{} leads into a value of type {found}, which has no such field{hint}",
        leaf.path
    ))
}

#[cfg(test)]
mod tests;

//! Updates: how a document is changed.
//!
//! An update is parsed once, at the edge, into a tree of its paths with an operator at each end ([`Update::parse`]), and
//! all that needs no document is checked then. Applied, the tree and the document are walked together
//! ([`Update::apply`]); where nothing met the filter, a new document is made ([`Update::upsert`]). Start reading at
//! `tree`, then `apply`; the operators are in `ops`.
//!
//! What an update changes is MongoDB's answer to the letter, and so is what counts as no change. How large and deep the
//! result may be is left to [`limits`](crate::value::limits), which the stores ask.

mod apply;
mod array_filters;
mod constant;
mod ops;
mod parse;
mod replacement;
mod step;
mod tree;
mod upsert;

use std::sync::Arc;

use crate::error::Result;
use crate::filter::Filter;
use crate::value::{DateTime, Document, Text, Value};
use apply::Run;
use array_filters::ArrayFilter;
use tree::Branch;

/// A parsed update and what it was parsed from. It is cheap to clone.
#[derive(Clone, Debug)]
pub struct Update {
    source: Document,
    array_filters: Vec<Document>,
    body: Arc<Body>,
}

#[derive(Clone, Debug)]
enum Body {
    /// The source takes the place of the document.
    Replacement,
    /// Whole top-level fields get known values, or go (none). In name order, never `_id`.
    Constant(Vec<(Text, Option<Value>)>),
    /// Anything else that is made of operators.
    Operators(Operators),
}

/// Applies [constant](Update::constant) fields and returns the changed document, or none if it has them already.
pub fn apply_fields(fields: &[(Text, Option<Value>)], document: &Document) -> Option<Document> {
    constant::apply(fields, document)
}

/// The operators of an update by their paths.
#[derive(Clone, Debug)]
struct Operators {
    root: Branch,
    array_filters: Vec<ArrayFilter>,
    positional: bool,
}

/// What an update needs to know that is neither in it nor in the document.
#[derive(Clone, Debug)]
pub struct Context {
    /// The time that `$currentDate` sets.
    pub now: DateTime,
    /// The position of the array element that met the filter, for the positional operator `$`; none if none did.
    pub position: Option<usize>,
    /// The `_id` of an upserted document that gets none from the filter or the update; with none it is left out.
    pub new_id: Option<Value>,
}

impl Context {
    /// Makes a context of the time alone.
    pub fn at(now: DateTime) -> Self {
        Self {
            now,
            position: None,
            new_id: None,
        }
    }
}

impl Update {
    /// Parses an update: operators, or a document that replaces the one that it meets (its first name has no `$`).
    ///
    /// The array filters say which elements the parts `$[name]` of its paths mean.
    ///
    /// # Errors
    /// [`ErrorKind::Update`](crate::ErrorKind::Update) names the operator and the path at fault: an operator that is
    /// unknown or has the wrong operand, two that change the same place, an array filter that is missing, given twice or
    /// not used. [`ErrorKind::Query`](crate::ErrorKind::Query) is about a filter in it, and
    /// [`ErrorKind::Limit`](crate::ErrorKind::Limit) about a path that leads deeper than documents do.
    ///
    /// # Example
    /// ```
    /// use seed::update::Context;
    /// use seed::{DateTime, Update, doc};
    ///
    /// let update = Update::parse(&doc! { "$inc": { "n": 1 }, "$push": { "log": "again" } }, &[])?;
    /// let context = Context::at(DateTime::from_millis(0));
    /// let changed = update.apply(&doc! { "_id": 1, "n": 1 }, &context)?;
    /// assert_eq!(changed, Some(doc! { "_id": 1, "n": 2, "log": ["again"] }));
    /// # Ok::<(), seed::Error>(())
    /// ```
    pub fn parse(source: &Document, array_filters: &[Document]) -> Result<Self> {
        Ok(Self {
            body: Arc::new(parse::parse(source, array_filters)?),
            source: source.clone(),
            array_filters: array_filters.to_vec(),
        })
    }

    /// Returns the document that the update was parsed from.
    pub fn source(&self) -> &Document {
        &self.source
    }

    /// Returns the array filters that it was parsed with.
    pub fn array_filters(&self) -> &[Document] {
        &self.array_filters
    }

    /// Tells whether the update replaces the whole document but for its `_id`.
    pub fn is_replacement(&self) -> bool {
        matches!(*self.body, Body::Replacement)
    }

    /// Tells whether a path has the positional operator `$`, so that [`Context::position`] matters.
    pub fn needs_position(&self) -> bool {
        matches!(&*self.body, Body::Operators(operators) if operators.positional)
    }

    /// Returns the fields that it sets, or unsets (none), if it does nothing but that to whole top-level fields.
    ///
    /// They come in name order, each once, and `_id` is not among them. Such an update needs no look at the document, so
    /// a store can carry it out where the document lies.
    pub fn constant(&self) -> Option<&[(Text, Option<Value>)]> {
        match &*self.body {
            Body::Constant(fields) => Some(fields),
            Body::Replacement | Body::Operators(_) => None,
        }
    }

    /// Applies the update and returns the changed document, or none if there was nothing to change.
    ///
    /// # Errors
    /// [`ErrorKind::Update`](crate::ErrorKind::Update) if it cannot be applied to this document: a path leads through a
    /// scalar, a number is to be added to a string, the `_id` would change.
    /// [`ErrorKind::Limit`](crate::ErrorKind::Limit) if arrays would grow beyond what a document can hold.
    pub fn apply(&self, document: &Document, context: &Context) -> Result<Option<Document>> {
        match &*self.body {
            Body::Replacement => replacement::replace(&self.source, document),
            Body::Constant(fields) => Ok(constant::apply(fields, document)),
            Body::Operators(operators) => Run::updating(operators, document, context).apply(),
        }
    }

    /// Makes the document to insert when nothing met the filter.
    ///
    /// It begins with what the filter says its fields are equal to, then the operators are applied, `$setOnInsert`
    /// among them; a replacement takes only the `_id` from the filter. `_id` comes first.
    ///
    /// # Errors
    /// As [`apply`](Self::apply), and [`ErrorKind::Update`](crate::ErrorKind::Update) if the filter says of one field
    /// twice what it is equal to, or if the `_id` would be an array.
    pub fn upsert(&self, filter: &Filter, context: &Context) -> Result<Document> {
        upsert::document(self, filter, context)
    }
}

//! Projections: which fields of a document are wanted, and which are worked out.
//!
//! A projection is parsed into a tree of fields (`tree`) and then applied to many documents (`apply`). The stages
//! `$project`, `$addFields` and `$unset` of a pipeline are projections too, without what only `find` knows: `$slice`,
//! `$elemMatch` and the positional `$` (`find`).

mod apply;
mod find;
mod parse;
mod tree;

use crate::error::Result;
use crate::expr;
use crate::filter::Filter;
use crate::value::Document;
use find::Step;
use tree::{Child, Fields};

pub(crate) use parse::Syntax;

/// What a projection does with the fields that it does not name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Kind {
    /// They fall away.
    Inclusion,
    /// They stay.
    Exclusion,
}

/// A parsed projection.
#[derive(Clone, Debug)]
pub struct Projection {
    source: Document,
    kind: Kind,
    fields: Fields,
    /// What is done with the projected document, in order.
    steps: Vec<Step>,
}

impl Projection {
    /// Parses the projection of a find; an empty one keeps documents as they are.
    ///
    /// # Errors
    /// [`ErrorKind::Query`](crate::ErrorKind::Query) names the operator and the path at fault,
    /// [`ErrorKind::Limit`](crate::ErrorKind::Limit) says that paths or expressions nest too deep.
    ///
    /// # Example
    /// ```
    /// use seed::{Filter, Projection, doc};
    ///
    /// let projection = Projection::parse(&doc! { "tag": 1, "data.to": 1, "_id": 0 })?;
    /// let job = doc! { "_id": 1, "data": { "to": "ada", "cc": "bob" }, "tag": "mail" };
    /// let expected = doc! { "data": { "to": "ada" }, "tag": "mail" };
    /// assert_eq!(projection.apply(&job, &Filter::all())?, expected);
    /// # Ok::<(), seed::Error>(())
    /// ```
    pub fn parse(source: &Document) -> Result<Self> {
        parse::parse(source, Syntax::Find)
    }

    /// Parses a projection as a stage of a pipeline has it.
    pub(crate) fn parse_as(source: &Document, syntax: Syntax) -> Result<Self> {
        parse::parse(source, syntax)
    }

    /// Applies the projection to a document that meets `filter`, which tells the element that the positional `$` means.
    ///
    /// # Errors
    /// [`ErrorKind::Query`](crate::ErrorKind::Query) if an expression cannot be worked out or no array element met the
    /// filter, [`ErrorKind::Limit`](crate::ErrorKind::Limit) if the document grows too large.
    pub fn apply(&self, document: &Document, filter: &Filter) -> Result<Document> {
        let mut projected = self.apply_fields(document)?;
        for step in &self.steps {
            step.apply(document, &mut projected, filter)?;
        }
        Ok(projected)
    }

    /// Applies the projection of a stage, which has no steps.
    pub(crate) fn apply_fields(&self, document: &Document) -> Result<Document> {
        let mut projected = apply::select(&self.fields, self.kind, document);
        if self.fields.is_computed() {
            apply::compute(&self.fields, document, &mut projected)?;
            expr::check(&projected)?;
        }
        Ok(projected)
    }

    /// Returns the document that the projection was parsed from.
    pub fn source(&self) -> &Document {
        &self.source
    }

    /// Returns the names that are kept, if the projection does nothing but keep some top-level fields.
    pub fn included(&self) -> Option<Vec<&str>> {
        let kept = |(name, child)| matches!(child, &Child::Named).then_some(name);
        match self.kind {
            Kind::Inclusion if self.steps.is_empty() => self.fields.iter().map(kept).collect(),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;

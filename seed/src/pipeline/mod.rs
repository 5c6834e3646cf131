//! Pipelines: stages that documents run through, one after the other.
//!
//! A pipeline is parsed once (`parse`). A [`Run`] is then given the documents one by one, so that a store never
//! holds them all: `$group` keeps only its groups, a `$sort` that a `$limit` follows only as many documents as that
//! asks for. Start reading in `run`.

mod accumulate;
mod group;
mod memory;
mod parse;
mod run;
mod sort;
mod unwind;

use crate::error::Result;
use crate::expr::Expression;
use crate::filter::Filter;
use crate::projection::Projection;
use crate::sort::Sort;
use crate::value::{Document, Text};
use group::Group;
use unwind::Unwind;

pub use memory::MAX_BYTES;
pub use run::Run;

/// How many stages a pipeline has at most.
pub const MAX_STAGES: usize = 200;

/// A parsed pipeline.
#[derive(Clone, Debug, Default)]
pub struct Pipeline {
    source: Vec<Document>,
    stages: Vec<Stage>,
}

/// One stage.
#[derive(Clone, Debug)]
enum Stage {
    Match(Filter),
    /// `$project`, `$addFields`, `$set`, `$unset`
    Project(Projection),
    /// `$replaceRoot`, `$replaceWith`
    Replace(Expression),
    Unwind(Unwind),
    Group(Group),
    Sort(Sort),
    Skip(u64),
    Limit(u64),
    Count(Text),
}

impl Pipeline {
    /// Parses a pipeline; one without stages gives the documents as they are.
    ///
    /// # Errors
    /// [`ErrorKind::Query`](crate::ErrorKind::Query) names the stage or operator and the path at fault,
    /// [`ErrorKind::Unsupported`](crate::ErrorKind::Unsupported) a stage or operator of MongoDB's that is not offered,
    /// [`ErrorKind::Limit`](crate::ErrorKind::Limit) says that there are more than [`MAX_STAGES`] stages.
    ///
    /// # Example
    /// ```
    /// use seed::{Pipeline, doc};
    ///
    /// let pipeline = Pipeline::parse(&[
    ///     doc! { "$match": { "done": true } },
    ///     doc! { "$group": { "_id": "$tag", "jobs": { "$sum": 1 } } },
    /// ])?;
    /// let mut run = pipeline.run();
    /// for job in [doc! { "tag": "mail", "done": true }, doc! { "tag": "mail", "done": false }] {
    ///     if run.push(job)?.is_break() {
    ///         break;
    ///     }
    /// }
    /// assert_eq!(run.finish()?, [doc! { "_id": "mail", "jobs": 1 }]);
    /// # Ok::<(), seed::Error>(())
    /// ```
    pub fn parse(source: &[Document]) -> Result<Self> {
        Ok(Self {
            source: source.to_vec(),
            stages: parse::stages(source)?,
        })
    }

    /// Returns the filter of the first stage, if that is a `$match`, so that a store can look for those documents only.
    pub fn leading_match(&self) -> Option<&Filter> {
        match self.stages.first() {
            Some(Stage::Match(filter)) => Some(filter),
            _ => None,
        }
    }

    /// Returns the top-level fields by which the stage behind the leading `$match`, if any, groups documents that it only
    /// counts, so that a store can count them in an index.
    pub fn counted_by(&self) -> Option<&[Text]> {
        match self.stages.get(usize::from(self.leading_match().is_some())) {
            Some(Stage::Group(group)) => group.counted_by(),
            _ => None,
        }
    }

    /// Starts a run over all documents of a collection.
    pub fn run(&self) -> Run<'_> {
        Run::new(&self.stages)
    }

    /// Starts a run over documents that are known to meet [`leading_match`](Self::leading_match).
    pub fn run_matched(&self) -> Run<'_> {
        Run::new(&self.stages[usize::from(self.leading_match().is_some())..])
    }

    /// Returns the stages as they were written.
    pub fn source(&self) -> &[Document] {
        &self.source
    }
}

#[cfg(test)]
mod tests;

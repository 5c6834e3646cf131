//! Runs documents through the stages of a pipeline.

use std::ops::ControlFlow;

use crate::error::{Error, Result};
use crate::expr::{self, Expression};
use crate::filter::Filter;
use crate::projection::Projection;
use crate::value::{Document, Value};

use super::Stage;
use super::group::Groups;
use super::sort::Sorter;
use super::unwind::Unwind;

/// A run of a pipeline: documents are pushed in one by one, and at the end it gives what came out.
#[derive(Debug)]
pub struct Run<'a> {
    states: Vec<State<'a>>,
    out: Vec<Document>,
}

/// A stage and what it keeps.
#[derive(Debug)]
enum State<'a> {
    Match(&'a Filter),
    Project(&'a Projection),
    Replace(&'a Expression),
    Unwind(&'a Unwind),
    /// So many are still to be skipped.
    Skip(u64),
    /// So many may still pass.
    Limit(u64),
    Group(Groups<'a>),
    Sort(Sorter<'a>),
    Count(&'a str, i64),
}

impl<'a> Run<'a> {
    pub(super) fn new(stages: &'a [Stage]) -> Self {
        let states = stages
            .iter()
            .enumerate()
            .map(|(at, stage)| State::new(stage, &stages[at + 1..]));
        Self {
            states: states.collect(),
            out: Vec::new(),
        }
    }

    /// Runs a document as far as it comes. After [`ControlFlow::Break`] no other document can change the outcome.
    ///
    /// # Errors
    /// [`ErrorKind::Query`](crate::ErrorKind::Query) if an expression cannot be worked out for the document,
    /// [`ErrorKind::Limit`](crate::ErrorKind::Limit) if a stage would keep more than [`MAX_BYTES`](super::MAX_BYTES),
    /// or a document grows larger than one may be.
    pub fn push(&mut self, document: Document) -> Result<ControlFlow<()>> {
        feed(&mut self.states, document, &mut self.out)
    }

    /// Adds so many documents with the key of this one to the first stage, a group that only counts.
    ///
    /// # Errors
    /// As [`push`](Self::push).
    pub fn push_counted(&mut self, document: &Document, count: u64) -> Result<()> {
        match self.states.first_mut() {
            Some(State::Group(groups)) => groups.add_counted(document, count),
            _ => Ok(()),
        }
    }

    /// Ends the run and returns the documents that came out, in order.
    ///
    /// # Errors
    /// As [`push`](Self::push).
    pub fn finish(mut self) -> Result<Vec<Document>> {
        let mut states = self.states.as_mut_slice();
        while let Some((state, rest)) = states.split_first_mut() {
            for document in state.give()? {
                if feed(rest, document, &mut self.out)?.is_break() {
                    break;
                }
            }
            states = rest;
        }
        Ok(self.out)
    }
}

impl<'a> State<'a> {
    fn new(stage: &'a Stage, rest: &[Stage]) -> Self {
        match stage {
            Stage::Match(filter) => Self::Match(filter),
            Stage::Project(projection) => Self::Project(projection),
            Stage::Replace(expression) => Self::Replace(expression),
            Stage::Unwind(unwind) => Self::Unwind(unwind),
            Stage::Skip(count) => Self::Skip(*count),
            Stage::Limit(count) => Self::Limit(*count),
            Stage::Group(group) => Self::Group(Groups::new(group)),
            Stage::Sort(sort) => Self::Sort(Sorter::new(sort, wanted(rest))),
            Stage::Count(name) => Self::Count(name, 0),
        }
    }

    /// Returns what the stage has kept until all documents were there.
    fn give(&mut self) -> Result<Vec<Document>> {
        match self {
            Self::Group(groups) => groups.give(),
            Self::Sort(sorter) => Ok(sorter.give()),
            Self::Count(_, 0) => Ok(Vec::new()),
            Self::Count(name, count) => Ok(vec![doc! {(*name): (*count)}]),
            _ => Ok(Vec::new()),
        }
    }
}

/// Returns how many documents the stages after a sort want of it; none if they want all.
fn wanted(rest: &[Stage]) -> Option<u64> {
    let mut skipped = 0_u64;
    for stage in rest {
        match stage {
            Stage::Skip(count) => skipped = skipped.saturating_add(*count),
            Stage::Limit(count) => return Some(skipped.saturating_add(*count)),
            Stage::Project(_) | Stage::Replace(_) => {}
            Stage::Match(_) | Stage::Unwind(_) | Stage::Group(_) | Stage::Sort(_) | Stage::Count(_) => {
                return None;
            }
        }
    }
    None
}

/// Runs a document through the stages until one keeps or drops it, or it comes out.
fn feed(states: &mut [State<'_>], document: Document, out: &mut Vec<Document>) -> Result<ControlFlow<()>> {
    let Some((state, rest)) = states.split_first_mut() else {
        out.push(document);
        return Ok(ControlFlow::Continue(()));
    };
    match state {
        State::Match(filter) => {
            if filter.matches(&document)? {
                return feed(rest, document, out);
            }
        }
        State::Project(projection) => return feed(rest, projection.apply_fields(&document)?, out),
        State::Replace(expression) => return feed(rest, replaced(expression, &document)?, out),
        State::Unwind(unwind) => {
            for document in unwind.apply(&document) {
                if feed(rest, document, out)?.is_break() {
                    return Ok(ControlFlow::Break(()));
                }
            }
        }
        State::Skip(0) => return feed(rest, document, out),
        State::Skip(left) => *left -= 1,
        State::Limit(0) => return Ok(ControlFlow::Break(())),
        State::Limit(left) => {
            *left -= 1;
            let is_last = *left == 0;
            let flow = feed(rest, document, out)?;
            return Ok(if is_last { ControlFlow::Break(()) } else { flow });
        }
        State::Group(groups) => groups.add(&document)?,
        State::Sort(sorter) => sorter.add(document)?,
        State::Count(_, count) => *count += 1,
    }
    Ok(ControlFlow::Continue(()))
}

fn replaced(expression: &Expression, document: &Document) -> Result<Document> {
    match expression.evaluate(document)? {
        Some(Value::Document(root)) => {
            expr::check(&root)?;
            Ok(root)
        }
        other => {
            let kind = other.as_ref().map_or("missing", Value::type_name);
            Err(Error::query(format!("the new root is a document, not {kind}")).at_operator("$replaceRoot"))
        }
    }
}
